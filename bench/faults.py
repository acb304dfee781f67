"""Faults while people work: how many acknowledged writes are lost, and how many happen twice. Both are to be none.

The app behind gunicorn, the worker and the database run as processes; clients send incidents, files, decisions and
submissions all the time, and send again what got no answer. Meanwhile processes are killed (kill -9: app, its workers,
the worker of batches, PostgreSQL and its backends, migrations), PostgreSQL restarts, the disk fills up, the store goes
away, the clock steps. `n` is how many faults there were.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench import Measurement
from tests.faults.migrations import Empty, empty_sqlite, kill_migrations
from tests.faults.rounds import Outcome, People, Run, kill_job_workers, prepare
from tests.faults.site import open_site
from tests.postgres import DURABLE, Server

# How many of each, mixed by chance.
_FAULTS = {
    "sqlite": {"kill_web_worker": 45, "kill_app": 4, "fill_disk": 10, "lose_storage": 8, "step_clock": 8},
    "postgresql": {
        "kill_backend": 35,
        "kill_web_worker": 25,
        "kill_app": 3,
        "kill_database": 8,
        "restart_database": 8,
        "fill_disk": 8,
        "lose_storage": 5,
        "step_clock": 5,
    },
}
_BATCHES = 16
_MIGRATIONS = 10
_SEED = 20250331


def measure() -> Iterator[Measurement]:
    total = Outcome()
    for engine in _FAULTS:
        total.add(_at_work(engine))
    for empty in (empty_sqlite, None):
        with _postgres() as on_postgres:
            _tell("migrations", found := kill_migrations(empty or on_postgres, _MIGRATIONS, _SEED))
            total.add(found)
    for problem in (*total.lost, *total.doubled, *total.wrong):
        print(problem, file=sys.stderr)
    faults = total.faults.total()
    print(f"{dict(total.faults)}; {total.acknowledged} acknowledged, {total.resent} sent again", file=sys.stderr)
    print(f"seen by people: {sorted(total.seen)}", file=sys.stderr)
    yield Measurement("faults_lost", len(total.lost), "writes", 0, faults, goal=0)
    yield Measurement("faults_doubled", len(total.doubled), "writes", 0, faults, goal=0)
    if total.wrong:
        raise RuntimeError(f"{len(total.wrong)} things went wrong, see above")


def _at_work(engine: str) -> Outcome:
    people, found = People(), Outcome()
    planned = [name for name, times in _FAULTS[engine].items() for _ in range(times)]
    with open_site(engine, prepare(people, decisions=120, submissions=80, certificates=100)) as site:
        with Run(site, people, _SEED) as run:
            run.chance.shuffle(planned)
            for number, fault in enumerate(planned, start=1):
                run.suffer(fault)
                print(f"\r{engine} {number}/{len(planned)}  ", end="", file=sys.stderr)
        _tell(engine, run.outcome)
        found.add(run.outcome)
        _tell(f"batches on {engine}", batches := kill_job_workers(site, people, _BATCHES // 2, _SEED))
        found.add(batches)
    return found


def _tell(what: str, found: Outcome) -> None:
    print(f"\r{what}: {dict(found.faults)}, lost {found.lost}, twice {found.doubled}", file=sys.stderr)


@contextmanager
def _postgres() -> Iterator[Empty]:
    """Empty databases on a server of their own."""
    with tempfile.TemporaryDirectory(prefix="gongkao-faults-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "pg").mkdir()
        server = Server(Path(folder) / "pg", DURABLE)
        server.create()
        serial = iter(range(1000))

        @contextmanager
        def empty() -> Iterator[str]:
            name = f"empty_{next(serial)}"
            with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            head, _, query = server.url.partition("?")
            yield f"{head.rpartition('/')[0]}/{name}?{query}".replace("+psycopg", "")

        try:
            yield empty
        finally:
            server.stop()
