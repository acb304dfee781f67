"""The reviewers' lists: the queue of one's own desks, and all applications in one's scope."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.scope import at_desk, narrow
from gongkao.clock import ZONE, today
from gongkao.extensions import db
from gongkao.models import Account, Application, Cycle, ReviewNote, Role, Trade, Unit
from gongkao.rules import calendar, workflow
from gongkao.rules.calendar import Window
from gongkao.rules.grades import Grade
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import claims, cycles, kept, listing, review_notes
from gongkao.services.kept import Figures
from gongkao.services.list_filters import of_agencies, of_grade
from gongkao.services.listing import Cell, Column, Filter, Listing, ends_with
from gongkao.services.people_search import by_identity, few, is_number
from gongkao.services.review_page import only_name
from gongkao.services.unit_search import named

# So many units at most are offered as a filter; beyond that one searches.
UNIT_CHOICES = 200
_UNIT_DESKS = (Desk.UNIT, Desk.SUPERVISING)
_AGENCY_DESKS = (Desk.AGENCY, Desk.ONSITE)


# Desks in as few words as fit a column.
SHORT = {
    Status.UNIT_REVIEW: "本单位审核",
    Status.SUPERVISING_REVIEW: "主管审核",
    Status.AGENCY_REVIEW: "网上审查",
    Status.ONSITE_CONFIRMATION: "现场确认",
}


def own_desks(actor: Account) -> tuple[Desk, ...]:
    """The desks at which this account decides."""
    return _UNIT_DESKS if actor.role is Role.UNIT_ADMINISTRATOR else _AGENCY_DESKS


@dataclass(frozen=True)
class Counts:
    """What waits at an account's own desks, and what they sent back that is not yet corrected."""

    by_status: dict[Status, int]
    by_age: dict[str, int]
    second: int
    returned: int


# How long an application has waited, by the days since it came: (key, label, first day, last day).
AGES: tuple[tuple[str, str, int, int | None], ...] = (
    ("today", "今天", 0, 0),
    ("3", "1–3天", 1, 3),
    ("7", "4–7天", 4, 7),
    ("older", "7天以上", 8, None),
)


def _came_before(days: int) -> ColumnElement[bool]:
    """Waiting for so many days at least: came before the day that lies one less ago began."""
    return Application.desk_since < datetime.combine(today() - timedelta(days=days - 1), time(), ZONE)


def _aged(key: str) -> ColumnElement[bool]:
    _, _, first, last = next(age for age in AGES if age[0] == key)
    parts = [] if first == 0 else [_came_before(first)]
    if last is not None:
        parts.append(~_came_before(last + 1))
    return and_(*parts)


def desk_counts(actor: Account) -> Counts:
    """How many applications wait at the account's own desks, by desk and by age, and how many these sent back."""
    cycle = cycles.current_cycle()
    looked = Application.first_reviewed_by_id.is_not(None) if _two_looks(actor) else false()
    # Counted along the queue's index, each row once: grouping by age would sort them all.
    since = [func.count().filter(_came_before(first)) for _, _, first, _ in AGES if first]
    waiting = select(Application.status, func.count(), *since, func.count().filter(looked)).where(
        Application.cycle_id == cycle.id, at_desk(actor)
    )
    returned = select(Application.status, func.count(), *(literal(0) for _ in AGES)).where(
        Application.cycle_id == cycle.id, Application.status == Status.RETURNED, _sent_back_by(actor)
    )
    by_status = {workflow.status_of(desk): 0 for desk in own_desks(actor)}
    by_age = dict.fromkeys([age[0] for age in AGES], 0)
    second = sent_back = 0
    rows = db.session.execute(waiting.group_by(Application.status).union_all(returned.group_by(Application.status)))
    for status, number, *older, again in rows:
        if status == Status.RETURNED:
            sent_back = number
            continue
        by_status[status] += number
        second += again
        for (key, *_), here, later in zip(AGES, (number, *older), (*older, 0), strict=True):
            by_age[key] += here - later
    return Counts(by_status, by_age, second, sent_back)


def status_counts(actor: Account) -> Figures[dict[Status, int]]:
    """How many submitted applications of the cycle stand where, in the person's scope."""

    def count() -> tuple[dict[Status, int], int]:
        query = narrow(select(Application.status, func.count()), Application, actor)
        query = query.where(Application.cycle_id == cycles.current_cycle().id, Application.status != Status.DRAFT)
        found = {status: number for status, number in db.session.execute(query.group_by(Application.status))}
        return found, sum(found.values())

    return kept.figures("status", actor, (), count)


def _sent_back_by(actor: Account) -> ColumnElement[bool]:
    """What the account's own desks have sent back."""
    if actor.role is Role.UNIT_ADMINISTRATOR:
        return or_(
            and_(Application.unit_id == actor.unit_id, Application.returned_to == Desk.UNIT),
            and_(Application.supervising_unit_id == actor.unit_id, Application.returned_to == Desk.SUPERVISING),
        )
    return and_(Application.agency_id == actor.agency_id, Application.returned_to.in_(_AGENCY_DESKS))


