"""Files at rest: nothing readable on the disk, nothing changed unseen, memory bounded, older plain files still read."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gongkao.sealing import Unreadable
from gongkao.storage import sealed
from gongkao.storage.sealed import SealedStore
from gongkao.storage.store import DamagedFile, FolderStore, MissingFile


@pytest.fixture
def store(tmp_path: Path, keyring: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SealedStore]:
    # Small chunks, so that a small file has several.
    monkeypatch.setattr(sealed, "CHUNK", 1000)
    yield SealedStore(FolderStore(tmp_path / "files"))


def _path(store: SealedStore, digest: str) -> Path:
    shelf: Any = store.shelf
    return shelf.path(digest)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 5500])
def test_what_is_put_is_got_and_cannot_be_read_on_the_disk(store: SealedStore, size: int) -> None:
    data = (b"%PDF-1.7 Mengtingyu 41012219850612021X " * 200)[:size]
    digest = store.put(data)
    assert digest == hashlib.sha256(data).hexdigest() and store.exists(digest)
    assert store.get(digest) == data
    with store.open(digest) as stream:
        assert b"".join(iter(lambda: stream.read(700), b"")) == data
    lying = _path(store, digest).read_bytes()
    assert b"Mengtingyu" not in lying and b"%PDF" not in lying
    before = _path(store, digest).stat().st_ino
    assert store.put(data) == digest and _path(store, digest).stat().st_ino == before, "kept once"


def test_whoever_changes_moves_or_cuts_a_file_is_found_out(store: SealedStore) -> None:
    data, other = bytes(range(256)) * 14, b"x" * 3584
    digest, second = store.put(data), store.put(other)
    path = _path(store, digest)
    whole = path.read_bytes()
    head, chunk = 28, 1016
    spoilt = {
        "flipped": whole[:100] + bytes([whole[100] ^ 1]) + whole[101:],
        "cut at a chunk": whole[: head + 3 * chunk],
        "cut within": whole[:-1],
        "swapped chunks": whole[:head]
        + whole[head + chunk : head + 2 * chunk]
        + whole[head : head + chunk]
        + whole[head + 2 * chunk :],
        "longer": whole + b"x",
        "another file's": _path(store, second).read_bytes(),
        "of no key": whole[:8] + b"\x7f\xff\xff\xff" + whole[12:],
        "plain": other,
    }
    for name, content in spoilt.items():
        path.write_bytes(content)
        with pytest.raises(DamagedFile):
            store.get(digest)
        assert store.put(data) == digest and store.get(digest) == data, f"{name}: the next upload puts it right"
    path.write_bytes(spoilt["cut at a chunk"])
    with pytest.raises(Unreadable), store.open(digest) as stream:
        while stream.read(500):
            pass
    with pytest.raises(MissingFile):
        store.get("0" * 64)


def test_a_plain_file_from_before_is_read_and_sealed_in_its_place(store: SealedStore) -> None:
    shelf: Any = store.shelf
    data = b"from before there were keys" * 100
    digest = hashlib.sha256(data).hexdigest()
    shelf.write(digest, [data])
    assert store.get(digest) == data
    with store.open(digest) as stream:
        assert store.reseal(digest) is True
        assert stream.read() == data, "whoever has it open reads on"
    assert b"keys" not in _path(store, digest).read_bytes() and store.get(digest) == data
    assert store.reseal(digest) is False
    spoilt = hashlib.sha256(b"spoilt").hexdigest()
    shelf.write(spoilt, [b"spoiled"])
    with pytest.raises(DamagedFile):
        store.reseal(spoilt)
    assert shelf.path(spoilt).read_bytes() == b"spoiled", "what does not prove itself is left as it is"


def test_sealing_and_opening_hold_a_chunk_at_a_time(store: SealedStore) -> None:
    """A gigabyte would pass as well: what goes in and comes out is counted, not kept."""
    given: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(50):
            given.append(number)
            yield bytes([number]) * 1000

    ahead = 0
    taken: list[bytes] = []
    for piece in sealed.seal(chunks(), "name"):
        ahead = max(ahead, len(given) - len(taken))
        taken.append(piece)
    assert ahead <= 2
    source = io.BytesIO(b"".join(taken))
    with sealed.opened(source, "name") as stream:
        assert stream.read(10) == bytes(10)
        assert source.tell() <= 28 + 2 * 1016 + 1
