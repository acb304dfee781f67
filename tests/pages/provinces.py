"""Invented provinces for tests of all lists: the lists, who looks at them, and the days on which they are full."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import func, select, update

from app import create_app
from gongkao import clock
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Cycle, Unit
from gongkao.services import province, sessions
from gongkao.services.transaction import transaction
from tests.conftest import _forget_the_last_request, _settings

CITY = "410100"
DAY, LATER_DAY = date(2025, 3, 27), date(2024, 12, 10)
# Lists that hold last year's tests and results; all others are seen amid this year's review.
_LATER = (
    "/training",
    "/sites",
    "/sittings",
    "/seating",
    "/tickets",
    "/results",
    "/rechecks",
    "/certificates",
    "/archive",
    "/scores/4",
)


def make(folder: Path, applications: int, *, years: int, busy: int) -> Flask:
    """An app on an invented province, `busy` of each year's applications at CITY; inside its context."""
    made = create_app(_settings(folder / "instance", f"sqlite:///{folder / 'province.sqlite3'}"))
    made.before_request_funcs.setdefault(None, []).insert(0, _forget_the_last_request)
    with made.app_context():
        upgrade(directory=made.extensions["migrate"].directory)
        clock.install(clock.on_day(DAY))
        province.load(applications, seed=11, password="yanshi-2025", years=years, busy={CITY: busy})
    return made


def lists(app: Flask) -> list[str]:
    """Every list's address: what has an export beside it."""
    found = [rule.rule.removesuffix("/export") for rule in app.url_map.iter_rules() if rule.rule.endswith("/export")]
    return sorted([*found, "/jobs", "/scores/4"])


def is_later(address: str) -> bool:
    """Whether a list is full on LATER_DAY."""
    return address.startswith(_LATER)


def at_their_time(app: Flask) -> Iterator[str]:
    """The address of every list without an argument, seen while there is something in it."""
    for later in (False, True):
        with transaction() as session:
            session.execute(update(Cycle).values(current=Cycle.year == (LATER_DAY if later else DAY).year))
        clock.install(clock.on_day(LATER_DAY if later else DAY))
        yield from (one for one in lists(app) if "<" not in one and is_later(one) is later)


def manager(code: str) -> Account:
    return db.session.scalars(select(Account).where(Account.username == f"gl{code}")).one()


def administrator() -> Account:
    """Of the city's unit from which the most apply."""
    largest = (
        select(Application.unit_id)
        .join(Application.unit)
        .join(Application.cycle)
        .join(Agency, Agency.id == Unit.agency_id)
        .where(Cycle.current, Agency.code == CITY)
        .group_by(Application.unit_id)
        .order_by(func.count().desc(), Application.unit_id)
        .limit(1)
    )
    return db.session.scalars(select(Account).where(Account.unit_id == largest.scalar_subquery())).one()


def people() -> dict[str, Account]:
    """Who looks: for the province, for CITY, and for a unit."""
    return {"province": manager("410000"), "city": manager(CITY), "unit": administrator()}


def browser(app: Flask, account: Account) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    token = sessions.begin(account)
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = token, True
    return client
