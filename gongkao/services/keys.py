"""The keys that seal columns and files: what there is, and putting fresh ones in the place of old ones.

Everything here may be stopped at any moment and begun again, and people work on meanwhile: what is sealed tells by
which key, a row is sealed anew only where nobody has changed it since it was read, and whoever meets a key that is new
to them looks it up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    String,
    Table,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
    type_coerce,
    update,
)

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import DataKeyEntry, StoredFile
from gongkao.models.types import Sealed
from gongkao.sealing import Purpose, Unreadable, keyring
from gongkao.services import audit
from gongkao.services.errors import Refused
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.sealed import SealedStore
from gongkao.storage.store import DamagedFile, MissingFile

_ROWS = 500
# What a key for look-ups has hashed cannot be hashed anew without everybody's number at once; it is not rotated.
_ROTATED = (Purpose.FIELD, Purpose.FILE)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class KeyLine:
    """One data key as it is told of; never its secret."""

    id: int
    purpose: Purpose
    created_at: datetime
    retired_at: datetime | None
    in_use: bool


@dataclass(frozen=True)
class Rotated:
    """How many rows and files were sealed anew, and the files that are not in the store."""

    rows: int
    files: int
    missing: int


def lines() -> list[KeyLine]:
    """Every data key, the oldest first."""
    columns = DataKeyEntry.id, DataKeyEntry.purpose, DataKeyEntry.created_at, DataKeyEntry.retired_at
    found = db.session.execute(select(*columns).order_by(DataKeyEntry.id)).all()
    newest = {purpose: number for number, purpose, *_ in found}
    return [KeyLine(*row, in_use=newest[row.purpose] == row.id) for row in found]


def rotate(progress: Progress = lambda *_: None) -> Rotated:
    """Make fresh data keys for columns and files and seal everything anew with them.

    A rotation that was stopped is gone on with, not begun anew. Raises Refused where something cannot be opened.
    """
    if not _unfinished():
        with transaction() as session:
            for purpose in _ROTATED:
                keyring().add(session.connection(), purpose)
            audit.record(None, "rotate_keys", _newest(), step="begin")
    keyring().load()
    # The second time for what was written by whoever had not heard of the new key yet.
    rows = sum(_reseal(table, columns, progress) for _ in range(2) for table, columns in sealed_columns())
    files, missing = _reseal_files(progress)
    with transaction() as session:
        for one in session.scalars(select(DataKeyEntry).where(_replaced())):
            one.retired_at = now()
        audit.record(None, "rotate_keys", _newest(), step="end", rows=rows, files=files, missing=missing)
    return Rotated(rows, files, missing)


def rotate_master() -> tuple[str, int]:
    """Wrap every data key with a fresh master key and take the old one out of the file.

    Returns the new master key's id and how many data keys it wraps. Stopped half-way, both master keys are in the file.
    """
    name = keyring().add_master()
    with transaction() as session:
        entries = session.scalars(select(DataKeyEntry).with_for_update()).all()
        for one in entries:
            session.execute(update(DataKeyEntry).where(DataKeyEntry.id == one.id).values(secret=one.secret))
        audit.record(None, "rotate_master_key", entries[-1], master=name, keys=len(entries))
    keyring().drop_masters()
    return name, len(entries)


def sealed_columns() -> Iterator[tuple[Table, list[Column[str]]]]:
    """Every table with sealed columns, and these."""
    for table in db.metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, Sealed)]
        if columns:
            yield table, columns


def _replaced() -> ColumnElement[bool]:
    """The keys in use no more: an older one of a purpose that is rotated."""
    newest = select(func.max(DataKeyEntry.id)).where(DataKeyEntry.purpose.in_(_ROTATED)).group_by(DataKeyEntry.purpose)
    return and_(DataKeyEntry.purpose.in_(_ROTATED), DataKeyEntry.retired_at.is_(None), DataKeyEntry.id.not_in(newest))


def _unfinished() -> bool:
    return db.session.scalar(select(DataKeyEntry.id).where(_replaced()).limit(1)) is not None


def _newest() -> DataKeyEntry:
    return db.session.scalars(select(DataKeyEntry).order_by(DataKeyEntry.id.desc()).limit(1)).one()


def _reseal(table: Table, columns: list[Column[str]], progress: Progress) -> int:
    """Seal a table's rows anew, some hundreds at a time."""
    key = next(iter(table.primary_key.columns))
    present = f"{keyring().current(Purpose.FIELD).id}."
    raw = {column.name: type_coerce(column, String) for column in columns}
    old = or_(*(and_(one != "", not_(one.startswith(present))) for one in raw.values()))
    total = db.session.scalar(select(func.count()).select_from(table).where(old)) or 0
    last, done = 0, 0
    while True:
        query = select(key, *(one.label(name) for name, one in raw.items()))
        with transaction() as session:
            found = session.execute(query.where(key > last, old).order_by(key).limit(_ROWS)).all()
            if not found:
                return done
            for column in columns:
                _reseal_column(table, key, column, [(row[0], row._mapping[column.name]) for row in found], present)
        last = found[-1][0]
        done += len(found)
        progress(table.name, min(done, total), total)


def _reseal_column(
    table: Table, key: Column[int], column: Column[str], values: list[tuple[int, str | None]], present: str
) -> None:
    """Only where the row still says what was read: whoever has changed it meanwhile has sealed it anew."""
    kind = column.type
    assert isinstance(kind, Sealed)
    raw = type_coerce(column, String)
    statement = update(table).where(key == bindparam("own_key"), raw == bindparam("was"))
    changes = [
        {"own_key": number, "was": text, "becomes": _opened(kind, text, number)}
        for number, text in values
        if text and not text.startswith(present)
    ]
    if changes:
        db.session.connection().execute(statement.values({column.name: bindparam("becomes", type_=kind)}), changes)


def _opened(kind: Sealed, text: str, number: int) -> str:
    try:
        return keyring().open(text, kind.label)
    except Unreadable as error:
        raise Refused(
            f"{kind.label}第{number}号记录不能解密，可能已被改动，重新加密没有做完。请从备份中核对这条记录后再执行一次。"
        ) from error


def _reseal_files(progress: Progress) -> tuple[int, int]:
    """Seal every stored file anew; how many there were, and how many are lost."""
    files: Any = store()
    assert isinstance(files, SealedStore)
    total = db.session.scalar(select(func.count(StoredFile.sha256.distinct()))) or 0
    last, seen, done, missing = "", 0, 0, 0
    while True:
        query = select(StoredFile.sha256).distinct().where(StoredFile.sha256 > last).order_by(StoredFile.sha256)
        digests = db.session.scalars(query.limit(_ROWS)).all()
        # Files take their time; nothing of the database is held meanwhile.
        db.session.rollback()
        if not digests:
            return done, missing
        for digest in digests:
            try:
                done += files.reseal(digest)
            except MissingFile:
                missing += 1
            except (DamagedFile, Unreadable) as error:
                raise Refused(
                    f"文件{digest[:12]}…已损坏或被改动，重新加密没有做完。请从备份中找回后再执行一次。"
                ) from error
            seen += 1
            progress("文件", seen, total)
        last = digests[-1]
