"""Keeping an uploaded file: its bytes in the store, what is known of it in the database."""

from functools import lru_cache

from gongkao.extensions import db
from gongkao.models import StoredFile
from gongkao.storage import store
from gongkao.storage.uploads import Upload, page_count, thumbnail


def keep(upload: Upload, name: str) -> StoredFile:
    """Store a checked upload inside the caller's use case. The bytes go first: a row never points at nothing."""
    sha256 = store().put(upload.data)
    row = StoredFile(
        sha256=sha256, size=len(upload.data), media_type=upload.media_type, name=name.strip()[-120:] or "文件"
    )
    db.session.add(row)
    db.session.flush()
    return row


def read(row: StoredFile) -> bytes:
    """The bytes of a stored file."""
    return store().get(row.sha256)


def small_picture(row: StoredFile) -> bytes:
    """A stored picture as a small JPEG."""
    return thumbnail(read(row))


def pages(row: StoredFile) -> int | None:
    """How many pages a stored PDF has; None for a picture."""
    return _pages(row.sha256) if row.media_type == "application/pdf" else None


@lru_cache(maxsize=4096)
def _pages(sha256: str) -> int:
    # What is stored under a hash never changes.
    return page_count(store().get(sha256))
