"""The current cycle, and its windows as they hold for a region."""

from datetime import date

from sqlalchemy import select

from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import Cycle, RegionEntry, SubjectEntry, TradeOpening
from gongkao.rules import calendar
from gongkao.rules.calendar import Window, WindowKey
from gongkao.services.errors import NotFound


def current_cycle() -> Cycle:
    """The cycle in work. Raises NotFound before the starting data is loaded."""
    cycle = db.session.scalar(select(Cycle).where(Cycle.current))
    if cycle is None:
        raise NotFound("no current cycle")
    return cycle


def region_chain(region: RegionEntry | None) -> tuple[str, ...]:
    """The codes of a region and of those it lies in, nearest first: what a window is looked up by."""
    codes = []
    while region is not None:
        codes.append(region.code)
        region = region.parent
    return tuple(codes)


def require_open(key: WindowKey, region: RegionEntry | None = None, grade: int | None = None) -> Window:
    """The open window, or WindowClosed naming it (notice 三): what applies where is decided here alone."""
    return calendar.require_open(current_cycle().windows, key, today(), region_codes=region_chain(region), grade=grade)


def find_window(key: WindowKey, region: RegionEntry | None = None, grade: int | None = None) -> Window | None:
    return calendar.window_for(current_cycle().windows, key, region_codes=region_chain(region), grade=grade)


def is_open(key: WindowKey, region: RegionEntry | None = None, grade: int | None = None) -> bool:
    window = find_window(key, region, grade)
    return window is not None and calendar.is_open(window, today())


def stage() -> tuple[Window | None, date]:
    """The main stage of today, for the top bar."""
    day = today()
    return calendar.stage_on(current_cycle().windows, day), day


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
