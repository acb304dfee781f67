"""Keeping an uploaded file: its bytes in the store, what is known of it in the database; and letting it go again."""

import hashlib
from datetime import timedelta
from functools import lru_cache

from sqlalchemy import delete, select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import DiscardedFile, StoredFile
from gongkao.rules import fields
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.uploads import Upload, page_count, thumbnail

# A file stays so long after its last row is gone: a backup that is under way still reads it.
GRACE = timedelta(days=1)


def keep(upload: Upload, name: str) -> StoredFile:
    """Store a checked upload inside the caller's use case. The bytes go first: a row never points at nothing."""
    sha256 = hashlib.sha256(upload.data).hexdigest()
    # Whoever is letting the same bytes go at this moment comes before or after, never in between.
    db.session.execute(delete(DiscardedFile).where(DiscardedFile.sha256 == sha256))
    store().put(upload.data)
    # People call a scan by the number on it; the name is not sealed as the bytes are.
    known = fields.mask_numbers(name.strip())[-120:] or "文件"
    row = StoredFile(sha256=sha256, size=len(upload.data), media_type=upload.media_type, name=known)
    db.session.add(row)
    db.session.flush()
    return row


def read(row: StoredFile) -> bytes:
    """The bytes of a stored file."""
    return store().get(row.sha256)


def discard(row: StoredFile) -> None:
    """Forget a stored file that nothing refers to any more, inside the caller's use case; `sweep` removes its bytes."""
    if db.session.get(DiscardedFile, row.sha256) is None:
        db.session.add(DiscardedFile(sha256=row.sha256, discarded_at=now()))
    db.session.delete(row)
    db.session.flush()


def sweep() -> int:
    """Remove from the store what was discarded a day ago or longer and no row points at; returns how many files."""
    due = select(DiscardedFile.sha256).where(DiscardedFile.discarded_at <= now() - GRACE)
    digests = db.session.scalars(due.order_by(DiscardedFile.sha256)).all()
    db.session.rollback()
    return sum(_remove(digest) for digest in digests)


def _remove(digest: str) -> bool:
    with transaction() as session:
        query = select(DiscardedFile).where(DiscardedFile.sha256 == digest)
        discarded = session.scalar(query.with_for_update().execution_options(populate_existing=True))
        if discarded is None:
            # Kept again meanwhile.
            return False
        session.delete(discarded)
        if session.scalar(select(StoredFile.id).where(StoredFile.sha256 == digest).limit(1)) is not None:
            return False
        store().remove(digest)
    return True


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