def _two_looks(actor: Account) -> bool:
    """Whether two officers of the account's agency look at every application (初审、复审)."""
    return actor.agency is not None and actor.agency.second_review


def _whole(query: Select[Any]) -> Select[Any]:
    """With person, unit and trade at hand, so that no row asks again; counting and paging do without them."""
    return query.options(joinedload(Application.person), joinedload(Application.unit), joinedload(Application.trade))


def _of_person(term: str) -> ColumnElement[bool]:
    """By the name; or by the whole identity number or its last four characters."""
    return by_identity(term) if is_number(term) else Application.person_name.contains(term, autoescape=True)


def _of_number(term: str) -> ColumnElement[bool]:
    return ends_with(Application.number)(term) if is_number(term) else false()


def _of_unit(term: str) -> ColumnElement[bool]:
    return Application.unit_id.in_(named(term))


def _of_trade(term: str) -> ColumnElement[bool]:
    # Few trades, many applications: looked up once rather than for each.
    return Application.trade_id.in_(select(Trade.id).where(Trade.name.contains(term, autoescape=True)))


_SEARCH = (_of_person, _of_number, _of_unit, _of_trade)


def _of_the_year(term: str) -> ColumnElement[bool]:
    """The same in a whole cycle, where few are looked up rather than looked for."""
    if not db.session.scalar(select(Trade.id).where(Trade.name.contains(term, autoescape=True)).limit(1)):
        found = few(term)
        # The end of an application's number is only found by going through all.
        if found or (found is not None and not is_number(term)):
            return Application.id.in_(found)
    return or_(*(match(term) for match in _SEARCH))


_BY_UNIT = select(Unit.name).where(Unit.id == Application.unit_id).scalar_subquery()
_BY_TRADE = select(Trade.name).where(Trade.id == Application.trade_id).scalar_subquery()
_SEARCH_HINT = "姓名、身份证号后四位或完整号码、单位、工种"


def _common_columns() -> list[Column]:
    return [
        Column("number", "申报号", lambda row: row.number or "", Application.number, kind="mono"),
        Column("name", "姓名", lambda row: row.person.name, Application.person_name, kind="name"),
        Column("identity", "身份证号", lambda row: row.person.masked_identity_number, kind="mono"),
        Column("unit", "所在单位", lambda row: row.unit.name, _BY_UNIT),
        Column("trade", "申报工种", lambda row: row.trade.name, _BY_TRADE),
        Column("grade", "等级", lambda row: Grade(row.grade).level, Application.grade),
    ]


def _status_filter(label: str, statuses: list[Status], *, shown: bool = True) -> Filter:
    choices = [("", f"全部{label}"), *((status.value, status.label) for status in statuses)]
    return Filter("status", label, choices, lambda value: Application.status == Status(value), shown)


def desk_listing(actor: Account, *, with_units: bool = True) -> Listing:
    """Exactly the queue of this account's own desks in the current cycle, the longest waiting first.

    `with_units` False leaves out the filter by unit, which has to be asked for.
    """
    cycle = cycles.current_cycle()
    waiting = (Application.cycle_id == cycle.id, at_desk(actor))
    desks = own_desks(actor)
    filters = [_status_filter("环节", [workflow.status_of(desk) for desk in desks], shown=False), of_grade()]
    if with_units:
        filters += _unit_filter(waiting)
    filters += [_note_filter(actor), Filter("age", "已等", [(age[0], age[1]) for age in AGES], _aged, shown=False)]
    if _two_looks(actor):
        looked = Application.first_reviewed_by_id.is_not(None)
        at_agency = Application.status == Status.AGENCY_REVIEW
        choices = [("first", "待初审"), ("second", "待复审")]

        def look(value: str) -> ColumnElement[bool]:
            return and_(at_agency, looked if value == "second" else ~looked)

        filters.append(Filter("look", "初审复审", choices, look, shown=False))
    day = today()
    left = _days_left(cycle, day)
    return Listing(
        title="待审查申报",
        query=_whole(select(Application).where(*waiting)).options(
            joinedload(Application.claimed_by).options(*only_name()),
            selectinload(Application.notes).joinedload(ReviewNote.account).options(*only_name()),
        ),
        tie=Application.id,
        sort="since",
        search=_SEARCH,
        search_hint=_SEARCH_HINT,
        filters=filters,
        columns=[
            *_common_columns(),
            Column("status", "环节", lambda row: SHORT[row.status], Application.status, kind="date"),
            Column(
                "since",
                "已等（天）",
                lambda row: Cell(str((day - row.desk_since.date()).days), title=f"{row.desk_since:%Y-%m-%d}到达"),
                Application.desk_since,
                kind="number",
            ),
            Column("left", "剩余", left, kind="status"),
            Column("progress", "审查进展", lambda row: _progress(actor, row), kind="status"),
        ],
        empty_text=_nothing_waits(actor),
        choosable=lambda row: _is_ready(actor, row),
    )


