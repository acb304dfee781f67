"""Uploaded files: what is let in (`uploads`), how it is kept (`store`), and tables in and out (`spreadsheets`)."""

from pathlib import Path

from gongkao.config import S3Place
from gongkao.storage.s3 import S3Store
from gongkao.storage.sealed import SealedStore
from gongkao.storage.store import FolderStore, Store

_current: Store | None = None


def open_store(root: Path, s3: S3Place | None = None) -> SealedStore:
    """The store in the bucket where one is given, else in the folder `root`; either way nothing lies there in plain."""
    return SealedStore(FolderStore(root) if s3 is None else S3Store(s3))


def configure_store(root: Path, s3: S3Place | None = None) -> None:
    """Say where this process keeps its files."""
    global _current
    _current = open_store(root, s3)


def store() -> Store:
    """The store in use. Raises RuntimeError before `configure_store`."""
    if _current is None:
        raise RuntimeError("the store is not configured")
    return _current
