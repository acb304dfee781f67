"""The reviewers' lists: the queue of one's own desks, and all applications in one's scope."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from gongkao.access.scope import at_desk, narrow
from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Cycle, Person, Role, Trade, Unit
from gongkao.rules import calendar, workflow
from gongkao.rules.calendar import Window
from gongkao.rules.grades import Grade
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import cycles, listing
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, ends_with

# So many units at most are offered as a filter; beyond that one searches.
UNIT_CHOICES = 200
Match = Callable[[str], ColumnElement[bool]]
_UNIT_DESKS = (Desk.UNIT, Desk.SUPERVISING)
_AGENCY_DESKS = (Desk.AGENCY, Desk.ONSITE)


def own_desks(actor: Account) -> tuple[Desk, ...]:
    """The desks at which this account decides."""
    return _UNIT_DESKS if actor.role is Role.UNIT_ADMINISTRATOR else _AGENCY_DESKS


def desk_counts(actor: Account) -> dict[Status, int]:
    """How many applications wait at each of the account's desks."""
    query = select(Application.status, func.count()).where(
        Application.cycle_id == cycles.current_cycle().id, at_desk(actor)
    )
    counts = {workflow.status_of(desk): 0 for desk in own_desks(actor)}
    for status, count in db.session.execute(query.group_by(Application.status)):
        counts[status] = count
    return counts


def status_counts(actor: Account) -> dict[Status, int]:
    """How many submitted applications of the cycle stand where, in the person's scope."""
    query = narrow(select(Application.status, func.count()), Application, actor)
    query = query.where(Application.cycle_id == cycles.current_cycle().id, Application.status != Status.DRAFT)
    return {status: count for status, count in db.session.execute(query.group_by(Application.status))}


def returned_count(actor: Account) -> int:
    """How many applications the account's own desks have sent back that are not yet corrected."""
    if actor.role is Role.UNIT_ADMINISTRATOR:
        sent_back = or_(
            and_(Application.unit_id == actor.unit_id, Application.returned_to == Desk.UNIT),
            and_(Application.supervising_unit_id == actor.unit_id, Application.returned_to == Desk.SUPERVISING),
        )
    else:
        sent_back = and_(Application.agency_id == actor.agency_id, Application.returned_to.in_(_AGENCY_DESKS))
    query = select(func.count()).where(
        Application.cycle_id == cycles.current_cycle().id, Application.status == Status.RETURNED, sent_back
    )
    return db.session.scalar(query) or 0


def _whole(query: Select[Any]) -> Select[Any]:
    """With person, unit and trade at hand, so that no row asks again; counting and paging do without them."""
    return query.options(joinedload(Application.person), joinedload(Application.unit), joinedload(Application.trade))


def _of_person(match: Match) -> Match:
    return lambda term: Application.person.has(match(term))


def _of_unit(match: Match) -> Match:
    # Few units and trades, many applications: looked up once rather than for each.
    return lambda term: Application.unit_id.in_(select(Unit.id).where(match(term)))


def _of_trade(match: Match) -> Match:
    return lambda term: Application.trade_id.in_(select(Trade.id).where(match(term)))


_SEARCH = (
    _of_person(contains(Person.name)),
    _of_person(ends_with(Person.identity_number)),
    ends_with(Application.number),
    _of_unit(contains(Unit.name)),
    _of_trade(contains(Trade.name)),
)
_BY_PERSON = select(Person.name).where(Person.id == Application.person_id).scalar_subquery()
_BY_UNIT = select(Unit.name).where(Unit.id == Application.unit_id).scalar_subquery()
_BY_TRADE = select(Trade.name).where(Trade.id == Application.trade_id).scalar_subquery()
_SEARCH_HINT = "姓名、证号末几位、单位、工种"


def _common_columns() -> list[Column]:
    return [
        Column("number", "申报号", lambda row: row.number or "", Application.number, kind="mono"),
        Column("name", "姓名", lambda row: row.person.name, _BY_PERSON),
        Column("identity", "身份证号", lambda row: row.person.masked_identity_number, kind="mono"),
        Column("unit", "所在单位", lambda row: row.unit.name, _BY_UNIT),
        Column("trade", "申报工种", lambda row: row.trade.name, _BY_TRADE),
        Column("grade", "等级", lambda row: Grade(row.grade).level, Application.grade),
    ]


def _grade_filter() -> Filter:
    choices = [("", "全部等级"), *((str(int(grade)), grade.label) for grade in Grade)]
    return Filter("grade", "等级", choices, lambda value: Application.grade == int(value))


def _status_filter(label: str, statuses: list[Status]) -> Filter:
    choices = [("", f"全部{label}"), *((status.value, status.label) for status in statuses)]
    return Filter("status", label, choices, lambda value: Application.status == Status(value))


