"""How the review goes (notice 二（五）: 事中事后监管): figures, charts and slow desks of a region.

Everything is counted by the database over the current cycle alone, a few statements a page however much is kept; over
many applications once a minute.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, String, case, func, literal, select, tuple_, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.functions import GenericFunction

from gongkao.access.scope import narrow, region_prefix
from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    CaseStatus,
    FalseMaterialsCase,
    RegionEntry,
    SampleMember,
    Trade,
    Unit,
)
from gongkao.rules import calendar, workflow
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import cycles, kept
from gongkao.services.kept import Figures
from gongkao.services.replica import from_replica
from gongkao.storage.spreadsheets import write_table

TRADES = 15
SLOW = 50
WAITING = tuple(workflow.status_of(desk) for desk in Desk)
# The four groups that charts tell apart, by their heading.
GROUPS: dict[str, tuple[Status, ...]] = {
    "审查中": WAITING,
    "退回修改": (Status.RETURNED,),
    "合格": (Status.QUALIFIED,),
    "不通过或取消": (Status.REFUSED, Status.CANCELLED),
}


class day_of(GenericFunction[str]):
    """The day of a moment in Asia/Shanghai, as text: 2025-03-31."""

    type = String()
    inherit_cache = True
    name = "day_of"


@compiles(day_of, "sqlite")
def _day_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)}, '+8 hours')"


@compiles(day_of, "postgresql")
def _day_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"


@dataclass(frozen=True)
class Chart:
    """One chart with the table behind it. `title` says what it shows, `series` maps a heading to its figures.

    `across`: bars lie, for long labels; `stacked`: the series add up.
    """

    key: str
    title: str
    label: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[int]]
    across: bool = False
    stacked: bool = True

    @property
    def columns(self) -> list[str]:
        total = ["合计"] if self.stacked and len(self.series) > 1 else []
        return [self.label, *self.series, *total]

    @property
    def rows(self) -> list[list[Any]]:
        """The table: a label, its figure in each series, and their sum where they add up."""
        found: list[list[Any]] = []
        for label, *figures in zip(self.labels, *self.series.values(), strict=True):
            total = [sum(figures)] if self.stacked and len(figures) > 1 else []
            found.append([label, *figures, *total])
        return found


@dataclass(frozen=True)
class Figure:
    """One figure on top. `key` names the page on which something is done about it."""

    key: str
    label: str
    value: int
    unit: str
    note: str
    tone: str = ""


@dataclass(frozen=True)
class Office:
    """One desk and how its work waits, in days."""

    desk: Desk
    office_id: int
    name: str
    region: str
    waiting: int
    oldest: int
    median: int
    overdue: int


@dataclass
class View:
    """What somebody looks at: their agencies, narrowed by the region and grade chosen in the address."""

    actor: Account
    region: str = ""
    grade: int | None = None
    cycle_id: int = field(init=False)

    def __post_init__(self) -> None:
        self.cycle_id = cycles.current_cycle().id

    @cached_property
    def agencies(self) -> Sequence[Agency]:
        query = narrow(select(Agency), Agency, self.actor).order_by(Agency.code)
        return db.session.scalars(query).all()

    @cached_property
    def names(self) -> dict[str, str]:
        """The names of the agencies' regions by code."""
        return {one.region_code: one.region.name for one in self.agencies}

    @property
    def level(self) -> RegionLevel:
        """How high the person stands: which regions there are to choose from."""
        place = self.actor.agency or self.actor.region
        return place.level if place is not None else RegionLevel.COUNTY

    @property
    def region_choices(self) -> list[tuple[str, str]]:
        """(code, name): for the province its cities, for a city the counties that have taken over."""
        if self.level is RegionLevel.PROVINCE:
            return [(one.region_code, one.region.name) for one in self.agencies if one.level is RegionLevel.CITY]
        if self.level is RegionLevel.CITY:
            return [(one.region_code, one.region.name) for one in self.agencies if one.taken_over]
        return []

    @cached_property
    def shown(self) -> Sequence[Agency]:
        """The agencies that are looked at: all, or those of the chosen region."""
        if not self.region:
            return self.agencies
        level = RegionLevel.CITY if self.level is RegionLevel.PROVINCE else RegionLevel.COUNTY
        prefix = region_prefix(self.region, level)
        return [one for one in self.agencies if one.region_code.startswith(prefix)]

    def narrowed(self, query: Any) -> Any:
        """A query over applications, narrowed to the cycle, the scope, and what is chosen."""
        query = narrow(query, Application, self.actor).where(
            Application.cycle_id == self.cycle_id, Application.status != Status.DRAFT
        )
        if self.region:
            query = query.where(Application.agency_id.in_([one.id for one in self.shown]))
        if self.grade is not None:
            query = query.where(Application.grade == self.grade)
        return query

    def place_of(self, agency: Agency) -> str:
        """Under which region an agency's work is counted: for the whole province its city, else its own."""
        if self.level is RegionLevel.PROVINCE and not self.region:
            if agency.level is RegionLevel.PROVINCE:
                return "省直、中央驻郑"
            city = region_prefix(agency.region_code, RegionLevel.CITY) + "00"
            return self.names.get(city, agency.region.name)
        if agency.level is RegionLevel.CITY:
            return f"{agency.region.name}本级"
        return agency.region.name


