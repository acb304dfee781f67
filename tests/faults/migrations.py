"""Migrations that are killed on the way: running them again must end where an undisturbed run ends."""

import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_migrate import upgrade

from app import create_app
from gongkao.config import Settings
from gongkao.extensions import db
from tests.faults.rounds import Outcome
from tests.faults.site import wait_until

# Gives the address of an empty database that goes away afterwards.
Empty = Callable[[], AbstractContextManager[str]]


def kill_migrations(empty: Empty, times: int, seed: int) -> Outcome:
    """`flask db upgrade` killed at any moment, then run again: every table is there, and the newest revision."""
    chance, outcome = random.Random(seed), Outcome()
    # Started from a process that does nothing else: a copy of one with threads may wait for a lock that nobody holds.
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with tempfile.TemporaryDirectory(prefix="gongkao-faults-") as folder:
        begun = Path(folder) / "begun"

        def migrate(url: str, kill_after: float | None = None) -> float:
            begun.unlink(missing_ok=True)
            child = context.Process(target=_migrate, args=(url, folder))
            child.start()
            wait_until("the migrations begin", begun.exists)
            started = time.monotonic()
            if kill_after is not None:
                child.join(kill_after)
                child.kill()
            child.join()
            if kill_after is None and child.exitcode:
                outcome.wrong.append(f"the migrations end with {child.exitcode} on {url.partition(':')[0]}")
            return time.monotonic() - started

        with empty() as url:
            whole = migrate(url)
            wanted = _standing(url)
        for _ in range(times):
            with empty() as url:
                migrate(url, kill_after=chance.uniform(0, whole))
                outcome.faults["kill_migration"] += 1
                migrate(url)
                if _standing(url) != wanted:
                    outcome.lost.append(f"a killed migration leaves {_standing(url)} instead of {wanted}")
    return outcome


@contextmanager
def empty_sqlite() -> Any:
    with tempfile.TemporaryDirectory(prefix="gongkao-faults-") as folder:
        yield f"sqlite:///{folder}/empty.sqlite3"


def _migrate(url: str, folder: str) -> None:
    settings = Settings(mode="test", instance=Path(folder), database_url=url, secret_key="k" * 40)
    app = create_app(settings)
    with app.app_context():
        (Path(folder) / "begun").touch()
        upgrade(directory=app.extensions["migrate"].directory)
        db.engine.dispose()
    os._exit(0)


def _standing(url: str) -> tuple[str, list[str]]:
    """The revision, and every table with its columns and indexes, in words."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        known = sa.inspect(connection)
        tables = [
            f"{table}: {sorted(column['name'] for column in known.get_columns(table))}"
            f" {sorted(str(index['name']) for index in known.get_indexes(table))}"
            for table in sorted(known.get_table_names())
        ]
        return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version"))), tables
