"""A copy of the prepared SQLite database, for what is the same on either."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def sqlite_database_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "gongkao.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"
