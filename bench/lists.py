"""The busiest lists and dashboards through the whole app, on a province of 10,000 and of 1,000,000 applications.

The larger holds ten cycles. The smaller holds the current one, or two for lists of tests and results, which are seen on
a day of December 2024 when that cycle was the current one. In both, much of each cycle comes to the city that is
looked at, and the supervising units are those with about as much to do, so that pages are as full. `value` is the 95th
percentile at the larger size, `baseline` that at the smaller, `n` the statements of one page (at most 12), `goal` the
ratio wanted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from flask import Flask
from sqlalchemy import func, select, update

from bench import Measurement
from bench._province import (
    BUSY,
    DAY,
    ENGINES,
    LARGE,
    SMALL,
    close,
    p95,
    province_of,
    sign_in,
    spread,
    times,
    use,
    using,
)
from gongkao import clock
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Cycle, Role
from gongkao.services.transaction import transaction
from tests.statements import sent

GOAL = 1.3
_ROUNDS = 400
_LATER = date(2024, 12, 10)


def _of_agency(code: str, role: Role = Role.AGENCY_MANAGER) -> Account:
    query = select(Account).join(Account.agency).where(Agency.code == code, Account.role == role).order_by(Account.id)
    return db.session.scalars(query.limit(1)).one()


def city() -> Account:
    """The city with the longest queue."""
    return _of_agency(BUSY)


def province() -> Account:
    return _of_agency("410000")


def county() -> Account:
    """A county that has taken over."""
    query = (
        select(Account)
        .join(Account.agency)
        .join(Application, Application.agency_id == Agency.id)
        .where(Account.role == Role.AGENCY_MANAGER, Agency.taken_over)
        .group_by(Account.id)
        .order_by(func.count().desc(), Account.id)
    )
    return db.session.scalars(query.limit(1)).one()


def bureau() -> Account:
    """The administrator of the supervising unit with nearest to a hundred people of the units below it."""
    nearest = (
        select(Application.supervising_unit_id)
        .join(Application.cycle)
        .where(Cycle.current, Application.supervising_unit_id.is_not(None))
        .group_by(Application.supervising_unit_id)
        .order_by(func.abs(func.count() - 100), Application.supervising_unit_id)
        .limit(1)
    )
    return db.session.scalars(select(Account).where(Account.unit_id == nearest.scalar_subquery())).one()


@dataclass(frozen=True)
class Page:
    """One page: its name, who looks, and its address; `later` where it is seen at the end of a cycle."""

    name: str
    who: Callable[[], Account]
    address: str
    later: bool = False


PAGES = (
    Page("desk-city", city, "/review"),
    Page("desk-unit", bureau, "/review"),
    Page("all-city", city, "/review/all"),
    Page("all-county", county, "/review/all"),
    Page("all-province", province, "/review/all"),
    Page("all-province-deep", province, "/review/all?page=400"),
    Page("all-province-filtered", province, "/review/all?status=agency_review&grade=4"),
    Page("all-province-search", province, "/review/all?q=明"),
    Page("all-province-search-nobody", province, "/review/all?q=欧阳听雨"),
    Page("units-province", province, "/units"),
    Page("administrators-province", province, "/administrators"),
    Page("sheets-province", province, "/sheet-desk"),
    Page("unit-checks-province", province, "/units/check-desk"),
    Page("roster-unit", bureau, "/roster"),
    Page("deferrals-province", province, "/deferrals"),
    Page("visits-city", city, "/onsite/visits"),
    Page("originals-city", city, "/onsite/originals"),
    Page("inbox-city", city, "/inbox"),
    Page("audit-province", province, "/settings/audit"),
    Page("audit-city", city, "/settings/audit"),
    Page("oversight-province", province, "/oversight"),
    Page("oversight-city", city, "/oversight"),
    Page("slow-province", province, "/oversight/slow"),
    Page("cases-province", province, "/cases"),
    Page("reports-city", city, "/reports"),
    Page("jobs-city", city, "/jobs"),
    Page("training-city", city, "/training", later=True),
    Page("seating-city", city, "/seating", later=True),
    Page("sittings-city", city, "/sittings", later=True),
    Page("scores-city", city, "/scores/4", later=True),
    Page("results-province", province, "/results", later=True),
    Page("results-unit", bureau, "/results", later=True),
    Page("certificates-province", province, "/certificates", later=True),
    Page("archive-province", province, "/archive", later=True),
)


def measure() -> Iterator[Measurement]:
    try:
        for engine in ENGINES:
            yield from measure_on(engine)
    finally:
        close()


def measure_on(engine: str, pages: tuple[Page, ...] = PAGES, rounds: int = _ROUNDS) -> Iterator[Measurement]:
    """All pages on one of the databases."""
    for later in (False, True):
        years = 2 if later else 1
        queue = SMALL // years * 4 // 5
        apps = (province_of(engine, SMALL, years, queue), province_of(engine, LARGE))
        for app in apps:
            _set_back(app, later)
        clock.install(clock.on_day(_LATER if later else DAY))
        for page in (one for one in pages if one.later is later):
            clients = [sign_in(app, page.who) for app in apps]
            small, large = times(clients, lambda _client, _turn, page=page: page.address, rounds)  # type: ignore[misc]
            use(apps[1])
            with sent() as statements:
                clients[1].get(page.address)
            name = f"list-{page.name}-{engine}"
            yield Measurement(name, p95(large), "ms", p95(small), len(statements), spread(large), GOAL)
        for app in apps:
            _set_back(app, False)


def _set_back(app: Flask, later: bool) -> None:
    """Make last year's cycle, of which everything is over, the current one, or this year's again."""
    year = _LATER.year if later else DAY.year
    with using(app), transaction() as session:
        session.execute(update(Cycle).values(current=Cycle.year == year))