def view(actor: Account, args: Mapping[str, str]) -> View:
    """What the address asks for; what it cannot mean is left out."""
    made = View(actor)
    if args.get("region", "") in {code for code, _ in made.region_choices}:
        made.region = args.get("region", "")
    if args.get("grade", "") in {str(int(grade)) for grade in Grade}:
        made.grade = int(args["grade"])
    return made


@dataclass(frozen=True)
class Dashboard:
    """`moment` tells when it was counted, where that is not this moment."""

    figures: list[Figure]
    charts: list[Chart]
    moment: str


@dataclass(frozen=True)
class _Counted:
    """What a dashboard is made of: people by agency, status and grade; the most frequent trades; and by "submitted" or
    "decided" the people of each day."""

    people: Counter[tuple[int, Status, int]]
    trades: Sequence[tuple[str, int]]
    days: Mapping[str, Counter[str]]


@from_replica
def dashboard(seen: View) -> Dashboard:
    """The figures that lead to an action, and the charts with their tables."""
    found = kept.figures("dashboard", seen.actor, (seen.region, seen.grade), lambda: _count(seen))
    counted = found.value.people
    charts = [_stages(counted), _grades(counted), _regions(seen, counted)]
    charts += [_trades(found.value.trades), _days(found.value.days)]
    return Dashboard(_figures(seen, counted), charts, found.moment)


def _count(seen: View) -> tuple[_Counted, int]:
    """What a dashboard is made of, and over how many people."""
    people = Counter[tuple[int, Status, int]]()
    query = seen.narrowed(select(Application.agency_id, Application.status, Application.grade, func.count()))
    for agency_id, status, grade, count in db.session.execute(
        query.group_by(Application.agency_id, Application.status, Application.grade)
    ):
        people[agency_id, status, grade] = count
    return _Counted(people, _trade_sizes(seen), _day_sizes(seen)), people.total()


def _figures(seen: View, counted: Counter[tuple[int, Status, int]]) -> list[Figure]:
    total = counted.total()
    waiting = sum(count for (_, status, _), count in counted.items() if status in WAITING)
    qualified = sum(count for (_, status, _), count in counted.items() if status is Status.QUALIFIED)
    overdue = _overdue(seen, counted)
    to_judge, to_decide = _open(seen)
    return [
        Figure("all", "已提交申报", total, "人", f"合格{qualified:,}人" if total else ""),
        Figure("slow", "审查中", waiting, "人", "按等待时间查看办理机构"),
        Figure(
            "slow",
            "超过期限未办",
            overdue,
            "人",
            "审查时间已截止" if overdue else "没有超期",
            "refused" if overdue else "done",
        ),
        Figure("samples", "抽查待复核", to_judge, "人", "逐人复核", "needs" if to_judge else ""),
        Figure("cases", "虚假材料待认定", to_decide, "件", "查看进展", "needs" if to_decide else ""),
    ]


