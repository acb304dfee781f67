"""Visits: a unit brings its waiting people together, books a time and comes (notice 二（二）: 由单位人事部门集中报)."""

import unicodedata
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Original,
    Unit,
    Visit,
    VisitMember,
    VisitSlot,
    VisitStatus,
)
from gongkao.rules import fields, onsite
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput, NotAllowed
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles, kept, visit_slots
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.kept import Figures
from gongkao.services.list_filters import of_status
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.transaction import transaction
from gongkao.services.unit_search import named
from gongkao.services.visit_slots import day_bounds, time_text

# So many people one visit holds at most, and so many are offered to choose from.
MAX_PEOPLE = 100
MAX_OFFERED = 300
_BEFORE = (VisitStatus.BUNDLED, VisitStatus.BOOKED)


def _bound(besides: Visit | None) -> ColumnElement[bool]:
    """Of an application: a visit is still to come, or the agency holds something of it."""
    with_agency = select(Original.id).where(Original.member_id == VisitMember.id, Original.held).exists()
    busy = or_(Visit.status.in_(_BEFORE), with_agency)
    query = select(VisitMember.id).join(VisitMember.visit).where(VisitMember.application_id == Application.id, busy)
    if besides is not None:
        query = query.where(Visit.id != besides.id)
    return query.exists()


def _waiting(actor: Account, besides: Visit | None = None) -> Select[Any]:
    query = narrow(select(Application), Application, actor)
    return query.where(
        Application.cycle_id == cycles.current_cycle().id,
        Application.status == Status.ONSITE_CONFIRMATION,
        ~_bound(besides),
    )


def work(actor: Account) -> Select[Any]:
    """What waits here: for a unit its people who are in no visit yet, for an agency the visits that come today."""
    if actor.unit is not None:
        return _waiting(actor).with_only_columns(Application.id)
    first, last = day_bounds(today())
    return (
        select(Visit.id)
        .join(Visit.slot)
        .where(
            Visit.agency_id == actor.agency_id,
            Visit.cycle_id == cycles.current_cycle().id,
            Visit.status == VisitStatus.BOOKED,
            # The visit's agency offers it; said because an agency's times lie together in an index.
            VisitSlot.agency_id == actor.agency_id,
            VisitSlot.starts_at >= first,
            VisitSlot.starts_at <= last,
        )
    )


def waiting(actor: Account, visit: Visit | None = None) -> Sequence[Application]:
    """The people that the unit may bring together, its own and those of the units below it, by unit and name; the
    visit's own among them."""
    query = _waiting(actor, visit).join(Application.unit).join(Application.person)
    query = query.options(
        joinedload(Application.person), joinedload(Application.unit), joinedload(Application.trade)
    ).order_by(Unit.path, Application.id)
    return db.session.scalars(query.limit(MAX_OFFERED)).all()


def find(actor: Account, visit_id: int) -> Visit:
    """A visit in the person's scope. Raises NotFound."""
    visit = db.session.scalar(narrow(select(Visit), Visit, actor).where(Visit.id == visit_id))
    if visit is None:
        raise NotFound("visit")
    return visit


def locked(actor: Account, visit_id: int) -> Visit:
    """The same inside a use case that changes it: whoever else wants to waits. Raises NotFound."""
    query = narrow(select(Visit), Visit, actor).where(Visit.id == visit_id)
    visit = db.session.scalar(query.with_for_update(of=Visit))
    if visit is None:
        raise NotFound("visit")
    return visit


def by_number(actor: Account, text: str) -> Visit:
    """The visit whose number was scanned or typed. Raises Refused where there is none in the person's scope."""
    number = onsite.visit_number("".join(unicodedata.normalize("NFKC", text).split()).upper())[:20]
    if not number:
        raise Refused("请扫描名单上的二维码，或输入批次编号。")
    visit = db.session.scalar(narrow(select(Visit), Visit, actor).where(Visit.number == number))
    if visit is None:
        raise Refused(f"没有找到编号为“{number}”的批次。请核对名单右上角的编号后重新输入。")
    return visit


def require_unit(actor: Account) -> Unit:
    """The unit whose administrator the actor is. Raises Refused for everybody else."""
    if actor.unit is None:
        raise Refused("现场确认人员由所在单位或主管单位人事部门汇总，请用单位账户办理。")
    return actor.unit


def may_change(actor: Account, visit: Visit) -> bool:
    """Whether the visit is the actor's unit's (or a unit's below it) to change, and nothing was received yet."""
    return actor.unit is not None and may(actor, Permission.REVIEW) and visit.status in _BEFORE


