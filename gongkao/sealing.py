"""What is kept sealed: the keyring, and how a text is sealed with it, looked up by, and opened again.

Two layers of keys. Master keys lie in a file outside the database. Data keys lie in the table `data_key`, each wrapped
by a master key, and do the work: one seals the columns, one the files, one makes the hashes that sealed columns are
looked up by. A new data key takes over from the one before; what the older one sealed is read until it is sealed anew.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from gongkao.config import SettingsError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
# So many characters of the keyed hash of a number's end: enough that two ends hardly ever meet, too short to matter.
TAIL = 10
TAIL_OF = 4
# How long a process may go on sealing with a key that another process has replaced.
FRESH_SECONDS = 30.0
_WRAPPED = "data_key.secret"


class Purpose(StrEnum):
    FIELD = "field"
    FILE = "file"
    LOOKUP = "lookup"

    @property
    def label(self) -> str:
        return {"field": "字段", "file": "文件", "lookup": "查找"}[self.value]


class Unreadable(Exception):
    """What was sealed cannot be opened: it was changed or moved, or its key is not there."""


@dataclass(frozen=True)
class DataKey:
    """One data key, unwrapped."""

    id: int
    purpose: Purpose
    secret: bytes
    retired: bool


class Keyring:
    """The keys of one database: master keys from the file at `path`, data keys from the database at `url`."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self._url = url
        self._lock = threading.RLock()
        self._masters: dict[str, bytes] = {}
        self._keys: dict[int, DataKey] = {}
        self._ciphers: dict[int, AESGCM] = {}
        self._read_at = float("-inf")

    # Master keys

    def start(self) -> None:
        """Read all keys. The file is made where nothing can be sealed yet.

        Raises SettingsError where the file is missing, unreadable, readable by others, garbled or another database's.
        """
        try:
            rows = self._rows()
        except SQLAlchemyError:
            # The database is away: the file must be there, the data keys are read when they are needed.
            rows = None
        if not self.path.exists() and rows == []:
            self._make_file()
        self._masters = self._read_file()
        if rows:
            self._take(rows)

    @property
    def master_ids(self) -> list[str]:
        """The master keys in the file, the one in use last."""
        return list(self._masters)

    def add_master(self) -> str:
        """Put a fresh master key into the file, in use from now on. The older ones stay until `drop_masters`."""
        with self._lock:
            self._masters = {**self._read_file(), secrets.token_hex(4): secrets.token_bytes(KEY_BYTES)}
            self._write_file()
            return self.master_ids[-1]

    def drop_masters(self) -> None:
        """Take every master key but the one in use out of the file."""
        with self._lock:
            last = self.master_ids[-1]
            self._masters = {last: self._masters[last]}
            self._write_file()

    def wrap(self, secret: bytes) -> str:
        """A data key's secret as it is kept: ``master-id.base64``."""
        master = self.master_ids[-1]
        return f"{master}.{_seal(AESGCM(self._masters[master]), secret, _WRAPPED)}"

    def unwrap(self, wrapped: str) -> bytes:
        """The secret of a wrapped data key. Raises SettingsError where its master key is not in the file."""
        master, _, sealed = wrapped.partition(".")
        if master not in self._masters:
            # Another process may have put a new one into the file.
            self._masters = self._read_file()
        if master not in self._masters:
            raise SettingsError(
                f"主密钥不符：数据库中的数据密钥由主密钥{master}加密，密钥文件“{self.path}”中没有这一把。"
                "请放回与该数据库对应的密钥文件（GONGKAO_KEYS_FILE），不要另行生成。"
            )
        try:
            return _open(AESGCM(self._masters[master]), sealed, _WRAPPED)
        except Unreadable as error:
            raise SettingsError(
                f"数据密钥不能解密：密钥文件“{self.path}”中的主密钥{master}与数据库不符，或数据已被改动。"
                "请放回与该数据库对应的密钥文件（GONGKAO_KEYS_FILE）。"
            ) from error

    def _make_file(self) -> None:
        self._masters = {secrets.token_hex(4): secrets.token_bytes(KEY_BYTES)}
        self._write_file(replace=False)

    def _read_file(self) -> dict[str, bytes]:
        place = f"密钥文件“{self.path}”"
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode)
            if mode & 0o077:
                raise SettingsError(
                    f"{place}的权限为{mode:o}，其他账户也能读取。请执行 chmod 600 {self.path} 后再启动。"
                )
            found = json.loads(self.path.read_text(encoding="ascii"))
            masters = {str(one["id"]): base64.b64decode(one["key"], validate=True) for one in found["masters"]}
        except FileNotFoundError:
            raise SettingsError(
                f"没有找到{place}。其中的主密钥用于解密数据库中的身份证号、手机号码和上传的文件，丢失后无法恢复："
                "请从单独保管的备份中放回（GONGKAO_KEYS_FILE），不要另行生成。"
            ) from None
        except OSError as error:
            raise SettingsError(f"{place}不能读取。请检查文件的属主和权限，应只有运行本系统的账户可读写。") from error
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise SettingsError(f"{place}的内容已损坏。请从单独保管的备份中放回。") from error
        if not masters or any(len(key) != KEY_BYTES for key in masters.values()):
            raise SettingsError(f"{place}的内容已损坏：没有主密钥，或主密钥长度不对。请从单独保管的备份中放回。")
        return masters

    def _write_file(self, *, replace: bool = True) -> None:
        content = {
            "masters": [
                {"id": name, "key": base64.b64encode(key).decode("ascii")} for name, key in self._masters.items()
            ]
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_name(f".{self.path.name}-{secrets.token_hex(8)}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(json.dumps(content, indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            if replace:
                # Called by root, it stays the service's.
                owner = self.path.stat()
                os.chown(fresh, owner.st_uid, owner.st_gid)
                fresh.replace(self.path)
                return
            # Whole or not there, and never replaced: several processes may start at once.
            with contextlib.suppress(FileExistsError):
                os.link(fresh, self.path)
            fresh.unlink()
        except OSError as error:
            raise SettingsError(
                f"密钥文件“{self.path}”不能写入。请检查所在文件夹的属主和权限，或用 GONGKAO_KEYS_FILE 指定其他位置。"
            ) from error

    # Data keys

    def load(self, connection: Connection | None = None) -> None:
        """Read the data keys, through `connection` where they are not for others to see yet."""
        rows = self._rows() if connection is None else _select(connection)
        self._take(rows)

    def make_missing(self, connection: Connection) -> None:
        """Make a data key of each purpose that has none, inside the caller's transaction."""
        there = {Purpose(row[1]) for row in _select(connection)}
        for purpose in Purpose:
            if purpose not in there:
                self.add(connection, purpose)
        self.load(connection)

    def add(self, connection: Connection, purpose: Purpose) -> None:
        """Add a fresh data key inside the caller's transaction; `load` takes it into use."""
        connection.execute(
            text("INSERT INTO data_key (purpose, secret, created_at) VALUES (:purpose, :secret, :at)"),
            {
                "purpose": purpose.value,
                "secret": self.wrap(secrets.token_bytes(KEY_BYTES)),
                "at": _moment(connection),
            },
        )

    def current(self, purpose: Purpose) -> DataKey:
        """The data key that seals now: the newest of its purpose."""
        if time.monotonic() - self._read_at > FRESH_SECONDS:
            with contextlib.suppress(SQLAlchemyError):
                self.load()
        found = self._newest(purpose)
        if found is None:
            self.load()
            found = self._newest(purpose)
        if found is None:
            raise Unreadable(f"the database has no data key for {purpose.value}")
        return found

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Seal with the keys of now, looking for no newer ones, while a load keeps everybody from the database."""
        self.load()
        self._read_at = float("inf")
        try:
            yield
        finally:
            self._read_at = float("-inf")

    def key(self, key_id: int) -> DataKey:
        """A data key by its id; one that another process has made is read from the database. Raises Unreadable."""
        if key_id not in self._keys:
            self.load()
        try:
            return self._keys[key_id]
        except KeyError:
            raise Unreadable(f"there is no data key {key_id}") from None

    def _newest(self, purpose: Purpose) -> DataKey | None:
        return max((key for key in self._keys.values() if key.purpose is purpose), key=lambda key: key.id, default=None)

    def _take(self, rows: Sequence[tuple[int, str, str, bool]]) -> None:
        with self._lock:
            self._keys = {
                number: DataKey(number, Purpose(purpose), self.unwrap(wrapped), retired)
                for number, purpose, wrapped, retired in rows
            }
            self._ciphers = {key.id: AESGCM(key.secret) for key in self._keys.values()}
            self._read_at = time.monotonic()

    def _rows(self) -> list[tuple[int, str, str, bool]]:
        """The rows of `data_key` on a connection of our own; none before the table is there."""
        url = make_url(self._url)
        if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).exists()):
            return []
        with create_engine(url, poolclass=NullPool, hide_parameters=True).connect() as connection:
            return _select(connection) if inspect(connection).has_table("data_key") else []

    # Sealing

    def seal(self, plain: str, label: str) -> str:
        """A text sealed for the place that `label` names: ``key-id.base64(nonce, ciphertext, tag)``."""
        key = self.current(Purpose.FIELD)
        return f"{key.id}.{_seal(self._ciphers[key.id], plain.encode(), label)}"

    def open(self, sealed: str, label: str) -> str:
        """The text that was sealed for this place. Raises Unreadable where it was changed or moved here."""
        number, _, rest = sealed.partition(".")
        if not (number.isascii() and number.isdigit()):
            raise Unreadable(f"{label} holds something that was never sealed")
        key = self.key(int(number))
        return _open(self._ciphers[key.id], rest, label).decode()

    def lookup(self, plain: str) -> str:
        """The keyed hash that a sealed text is found by, as 64 hex digits."""
        return hmac.digest(self.current(Purpose.LOOKUP).secret, b"whole:" + plain.encode(), "sha256").hex()

    def tail(self, plain: str) -> str:
        """The keyed hash that a text is found by its last four characters."""
        end = plain[-TAIL_OF:].encode()
        return hmac.digest(self.current(Purpose.LOOKUP).secret, b"tail:" + end, "sha256").hex()[:TAIL]

    def file_key(self, key_id: int, salt: bytes) -> AESGCM:
        """The cipher of one file: a key of its own, so that its chunks may simply be counted."""
        return AESGCM(hmac.digest(self.key(key_id).secret, b"file:" + salt, hashlib.sha256))


def sealed_width(length: int) -> int:
    """How many characters a sealed text of so many bytes takes at most."""
    return 11 + 4 * -(-(length + NONCE_BYTES + TAG_BYTES) // 3)


def _seal(cipher: AESGCM, plain: bytes, label: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + cipher.encrypt(nonce, plain, label.encode())).decode("ascii")


def _open(cipher: AESGCM, sealed: str, label: str) -> bytes:
    try:
        data = base64.b64decode(sealed, validate=True)
        return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], label.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable(f"{label} cannot be opened") from error


def _select(connection: Connection) -> list[tuple[int, str, str, bool]]:
    rows = connection.execute(text("SELECT id, purpose, secret, retired_at IS NOT NULL FROM data_key ORDER BY id"))
    return [(row[0], row[1], row[2], bool(row[3])) for row in rows]


def _moment(connection: Connection) -> Any:
    at = datetime.now(UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S.%f") if connection.dialect.name == "sqlite" else at


_current: Keyring | None = None


def configure(path: Path, url: str) -> None:
    """Say where this process has its keys, and read them. Raises SettingsError with what to do."""
    global _current
    ring = Keyring(path, url)
    ring.start()
    _current = ring


def use(ring: Keyring) -> None:
    """Take a keyring that was in use before into use again, where one process works with several databases."""
    global _current
    _current = ring


def keyring() -> Keyring:
    """The keyring in use. Raises RuntimeError before `configure`."""
    if _current is None:
        raise RuntimeError("the keyring is not configured")
    return _current


def lookup(plain: str) -> str:
    """The keyed hash that a sealed text is found by."""
    return keyring().lookup(plain)


def tail(plain: str) -> str:
    """The keyed hash that a text is found by its last four characters."""
    return keyring().tail(plain)
