"""The invented province at two sizes on both databases, made once a run, and what all benches of pages share.

`GONGKAO_BENCH_FOLDER` keeps the databases for the next run (as root, in a folder that the account postgres may enter);
`GONGKAO_BENCH_LARGE` makes the larger one smaller.
"""

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cache
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from app import create_app
from gongkao import clock, sealing
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Account
from gongkao.services import province, sessions
from tests.postgres import kept_postgres, start_postgres

SMALL, LARGE = 10_000, int(os.environ.get("GONGKAO_BENCH_LARGE", 1_000_000))
DAY = date(2025, 3, 27)
# The city, the county and the provincial centre that have much to do in the small database, too; in the large one the
# centre has it without being given it.
BUSY, QUEUE = "410100", 10_000
BUSY_COUNTY, COUNTY_QUEUE = "410611", 1_000
CENTRE, CENTRE_QUEUE = "410000", 500
ENGINES = ("sqlite", "postgresql")
_SECRET = "a key for measuring only, long enough to be taken"

_open = ExitStack()
_rings: dict[Flask, sealing.Keyring] = {}


@cache
def province_of(engine: str, size: int, years: int = 10, queue: int = QUEUE) -> Flask:
    """An app on a province of that size, `queue` of each year's applications at one city; kept to the end."""
    folder = os.environ.get("GONGKAO_BENCH_FOLDER")
    if folder:
        place = Path(folder) / f"{engine}-{size}-{years}-{queue}"
    else:
        place = Path(_open.enter_context(tempfile.TemporaryDirectory(prefix="gongkao-bench-")))
    place.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{place / 'gongkao.sqlite3'}"
    if engine == "postgresql":
        url = _open.enter_context(kept_postgres(place / "server") if folder else start_postgres(durable=True))
    there = (place / "made").exists()
    app = create_app(Settings(mode="test", instance=place, database_url=url, secret_key=_SECRET, clock=DAY))
    if not there:
        with app.app_context():
            upgrade(directory=app.extensions["migrate"].directory)
            began = time.monotonic()
            year = size // years
            city = min(queue, year)
            county = min(COUNTY_QUEUE, year - city)
            busy = {BUSY: city, BUSY_COUNTY: county}
            if size == SMALL:
                busy[CENTRE] = min(CENTRE_QUEUE, year - city - county)
            made = province.load(size, seed=2025, password="!" * 12, years=years, busy=busy)
            took = time.monotonic() - began
            print(f"{engine}: {size} applications, {made.rows} rows in {took:.0f} s", file=sys.stderr)
        (place / "made").touch()
    _rings[app] = sealing.keyring()
    return app


def close() -> None:
    """Throw the databases away."""
    province_of.cache_clear()
    _open.close()
    clock.install(clock.real_time)


def use(app: Flask) -> None:
    """Take the app's own keys into use, which belong to the process: several apps take turns."""
    sealing.use(_rings[app])


@contextmanager
def using(app: Flask) -> Iterator[None]:
    """Work inside the app for a while."""
    use(app)
    with app.app_context():
        yield
        db.session.remove()


def sign_in(app: Flask, choose: Callable[[], Account]) -> FlaskClient:
    """A browser signed in as an account."""
    with using(app):
        token = sessions.begin(choose())
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = token, True
    return client


def times(
    clients: Sequence[FlaskClient], path: Callable[[FlaskClient, int], str], rounds: int, warm: int = 3
) -> list[list[float]]:
    """The times in ms of each, asked in turns, so that whatever else the machine does falls on all alike.

    Every other turn goes backwards: Python collects garbage each so many objects, which else would always fall on the
    same one.
    """
    # What is there stays: no long sweep of the whole heap falls on one of the requests.
    gc.collect()
    gc.freeze()
    found: list[list[float]] = [[] for _ in clients]
    for turn in range(-warm, rounds):
        for place, client in list(enumerate(clients))[:: 1 if turn % 2 else -1]:
            address = path(client, turn)
            use(client.application)
            start = time.perf_counter()
            answer = client.get(address)
            took = (time.perf_counter() - start) * 1000
            assert answer.status_code == 200, (address, answer.status)
            if turn >= 0:
                found[place].append(took)
    return found


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]