def _unit_filter(waiting: tuple[ColumnElement[bool], ...]) -> list[Filter]:
    """The units that have somebody in the queue, where there are several and not too many to choose from."""
    units = db.session.execute(
        select(Unit.id, Unit.name)
        # The offset keeps PostgreSQL from looking for each of all units whether somebody of it waits.
        .where(Unit.id.in_(select(Application.unit_id).where(*waiting).offset(0)))
        .order_by(Unit.name)
        .limit(UNIT_CHOICES + 1)
    ).all()
    if not 1 < len(units) <= UNIT_CHOICES:
        return []
    choices = [("", "全部单位"), *((str(unit_id), name) for unit_id, name in units)]
    return [Filter("unit", "单位", choices, lambda value: Application.unit_id == int(value))]


def _note_filter(actor: Account) -> Filter:
    """How far the review of an application has come, by what the desks have saved and who has it open."""
    saved = Application.notes.any()
    ready = Application.notes.any(
        and_(
            ReviewNote.complete,
            ReviewNote.account_id == actor.id,
            ReviewNote.form_version == Application.version,
        )
    )
    wheres = {
        "ready": ready,
        "saved": saved,
        "mine": and_(Application.claimed_by_id == actor.id, claims.lasting()),
        "none": ~saved,
    }
    choices = [("", "不限"), ("ready", "可批量通过"), ("saved", "已存意见"), ("mine", "我在审查"), ("none", "未审查")]
    return Filter("note", "进展", choices, lambda value: wheres[value])


def _progress(actor: Account, row: Application) -> Cell:
    """Who has it open, what was saved, whose turn it is: what matters most to whoever chooses the next."""
    held = claims.of_another(actor, row)
    if held is not None:
        return Cell(f"{held.name}正在审查", chip="needs", title=held.text)
    note = note_of(row)
    if _is_ready(actor, row):
        return Cell("可批量通过", chip="done", title="您已逐项审查通过并保存")
    if note is not None and note.form_version == row.version:
        judged = [value.get("passed") for key, value in note.verdicts.items() if not key.startswith(("-", "agree-"))]
        done = sum(passed is not None for passed in judged)
        return Cell(f"已存 {done}/{len(judged)} 项", chip="info")
    if row.first_reviewed_by_id is not None:
        return Cell("待复审", chip="info", title="由您初审" if row.first_reviewed_by_id == actor.id else None)
    return Cell("")


def _is_ready(actor: Account, row: Application) -> bool:
    """Whether the actor may pass it in bulk: checked item by item, saved, unchanged since, and nobody else has it."""
    note = note_of(row)
    return note is not None and review_notes.is_ready(actor, row, note) and claims.of_another(actor, row) is None


def note_of(row: Application) -> ReviewNote | None:
    """What the desk at which the application waits has saved."""
    return next((note for note in row.notes if note.desk is workflow.desk_of(row.status)), None)


def _nothing_waits(actor: Account) -> str:
    if actor.role is Role.UNIT_ADMINISTRATOR:
        return "没有等待审核的申报。本单位人员提交申报、下属单位审核通过后，会出现在这里。"
    return "没有等待审查的申报。单位和主管单位审核通过后，会出现在这里。"


def _days_left(cycle: Cycle, day: date) -> Callable[[Application], Cell]:
    """Days left of the stage that an application waits in, by its region and grade."""
    windows: list[Window] = []

    def cell(row: Application) -> Cell:
        desk = workflow.desk_of(row.status)
        assert row.unit is not None
        if not windows:
            windows.extend(cycle.windows)
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
    submitted: list[Status] = [status for status in Status if status is not Status.DRAFT]
    return Listing(
        title="申报人员",
        query=_whole(query),
        tie=Application.id,
        sort="submitted",
        descending=True,
        search=[_of_the_year],
        search_hint=_SEARCH_HINT,
        filters=[_status_filter("状态", submitted), of_grade(), *of_agencies(actor)],
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
    """The applications before and after this one at the same desk, filtered and ordered as the queue was left.

    What somebody else is reviewing now is passed over.
    """
    queue = _free_queue(actor, args, or_(Application.id == application.id, claims.free_for(actor)))
    return listing.neighbours(queue, _at(application.status, args), application.id)


def first_waiting(actor: Account, status: Status, args: Mapping[str, str]) -> int | None:
    """The first application that waits with this status and that nobody else is reviewing, filtered and ordered as the
    queue was left, or None."""
    queue = _free_queue(actor, args, claims.free_for(actor))
    found = listing.rows(queue, _at(status, args), 1)
    return found[0].id if found else None


def _free_queue(actor: Account, args: Mapping[str, str], free: ColumnElement[bool]) -> Listing:
    return desk_listing(actor, with_units=bool(args.get("unit"))).where(free)


def _at(status: Status, args: Mapping[str, str]) -> dict[str, str]:
    """Whoever works through one desk is not thrown to another in between."""
    return {**args, "status": status.value}


def stage(actor: Account) -> tuple[Window | None, int | None]:
    """The window of the account's own desks where its office lies, and the days left of it."""
    office = actor.unit or actor.agency
    key = workflow.window_key(Action.PASS, own_desks(actor)[0])
    window = cycles.find_window(key, office)
    return window, calendar.days_left(window, today()) if window is not None else None
