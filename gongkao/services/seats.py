"""Seats as people see them: the own one, lists of them, and the charts of rooms."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import contains_eager, joinedload

from gongkao.access.scope import narrow
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Cycle,
    Deferral,
    ExamRoom,
    ExamSite,
    ExamSitting,
    Person,
    Seat,
    SeatingRun,
    SpecialNeed,
    Trade,
    Unit,
)
from gongkao.rules import seating as rules
from gongkao.rules.grades import Grade
from gongkao.rules.seating import ExamKind
from gongkao.rules.workflow import Status
from gongkao.services import cycles, seating, sittings
from gongkao.services.errors import NotFound
from gongkao.services.exam_office import candidates
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, ends_with, of_identity
from gongkao.services.seating import OPEN_DEFERRALS


@dataclass(frozen=True)
class Place:
    """A person's place in words, for a page."""

    seat: Seat

    @property
    def facts(self) -> list[tuple[str, str]]:
        one, sitting, site = self.seat, self.seat.sitting, self.seat.room.site
        return [
            ("准考证号", one.ticket_number),
            ("考试时间", sittings.long_time(sitting)),
            ("考试形式", sitting.kind.label),
            ("考点", site.name),
            ("考点地址", site.address),
            ("考场和座号", f"{one.room.label}　{one.number}号座位"),
        ]


def _issued(query: Select[Seat]) -> Select[Seat]:
    return query.join(Seat.run).where(SeatingRun.issued_at.is_not(None))


def own_seat(actor: Account) -> Seat | None:
    """The applicant's seat in the current cycle, once tickets are issued and while they are still qualified."""
    query = _issued(narrow(select(Seat), Seat, actor)).join(Seat.application)
    return db.session.scalar(
        query.where(Application.cycle_id == cycles.current_cycle().id, Application.status == Status.QUALIFIED)
    )


def _people(actor: Account, *more: ColumnElement[bool]) -> tuple[Select[Application], Select[Application]]:
    """The people of a listing: its query, and the same without what is only shown."""
    bare = narrow(select(Application), Application, actor).where(
        Application.cycle_id == cycles.current_cycle().id, *more
    )
    query = (
        bare.join(Application.person)
        .join(Application.unit)
        .join(Application.trade)
        .outerjoin(Application.seat)
        .outerjoin(Seat.sitting)
        .outerjoin(Seat.room)
        .options(
            contains_eager(Application.person),
            contains_eager(Application.unit),
            contains_eager(Application.trade),
            contains_eager(Application.seat).contains_eager(Seat.sitting),
            contains_eager(Application.seat).contains_eager(Seat.room).joinedload(ExamRoom.site),
            joinedload(Application.special_need),
            joinedload(Application.deferral),
        )
    )
    return query, bare


def _columns() -> list[Column]:
    def seat_of(row: Application, words: Any) -> str:
        return str(words(row.seat)) if row.seat is not None else ""

    return [
        Column("name", "姓名", lambda row: row.person.name, Application.person_name, kind="name"),
        Column("identity", "身份证号", lambda row: row.person.masked_identity_number, kind="mono"),
        Column("unit", "单位", lambda row: row.unit.name, Unit.name),
        Column("trade", "工种", lambda row: row.trade.name, Trade.name),
        Column("grade", "等级", lambda row: Grade(row.grade).level, Application.grade),
        Column(
            "sitting",
            "场次",
            lambda row: seat_of(row, lambda seat: f"{seat.sitting.label} {seat.sitting.starts_at:%m-%d %H:%M}"),
            ExamSitting.starts_at,
        ),
        Column(
            "room",
            "考点考场",
            lambda row: seat_of(row, lambda seat: f"{seat.room.site.name} {seat.room.label}"),
            ExamRoom.number,
        ),
        Column("seat", "座号", lambda row: seat_of(row, lambda seat: seat.number), Seat.number, kind="number"),
        Column("ticket", "准考证号", lambda row: seat_of(row, lambda seat: seat.ticket_number), kind="mono"),
    ]


def remarks(application: Application) -> list[str]:
    """What is to be known of somebody at the tests: 无障碍, 容缺, 资格已取消."""
    found = []
    if application.special_need is not None:
        found.append("无障碍")
    if application.deferral is not None and application.deferral.status in OPEN_DEFERRALS:
        found.append("容缺待补")
    if application.status is not Status.QUALIFIED:
        found.append(application.status.label)
    return found