def _changeable(actor: Account, visit_id: int) -> Visit:
    visit = locked(actor, visit_id)
    if actor.unit is None:
        raise Refused("批次由申报单位汇总和预约，工考管理机构不能修改。")
    if visit.status not in _BEFORE:
        raise Refused(f"该批次{visit.status.label}，不能再修改。尚未办理的人员可以另行汇总。")
    onsite.require_changeable(visit.slot.starts_at.date() if visit.slot is not None else None, today())
    _require_window(visit)
    return visit


def _require_window(visit: Visit) -> None:
    for application in [member.application for member in visit.members]:
        cycles.require_open(WindowKey.AGENCY_REVIEW, application.unit, application.grade)


def bundle(actor: Account, application_ids: Collection[int], *, bearer_name: str, bearer_mobile: str) -> Visit:
    """Bring waiting people together into a new visit, with who brings the originals.

    Raises FieldsRefused by field (people, bearer_name, bearer_mobile), Refused for others than units, WindowClosed.
    """
    with transaction() as session:
        unit = require_unit(actor)
        cycle = cycles.current_cycle()
        people, name, mobile = _checked(actor, application_ids, bearer_name, bearer_mobile, None)
        agency_id = people[0].agency_id
        assert agency_id is not None
        visit = Visit(
            # Until the row has its id, from which the number follows.
            number=f"-{actor.id}",
            cycle_id=cycle.id,
            unit_id=unit.id,
            agency_id=agency_id,
            status=VisitStatus.BUNDLED,
            bearer_name=name,
            bearer_mobile=mobile,
            created_by_id=actor.id,
        )
        session.add(visit)
        session.flush()
        visit.number = f"{cycle.year}{visit.id:06d}"
        for application in people:
            visit.members.append(VisitMember(application_id=application.id, application=application))
        session.flush()
        _require_window(visit)
        audit.record(actor, "bundle_visit", visit, **_snapshot(visit))
    return visit


def rebundle(
    actor: Account,
    visit_id: int,
    version: int,
    application_ids: Collection[int],
    *,
    bearer_name: str,
    bearer_mobile: str,
) -> Visit:
    """Change who comes along and who brings the originals; a booked time must still hold everybody. Without a mobile
    number the bearer's own one stays.

    Raises FieldsRefused by field (people, bearer_name, bearer_mobile), Refused, NotAllowed, Conflict where it was
    changed meanwhile, NotFound, WindowClosed.
    """
    with transaction() as session:
        visit = _changeable(actor, visit_id)
        if visit.version != version:
            raise Conflict("该批次刚刚被修改过，您的操作没有生效。请核对最新内容后再办理。")
        same = bearer_name.strip() == visit.bearer_name
        kept_mobile = visit.bearer_mobile if same and not bearer_mobile.strip() else bearer_mobile
        people, name, mobile = _checked(actor, application_ids, bearer_name, kept_mobile, visit)
        if visit.slot_id is not None:
            _fill(visit, visit.slot_id, len(people), "people")
        before = _snapshot(visit)
        chosen = {application.id for application in people}
        visit.members = [member for member in visit.members if member.application_id in chosen]
        kept = {member.application_id for member in visit.members}
        for application in people:
            if application.id not in kept:
                visit.members.append(VisitMember(application_id=application.id, application=application))
        visit.bearer_name, visit.bearer_mobile = name, mobile
        # Members are rows of their own: the visit's version has to be raised by hand.
        visit.version += 1
        session.flush()
        audit.record(actor, "change_visit", visit, before=before, after=_snapshot(visit))
    return visit


def _snapshot(visit: Visit) -> dict[str, object]:
    return {
        "number": visit.number,
        "people": [member.application.number for member in visit.members],
        "bearer": visit.bearer_name,
        "time": time_text(visit.slot) if visit.slot is not None else "",
    }


def _checked(
    actor: Account, application_ids: Collection[int], bearer_name: str, bearer_mobile: str, visit: Visit | None
) -> tuple[Sequence[Application], str, str]:
    """The chosen people, locked, and who brings the originals. Raises FieldsRefused."""
    wrong: dict[str, str] = {}
    name = mobile = ""
    try:
        name = fields.person_name(bearer_name)
    except InvalidInput as error:
        wrong["bearer_name"] = error.message
    try:
        mobile = fields.mobile(bearer_mobile)
    except InvalidInput as error:
        wrong["bearer_mobile"] = error.message
    people: Sequence[Application] = []
    wanted = set(application_ids)
    if not wanted:
        wrong["people"] = "请勾选本批现场确认的人员。"
    elif len(wanted) > MAX_PEOPLE:
        wrong["people"] = f"一批最多{MAX_PEOPLE}人，现选了{len(wanted)}人，请分批汇总。"
    else:
        _lock(wanted)
        query = _waiting(actor, visit).where(Application.id.in_(wanted)).order_by(Application.id)
        people = db.session.scalars(query).all()
        if len(people) < len(wanted):
            wrong["people"] = "所选人员中有人已在其他批次，或已不在待现场确认状态，请核对后重新勾选。"
        elif len({one.agency_id for one in people} | ({visit.agency_id} if visit else set())) > 1:
            wrong["people"] = "所选人员分属不同的工考管理机构，请按机构分批汇总。"
    if wrong:
        raise FieldsRefused(wrong)
    _leave_earlier(actor, people, visit)
    return people, name, mobile