def _open(seen: View) -> tuple[int, int]:
    """How many sampled people, and how many cases, wait in the person's scope."""
    members = narrow(select(func.count()).select_from(SampleMember), SampleMember, seen.actor)
    open_cases = narrow(select(func.count()).select_from(FalseMaterialsCase), FalseMaterialsCase, seen.actor)
    row = db.session.execute(
        select(
            members.where(SampleMember.upheld.is_(None)).scalar_subquery(),
            open_cases.where(FalseMaterialsCase.status == CaseStatus.RAISED).scalar_subquery(),
        )
    ).one()
    return row[0], row[1]


def _overdue(seen: View, counted: Counter[tuple[int, Status, int]]) -> int:
    """How many wait at a desk whose window is over where the agency lies."""
    agencies = {one.id: one for one in seen.agencies}
    late = _Late()
    return sum(
        count
        for (agency_id, status, grade), count in counted.items()
        if status in WAITING and late(agencies[agency_id], status, grade)
    )


class _Late:
    """Whether the window of a desk is over where a place lies, for a grade; each asked of the calendar once."""

    def __init__(self) -> None:
        self.windows = cycles.current_cycle().windows
        self.day = today()
        self.known: dict[Any, bool] = {}
        self.chains: dict[Any, tuple[str, ...]] = {}

    def __call__(self, place: Agency | Unit, status: Status, grade: int) -> bool:
        key = workflow.window_key(Action.PASS, workflow.desk_of(status))
        if place not in self.chains:
            self.chains[place] = cycles.region_chain(place)
        chain = self.chains[place]
        asked = (key, chain, grade)
        if asked not in self.known:
            window = calendar.window_for(self.windows, key, region_codes=chain, grade=grade)
            self.known[asked] = window is not None and self.day > window.closes
        return self.known[asked]


