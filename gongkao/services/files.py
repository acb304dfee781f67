"""Keeping an uploaded file: its bytes in the store, what is known of it in the database."""

from gongkao.extensions import db
from gongkao.models import StoredFile
from gongkao.storage import store
from gongkao.storage.uploads import Upload


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