def _lock(application_ids: Collection[int]) -> None:
    """The visits these people are in, then the people, always in this order: what is read from here on counts."""
    members = select(VisitMember.visit_id).where(VisitMember.application_id.in_(application_ids))
    db.session.execute(select(Visit.id).where(Visit.id.in_(members)).order_by(Visit.id).with_for_update(of=Visit))
    db.session.execute(
        select(Application.id)
        .where(Application.id.in_(application_ids))
        .order_by(Application.id)
        .with_for_update(of=Application)
    )


def _leave_earlier(actor: Account, people: Sequence[Application], visit: Visit | None) -> None:
    """Someone sent back on site comes again: an application is in one visit at a time, so the earlier one gives it up
    once everything has gone back. What was received then stays in the audit trail."""
    query = select(VisitMember).where(VisitMember.application_id.in_([one.id for one in people]))
    for member in db.session.scalars(query.options(selectinload(VisitMember.originals))):
        if visit is not None and member.visit_id == visit.id:
            continue
        audit.record(
            actor,
            "leave_visit",
            member.visit,
            application=member.application.number,
            originals=[
                {
                    "label": one.label,
                    "pieces": one.pieces,
                    "received": one.received_at.isoformat() if one.received_at else "",
                    "returned": one.returned_at.isoformat() if one.returned_at else "",
                    "returned_to": one.returned_to,
                }
                for one in member.originals
            ],
        )
        db.session.delete(member)
    db.session.flush()


def _fill(visit: Visit, slot_id: int | None, people: int, name: str) -> VisitSlot:
    """The time, locked, with room for so many. Raises FieldsRefused under `name`."""
    query = select(VisitSlot).where(
        VisitSlot.id == slot_id, VisitSlot.agency_id == visit.agency_id, VisitSlot.cycle_id == visit.cycle_id
    )
    slot = db.session.scalar(query.with_for_update(of=VisitSlot))
    if slot is None:
        raise FieldsRefused({name: "请选择一个时段。" if slot_id is None else "该时段已被取消，请另选时段。"})
    try:
        onsite.require_room(slot.capacity, visit_slots.taken(slot.id, visit), people)
    except NotAllowed as error:
        raise FieldsRefused({name: error.message}) from error
    return slot


def book(actor: Account, visit_id: int, slot_id: int | None) -> Visit:
    """Book one of the agency's times for the visit, or another one instead.

    Raises FieldsRefused (slot) where the places do not suffice, NotAllowed on the day itself, Refused, NotFound,
    WindowClosed.
    """
    with transaction():
        visit = _changeable(actor, visit_id)
        if not visit.members:
            raise Refused("该批次没有人员，请先选择人员。")
        slot = _fill(visit, slot_id, len(visit.members), "slot")
        if slot.starts_at.date() <= today():
            raise FieldsRefused({"slot": "最迟在前一天预约，请选择明天及以后的时段。"})
        before = time_text(visit.slot) if visit.slot is not None else ""
        visit.slot_id, visit.slot, visit.status = slot.id, slot, VisitStatus.BOOKED
        audit.record(actor, "book_visit", visit, number=visit.number, before=before, after=time_text(slot))
    return visit


def cancel_booking(actor: Account, visit_id: int) -> Visit:
    """Give the booked time back; the visit waits for another one. Raises as `book`, Refused without a booking."""
    with transaction():
        visit = _changeable(actor, visit_id)
        if visit.slot is None:
            raise Refused("该批次没有预约时间，无需取消。")
        audit.record(actor, "cancel_booking", visit, number=visit.number, before=time_text(visit.slot))
        visit.slot_id, visit.slot, visit.status = None, None, VisitStatus.BUNDLED
    return visit


def dissolve(actor: Account, visit_id: int) -> Visit:
    """Cancel the visit; its people can be brought together anew. Raises as `book`."""
    with transaction():
        visit = _changeable(actor, visit_id)
        audit.record(actor, "dissolve_visit", visit, **_snapshot(visit))
        visit.slot_id, visit.slot, visit.status = None, None, VisitStatus.CANCELLED
        visit.members = []
    return visit


