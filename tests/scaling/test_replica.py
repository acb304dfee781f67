"""Reports from a replica: what reads there, what never does, and what holds when it is behind or gone."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app import create_app
from gongkao import clock
from gongkao.extensions import REPLICA, db
from gongkao.services import dashboard, replica, reports, sessions
from gongkao.services.replica import AWAY, BEHIND, OK
from gongkao.services.transaction import transaction
from tests import conftest
from tests.conftest import PostgresServer
from tests.postgres import Replica, start_replica
from tests.world import World


@pytest.fixture
def copied(postgres: PostgresServer, tmp_path: Path) -> Iterator[tuple[Flask, Replica]]:
    """An app on a database with a replica."""
    name = postgres.fresh()
    url = postgres.database_url(name)
    with start_replica(url) as second:
        settings = conftest._settings(tmp_path / "instance", url)
        changes = {"reports_database_url": second.url, "reports_max_lag_seconds": 1}
        app = create_app(settings.model_copy(update=changes))
        app.config["WTF_CSRF_ENABLED"] = False
        yield app, second
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()
    replica.configure(None)
    clock.install(clock.real_time)
    postgres.drop(name)


@pytest.fixture
def asked(copied: Any) -> list[str]:
    """Which engine each statement went to."""
    app, heard = copied[0], []
    with app.app_context():
        for name, engine in (("main", db.engine), ("replica", db.engines[REPLICA])):
            event.listen(engine, "before_cursor_execute", lambda *_, name=name: heard.append(name))
    return heard


def _browser(app: Flask) -> FlaskClient:
    client = app.test_client()
    with app.app_context():
        token = sessions.begin(World().city_officer)
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = token, True
    return client


def _until(state: str) -> None:
    """Look afresh, again and again, until the replica is found so."""
    watch: Any = replica._watch
    for _ in range(1500):
        watch._next = 0.0
        if watch.look() == state:
            # And it stays with that until asked again.
            watch._next = float("inf")
            return
        time.sleep(0.02)
    raise AssertionError(f"the replica was never {state}")


def test_reports_read_from_the_replica_and_from_the_main_database_when_it_fails(
    copied: tuple[Flask, Replica], asked: list[str]
) -> None:
    app, second = copied
    browser = _browser(app)
    with app.app_context():
        _until(OK)
    for address in ("/oversight", "/oversight/export?table=slow", "/reports/preview", "/review/all/export"):
        asked.clear()
        assert browser.get(address).status_code == 200
        assert "replica" in asked and asked[0] == "main", address
    # A desk, and whatever decides, does not.
    asked.clear()
    assert browser.get("/review").status_code == 200 and browser.get("/reports").status_code == 200
    assert set(asked) == {"main"}
    # Further behind than allowed: it is held where it is, and something is written.
    with psycopg.connect(second.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        with app.app_context(), transaction():
            World().city_officer.display_name = "另一个"
        with app.app_context():
            _until(BEHIND)
        asked.clear()
        assert browser.get("/oversight").status_code == 200 and set(asked) == {"main"}
        assert browser.get("/healthz").json == {"status": "ok", "database": "ok", "storage": "ok", "reports": "behind"}
        connection.execute("SELECT pg_wal_replay_resume()")
    with app.app_context():
        _until(OK)
    # Whoever has just written reads what was written, until it is certainly on the replica too.
    assert browser.post("/inbox/read-all").status_code == 302
    asked.clear()
    assert browser.get("/oversight").status_code == 200 and set(asked) == {"main"}
    with browser.session_transaction() as session:
        assert time.time() - session["written"] < 60
        session["written"] -= 60
    assert browser.get("/oversight").status_code == 200 and "replica" in asked
    # No use case begins in a report, and a report in a use case stays with it.
    with app.app_context():
        agency = World().agency("410100")
        with pytest.raises(RuntimeError):
            replica.from_replica(lambda: transaction().__enter__())()
        db.session.rollback()
        asked.clear()
        with transaction():
            reports.preview(agency)
            dashboard.dashboard(dashboard.view(World().city_officer, {}))
        assert set(asked) == {"main"}
    replica.last_write.set(0.0)
    # Gone in the middle of a report: the report comes all the same, and the replica is left alone for a while.
    second.end()
    assert browser.get("/oversight").status_code == 200
    asked.clear()
    assert browser.get("/oversight").status_code == 200 and set(asked) == {"main"}
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.json["reports"]) == (200, AWAY)
