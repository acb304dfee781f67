"""The current cycle, and its windows as they hold for a region."""

from datetime import date
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import joinedload

from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Cycle,
    GradeRule,
    RegionEntry,
    SubjectEntry,
    TradeOpening,
    Unit,
)
from gongkao.rules import calendar
from gongkao.rules.calendar import Window, WindowKey
from gongkao.rules.routing import under_province
from gongkao.rules.scoring import PassRule
from gongkao.services.errors import NotFound
from gongkao.services.transaction import read_once

# Where a window is looked up for. None: not known yet.
Place = Unit | Agency | RegionEntry | None

_regions: WeakKeyDictionary[Engine, dict[str, str | None]] = WeakKeyDictionary()


def current_cycle() -> Cycle:
    """The cycle in work. Raises NotFound before the starting data is loaded."""
    return read_once("cycle", _current_cycle)


def _current_cycle() -> Cycle:
    query = select(Cycle).where(Cycle.current).options(joinedload(Cycle.window_entries))
    cycle = db.session.scalars(query).unique().one_or_none()
    if cycle is None:
        raise NotFound("no current cycle")
    return cycle


def _parents() -> dict[str, str | None]:
    """Every region's code with that of the region it lies in: read once, for the starting data alone makes regions."""
    engine = db.engine
    if not _regions.get(engine):
        _regions[engine] = {
            code: above for code, above in db.session.execute(select(RegionEntry.code, RegionEntry.parent_code))
        }
    return _regions[engine]


def region_chain(place: Place) -> tuple[str, ...]:
    """The codes of the place's region and of those it lies in, nearest first: what a window is looked up by.

    Units of the province and central units in Zhengzhou keep to the province's dates, not to those of the city in which
    they lie (notice 二（五）).
    """
    if place is None:
        return ()
    parents = _parents()
    codes: list[str] = []
    code: str | None = place.code if isinstance(place, RegionEntry) else place.region_code
    while code is not None:
        codes.append(code)
        code = parents.get(code)
    if isinstance(place, Unit) and under_province(place.level):
        return tuple(codes[-1:])
    return tuple(codes)


def place_of(account: Account) -> Place:
    """Where the windows hold that an account works by: its office, its region, or the unit it applies from."""
    if account.person_id is None:
        return account.unit or account.agency or account.region
    query = select(Unit).join(Application, Application.unit_id == Unit.id)
    return db.session.scalar(
        query.where(Application.person_id == account.person_id, Application.cycle_id == current_cycle().id)
    )


def find_window(key: WindowKey, place: Place = None, grade: int | None = None) -> Window | None:
    """The window that holds for a place and a grade (notice 三): what applies where is decided here alone.

    Where the place is not known yet (somebody about to register), the province's, or a region's that is open longer.
    """
    windows = current_cycle().windows
    if place is None:
        return calendar.window_anywhere(windows, key, today(), grade=grade)
    return calendar.window_for(windows, key, region_codes=region_chain(place), grade=grade)


def require_open(key: WindowKey, place: Place = None, grade: int | None = None) -> Window:
    """The open window, or WindowClosed naming it."""
    return calendar.checked_open(find_window(key, place, grade), today())


def require_not_over(key: WindowKey, place: Place = None, grade: int | None = None) -> Window:
    """The window, open or still to come: what is planned for it may be planned before. Raises WindowClosed."""
    window = find_window(key, place, grade)
    return calendar.checked_open(window, today() if window is None else max(today(), window.opens))


def is_open(key: WindowKey, place: Place = None, grade: int | None = None) -> bool:
    window = find_window(key, place, grade)
    return window is not None and calendar.is_open(window, today())


def stage(place: Place = None) -> tuple[Window | None, date]:
    """The main stage of today where the place lies, for the top bar."""
    day = today()
    return calendar.stage_on(current_cycle().windows, day, region_codes=region_chain(place)), day


def open_trades() -> list[TradeOpening]:
    """The trades of the current cycle with their open grades, by code."""
    rows = db.session.scalars(
        select(TradeOpening).where(TradeOpening.cycle_id == current_cycle().id).join(TradeOpening.trade)
    ).all()
    return sorted(rows, key=lambda row: row.trade.code)


def subjects(cycle: Cycle, grade: int) -> list[SubjectEntry]:
    """The test subjects of a grade, in order."""
    query = select(SubjectEntry).where(SubjectEntry.cycle_id == cycle.id, SubjectEntry.grade == grade)
    return list(db.session.scalars(query.order_by(SubjectEntry.position)))


def pass_rule(cycle: Cycle, grade: int) -> PassRule:
    """How the marks of a grade make a pass; every subject for a grade that has no rule of its own."""
    query = select(GradeRule).where(GradeRule.cycle_id == cycle.id, GradeRule.grade == grade)
    rule = db.session.scalar(query)
    return PassRule() if rule is None else PassRule(rule.each_subject, rule.total_line)
