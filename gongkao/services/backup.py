"""A consistent, encrypted copy of database and files while people work, and putting it back into an empty place.

A backup is one age file (age-encryption.org): a tar stream of `header.json`, one `tables/NAME.jsonl` a table, one
`files/DIGEST` a stored file, and last `manifest.json` with the SHA-256 of every part. The database is read in one
snapshot; files are kept by content and never change, and a row never points at a file that is not there yet, so the two
belong together. The rows are plain JSON, so that a backup of SQLite can be put back into PostgreSQL and the other way.
What lies sealed in the database is plain in the stream, the data keys too; where it is put back, the place's own master
key wraps them.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyrage
from sqlalchemy import JSON, Connection, Engine, Table, bindparam, delete, func, insert, select, text, update

from gongkao.clock import ZONE, now
from gongkao.extensions import WRITE, db
from gongkao.models import DataKeyEntry, StoredFile
from gongkao.models.types import Choice, Moment
from gongkao.rules.errors import RuleError
from gongkao.sealing import keyring
from gongkao.storage import store
from gongkao.storage.sealed import opened, regrouped, seal
from gongkao.storage.store import DamagedFile, MissingFile, Store

FORMAT = 1
_KEYS = db.metadata.tables[DataKeyEntry.__tablename__]
_ROWS = 2000
_IDENTITY = "AGE-SECRET-KEY-"

Progress = Callable[[str, int, int], None]


class BackupRefused(RuleError):
    """The backup cannot be taken or put back; the message says why and what to do."""


@dataclass(frozen=True)
class Contents:
    """What a backup holds: rows and files, when it was taken, and the schema it belongs to."""

    taken_at: datetime
    revision: str
    rows: int
    files: int


def make_key(path: Path) -> str:
    """The key pair that backups are encrypted for: made once, its secret half in a file readable by its owner alone.

    Returns the public half ("age1…"). Whoever loses the secret half can read no backup: keep a copy elsewhere.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(str(pyrage.x25519.Identity.generate()) + "\n")
    return str(_identity(path).to_public())


def _identity(path: Path) -> Any:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        return pyrage.x25519.Identity.from_str(next(line.strip() for line in lines if line.startswith(_IDENTITY)))
    except (OSError, UnicodeDecodeError, StopIteration, pyrage.IdentityError) as error:
        raise BackupRefused(f"备份密钥文件“{path}”不存在或无法读取，请核对 GONGKAO_BACKUP_KEY。") from error


def backup(target: Path, recipient: str, progress: Progress = lambda *_: None) -> Contents:
    """Write an encrypted backup to `target`, readable with the secret half of `recipient` ("age1…") only.

    The file appears under its name only once it is whole. Raises BackupRefused.
    """
    try:
        public = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as error:
        raise BackupRefused("备份公钥不正确，应以“age1”开头。") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".unfinished")
    reader, writer = _pipe()
    written: list[Contents] = []
    # Looked up here: the other thread is outside the application's context.
    engine, files = db.engine, store()

    def write() -> None:
        with writer:
            written.append(_write(writer, engine, files, progress))

    try:
        with unfinished.open("wb") as out, _beside(write, reader):
            pyrage.encrypt_io(reader, out, [public])
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return written[0]


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    read_end, write_end = os.pipe()
    return os.fdopen(read_end, "rb"), os.fdopen(write_end, "wb")


@contextmanager
def _beside(work: Callable[[], None], other_end: IO[bytes]) -> Iterator[None]:
    """Run `work` in the calling thread's company; its error is the one that counts."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    except Exception:
        other_end.close()
        thread.join()
        if failed and not isinstance(failed[0], BrokenPipeError):
            raise failed[0] from None
        raise
    other_end.close()
    thread.join()
    if failed:
        raise failed[0]


class _Archive:
    """The tar stream being written, with the hash of each part."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar
        self.parts: dict[str, str] = {}

    def add(self, name: str, source: IO[bytes], size: int, digest: str) -> None:
        info = tarfile.TarInfo(name)
        info.size = size
        self.tar.addfile(info, source)
        self.parts[name] = digest

    def add_json(self, name: str, value: object) -> None:
        data = json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
        self.add(name, io.BytesIO(data), len(data), hashlib.sha256(data).hexdigest())


