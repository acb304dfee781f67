"""The times at which an agency receives units for on-site confirmation (notice 二（二）)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import func, select

from gongkao.access.scope import narrow
from gongkao.clock import ZONE, now, today
from gongkao.extensions import db
from gongkao.models import Account, Agency, Role, Visit, VisitMember, VisitSlot, VisitStatus
from gongkao.rules import calendar, fields, onsite
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.rules.errors import InvalidInput
from gongkao.services import audit, cycles, messages
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, counting
from gongkao.services.transaction import transaction

KIND = "onsite"
MAX_CAPACITY = 999
_OFFICES = (Role.AGENCY_OFFICER, Role.AGENCY_MANAGER)


@dataclass(frozen=True)
class Choice:
    """A time that a visit may book, with the places left in it."""

    slot: VisitSlot
    left: int
    fits: bool

    @property
    def day(self) -> date:
        return self.slot.starts_at.date()


def time_text(slot: VisitSlot) -> str:
    """2025-03-24 09:00-10:30"""
    return f"{slot.starts_at:%Y-%m-%d %H:%M}-{slot.ends_at:%H:%M}"


def require_agency(actor: Account) -> Agency:
    """The agency that the actor works for. Raises Refused for everybody else."""
    if actor.role not in _OFFICES or actor.agency is None:
        raise Refused("现场审查确认的时段、接收和退还由工考管理机构办理。")
    return actor.agency


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a day and its last."""
    return datetime.combine(day, time.min, ZONE), datetime.combine(day, time.max, ZONE)


def taken(slot_id: int, besides: Visit | None = None) -> int:
    """How many people have booked the time; the visit `besides` is left out."""
    query = select(func.count()).select_from(VisitMember).join(VisitMember.visit).where(Visit.slot_id == slot_id)
    if besides is not None:
        query = query.where(Visit.id != besides.id)
    return db.session.scalar(query) or 0


def _taken_by_slot(slot_ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(Visit.slot_id, func.count())
        .join(Visit.members)
        .where(Visit.slot_id.in_(slot_ids))
        .group_by(Visit.slot_id)
    )
    return {slot_id: count for slot_id, count in db.session.execute(query) if slot_id is not None}


def choices(visit: Visit) -> list[Choice]:
    """The agency's times from tomorrow on, in order."""
    query = select(VisitSlot).where(
        VisitSlot.agency_id == visit.agency_id,
        VisitSlot.cycle_id == visit.cycle_id,
        VisitSlot.starts_at > day_bounds(today())[1],
    )
    slots = db.session.scalars(query.order_by(VisitSlot.starts_at).limit(onsite.MAX_SERIES)).all()
    counts = _taken_by_slot([slot.id for slot in slots])
    people = len(visit.members)
    found = []
    for slot in slots:
        own = people if slot.id == visit.slot_id else 0
        left = onsite.places_left(slot.capacity, counts.get(slot.id, 0) - own)
        found.append(Choice(slot, left, left >= people))
    return found


def find(actor: Account, slot_id: int, *, lock: bool = False) -> VisitSlot:
    """A time of the actor's own agency. Raises NotFound for units and outside the scope, Refused where one oversees."""
    query = narrow(select(VisitSlot), VisitSlot, actor).where(VisitSlot.id == slot_id)
    slot = db.session.scalar(query.with_for_update(of=VisitSlot) if lock else query)
    if slot is None or actor.unit is not None:
        raise NotFound("visit slot")
    if require_agency(actor).id != slot.agency_id:
        raise Refused(f"该时段由{slot.agency.name}设置，您只能查看。")
    return slot


