"""Fixtures: an app on a fresh copy of a prepared database, SQLite and PostgreSQL alike, and a clock to set."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask, g
from flask.testing import FlaskClient
from flask_migrate import upgrade
from jinja2.bccache import Bucket, BytecodeCache
from psycopg import sql

from app import configure_process, create_app
from gongkao import clock
from gongkao.config import Settings
from gongkao.extensions import db, talisman
from gongkao.models import Account
from gongkao.services import audit, handled, kept, passwords, sessions
from tests import world as worlds
from tests.postgres import start_postgres

# Passwords of tests protect nobody, so their hashes need not be slow.
passwords.use(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))

# A day on which people register, units review and agencies review.
REGISTRATION_DAY = date(2025, 3, 20)
SECRET = "a key for tests only, long enough to be taken"
# The master key of the prepared databases, which every test copies.
MASTER = json.dumps({"masters": [{"id": "test", "key": base64.b64encode(bytes(32)).decode()}]})

# What takes longest begins first, so that no worker is left alone with it at the end.
LONGEST = ("faults", "scaling", "journeys", "test_commands.py", "security")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        part = item.path.relative_to(here).parts[0]
        return LONGEST.index(part) if part in LONGEST else len(LONGEST)

    items.sort(key=turn)


def _settings(folder: Path, url: str) -> Settings:
    keys = folder / "keys.json"
    folder.mkdir(parents=True, exist_ok=True)
    keys.touch(mode=0o600)
    keys.write_text(MASTER, encoding="ascii")
    return Settings(
        mode="test", instance=folder, database_url=url, secret_key=SECRET, clock=REGISTRATION_DAY, metrics=True
    )


def _prepare(folder: Path, url: str) -> None:
    """Migrate an empty database and put the world of tests/world.py in it."""
    app = create_app(_settings(folder, url))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        worlds.build()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    path = folder / "template.sqlite3"
    _prepare(folder, f"sqlite:///{path}")
    with_wal = path.with_suffix(".sqlite3-wal")
    assert not with_wal.exists() or with_wal.stat().st_size == 0
    return path


@dataclass
class PostgresServer:
    """A throwaway server with one prepared database that tests copy."""

    url: str
    serial: int = 0

    def execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def database_url(self, name: str) -> str:
        base, _, query = self.url.partition("?")
        head, _, _ = base.rpartition("/")
        return f"{head}/{name}" + (f"?{query}" if query else "")

    def fresh(self) -> str:
        self.serial += 1
        return self.copy(f"test_{self.serial}")

    def copy(self, name: str, template: str = "prepared") -> str:
        """A database of this name like the template, in the place of an earlier one."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        # Copying files is the quicker way where nothing waits for the disk.
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def fresh_empty(self) -> str:
        """A database without any table."""
        self.serial += 1
        name = f"empty_{self.serial}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def drop(self, name: str) -> None:
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    folder = tmp_path_factory.mktemp("postgres")
    with start_postgres() as url:
        server = PostgresServer(url.replace("+psycopg", ""))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("prepared")))
        _prepare(folder, server.database_url("prepared"))
        yield server


@pytest.fixture
def sqlite_source(sqlite_template: Path) -> Path:
    """The prepared database that the test gets a copy of."""
    return sqlite_template


@pytest.fixture
def postgres_source() -> str:
    """The same on PostgreSQL, by its name."""
    return "prepared"


@pytest.fixture
def sqlite_database_url(sqlite_template: Path, sqlite_source: Path) -> str:
    """The address of an SQLite database with the prepared world, for this test alone."""
    path = sqlite_template.with_name("test.sqlite3")
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    shutil.copy(sqlite_source, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a database with the prepared world, for this test alone."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_database_url"))
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database_url(server.copy("test", request.getfixturevalue("postgres_source")))


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for all the apps of a run, which differ in their database alone."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = CompiledTemplates()


# Making an app takes as long as many a test. Every test's database has the same address, so the tests of either kind
# share an app; with it stands the configuration that it was made with.
_shared: dict[str, tuple[Flask, dict[str, Any]]] = {}


def _app(settings: Settings) -> Flask:
    """The app on the settings' database, as fresh as one just made."""
    # The extensions go by the app that was made last: after one with other settings the shared are made anew.
    if getattr(talisman, "app", None) not in [made for made, _ in _shared.values()]:
        _shared.clear()
    url = settings.resolved_database_url
    if url not in _shared:
        made = create_app(settings)
        made.jinja_env.bytecode_cache = _COMPILED
        # The context stays pushed through a test, so every request would find the earlier one's `g` with its account.
        made.before_request_funcs.setdefault(None, []).insert(0, _forget_the_last_request)
        _shared[url] = made, dict(made.config)
        return made
    made, config = _shared[url]
    made.config.clear()
    made.config.update({**config, "GONGKAO": settings})
    configure_process(made)
    return made


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The app with its context pushed; the clock stands on REGISTRATION_DAY."""
    made = _app(_settings(tmp_path / "instance", database_url))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()
    clock.install(clock.real_time)
    # A request of this test told its address to the thread that runs the next one.
    audit.origin.set("")
    handled.post.set(None)
    kept._kept.clear()


def _forget_the_last_request() -> None:
    for name in list(g):
        g.pop(name)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def world(app: Flask) -> worlds.World:
    return worlds.World()


@pytest.fixture
def at() -> Callable[[date], None]:
    """Set the day: `at(date(2025, 4, 12))`."""
    return lambda day: clock.install(clock.on_day(day))


@pytest.fixture
def sign_in(app: Flask) -> Callable[[Account], FlaskClient]:
    """A client signed in as an account, without the form: `browser = sign_in(world.unit_administrator)`."""

    def signed_in(account: Account) -> FlaskClient:
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
        token = sessions.begin(account)
        with client.session_transaction() as session:
            session["_user_id"] = token
            session["_fresh"] = True
        return client

    return signed_in


@pytest.fixture(autouse=True)
def _no_csrf(request: pytest.FixtureRequest) -> None:
    """Pages are tested without the form token; tests/security turns it on again to test the token itself."""
    if "app" in request.fixturenames:
        app: Any = request.getfixturevalue("app")
        app.config["WTF_CSRF_ENABLED"] = False
