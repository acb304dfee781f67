"""Pages are the same on either database, so they are tested on one."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "gongkao.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"
