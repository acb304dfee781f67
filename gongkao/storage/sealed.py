"""Files sealed at rest, whatever they are kept in.

A sealed file begins with a header: a mark, the number of the data key and a salt. Then come the chunks, each sealed
with AES-256-GCM under a key made of data key, salt and the file's digest. A chunk's nonce is its place, with a last
byte that tells the last one: none can be left out, moved or put into another file, and memory holds one at a time.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gongkao.sealing import TAG_BYTES, Purpose, Unreadable, keyring
from gongkao.storage.store import DamagedFile, MissingFile

CHUNK = 1 << 20
_MARK = b"GKSEAL1\n"
_SALT = 16
_HEADER = len(_MARK) + 4 + _SALT


class Shelf(Protocol):
    """Where files lie under a digest, whatever their bytes are: a folder, or an object store."""

    def write(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Keep these bytes in place of what was there; whole or not at all."""

    def open(self, digest: str) -> BinaryIO:
        """The bytes as a stream. Raises MissingFile."""

    def exists(self, digest: str) -> bool:
        """Whether there is anything under this digest."""

    def remove(self, digest: str) -> None:
        """Let what lies under this digest go."""

    def check(self) -> None:
        """Write, read and remove a small probe. Raises OSError."""


class SealedStore:
    """A store that keeps everything sealed on a shelf, under the digest of what it says.

    What lies there in plain, from before there were keys, is still read: its digest proves it. `reseal` seals it.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if not self._holds(digest, data):
            self.shelf.write(digest, seal(_chunks(io.BytesIO(data)), digest))
        return digest

    def get(self, digest: str) -> bytes:
        try:
            with self.open(digest) as stream:
                data = stream.read()
        except Unreadable as error:
            raise DamagedFile(digest) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DamagedFile(digest)
        return data

    def open(self, digest: str) -> BinaryIO:
        """The content as a stream, each chunk proved as it is read. Raises MissingFile; reading, Unreadable."""
        return opened(self.shelf.open(digest), digest)

    def exists(self, digest: str) -> bool:
        return self.shelf.exists(digest)

    def remove(self, digest: str) -> None:
        self.shelf.remove(digest)

    def check(self) -> None:
        self.shelf.check()

    def reseal(self, digest: str) -> bool:
        """Seal one file with the present key, unless it is. True where there was something to do.

        Whoever reads meanwhile reads the one or the other, whole. Raises MissingFile, Unreadable, DamagedFile.
        """
        with self.shelf.open(digest) as stream:
            if _key_id(stream.read(_HEADER)) == keyring().current(Purpose.FILE).id:
                return False
        with self.open(digest) as stream:
            self.shelf.write(digest, seal(_proved(stream, digest), digest))
        return True

    def _holds(self, digest: str, data: bytes) -> bool:
        # Compared whole: a copy that a failing disk has spoilt is put right by the next upload of the same file.
        with suppress(MissingFile, DamagedFile):
            return self.get(digest) == data
        return False


def seal(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The sealed form of a content given in chunks of CHUNK bytes each but the last. `name` is bound to it."""
    key, salt = keyring().current(Purpose.FILE), os.urandom(_SALT)
    cipher = keyring().file_key(key.id, salt + name.encode())
    yield _MARK + key.id.to_bytes(4) + salt
    number, waiting = 0, b""
    for place, chunk in enumerate(chunks):
        if place:
            yield cipher.encrypt(_nonce(number, last=False), waiting, None)
            number += 1
        waiting = chunk
    yield cipher.encrypt(_nonce(number, last=True), waiting, None)


def regrouped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same content in chunks of CHUNK bytes each but the last, as `seal` takes it."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        while len(waiting) > CHUNK:
            yield bytes(waiting[:CHUNK])
            del waiting[:CHUNK]
    yield bytes(waiting)


def opened(stream: BinaryIO, name: str) -> BinaryIO:
    """The content of a sealed stream; of a plain one, itself. Raises Unreadable where the key is not there."""
    header = stream.read(_HEADER)
    key_id = _key_id(header)
    if key_id is None:
        if stream.seekable():
            stream.seek(0)
            return stream
        return io.BytesIO(header + stream.read())
    cipher = keyring().file_key(key_id, header[-_SALT:] + name.encode())
    return io.BufferedReader(_Opened(stream, cipher, name), CHUNK)


def write_sealed(path: Path, data: bytes, name: str) -> None:
    """Keep a file of work in hand, sealed; whole or not there at all."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        for chunk in seal(_chunks(io.BytesIO(data)), name):
            file.write(chunk)
    fresh.replace(path)


def read_sealed(path: Path, name: str) -> bytes:
    """What `write_sealed` has kept under the same name. Raises Unreadable."""
    with opened(path.open("rb"), name) as stream:
        return stream.read()


class _Opened(io.RawIOBase):
    """The plain content of a sealed stream, chunk by chunk."""

    def __init__(self, source: BinaryIO, cipher: AESGCM, name: str) -> None:
        self._source, self._cipher, self._name = source, cipher, name
        self._number, self._ahead, self._plain, self._ended = 0, b"", memoryview(b""), False

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        if not self._plain and not self._ended:
            self._plain = memoryview(self._next())
        room = memoryview(target).cast("B")  # type: ignore[arg-type]
        count = min(len(room), len(self._plain))
        room[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def readall(self) -> bytes:
        parts = [bytes(self._plain)]
        self._plain = memoryview(b"")
        while not self._ended:
            parts.append(self._next())
        return b"".join(parts)

    def _next(self) -> bytes:
        # One byte further than the chunk tells whether it is the last.
        size = CHUNK + TAG_BYTES
        data = self._ahead
        while len(data) <= size and (more := self._source.read(size + 1 - len(data))):
            data += more
        chunk, self._ahead = data[:size], data[size:]
        self._ended = not self._ahead
        try:
            plain = self._cipher.decrypt(_nonce(self._number, last=self._ended), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise Unreadable(f"the sealed file {self._name} was changed or cut off") from error
        self._number += 1
        return plain


def _key_id(header: bytes) -> int | None:
    """The data key that a file is sealed with; None for a plain one."""
    if len(header) < _HEADER or not header.startswith(_MARK):
        return None
    return int.from_bytes(header[len(_MARK) : len(_MARK) + 4])


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + (b"\1" if last else b"\0")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _proved(stream: BinaryIO, digest: str) -> Iterator[bytes]:
    """The chunks of a content, checked against its digest before the last one is out. Raises DamagedFile."""
    found, waiting = hashlib.sha256(), b""
    for place, chunk in enumerate(_chunks(stream)):
        if place:
            yield waiting
        found.update(chunk)
        waiting = chunk
    if found.hexdigest() != digest:
        raise DamagedFile(digest)
    yield waiting
