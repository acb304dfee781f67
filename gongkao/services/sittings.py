"""Sittings (场次): when which grades are tested, in which rooms (notice 三（五）)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    ExamRoom,
    ExamSitting,
    Seat,
    SeatingRun,
    SittingRoom,
)
from gongkao.rules import calendar, fields, onsite
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.seating import ExamKind
from gongkao.services import audit, cycles, sites
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.exam_office import FormReader, day_within, moment, own_office, require_own
from gongkao.services.listing import Cell, Column, Filter, Listing, counting
from gongkao.services.transaction import transaction

_DAYS = "一二三四五六日"


def time_text(sitting: ExamSitting) -> str:
    """2025-06-14 09:00-11:00"""
    return f"{sitting.starts_at:%Y-%m-%d %H:%M}-{sitting.ends_at:%H:%M}"


def long_time(sitting: ExamSitting) -> str:
    """2025年6月14日（星期六）9:00—11:00"""
    start, end = sitting.starts_at, sitting.ends_at
    day = f"{calendar.day_text(start.date())}（星期{_DAYS[start.weekday()]}）"
    return f"{day}{start.hour}:{start:%M}—{end.hour}:{end:%M}"


def grades_text(grades: Sequence[int]) -> str:
    """五级、四级"""
    return "、".join(Grade(grade).level for grade in sorted(grades, reverse=True))


def find(actor: Account, sitting_id: int, *, lock: bool = False) -> ExamSitting:
    """A sitting in the actor's scope. Raises NotFound."""
    query = narrow(select(ExamSitting), ExamSitting, actor).where(ExamSitting.id == sitting_id)
    found = db.session.scalar(query.with_for_update(of=ExamSitting) if lock else query)
    if found is None:
        raise NotFound("sitting")
    return found


def name(actor: Account, sitting_id: int) -> str:
    """A sitting in words, with the office that holds it. Raises NotFound."""
    found = find(actor, sitting_id)
    return f"{found.agency.name}{found.label}"


def all_of(agency: Agency) -> list[ExamSitting]:
    """An office's sittings of the current cycle in order of time."""
    query = (
        select(ExamSitting)
        .where(ExamSitting.cycle_id == cycles.current_cycle().id, ExamSitting.agency_id == agency.id)
        .order_by(ExamSitting.starts_at, ExamSitting.number)
        .options(selectinload(ExamSitting.uses))
    )
    return list(db.session.scalars(query))


def seated(sitting: ExamSitting) -> int:
    """How many people have a seat in it."""
    return db.session.scalar(select(func.count()).where(Seat.sitting_id == sitting.id)) or 0


def save(
    actor: Account, sitting_id: int | None, typed: Mapping[str, str], grades: Sequence[str], rooms: Sequence[str]
) -> ExamSitting:
    """Add a sitting, or change one of the own office (day, starts, ends, kind; grades and ids of rooms as chosen).

    The day lies in the region's window of every grade. Once people are seated only day and hours change, and those
    no more once the tickets are issued.
    Raises FieldsRefused by field, Refused, NotFound.
    """
    with transaction() as session:
        agency = own_office(actor, lock=True)
        sitting = find(actor, sitting_id, lock=True) if sitting_id is not None else None
        if sitting is not None:
            require_own(actor, sitting.agency)
        reader = FormReader()
        kind = reader.read("kind", lambda: _kind(typed["kind"]))
        tested = reader.read("grades", lambda: _grades(grades, kind))
        day = reader.read("day", lambda: _day(agency, typed["day"], tested or []))
        starts = reader.read("starts", lambda: onsite.clock_time(typed["starts"]))
        ends = reader.read("ends", lambda: onsite.clock_time(typed["ends"]))
        if starts and ends and ends <= starts:
            reader.wrong["ends"] = "结束时间应晚于开始时间。"
        used = reader.read("rooms", lambda: _rooms(agency, rooms, kind))
        reader.finish()
        first, last = moment(day, starts), moment(day, ends)
        ids = {room.id for room in used}
        if sitting is not None:
            _refuse_seated(sitting, kind, tested, ids, (first, last))
        _refuse_overlap(agency, sitting, first, last, used)
        if sitting is None:
            most = select(func.max(ExamSitting.number)).where(
                ExamSitting.cycle_id == cycles.current_cycle().id, ExamSitting.agency_id == agency.id
            )
            number = (db.session.scalar(most) or 0) + 1
            sitting = ExamSitting(cycle_id=cycles.current_cycle().id, agency_id=agency.id, number=number)
            session.add(sitting)
            before = None
        else:
            before = _facts(sitting)
        sitting.kind, sitting.grades, sitting.starts_at, sitting.ends_at = kind, tested, first, last
        session.flush()
        if ids != sitting.room_ids:
            sitting.uses = [SittingRoom(sitting_id=sitting.id, room_id=room.id) for room in used]
        session.flush()
        audit.record(actor, "save_exam_sitting", sitting, before=before, after=_facts(sitting))
    return sitting


def _facts(sitting: ExamSitting) -> dict[str, Any]:
    return {
        "number": sitting.number,
        "time": time_text(sitting),
        "kind": sitting.kind.value,
        "grades": sitting.grades,
        "rooms": sorted(sitting.room_ids),
    }


def _kind(text: str) -> ExamKind:
    if text not in set(ExamKind):
        raise InvalidInput("请选择考试形式。")
    return ExamKind(text)


def _grades(chosen: Sequence[str], kind: ExamKind | None) -> list[int]:
    known = {str(int(grade)) for grade in Grade}
    if not chosen or not set(chosen) <= known:
        raise InvalidInput("请至少选择一个等级。")
    found = sorted({int(text) for text in chosen}, reverse=True)
    if kind is ExamKind.PAPER and found != [Grade.ONE]:
        raise InvalidInput("纸笔考试只用于一级理论考试，五级至二级为人机对话考试（通知三（五））。")
    return found


