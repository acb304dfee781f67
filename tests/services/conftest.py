"""An app on a database that is migrated and empty, and a way to do two things at the same time."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from psycopg import sql

from app import create_app
from gongkao import clock
from gongkao.extensions import db
from tests.conftest import PostgresServer, _settings


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a single table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    server.execute(sql.SQL("CREATE DATABASE empty"))
    yield server.database_url("empty")
    server.drop("empty")


@pytest.fixture
def bare_app(empty_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The app on a database without tables."""
    made = create_app(_settings(tmp_path / "instance", empty_url))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()
    clock.install(clock.real_time)


@pytest.fixture
def empty_app(bare_app: Flask) -> Flask:
    """The app on a migrated database without rows."""
    upgrade(directory=bare_app.extensions["migrate"].directory)
    return bare_app


Together = Callable[..., list[Any]]


@pytest.fixture
def together(app: Flask) -> Together:
    """Run use cases at the same moment, each with a connection of its own; what each returned or raised, in order.

    Give ids, not rows: a row belongs to the session that read it.
    """

    def run(*use_cases: Callable[[], Any]) -> list[Any]:
        outcomes: list[Any] = [None] * len(use_cases)
        barrier = threading.Barrier(len(use_cases))

        def one(place: int, use_case: Callable[[], Any]) -> None:
            with app.app_context():
                try:
                    barrier.wait(30)
                    outcomes[place] = use_case()
                except Exception as error:
                    outcomes[place] = error
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=one, args=pair) for pair in enumerate(use_cases)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        db.session.rollback()
        return outcomes

    return run
