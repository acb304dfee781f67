"""Uploaded files: what is let in (`uploads`), how it is kept (`store`), and tables in and out (`spreadsheets`)."""

from pathlib import Path

from gongkao.storage.store import FolderStore, Store

_current: Store | None = None


def configure_store(root: Path) -> None:
    """Say where this process keeps its files."""
    global _current
    _current = FolderStore(root)


def store() -> Store:
    """The store in use. Raises RuntimeError before `configure_store`."""
    if _current is None:
        raise RuntimeError("the store is not configured")
    return _current