def _remark_cell(row: Application) -> Cell:
    found = remarks(row)
    return Cell("、".join(found), chip="needs") if found else Cell("")


_SEATED = select(Seat.id).where(Seat.application_id == Application.id).correlate(Application).exists()
_SPECIAL = (
    select(SpecialNeed.application_id)
    .where(SpecialNeed.application_id == Application.id)
    .correlate(Application)
    .exists()
)
_DEFERRED = (
    select(Deferral.id)
    .where(Deferral.application_id == Application.id, Deferral.status.in_(OPEN_DEFERRALS))
    .correlate(Application)
    .exists()
)


def people_listing(actor: Account, agency: Agency, strangers: int | None = None) -> Listing:
    """Everybody an office seats, as far as the actor sees them, and who sits though no longer qualified.

    `strangers` is how many those are, where it is known.
    """
    wanted = candidates(agency, cycles.current_cycle())
    if seating.strangers(agency) if strangers is None else strangers:
        there = select(Seat.id).where(Seat.application_id == Application.id, Seat.run_id == seating.run_id_of(agency))
        wanted |= there.correlate(Application).exists()
    query, bare = _people(actor, wanted)
    marks = {"special": _SPECIAL, "deferred": _DEFERRED, "not_qualified": Application.status != Status.QUALIFIED}
    return Listing(
        title="考生编排名单",
        query=query,
        bare=bare,
        tie=Application.id,
        sort="name",
        search=[
            contains(Person.name),
            of_identity(Person),
            contains(Unit.name),
            ends_with(Seat.ticket_number),
        ],
        search_hint="姓名、身份证号后四位或完整号码、单位、准考证号",
        columns=[*_columns(), Column("remarks", "备注", _remark_cell, kind="status")],
        filters=[
            Filter(
                "grade",
                "等级",
                [("", "全部"), *((str(int(grade)), grade.level) for grade in sorted(Grade, reverse=True))],
                lambda value: Application.grade == int(value),
            ),
            Filter(
                "seated",
                "座位",
                [("", "全部"), ("yes", "已编排"), ("no", "未编排")],
                lambda value: _SEATED if value == "yes" else ~_SEATED,
            ),
            Filter(
                "mark",
                "备注",
                [("", "全部"), ("special", "无障碍"), ("deferred", "容缺待补"), ("not_qualified", "资格已取消")],
                lambda value: marks[value],
            ),
        ],
        empty_text="没有符合条件的人员。资格审查合格的人员会出现在这里。",
    )


