"""Files kept by the SHA-256 of their content, so that one file is stored once and none is ever changed."""

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

_DIGEST = re.compile(r"[0-9a-f]{64}")
# Lies in the folder of a store, so that an empty mount point is told from it.
_MARK = ".store"


class MissingFile(LookupError):
    """No file of this digest is stored."""


class DamagedFile(Exception):
    """The stored content no longer has the digest it was stored under."""


class StoreAway(OSError):
    """The store does not answer, or refuses; trying again later may help."""


class Store(Protocol):
    """What the services ask of a store: a folder, or a bucket by setting. Each raises OSError when it is away."""

    def put(self, data: bytes) -> str:
        """Keep `data` and return its SHA-256 as 64 lower-case hex digits. Putting the same data again is free."""

    def get(self, digest: str) -> bytes:
        """The content, checked against `digest`. Raises MissingFile, DamagedFile."""

    def open(self, digest: str) -> BinaryIO:
        """The content as a stream for reading, unchecked. Raises MissingFile."""

    def exists(self, digest: str) -> bool:
        """Whether a file of this digest is stored."""

    def remove(self, digest: str) -> None:
        """Let the file of this digest go, where there is one. No row may point at it any more."""

    def check(self) -> None:
        """Write, read and remove a small probe. Raises OSError when the store does not answer rightly."""


class FolderStore:
    """A shelf in a local folder: ``root/ab/cd/abcd…``, readable by its owner alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # Beside the folder, as the folder itself may lie on a disk that is not mounted now: begun once, and never again
        # by a process that starts while it is away.
        self._begun = root.with_name(f".{root.name}-begun")
        # A folder that cannot be made is told of when something is to be kept there.
        with contextlib.suppress(OSError):
            if not self._begun.exists():
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                (root / _MARK).touch()
                self._begun.touch()

    def path(self, digest: str) -> Path:
        """Where the file of this digest lies. Raises ValueError for what is not a digest."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError("not a SHA-256 digest in lower-case hex")
        return self.root / digest[:2] / digest[2:4] / digest

    def write(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Keep these bytes under this digest in place of what was there, whatever their own; whole or not at all."""
        path = self.path(digest)
        self._require_place()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_atomically(path, chunks)

    def open(self, digest: str) -> BinaryIO:
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise MissingFile(digest) from None

    def exists(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def remove(self, digest: str) -> None:
        self.path(digest).unlink(missing_ok=True)

    def check(self) -> None:
        self._require_place()
        content = secrets.token_bytes(32)
        descriptor, name = tempfile.mkstemp(prefix=".probe-", dir=self.root)
        probe = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            if probe.read_bytes() != content:
                raise OSError("the store gave back something other than what was written")
        finally:
            probe.unlink(missing_ok=True)

    def _require_place(self) -> None:
        """A folder that has gone (a disk that is not mounted) is not begun anew in its place: what would be kept there
        were missing once it is back.
        """
        if not (self.root / _MARK).exists():
            raise StoreAway(f"the store's folder {self.root} is not there; to begin it anew remove {self._begun}")


def _write_atomically(path: Path, chunks: Iterable[bytes]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    # The new name itself must survive a power cut, or a database row could point at nothing.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