def _grouped(counted: Iterable[tuple[str, Status, int]], labels: Sequence[str]) -> dict[str, list[int]]:
    """By heading of GROUPS the figures of each label, from (label, status, count)."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    of = {status: group for group, statuses in GROUPS.items() for status in statuses}
    for label, status, count in counted:
        found[of[status]][label] += count
    return {group: [found[group][label] for label in labels] for group in GROUPS}


def _stages(counted: Counter[tuple[int, Status, int]]) -> Chart:
    by_status = Counter[Status]()
    for (_, status, _), count in counted.items():
        by_status[status] += count
    statuses = [one for one in Status if one is not Status.DRAFT]
    waiting = sum(by_status[one] for one in WAITING)
    most = max(WAITING, key=lambda one: by_status[one])
    title = f"{waiting:,}人在审查中，{most.label}最多（{by_status[most]:,}人）" if waiting else "没有在审查中的申报"
    figures = {"人数": [by_status[one] for one in statuses]}
    return Chart("stage", f"各环节：{title}", "环节", [one.label for one in statuses], figures, across=True)


def _regions(seen: View, counted: Counter[tuple[int, Status, int]]) -> Chart:
    place = {one.id: seen.place_of(one) for one in seen.agencies}
    sizes = Counter[str]()
    for (agency_id, _, _), count in counted.items():
        sizes[place[agency_id]] += count
    # In the order of the codes, those without anybody left out.
    labels = [label for label in dict.fromkeys(place[one.id] for one in seen.shown) if sizes[label]]
    series = _grouped(((place[agency], status, count) for (agency, status, _), count in counted.items()), labels)
    decided = {
        label: (sizes[label] - series["审查中"][i] - series["退回修改"][i]) / sizes[label]
        for i, label in enumerate(labels)
    }
    title = "各地区办理进度"
    if len(labels) > 1:
        slowest = min(labels, key=lambda label: decided[label])
        title += f"：{slowest}办结最少（{decided[slowest]:.0%}）"
    return Chart("region", title, "地区", labels, series, across=True)


def _grades(counted: Counter[tuple[int, Status, int]]) -> Chart:
    labels = [grade.level for grade in Grade]
    series = _grouped(((Grade(grade).level, status, count) for (_, status, grade), count in counted.items()), labels)
    totals = {label: sum(figures[i] for figures in series.values()) for i, label in enumerate(labels)}
    most = max(labels, key=lambda label: totals[label])
    title = f"各等级：{most}最多（{totals[most]:,}人）" if totals[most] else "各等级申报人数"
    return Chart("grade", title, "等级", labels, series)


def _trade_sizes(seen: View) -> list[tuple[str, int]]:
    """The most frequent trades, each with how many people apply in it."""
    sizes = seen.narrowed(select(Application.trade_id, func.count().label("size"))).group_by(Application.trade_id)
    top = sizes.order_by(func.count().desc(), Application.trade_id).limit(TRADES).subquery()
    query = select(Trade.name, top.c.size).join(Trade, Trade.id == top.c.trade_id)
    return [(name, size) for name, size in db.session.execute(query.order_by(top.c.size.desc(), Trade.code))]


def _trades(sizes: Sequence[tuple[str, int]]) -> Chart:
    title = f"申报最多的{len(sizes)}个工种" if len(sizes) > 1 else "各工种申报人数"
    if sizes:
        title += f"：{sizes[0][0]}居首（{sizes[0][1]:,}人）"
    labels, figures = [name for name, _ in sizes], {"人数": [size for _, size in sizes]}
    return Chart("trade", title, "工种", labels, figures, across=True)


def _day_sizes(seen: View) -> dict[str, Counter[str]]:
    """By day how many were submitted, and how many were decided; a decision counts on the day it was last taken."""

    def by_day(kind: str, moment: Any, *where: ColumnElement[bool]) -> Any:
        day = day_of(moment)
        query = seen.narrowed(select(literal(kind).label("kind"), day.label("day"), func.count().label("size")))
        return query.where(*where).group_by(day)

    decided = Application.status.in_([Status.QUALIFIED, Status.REFUSED])
    both = union_all(
        by_day("submitted", Application.submitted_at), by_day("decided", Application.desk_since, decided)
    ).subquery()
    found: dict[str, Counter[str]] = {"submitted": Counter(), "decided": Counter()}
    for kind, day, size in db.session.execute(select(both.c.kind, both.c.day, both.c.size)):
        found[kind][day] += size
    return found


def _days(found: Mapping[str, Counter[str]]) -> Chart:
    days = sorted({*found["submitted"], *found["decided"]})
    now = today().isoformat()
    title = f"每日提交和办结：今天提交{found['submitted'][now]:,}人，办结{found['decided'][now]:,}人"
    series = {"提交": [found["submitted"][day] for day in days], "办结": [found["decided"][day] for day in days]}
    return Chart("day", title, "日期", days, series, stacked=False)


def _office_id() -> ColumnElement[int | None]:
    return case(
        (Application.status == Status.UNIT_REVIEW, Application.unit_id),
        (Application.status == Status.SUPERVISING_REVIEW, Application.supervising_unit_id),
        else_=Application.agency_id,
    )


@from_replica
def slow_offices(seen: View) -> Figures[list[Office]]:
    """The desks whose oldest application has waited longest, at most SLOW of them."""
    return kept.figures("slow", seen.actor, (seen.region, seen.grade), lambda: _count_slow(seen))


def _count_slow(seen: View) -> tuple[list[Office], int]:
    """The slow desks, and over how many people all desks were counted."""
    office = _office_id()
    oldest = func.min(Application.desk_since)
    everybody = func.sum(func.count()).over()
    waiting = seen.narrowed(select(Application.status, office.label("office"), everybody))
    rows = db.session.execute(
        waiting.where(Application.status.in_(WAITING))
        .group_by(Application.status, office)
        .order_by(oldest, Application.status, office)
        .limit(SLOW)
    ).all()
    if not rows:
        return [], 0
    first = [(status, office_id) for status, office_id, _ in rows]
    day = day_of(Application.desk_since)
    query = seen.narrowed(select(Application.status, office, Application.grade, day, func.count()))
    chosen = query.where(tuple_(Application.status, office).in_(first))
    ages: dict[tuple[Status, int], Counter[int]] = defaultdict(Counter)
    grades: dict[tuple[Status, int], Counter[int]] = defaultdict(Counter)
    for status, office_id, grade, since, count in db.session.execute(
        chosen.group_by(Application.status, office, Application.grade, day)
    ):
        ages[status, office_id][(today() - date.fromisoformat(since)).days] += count
        grades[status, office_id][grade] += count
    places = _places(first)
    late = _Late()
    found = []
    for status, office_id in first:
        place, own = places[_at_agency(status), office_id], ages[status, office_id]
        desk = workflow.desk_of(status)
        assert desk is not None
        overdue = sum(count for grade, count in grades[status, office_id].items() if late(place, status, grade))
        region = place.region.full_name
        found.append(Office(desk, office_id, place.name, region, own.total(), max(own), _median(own), overdue))
    return found, int(rows[0][2])


def status_at(office: Office) -> Status:
    """The status of what waits at a desk."""
    return workflow.status_of(office.desk)


def _at_agency(status: Status) -> bool:
    return status in (Status.AGENCY_REVIEW, Status.ONSITE_CONFIRMATION)


def _places(offices: Sequence[Any]) -> dict[tuple[bool, int], Agency | Unit]:
    """The offices by whether they are agencies, and id."""
    agencies = {office_id for status, office_id in offices if _at_agency(status)}
    units = {office_id for status, office_id in offices if not _at_agency(status)}
    found: dict[tuple[bool, int], Agency | Unit] = {}
    with_region = joinedload(Agency.region).joinedload(RegionEntry.parent)
    for agency in db.session.scalars(select(Agency).where(Agency.id.in_(agencies)).options(with_region)):
        found[True, agency.id] = agency
    with_region = joinedload(Unit.region).joinedload(RegionEntry.parent)
    for unit in db.session.scalars(select(Unit).where(Unit.id.in_(units)).options(with_region)):
        found[False, unit.id] = unit
    return found


def _median(ages: Counter[int]) -> int:
    """The middle age of all that wait; of two middle ones the smaller."""
    middle, passed = (ages.total() - 1) // 2, 0
    for age in sorted(ages):
        passed += ages[age]
        if passed > middle:
            return age
    raise ValueError("no ages")


OFFICE_COLUMNS = ["办理机构", "地区", "环节", "待办（人）", "最久（天）", "中位（天）", "超期（人）"]


def office_rows(offices: Sequence[Office]) -> list[list[Any]]:
    """The slow desks as a table."""
    return [[one.name, one.region, one.desk.label, one.waiting, one.oldest, one.median, one.overdue] for one in offices]


@from_replica
def export(seen: View, key: str) -> tuple[str, bytes]:
    """A table as .xlsx with its title: that behind the chart of the key, "slow" for the desks; else the first."""
    if key == "slow":
        return "办理时效", write_table(OFFICE_COLUMNS, office_rows(slow_offices(seen).value), title="办理时效")
    charts = dashboard(seen).charts
    chart = next((one for one in charts if one.key == key), charts[0])
    title = chart.title.partition("：")[0]
    return title, write_table(chart.columns, chart.rows, title=title)