def unit_listing(actor: Account) -> Listing:
    """A unit's people (and those below it) whose tickets are issued."""
    issued = (
        select(Seat.id)
        .join(SeatingRun, SeatingRun.id == Seat.run_id)
        .where(Seat.application_id == Application.id, SeatingRun.issued_at.is_not(None))
        .correlate(Application)
        .exists()
    )
    query, bare = _people(actor, Application.status == Status.QUALIFIED, issued)
    return Listing(
        title="考试安排",
        query=query,
        bare=bare,
        tie=Application.id,
        sort="name",
        search=[contains(Person.name), of_identity(Person), contains(Unit.name)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=_columns(),
        empty_text="还没有签发的准考证。考点所在地工考管理机构签发后，这里可以查看和下载。",
    )


def ticket_listing(actor: Account) -> Listing:
    """Everybody in sight who has a seat, wherever it was given; for a unit those whose tickets are issued."""
    if actor.unit_id is not None:
        return unit_listing(actor)
    offices = dict(db.session.execute(select(Agency.id, Agency.name).join(SeatingRun).order_by(Agency.code)).all())
    everybody = people_listing(actor, seating.office_of(actor))
    filters = [one for one in everybody.filters if one.key != "seated"]
    choices = [("", "全部"), *((str(number), name) for number, name in offices.items())]
    filters.append(Filter("office", "组织机构", choices, lambda value: _seated_by(int(value))))
    query, bare = _people(actor, Application.status == Status.QUALIFIED, _SEATED)
    return replace(everybody, query=query, bare=bare, filters=filters)


def _seated_by(agency_id: int) -> ColumnElement[bool]:
    seat = select(Seat.id).join(Seat.sitting).where(Seat.application_id == Application.id)
    return seat.where(ExamSitting.agency_id == agency_id).correlate(Application).exists()


def seats_for(actor: Account, application_ids: Sequence[int]) -> list[Seat]:
    """The seats that `ticket_listing` lists of these people, in the order given."""
    listed = ticket_listing(actor).query.where(Application.id.in_(application_ids))
    found = {one.id: one.seat for one in db.session.scalars(listed).unique()}
    return [found[number] for number in application_ids if number in found]


def find_seat(actor: Account, application_id: int, *, issued: bool) -> Seat:
    """Somebody's seat in the actor's scope; with `issued` only once tickets are out. Raises NotFound."""
    query = narrow(select(Seat), Seat, actor).where(Seat.application_id == application_id)
    query = query.join(Seat.application).where(Application.status == Status.QUALIFIED)
    found = db.session.scalar(_issued(query) if issued else query)
    if found is None:
        raise NotFound("seat")
    return found


@dataclass(frozen=True)
class RoomChart:
    """One room in one sitting: `grid` are its rows from the front, each of (seat number, who sits there, usable)."""

    sitting: ExamSitting
    room: ExamRoom
    people: int
    grid: list[list[tuple[int, Seat | None, bool]]]


def _seats_query(sitting: ExamSitting) -> Select[Seat]:
    return (
        select(Seat)
        .where(Seat.sitting_id == sitting.id)
        .options(
            joinedload(Seat.application).options(
                joinedload(Application.person), joinedload(Application.unit), joinedload(Application.trade)
            ),
            joinedload(Seat.room).joinedload(ExamRoom.site),
        )
    )


def seats_of(actor: Account, sitting: ExamSitting, room_id: int | None = None) -> list[Seat]:
    """Who sits in a sitting (or one room of it), by site, room and seat, for papers of the whole room: for the office
    that holds it and for whoever oversees that office."""
    query = _seats_query(sitting).join(Seat.room).join(ExamRoom.site).join(Seat.application)
    query = query.where(Application.status == Status.QUALIFIED)
    if room_id is not None:
        query = query.where(Seat.room_id == room_id)
    if actor.agency_id != sitting.agency_id:
        query = narrow(query, Seat, actor)
    return list(db.session.scalars(query.order_by(ExamSite.name, ExamSite.id, ExamRoom.number, Seat.number)))


def chart(actor: Account, sitting_id: int, room_id: int) -> RoomChart:
    """A room's seats in a sitting; people outside the actor's scope are not named. Raises NotFound."""
    sitting = sittings.find(actor, sitting_id)
    room = next((use.room for use in sitting.uses if use.room_id == room_id), None)
    if room is None:
        raise NotFound("room")
    there = {one.number: one for one in seats_of(actor, sitting, room_id)}
    return RoomChart(sitting, room, len(there), grid_of(room, sitting.kind, there))


def grid_of(room: ExamRoom, kind: ExamKind, there: Mapping[int, Seat]) -> list[list[tuple[int, Seat | None, bool]]]:
    """A room's rows from the front, each of (seat number, who sits there, whether it can be used)."""
    most, plain = room.seats(kind), room.as_rule()
    rows = []
    for row in range(room.rows):
        numbers = [rules.seat_at(plain, row, column) for column in range(room.columns)]
        rows.append([(number, there.get(number), number <= most) for number in numbers])
    return rows


def room_counts(sitting: ExamSitting) -> dict[int, int]:
    """How many sit in each room of a sitting."""
    query = select(Seat.room_id, func.count()).where(Seat.sitting_id == sitting.id).group_by(Seat.room_id)
    return {room: count for room, count in db.session.execute(query)}


def site_counts(site: ExamSite, cycle: Cycle) -> dict[int, dict[int, Counter[int]]]:
    """How many of each grade sit in each room of a site: by sitting, by room, by grade."""
    query = (
        select(Seat.sitting_id, Seat.room_id, Application.grade, func.count())
        .join(Seat.application)
        .join(Seat.room)
        .where(ExamRoom.site_id == site.id, Application.cycle_id == cycle.id, Application.status == Status.QUALIFIED)
        .group_by(Seat.sitting_id, Seat.room_id, Application.grade)
    )
    found: dict[int, dict[int, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for sitting, room, grade, count in db.session.execute(query):
        found[sitting][room][grade or 0] += count
    return found
