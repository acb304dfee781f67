"""The folder store: by hash, whole or not at all, damage found and mended."""

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gongkao.storage.sealed import SealedStore
from gongkao.storage.store import DamagedFile, FolderStore, MissingFile, StoreAway


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "files")


@pytest.fixture
def store(folder: FolderStore, keyring: None) -> SealedStore:
    """The folder as the product uses it."""
    return SealedStore(folder)


def _files(folder: FolderStore) -> list[Path]:
    return [path for path in folder.root.rglob("*") if path.is_file() and path.name != ".store"]


def test_content_is_kept_under_its_hash_once(store: SealedStore, folder: FolderStore) -> None:
    digest = store.put(b"one page")
    assert digest == hashlib.sha256(b"one page").hexdigest()
    assert store.put(b"one page") == digest
    assert store.get(digest) == b"one page"
    assert store.exists(digest)
    with store.open(digest) as stream:
        assert stream.read() == b"one page"
    assert _files(folder) == [folder.root / digest[:2] / digest[2:4] / digest]


def test_what_is_kept_is_its_owners_alone(store: SealedStore, folder: FolderStore) -> None:
    path = folder.path(store.put(b"identity card"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_found_where_nothing_was_put(store: SealedStore) -> None:
    digest = hashlib.sha256(b"never put").hexdigest()
    assert not store.exists(digest)
    with pytest.raises(MissingFile):
        store.get(digest)
    with pytest.raises(MissingFile):
        store.open(digest)


@pytest.mark.parametrize("digest", ["", "../../secret_key", "A" * 64, "a" * 63, "a" * 64 + "\n", "/etc/passwd"])
def test_only_a_digest_names_a_file(store: SealedStore, digest: str) -> None:
    with pytest.raises(ValueError):
        store.get(digest)


@pytest.mark.parametrize("spoilt", [b"", b"one pagf", b"one page and more"])
def test_a_damaged_file_is_found_and_mended_by_the_next_upload(
    store: SealedStore, folder: FolderStore, spoilt: bytes
) -> None:
    digest = store.put(b"one page")
    folder.path(digest).write_bytes(spoilt)
    with pytest.raises(DamagedFile):
        store.get(digest)
    assert store.put(b"one page") == digest
    assert store.get(digest) == b"one page"


def test_a_write_that_fails_half_way_leaves_nothing(
    store: SealedStore, folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError):
        store.put(b"one page")
    assert _files(folder) == []
    assert not store.exists(hashlib.sha256(b"one page").hexdigest())


def test_many_may_put_the_same_file_at_once(store: SealedStore, folder: FolderStore) -> None:
    data = os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: store.put(data), range(32)))
    assert len(digests) == 1
    assert store.get(digests.pop()) == data
    assert len(_files(folder)) == 1


def test_the_probe_leaves_nothing_and_tells_when_the_store_is_gone(store: SealedStore, folder: FolderStore) -> None:
    store.check()
    assert _files(folder) == []
    (folder.root / "file").write_bytes(b"not a folder")
    with pytest.raises(OSError):
        FolderStore(folder.root / "file").check()


def test_a_store_that_is_gone_is_not_begun_anew(store: SealedStore, folder: FolderStore) -> None:
    """As when a disk is not mounted: what would be kept in its empty place is missing once it is back."""
    digest = store.put(b"one page")
    away = folder.root.rename(folder.root.with_name("away"))
    for _ in ("moved away", "an empty mount point"):
        for act in (lambda: store.put(b"another page"), store.check):
            with pytest.raises(StoreAway):
                act()
        folder.root.mkdir(exist_ok=True)
    folder.root.rmdir()
    away.rename(folder.root)
    assert store.get(digest) == b"one page" and store.put(b"another page")


def test_nor_by_a_process_that_starts_while_it_is_gone(store: SealedStore, folder: FolderStore) -> None:
    digest = store.put(b"one page")
    away = folder.root.rename(folder.root.with_name("away"))
    for empty_place in (False, True):
        if empty_place:
            # The mount point without its disk.
            folder.root.mkdir()
        started = SealedStore(FolderStore(folder.root))
        with pytest.raises(StoreAway, match=r"remove .*files-begun"):
            started.put(b"another page")
        with pytest.raises(StoreAway):
            started.check()
        assert list(folder.root.parent.rglob(".store")) == [away / ".store"]
    folder.root.rmdir()
    away.rename(folder.root)
    assert started.get(digest) == b"one page" and started.put(b"another page")