def listing(actor: Account, day: date | None = None) -> Listing:
    """The visits of the current cycle in the person's scope, the newest first; of one day, the earliest first."""
    query = narrow(select(Visit), Visit, actor).where(Visit.cycle_id == cycles.current_cycle().id)
    query = query.outerjoin(Visit.slot).options(
        selectinload(Visit.members), joinedload(Visit.unit), joinedload(Visit.slot), joinedload(Visit.agency)
    )
    if day is not None:
        first, last = day_bounds(day)
        own = Visit.agency_id == actor.agency_id, VisitSlot.agency_id == actor.agency_id
        query = query.where(*own, VisitSlot.starts_at >= first, VisitSlot.starts_at <= last)
    by_unit = select(Unit.name).where(Unit.id == Visit.unit_id).scalar_subquery()
    columns = [
        Column("number", "批次编号", lambda row: row.number, Visit.number, kind="mono"),
        Column("unit", "送件单位", lambda row: row.unit.name, by_unit),
        Column("people", "人数", lambda row: str(len(row.members)), kind="number"),
        Column(
            "time", "预约时间", lambda row: time_text(row.slot) if row.slot else "", VisitSlot.starts_at, kind="date"
        ),
        Column("bearer", "送件人", lambda row: row.bearer_name),
        Column("mobile", "联系电话", lambda row: fields.mask_mobile(row.bearer_mobile), kind="mono"),
        Column("status", "状态", _state, Visit.status, kind="status"),
    ]
    filters = [of_status(Visit.status, VisitStatus)]
    agencies = _agencies(actor)
    if day is None and len(agencies) > 1:
        columns.insert(2, Column("agency", "审查机构", lambda row: row.agency.name))
        choices = [("", "全部机构"), *agencies]
        filters.append(Filter("agency", "审查机构", choices, lambda value: Visit.agency_id == int(value)))
    return Listing(
        title="现场确认批次" if day is None else f"现场确认安排{day.isoformat()}",
        query=query,
        tie=Visit.id,
        sort="" if day is None else "time",
        descending=day is None,
        search=[
            contains(Visit.number),
            contains(Visit.bearer_name),
            lambda term: Visit.unit_id.in_(named(term)),
        ],
        search_hint="编号、单位、送件人",
        columns=columns,
        filters=filters,
        empty_text=("还没有批次。单位汇总待确认人员后，会出现在这里。" if day is None else "这一天没有单位预约。"),
    )


def _agencies(actor: Account) -> list[tuple[str, str]]:
    """The agencies that an overseer has to tell apart; none for a unit."""
    if actor.unit is not None:
        return []
    query = narrow(select(Agency.id, Agency.name), Agency, actor).where(
        select(Visit.id).where(Visit.agency_id == Agency.id).exists()
    )
    return [(str(agency_id), name) for agency_id, name in db.session.execute(query.order_by(Agency.code))]


def _state(row: Visit) -> Cell:
    if row.status is VisitStatus.BOOKED and row.slot is not None:
        day = row.slot.starts_at.date()
        if day == today():
            return Cell("今天办理", chip="needs")
        if day < today():
            return Cell("已过预约时间", chip="needs")
    return Cell(row.status.label, chip=row.status.tone)


def status_counts(actor: Account) -> Figures[dict[VisitStatus, int]]:
    """How many visits of the cycle stand where, in the person's scope."""

    def count() -> tuple[dict[VisitStatus, int], int]:
        query = narrow(select(Visit.status, func.count()), Visit, actor)
        query = query.where(Visit.cycle_id == cycles.current_cycle().id).group_by(Visit.status)
        counts = {status: number for status, number in db.session.execute(query)}
        return {status: counts.get(status, 0) for status in VisitStatus}, sum(counts.values())

    return kept.figures("visits", actor, (), count)


def days_with_visits(actor: Account) -> list[tuple[date, int]]:
    """The own agency's days on which units come, with how many visits each has."""
    query = (
        select(VisitSlot.starts_at, func.count())
        .join(Visit, Visit.slot_id == VisitSlot.id)
        .where(VisitSlot.agency_id == actor.agency_id, VisitSlot.cycle_id == cycles.current_cycle().id)
        .group_by(VisitSlot.starts_at)
        .order_by(VisitSlot.starts_at)
    )
    found: dict[date, int] = {}
    for starts_at, count in db.session.execute(query):
        found[starts_at.date()] = found.get(starts_at.date(), 0) + count
    return list(found.items())