def _read(wrong: dict[str, str], name: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except InvalidInput as error:
        wrong[name] = error.message
        return None


def _capacity(text: str) -> int:
    return whole_number(text, "可接待人数", MAX_CAPACITY)


def whole_number(text: str, label: str, most: int) -> int:
    """A number from 1 to `most` as typed. Raises InvalidInput."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 6 and 1 <= int(plain) <= most):
        raise InvalidInput(f"{label}请填写1至{most}之间的整数。")
    return int(plain)


def _place(text: str) -> str:
    return fields.short_text(" ".join(text.split()), "办理地点", 120)


def _day(agency: Agency, text: str, label: str) -> date:
    """A day of the agency's window that has not passed. Raises InvalidInput."""
    window = cycles.find_window(WindowKey.AGENCY_REVIEW, agency)
    if window is None:
        raise InvalidInput("本年度日程没有安排现场审查确认的办理时间。")
    day = fields.day(text, label, earliest=date(window.opens.year, 1, 1), latest=date(window.closes.year, 12, 31))
    if not window.opens <= day <= window.closes:
        raise InvalidInput(f"{label}应在{window.title}时间内：{period_text(window)}（通知{window.clause}）。")
    if day < today():
        raise InvalidInput(f"{label}不能早于今天（{calendar.day_text(today())}）。")
    return day


def _clear(agency: Agency, starts: datetime, ends: datetime, besides: int | None = None) -> bool:
    query = select(func.count()).where(
        VisitSlot.agency_id == agency.id, VisitSlot.starts_at < ends, VisitSlot.ends_at > starts
    )
    if besides is not None:
        query = query.where(VisitSlot.id != besides)
    return not db.session.scalar(query)


def _queue_up(agency: Agency) -> None:
    """Two officers who set times at once follow one another."""
    db.session.execute(select(Agency.id).where(Agency.id == agency.id).with_for_update(of=Agency))


def save(
    actor: Account,
    slot_id: int | None,
    *,
    day: str,
    starts: str,
    ends: str,
    capacity: str,
    place: str,
) -> VisitSlot:
    """Add a time, or change one of the own agency. Once booked its day and hours stay as they are.

    Raises FieldsRefused by field (day, starts, ends, capacity, place), Refused, NotFound.
    """
    with transaction() as session:
        agency = require_agency(actor)
        _queue_up(agency)
        slot = find(actor, slot_id, lock=True) if slot_id is not None else None
        wrong: dict[str, str] = {}
        number = _read(wrong, "capacity", lambda: _capacity(capacity))
        where = _read(wrong, "place", lambda: _place(place))
        on = _read(wrong, "day", lambda: _day(agency, day, "日期"))
        begin = _read(wrong, "starts", lambda: onsite.clock_time(starts))
        end = _read(wrong, "ends", lambda: onsite.clock_time(ends))
        if begin and end and end <= begin:
            wrong["ends"] = "结束时间应晚于开始时间。"
        booked = taken(slot.id) if slot is not None else 0
        if number is not None and number < booked:
            wrong["capacity"] = f"该时段已预约{booked}人，可接待人数不能少于已预约人数。"
        if wrong:
            raise FieldsRefused(wrong)
        first, last = datetime.combine(on, begin, ZONE), datetime.combine(on, end, ZONE)
        if slot is not None and booked and (slot.starts_at, slot.ends_at) != (first, last):
            raise FieldsRefused(
                {"day": f"该时段已预约{booked}人，不能再改日期和时间。需要调整的，请取消该时段后另设。"}
            )
        if not _clear(agency, first, last, slot.id if slot else None):
            raise FieldsRefused({"starts": "与本机构已有的时段重叠，请调整时间，或修改已有时段的可接待人数。"})
        before = _snapshot(slot) if slot is not None else None
        if slot is None:
            slot = VisitSlot(cycle_id=cycles.current_cycle().id, agency_id=agency.id)
            session.add(slot)
        slot.starts_at, slot.ends_at, slot.capacity, slot.place = first, last, number, where
        session.flush()
        audit.record(actor, "set_visit_slot", slot, before=before, after=_snapshot(slot))
    return slot


def _snapshot(slot: VisitSlot) -> dict[str, object]:
    return {"time": time_text(slot), "capacity": slot.capacity, "place": slot.place}


def add_series(
    actor: Account, *, first: str, last: str, times: str, weekends: bool, capacity: str, place: str
) -> tuple[int, int]:
    """Add every period of every day from `first` to `last`; returns how many were added and how many were left out
    because a time is already there.

    Raises FieldsRefused by field, Refused for others than agencies.
    """
    with transaction() as session:
        agency = require_agency(actor)
        _queue_up(agency)
        wrong: dict[str, str] = {}
        number = _read(wrong, "capacity", lambda: _capacity(capacity))
        where = _read(wrong, "place", lambda: _place(place))
        begin = _read(wrong, "first", lambda: _day(agency, first, "开始日期"))
        end = _read(wrong, "last", lambda: _day(agency, last, "结束日期"))
        hours = _read(wrong, "times", lambda: onsite.periods(times))
        days = None
        if begin and end and hours:
            days = _read(wrong, "last", lambda: onsite.series(begin, end, hours, weekends=weekends))
        if wrong or days is None:
            raise FieldsRefused(wrong)
        cycle, made = cycles.current_cycle(), 0
        for day, period in days:
            starts, ends = datetime.combine(day, period.starts, ZONE), datetime.combine(day, period.ends, ZONE)
            if starts <= now() or not _clear(agency, starts, ends):
                continue
            session.add(
                VisitSlot(
                    cycle_id=cycle.id, agency_id=agency.id, starts_at=starts, ends_at=ends, capacity=number, place=where
                )
            )
            session.flush()
            made += 1
        audit.record(
            actor,
            "set_visit_series",
            agency,
            first=begin.isoformat(),
            last=end.isoformat(),
            times=[period.text for period in hours],
            capacity=number,
            place=where,
            made=made,
        )
    return made, len(days) - made


def remove(actor: Account, slot_id: int, reason: str) -> int:
    """Take a time back. Visits that booked it wait for another one and their units are told why; returns how many.

    Raises FieldsRefused without a reason where somebody booked it, Refused once originals were received in it.
    """
    with transaction() as session:
        slot = find(actor, slot_id, lock=True)
        visits = session.scalars(select(Visit).where(Visit.slot_id == slot.id).with_for_update(of=Visit)).all()
        if any(visit.status is not VisitStatus.BOOKED for visit in visits):
            raise Refused("该时段已经接收过原件，不能取消。")
        text = ""
        if visits:
            try:
                text = fields.short_text(reason, "取消的原因", 100, 4)
            except InvalidInput as error:
                raise FieldsRefused({"reason": error.message}) from error
        for visit in visits:
            visit.slot_id, visit.status = None, VisitStatus.BUNDLED
            messages.tell(
                KIND,
                f"现场确认预约已被取消：{time_text(slot)}",
                f"{slot.agency.name}：{text} 请为批次{visit.number}另选时段。",
                f"visit {visit.id}",
                unit_id=visit.unit_id,
            )
        session.flush()
        numbers = [visit.number for visit in visits]
        audit.record(actor, "remove_visit_slot", slot, **_snapshot(slot), reason=text, visits=numbers)
        session.delete(slot)
    return len(visits)


def listing(actor: Account) -> Listing:
    """The times in the person's scope of the current cycle: those to come first."""
    start = day_bounds(today())[0]
    booked = (
        select(func.count())
        .select_from(VisitMember)
        .join(Visit, Visit.id == VisitMember.visit_id)
        .where(Visit.slot_id == VisitSlot.id)
        .correlate(VisitSlot)
        .scalar_subquery()
    )
    query = narrow(select(VisitSlot), VisitSlot, actor).where(VisitSlot.cycle_id == cycles.current_cycle().id)
    query = counting(query, booked=booked)

    def places(row: VisitSlot) -> Cell:
        left = onsite.places_left(row.capacity, row.booked or 0)
        return Cell(f"余{left}人", chip="info") if left else Cell("已约满", chip="needs")

    return Listing(
        title="现场确认时段",
        query=query,
        tie=VisitSlot.id,
        sort="starts",
        columns=[
            Column("starts", "时间", time_text, VisitSlot.starts_at, kind="date"),
            Column("place", "办理地点", lambda row: row.place),
            Column("capacity", "可接待（人）", lambda row: str(row.capacity), VisitSlot.capacity, kind="number"),
            Column("booked", "已预约（人）", lambda row: str(row.booked), booked, kind="number"),
            Column("left", "名额", places, kind="status"),
        ],
        filters=[
            Filter(
                "when",
                "日期",
                [("", "全部"), ("coming", "今天及以后"), ("past", "已过")],
                lambda value: VisitSlot.starts_at >= start if value == "coming" else VisitSlot.starts_at < start,
            )
        ],
        empty_text="还没有设置时段。设置后，单位可以预约现场确认的时间。",
    )
