"""The last hour of registration: many people at once through nginx and gunicorn, with pauses and uploads.

500 people on PostgreSQL and 100 on the embedded SQLite, all set up as deploy/ says, on one machine together with the
browsers that locust plays. `value` is the 95th percentile, `baseline` what is wanted at most (so `goal` is a ratio of
1), `n` how many requests were measured; then the requests that failed and the submissions acknowledged but not found
afterwards, both of which must be 0.
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import select

from app import create_app
from bench import Measurement
from bench._server import served
from gongkao import sealing
from gongkao.config import ROOT, Settings
from gongkao.extensions import db
from gongkao.models import Account, Application, Person, Role, Trade
from gongkao.rules.workflow import Status
from gongkao.services.passwords import hash_password
from gongkao.services.transaction import transaction
from tests import world
from tests.postgres import start_postgres

DAY = date(2025, 3, 31)
PEOPLE_AT_ONCE = {"postgresql": 500, "sqlite": 100}
MINUTES = 8
# As deploy/gongkao.env has it.
_MAX_CONCURRENT = "6"
_PAGE, _SUBMIT = 500.0, 1000.0
_WANTED = {"page": _PAGE, "sign in": _SUBMIT, "save a page": _SUBMIT, "upload": _SUBMIT, "submit": _SUBMIT}
_PASSWORD = "Plain-Steps-2025"


def measure() -> Iterator[Measurement]:
    for engine, people in PEOPLE_AT_ONCE.items():
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gongkao-bench-")))
            url = stack.enter_context(start_postgres(durable=True)) if engine == "postgresql" else ""
            environment = {
                **os.environ,
                "GONGKAO_MODE": "demonstration",
                "GONGKAO_CLOCK": DAY.isoformat(),
                "GONGKAO_INSTANCE": str(folder / "instance"),
                "GONGKAO_DATABASE_URL": url,
                "GONGKAO_TRUSTED_PROXIES": "1",
                "GONGKAO_MAX_CONCURRENT": _MAX_CONCURRENT,
            }
            settings = Settings(mode="demonstration", instance=folder / "instance", database_url=url, clock=DAY)
            who = _prepare(settings, folder, people * 2)
            port = stack.enter_context(served(folder, environment))
            figures = _play(folder, environment, f"http://127.0.0.1:{port}", people, who)
            lost = _lost(settings, (folder / "ledger").read_text(encoding="ascii").split())
        failed = 0
        for name, wanted in _WANTED.items():
            row = figures[name]
            failed += int(row["Failure Count"])
            count = int(row["Request Count"])
            label = f"lasthour-{name.replace(' ', '-')}-{engine}"
            yield Measurement(label, float(row["95%"]), "ms", wanted, count, goal=1.0)
        total = sum(int(figures[name]["Request Count"]) for name in _WANTED)
        yield Measurement(f"lasthour-failed-{engine}", failed, "requests", 0, total)
        yield Measurement(f"lasthour-lost-{engine}", lost[0], "submissions", 0, lost[1])


def _prepare(settings: Settings, folder: Path, people: int) -> dict[str, str]:
    """The offices of the tests' world, and people who have registered; gives what the players must know."""
    app = create_app(settings)
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        world.build()
        hashed = hash_password(_PASSWORD)
        numbers = [
            world.identity_number("410122", date(1980, 1, 1 + serial // 900), serial % 900) for serial in range(people)
        ]
        with transaction() as session:
            for number in numbers:
                person = Person(name="孟听雨", identity_number=number, mobile="13800000000")
                name = sealing.keyring().lookup(number)
                made = Account(username=name, password_hash=hashed, role=Role.APPLICANT, display_name=person.name)
                made.person = person
                session.add(made)
        school = world.World().school
        trade = db.session.scalars(select(Trade.id).where(Trade.code == "01001")).one()
        known = {"UNIT_ID": str(school.id), "UNIT": school.name, "TRADE_ID": str(trade)}
        db.session.remove()
        db.engine.dispose()
    (folder / "numbers").write_text("\n".join(numbers), encoding="ascii")
    (folder / "ledger").touch()
    return known


def _play(
    folder: Path, environment: dict[str, str], host: str, people: int, known: dict[str, str]
) -> dict[str, dict[str, str]]:
    """Let so many people at once register for MINUTES; the figures of each kind of request."""
    told = {f"GONGKAO_LOAD_{name}": value for name, value in known.items()}
    told |= {
        "GONGKAO_LOAD_PASSWORD": _PASSWORD,
        "GONGKAO_LOAD_NUMBERS": str(folder / "numbers"),
        "GONGKAO_LOAD_LEDGER": str(folder / "ledger"),
    }
    command = (
        *(sys.executable, "-m", "locust", "--locustfile", str(ROOT / "bench" / "_registration.py"), "--headless"),
        *("--host", host, "--users", str(people), "--spawn-rate", str(people / 60)),
        *("--run-time", f"{MINUTES * 60:.0f}s", "--stop-timeout", "10", "--exit-code-on-error", "0"),
        *("--csv", str(folder / "figures"), "--only-summary"),
    )
    subprocess.run(command, cwd=ROOT, env={**environment, **told}, stdout=sys.stderr, check=True)
    with (folder / "figures_stats.csv").open(encoding="utf-8", newline="") as table:
        return {row["Name"]: row for row in csv.DictReader(table)}


def _lost(settings: Settings, acknowledged: list[str]) -> tuple[int, int]:
    """How many acknowledged submissions are not there, and how many were acknowledged."""
    app = create_app(settings)
    with app.app_context():
        rows = db.session.execute(
            select(Person)
            .join(Application, Application.person_id == Person.id)
            .where(Application.status == Status.UNIT_REVIEW)
        ).scalars()
        found = {person.identity_number for person in rows}
        db.session.remove()
        db.engine.dispose()
    return len(set(acknowledged) - found), len(acknowledged)