def _write(out: IO[bytes], engine: Engine, files: Store, progress: Progress) -> Contents:
    with tarfile.open(mode="w|", fileobj=out, format=tarfile.PAX_FORMAT) as tar:
        archive = _Archive(tar)
        with _snapshot(engine) as connection:
            contents, digests = _write_rows(archive, connection, progress)
        for place, digest in enumerate(digests, start=1):
            progress("文件", place, len(digests))
            try:
                data = files.get(digest)
            except (MissingFile, DamagedFile) as error:
                raise BackupRefused(
                    f"文件{digest[:12]}…已丢失或损坏，备份没有完成。请先从较早的备份中找回。"
                ) from error
            archive.add(f"files/{digest}", io.BytesIO(data), len(data), digest)
        manifest = {"parts": dict(archive.parts), "rows": contents.rows, "files": contents.files}
        archive.add_json("manifest.json", manifest)
    return contents


def _write_rows(archive: _Archive, connection: Connection, progress: Progress) -> tuple[Contents, list[str]]:
    """Every table, and the digests of the files that its rows name."""
    revision, taken_at = _revision(connection), now()
    archive.add_json("header.json", {"format": FORMAT, "taken_at": taken_at.isoformat(), "revision": revision})
    tables = _tables()
    rows = 0
    for place, table in enumerate(tables, start=1):
        progress("数据表", place, len(tables))
        rows += _write_table(archive, connection, table)
    digests = sorted(set(connection.scalars(select(StoredFile.sha256))))
    return Contents(taken_at, revision, rows, len(digests)), digests


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """One unchanging view of the database while others go on writing."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        yield connection


def _tables() -> list[Table]:
    """Every table, the keys that seal the others first, parents before children; a table's reference to itself is seen
    to when it is filled."""
    return sorted(db.metadata.sorted_tables, key=lambda table: table is not _KEYS)


def _write_table(archive: _Archive, connection: Connection, table: Table) -> int:
    count = size = 0
    digest = hashlib.sha256()
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_ROWS)

    def lines() -> Iterator[bytes]:
        nonlocal count, size
        for row in connection.execute(query).mappings():
            line = (json.dumps({key: _plain(row[key]) for key in row}, ensure_ascii=False) + "\n").encode()
            digest.update(line)
            count += 1
            size += len(line)
            yield line

    # A part's size stands before it, so the rows wait in a file meanwhile: sealed, as they are where they come from.
    with tempfile.TemporaryFile() as file:
        file.writelines(seal(regrouped(lines()), table.name))
        file.seek(0)
        archive.add(f"tables/{table.name}.jsonl", opened(file, table.name), size, digest.hexdigest())
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _revision(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


def restore(source: Path, key: Path, progress: Progress = lambda *_: None) -> Contents:
    """Put a backup back into an empty, migrated database and its files into the store.

    The whole backup is read and checked before anything is written. Raises BackupRefused where the place is not empty,
    the schema is another one, the key does not fit, or the backup is cut off or was changed.
    """
    identity = _identity(key)
    try:
        contents = _check(source, identity, progress)
    except (pyrage.DecryptError, tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise BackupRefused("备份不能解密：密钥不符，或文件不完整、已被改动。没有恢复任何内容。") from error
    with db.engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        _require_fitting_place(connection, contents)
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        tables = {table.name: table for table in _tables()}
        # The place's own data keys have sealed nothing.
        connection.execute(delete(_KEYS))
        done = 0
        for name, part in _read(source, identity):
            if name.startswith("files/"):
                store().put(part.read())
                done += 1
                progress("恢复文件", done, contents.files)
            elif name.startswith("tables/"):
                table = tables[name.removeprefix("tables/").removesuffix(".jsonl")]
                _fill(connection, table, part)
                if table is _KEYS:
                    keyring().load(connection)
        if connection.dialect.name == "postgresql":
            _set_sequences(connection, tables.values())
    return contents


def _require_fitting_place(connection: Connection, contents: Contents) -> None:
    revision = _revision(connection)
    if revision != contents.revision:
        raise BackupRefused(
            f"备份时的数据库版本为{contents.revision}，现在为{revision}，不能恢复。"
            f"请先执行 flask db upgrade {contents.revision}（或安装备份时的版本），恢复后再升级。"
        )
    for table in _tables():
        if (
            table is not _KEYS
            and connection.execute(select(next(iter(table.primary_key.columns))).limit(1)).first() is not None
        ):
            raise BackupRefused(f"数据库不是空的（{table.name}中已有数据），没有恢复任何内容。请使用新的空数据库。")


def _check(source: Path, identity: Any, progress: Progress) -> Contents:
    """Read the whole backup once and compare every part with the manifest."""
    found: dict[str, str] = {}
    header: Mapping[str, Any] = {}
    manifest: Mapping[str, Any] = {}
    for name, part in _read(source, identity):
        digest, kept = hashlib.sha256(), b""
        while chunk := part.read(1 << 20):
            digest.update(chunk)
            kept = kept + chunk if name in ("header.json", "manifest.json") else b""
        if name == "manifest.json":
            manifest = json.loads(kept)
            continue
        if name == "header.json":
            header = json.loads(kept)
        found[name] = digest.hexdigest()
        progress("检查备份", len(found), 0)
    if not manifest or not header:
        raise BackupRefused("备份不完整：缺少目录，可能没有写完或被截断。请换一份备份。")
    if header.get("format") != FORMAT:
        raise BackupRefused("这份备份的格式不能识别，请使用与备份时相同版本的系统。")
    wanted: Mapping[str, str] = manifest["parts"]
    wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    if wrong:
        raise BackupRefused(f"备份内容与目录不符（{'、'.join(wrong[:3])}），可能已损坏或被改动，没有恢复任何内容。")
    return Contents(
        datetime.fromisoformat(header["taken_at"]),
        str(header["revision"]),
        int(manifest["rows"]),
        int(manifest["files"]),
    )


def _read(source: Path, identity: Any) -> Iterator[tuple[str, IO[bytes]]]:
    """The parts of a backup, one after the other."""
    if not source.is_file():
        raise BackupRefused(f"没有找到备份文件“{source}”。")
    reader, writer = _pipe()

    def decrypt() -> None:
        with writer, source.open("rb") as file:
            pyrage.decrypt_io(file, writer, [identity])

    with _beside(decrypt, reader), tarfile.open(mode="r|", fileobj=reader) as archive:
        for member in archive:
            part = archive.extractfile(member)
            if part is not None:
                yield member.name, part
        # What is left of the stream carries the last proof that nothing is missing.
        while reader.read(1 << 20):
            pass


def _fill(connection: Connection, table: Table, part: IO[bytes]) -> None:
    """Insert a table's rows; references within the table come afterwards, when every row is there."""
    own = [column.name for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
    key = next(iter(table.primary_key.columns))
    # An empty JSON value was NULL and becomes NULL again, not the JSON word null.
    kinds = {
        column.name: JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type
        for column in table.columns
    }
    statement = insert(table).values({name: bindparam(name, type_=kind) for name, kind in kinds.items()})
    later: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for line in part:
        row = {name: _typed(table, name, value) for name, value in json.loads(line).items()}
        if any(row[name] is not None for name in own):
            later.append({"own_key": row[key.name], **{f"own_{name}": row[name] for name in own}})
            row.update(dict.fromkeys(own))
        rows.append(row)
        if len(rows) >= _ROWS:
            connection.execute(statement, rows)
            rows.clear()
    if rows:
        connection.execute(statement, rows)
    if later:
        second = update(table).where(key == bindparam("own_key"))
        connection.execute(second.values({name: bindparam(f"own_{name}") for name in own}), later)


def _typed(table: Table, name: str, value: Any) -> Any:
    kind = table.columns[name].type
    if value is None or isinstance(kind, Choice):
        return value
    if isinstance(kind, Moment):
        return datetime.fromisoformat(value).astimezone(ZONE)
    python = kind.python_type
    if python is date:
        return date.fromisoformat(value)
    return Decimal(value) if python is Decimal else value


def _set_sequences(connection: Connection, tables: Any) -> None:
    """Numbers go on after the highest that was put back."""
    for table in tables:
        for column in table.primary_key.columns:
            name = connection.scalar(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table.name, "c": column.name})
            if name:
                highest = connection.scalar(select(func.max(column)))
                connection.execute(
                    text("SELECT setval(CAST(:s AS regclass), :v, :used)"),
                    {"s": name, "v": highest or 1, "used": highest is not None},
                )