def desk_listing(actor: Account) -> Listing:
    """Exactly the queue of this account's own desks in the current cycle, the longest waiting first."""
    cycle = cycles.current_cycle()
    waiting = (Application.cycle_id == cycle.id, at_desk(actor))
    desks = own_desks(actor)
    filters = [_status_filter("环节", [workflow.status_of(desk) for desk in desks]), _grade_filter()]
    units = db.session.execute(
        select(Unit.id, Unit.name)
        .where(Unit.id.in_(select(Application.unit_id).where(*waiting)))
        .order_by(Unit.name)
        .limit(UNIT_CHOICES + 1)
    ).all()
    if 1 < len(units) <= UNIT_CHOICES:
        choices = [("", "全部单位"), *((str(unit_id), name) for unit_id, name in units)]
        filters.append(Filter("unit", "单位", choices, lambda value: Application.unit_id == int(value)))
    day = today()
    left = _days_left(cycle, day)
    return Listing(
        title="待审查申报",
        query=_whole(select(Application).where(*waiting)),
        tie=Application.id,
        sort="since",
        search=_SEARCH,
        search_hint=_SEARCH_HINT,
        filters=filters,
        columns=[
            *_common_columns(),
            Column(
                "status",
                "环节",
                lambda row: Cell(row.status.label, chip=row.status.tone),
                Application.status,
                kind="status",
            ),
            Column(
                "since",
                "到达日期",
                lambda row: row.desk_since.strftime("%Y-%m-%d"),
                Application.desk_since,
                kind="date",
            ),
            Column("waiting", "已等（天）", lambda row: str((day - row.desk_since.date()).days), kind="number"),
            Column("left", "剩余", left, kind="status"),
        ],
        empty_text=_nothing_waits(actor),
    )


def _nothing_waits(actor: Account) -> str:
    if actor.role is Role.UNIT_ADMINISTRATOR:
        return "没有等待审核的申报。本单位人员提交申报、下属单位审核通过后，会出现在这里。"
    return "没有等待审查的申报。单位和主管单位审核通过后，会出现在这里。"


def _days_left(cycle: Cycle, day: date) -> Callable[[Application], Cell]:
    """Days left of the stage that an application waits in, by its region and grade."""
    windows = cycle.windows

    def cell(row: Application) -> Cell:
        desk = workflow.desk_of(row.status)
        assert row.unit is not None
        window = calendar.window_for(
            windows,
            workflow.window_key(Action.PASS, desk),
            region_codes=cycles.region_chain(row.unit),
            grade=row.grade,
        )
        if window is None:
            return Cell("")
        left = calendar.days_left(window, day)
        until = f"{window.title}：{calendar.period_text(window)}"
        if left < 0:
            return Cell("已截止", chip="neutral", title=until)
        return Cell("今天截止" if left == 0 else f"剩{left}天", chip="needs" if left <= 3 else "info", title=until)

    return cell


def all_listing(actor: Account) -> Listing:
    """Every submitted application of the current cycle in the person's scope, the newest first."""
    cycle = cycles.current_cycle()
    query = narrow(select(Application), Application, actor)
    query = query.where(Application.cycle_id == cycle.id, Application.status != Status.DRAFT)
    filters = [_status_filter("状态", [status for status in Status if status is not Status.DRAFT]), _grade_filter()]
    if actor.unit is None:
        agencies = db.session.execute(
            narrow(select(Agency.id, Agency.name), Agency, actor)
            .where(Agency.id.in_(select(Unit.agency_id)))
            .order_by(Agency.code)
        ).all()
        if len(agencies) > 1:
            choices = [("", "全部机构"), *((str(agency_id), name) for agency_id, name in agencies)]
            filters.append(Filter("agency", "审查机构", choices, lambda value: Application.agency_id == int(value)))
    return Listing(
        title="申报人员",
        query=_whole(query),
        tie=Application.id,
        sort="submitted",
        descending=True,
        search=_SEARCH,
        search_hint=_SEARCH_HINT,
        filters=filters,
        columns=[
            *_common_columns(),
            Column(
                "submitted",
                "提交日期",
                lambda row: row.submitted_at.strftime("%Y-%m-%d"),
                Application.submitted_at,
                kind="date",
            ),
            Column(
                "status",
                "状态",
                lambda row: Cell(row.status.label, chip=row.status.tone),
                Application.status,
                kind="status",
            ),
        ],
        empty_text="还没有申报。申报人员提交后会出现在这里。",
    )


def neighbours(actor: Account, application: Application, args: Mapping[str, str]) -> tuple[int | None, int | None]:
    """The applications before and after this one at the same desk, filtered and ordered as the queue was left."""
    return listing.neighbours(desk_listing(actor), _at(application.status, args), application.id)


def first_waiting(actor: Account, status: Status, args: Mapping[str, str]) -> int | None:
    """The first application that waits with this status, filtered and ordered as the queue was left, or None."""
    found = listing.rows(desk_listing(actor), _at(status, args), 1)
    return found[0].id if found else None


def _at(status: Status, args: Mapping[str, str]) -> dict[str, str]:
    """Whoever works through one desk is not thrown to another in between."""
    return {**args, "status": status.value}


def stage(actor: Account) -> tuple[Window | None, int | None]:
    """The window of the account's own desks where its office lies, and the days left of it."""
    office = actor.unit or actor.agency
    key = workflow.window_key(Action.PASS, own_desks(actor)[0])
    window = cycles.find_window(key, office)
    return window, calendar.days_left(window, today()) if window is not None else None