def _day(agency: Agency, text: str, grades: Sequence[int]) -> date:
    year = cycles.current_cycle().year
    day = fields.day(text, "考试日期", earliest=date(year, 1, 1), latest=date(year, 12, 31))
    for grade in grades:
        day_within(agency, WindowKey.EXAMINATION, grade, day, "考试日期")
    return day


def _rooms(agency: Agency, chosen: Sequence[str], kind: ExamKind | None) -> list[ExamRoom]:
    wanted = set(chosen)
    found = [room for room in sites.rooms_of(agency) if str(room.id) in wanted]
    if not found or len(found) != len(wanted):
        raise InvalidInput("请至少选择一个考场。")
    without = [room for room in found if kind is ExamKind.COMPUTER and not room.computers]
    if without:
        names = "、".join(f"{room.site.name}{room.label}" for room in without)
        raise InvalidInput(f"{names}没有可用的计算机，不能用于人机对话考试。")
    return found


def _refuse_seated(
    sitting: ExamSitting, kind: ExamKind, grades: list[int], rooms: set[int], times: tuple[datetime, datetime]
) -> None:
    count = seated(sitting)
    if not count:
        return
    if (kind, grades, rooms) != (sitting.kind, sorted(sitting.grades, reverse=True), sitting.room_ids):
        raise Refused(f"{sitting.label}已编排{count}人，不能再改考试形式、等级和考场。需要调整的，请先撤销编排。")
    issued = db.session.scalar(
        select(SeatingRun.issued_at).where(
            SeatingRun.cycle_id == sitting.cycle_id, SeatingRun.agency_id == sitting.agency_id
        )
    )
    if issued is not None and times != (sitting.starts_at, sitting.ends_at):
        raise Refused(f"{sitting.label}的准考证已签发，不能再改时间。需要调整的，请重新编排并签发。")


def _refuse_overlap(
    agency: Agency, own: ExamSitting | None, first: datetime, last: datetime, rooms: Sequence[ExamRoom]
) -> None:
    ids = {room.id for room in rooms}
    for other in all_of(agency):
        if own is not None and other.id == own.id:
            continue
        if other.starts_at < last and first < other.ends_at and other.room_ids & ids:
            names = "、".join(f"{room.site.name}{room.label}" for room in rooms if room.id in other.room_ids)
            raise FieldsRefused(
                {"rooms": f"{other.label}（{time_text(other)}）同一时间已使用{names}，请另选考场或时间。"}
            )


def remove(actor: Account, sitting_id: int) -> None:
    """Take a sitting away in which nobody is seated. Raises Refused, NotFound."""
    with transaction() as session:
        own_office(actor, lock=True)
        sitting = find(actor, sitting_id, lock=True)
        require_own(actor, sitting.agency)
        count = seated(sitting)
        if count:
            raise Refused(f"{sitting.label}已编排{count}人，不能删除。请先撤销编排。")
        audit.record(actor, "remove_exam_sitting", sitting, before=_facts(sitting))
        session.delete(sitting)


def listing(actor: Account) -> Listing:
    """The sittings in the actor's scope of the current cycle."""
    taken = (
        select(func.count()).select_from(Seat).where(Seat.sitting_id == ExamSitting.id).correlate(ExamSitting)
    ).scalar_subquery()

    def of_rooms(figure: Any) -> Any:
        rooms = select(figure).select_from(SittingRoom).join(ExamRoom, ExamRoom.id == SittingRoom.room_id)
        return rooms.where(SittingRoom.sitting_id == ExamSitting.id).correlate(ExamSitting).scalar_subquery()

    kinds = [(ExamSitting.kind == kind, ExamRoom.seats_in_sql(kind)) for kind in ExamKind]
    seats = func.coalesce(func.sum(case(*kinds)), 0)
    query = (
        narrow(select(ExamSitting), ExamSitting, actor)
        .where(ExamSitting.cycle_id == cycles.current_cycle().id)
        .join(ExamSitting.agency)
        .options(selectinload(ExamSitting.agency))
    )
    query = counting(query, seated=taken, room_count=of_rooms(func.count()), seat_count=of_rooms(seats))

    def state(sitting: ExamSitting) -> Cell:
        if sitting.ends_at <= now():
            return Cell("已结束", chip="neutral")
        if sitting.starts_at <= now():
            return Cell("进行中", chip="info")
        return Cell("已编排", chip="done") if sitting.seated else Cell("未编排", chip="needs")

    return Listing(
        title="场次",
        query=query,
        tie=ExamSitting.id,
        sort="time",
        columns=[
            Column("number", "场次", lambda row: row.label, ExamSitting.number),
            Column("agency", "组织机构", lambda row: row.agency.name, Agency.code),
            Column("time", "时间", time_text, ExamSitting.starts_at, kind="date"),
            Column("kind", "形式", lambda row: row.kind.label),
            Column("grades", "等级", lambda row: grades_text(row.grades)),
            Column("rooms", "考场（个）", lambda row: str(row.room_count), kind="number"),
            Column("seats", "座位", lambda row: str(row.seat_count), kind="number"),
            Column("people", "已编排（人）", lambda row: str(row.seated), taken, kind="number"),
            Column("state", "状态", state, kind="status"),
        ],
        filters=[
            Filter(
                "kind",
                "形式",
                [("", "全部"), *((kind.value, kind.label) for kind in ExamKind)],
                lambda value: ExamSitting.kind == ExamKind(value),
            )
        ],
        empty_text="还没有场次。先设好考点和考场，再新增场次。",
    )
