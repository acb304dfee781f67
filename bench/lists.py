"""Every list and dashboard through the whole app, on a province of 10,000 and of 1,000,000 applications.

Each list is looked at by whoever may of the province, its busiest city, a county and a supervising unit. The larger
province holds ten cycles. The smaller holds the current one, or two for lists of tests and results, which are seen on a
day of December 2024 when that cycle was the current one. In both, much of each cycle comes to the city and the county
that are looked at, something to the province itself, and the supervising units are those with about as much to do.
Where the smaller holds fewer rows than a page shows, both show as many as it holds. `value` is the 95th percentile at
the larger size, `baseline` that at the smaller, `n` the statements of one page (at most 12), `goal` the ratio wanted.
Of 150 requests a percentile still moves by a fifth: a page over the goal is asked again 600 times, and one that
is over it even then 2,400 times; what was asked last counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from bench import Measurement, spread
from bench._province import (
    BUSY,
    BUSY_COUNTY,
    CENTRE,
    DAY,
    ENGINES,
    LARGE,
    SMALL,
    close,
    p95,
    province_of,
    sign_in,
    times,
    use,
    using,
)
from gongkao import clock
from gongkao.extensions import db
from gongkao.models import Account, Application, Cycle, FalseMaterialsCase, Original, Unit
from gongkao.services import listing
from gongkao.services.transaction import transaction
from tests.pages import provinces
from tests.statements import sent

GOAL = 1.3
_ROUNDS = (150, 600, 2_400)
_PER_PAGE = listing.PER_PAGE


def city() -> Account:
    """The city with the longest queue."""
    return provinces.manager(BUSY)


def province() -> Account:
    return provinces.manager(CENTRE)


def county() -> Account:
    """A county that has taken over, with about as much to do in both provinces."""
    return provinces.manager(BUSY_COUNTY)


def unit() -> Account:
    """The administrator of the supervising unit with nearest to 200 people of the units below it; where there is such a
    one, of those where an agency has originals of theirs and false materials were suspected.
    """
    held = select(Unit.supervising_unit_id).join(Original, Original.unit_id == Unit.id).where(Original.held)
    suspected = select(Unit.supervising_unit_id).join(FalseMaterialsCase, FalseMaterialsCase.unit_id == Unit.id)
    above = Application.supervising_unit_id
    nearest = (
        select(above)
        .join(Application.cycle)
        .where(Cycle.current, above.is_not(None))
        .group_by(above)
        .order_by(func.abs(func.count() - 200), above)
        .limit(1)
    )
    found = db.session.scalar(nearest.where(above.in_(held), above.in_(suspected))) or db.session.scalar(nearest)
    return db.session.scalars(select(Account).where(Account.unit_id == found)).one()


@dataclass(frozen=True)
class Page:
    """One page: its name, who looks, and its address."""

    name: str
    who: Callable[[], Account]
    address: str


# What is searched, filtered and leafed through where there is most.
_SEARCHES = (
    Page("review-all-province-deep", province, "/review/all?page=400"),
    Page("review-all-province-filtered", province, "/review/all?status=agency_review&grade=4"),
    Page("review-all-province-search", province, "/review/all?q=明"),
    Page("review-all-province-search-nobody", province, "/review/all?q=欧阳听雨"),
)
_ROLES = (province, city, county, unit)


def pages(app: Flask, *, later: bool) -> Iterator[Page]:
    """Every list without an argument by everybody, which some may not see, and the searches; at their time."""
    for address in provinces.lists(app):
        if "<" not in address and provinces.is_later(address) is later:
            for who in _ROLES:
                yield Page(f"{address[1:].replace('/', '-')}-{who.__name__}", who, address)
    if not later:
        yield from _SEARCHES


def measure() -> Iterator[Measurement]:
    try:
        for engine in ENGINES:
            yield from measure_on(engine)
    finally:
        close()


def measure_on(engine: str) -> Iterator[Measurement]:
    """All pages on one of the databases."""
    for later in (False, True):
        years = 2 if later else 1
        apps = (province_of(engine, SMALL, years, SMALL // years * 3 // 5), province_of(engine, LARGE))
        for app in apps:
            set_back(app, later)
        browsers = {who: [sign_in(app, who) for app in apps] for who in _ROLES}
        for page in pages(apps[0], later=later):
            clients = browsers[page.who]
            found = [_rows(client, page.address) for client in clients]
            if None in found:
                continue
            rows = [one or 0 for one in found]
            listing.PER_PAGE = max(1, min(_PER_PAGE, *rows))
            for rounds in _ROUNDS:
                small, large = times(clients, lambda _client, _turn, page=page: page.address, rounds)  # type: ignore[misc]
                if p95(large) <= GOAL * p95(small):
                    break
            use(apps[1])
            with sent() as statements:
                clients[1].get(page.address)
            listing.PER_PAGE = _PER_PAGE
            name = f"list-{page.name}-{engine}"
            yield Measurement(name, p95(large), "ms", p95(small), len(statements), spread(large), GOAL)
        for app in apps:
            set_back(app, False)


def _rows(client: FlaskClient, address: str) -> int | None:
    """How many rows the page's list shows, 0 for a page without one; None where it may not be seen."""
    shown: list[int] = []
    genuine = listing.run

    def noting(*arguments: Any) -> listing.Page:
        page = genuine(*arguments)
        shown.append(len(page.rows))
        return page

    listing.run = noting
    try:
        use(client.application)
        status = client.get(address).status_code
    finally:
        listing.run = genuine
    return sum(shown[:1]) if status == 200 else None


def set_back(app: Flask, later: bool) -> None:
    """Make last year's cycle, of which everything is over, the current one, or this year's again."""
    day = provinces.LATER_DAY if later else DAY
    with using(app), transaction() as session:
        session.execute(update(Cycle).values(current=Cycle.year == day.year))
    clock.install(clock.on_day(day))
