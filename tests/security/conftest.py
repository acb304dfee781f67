"""The world with one of everything in it: made once, and copied for every test that asks for `values`."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from gongkao import clock
from gongkao.extensions import db
from tests import samples
from tests.conftest import PostgresServer, _settings
from tests.world import World


@dataclass
class Sampled:
    """What `samples.make` has put into a copy of the prepared database, and into `folder` as files."""

    folder: Path
    values: dict[str, Any]

    def carry_files(self, app: Flask) -> None:
        shutil.copytree(self.folder / "files", app.config["GONGKAO"].instance / "files", dirs_exist_ok=True)


def _sample(folder: Path, url: str) -> Sampled:
    before = clock.source()
    app = create_app(_settings(folder, url))
    with app.app_context():
        values = samples.make(World())
        db.session.remove()
        db.engine.dispose()
    clock.install(before)
    return Sampled(folder, values)


@pytest.fixture(scope="session")
def sampled_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Sampled:
    folder = tmp_path_factory.mktemp("sampled")
    shutil.copy(sqlite_template, folder / "sampled.sqlite3")
    return _sample(folder, f"sqlite:///{folder / 'sampled.sqlite3'}")


@pytest.fixture(scope="session")
def sampled_postgres(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Sampled:
    url = postgres.database_url(postgres.copy("sampled"))
    return _sample(tmp_path_factory.mktemp("sampled"), url)


@pytest.fixture
def sqlite_source(request: pytest.FixtureRequest, sqlite_template: Path) -> Path:
    if "values" not in request.fixturenames:
        return sqlite_template
    sampled: Sampled = request.getfixturevalue("sampled_sqlite")
    return sampled.folder / "sampled.sqlite3"


@pytest.fixture
def postgres_source(request: pytest.FixtureRequest) -> str:
    if "values" not in request.fixturenames:
        return "prepared"
    request.getfixturevalue("sampled_postgres")
    return "sampled"


@pytest.fixture
def values(request: pytest.FixtureRequest, app: Flask) -> dict[str, Any]:
    """A sample value of every argument of a route; the world holds one of everything."""
    kind = "sqlite" if db.engine.dialect.name == "sqlite" else "postgres"
    sampled: Sampled = request.getfixturevalue(f"sampled_{kind}")
    sampled.carry_files(app)
    return dict(sampled.values)
