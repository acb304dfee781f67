"""A keyring, which every store seals with."""

from pathlib import Path

import pytest

from gongkao import sealing
from tests.conftest import MASTER


@pytest.fixture
def keyring(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the prepared database, in use for one test."""
    keys = tmp_path / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(MASTER, encoding="ascii")
    monkeypatch.setattr(sealing, "_current", None)
    sealing.configure(keys, f"sqlite:///{sqlite_template}")
