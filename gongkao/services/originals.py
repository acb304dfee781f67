"""Originals that change hands (notice 二（五）, domain rule 5): taken in, confirmed by, given back promptly."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.scope import holds, narrow
from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Original,
    Person,
    Role,
    Unit,
    Visit,
    VisitMember,
    VisitStatus,
)
from gongkao.rules import fields, onsite
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput, RuleError, WindowClosed
from gongkao.rules.grades import Grade
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit, cycles, handled, kept, messages, review, visits
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.kept import Figures
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, count_to_limit
from gongkao.services.review import Verdict
from gongkao.services.transaction import transaction
from gongkao.services.unit_search import named
from gongkao.services.visit_slots import KIND, day_bounds, require_agency, whole_number

MAX_PIECES = 99
UNIT_CHOICES = 200
# An original as a form names it: whose (the id of the visit's member) and which (its label).
Key = tuple[int, str]


@dataclass(frozen=True)
class Line:
    """One document of one person; without an original it was not taken in yet. `code`: what the list's code holds."""

    label: str
    original: Original | None = None
    code: str = ""

    @property
    def received(self) -> bool:
        return self.original is not None and self.original.received_at is not None

    @property
    def held(self) -> bool:
        return self.original is not None and self.original.held


@dataclass(frozen=True)
class Holder:
    """One person of a visit. `waiting`: the application still waits for the confirmation of the visit's agency."""

    member: VisitMember
    lines: Sequence[Line]
    waiting: bool

    @property
    def application(self) -> Application:
        return self.member.application

    @property
    def grade(self) -> str:
        return Grade(self.application.grade).level if self.application.grade else ""

    @property
    def missing(self) -> list[str]:
        return [line.label for line in self.lines if not line.received]

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def open(self) -> bool:
        """Something of a waiting application is still to be taken in."""
        return self.waiting and not self.complete

    @property
    def ready(self) -> bool:
        """Everything was taken in, and the confirmation is due."""
        return self.waiting and self.complete

    @property
    def received(self) -> int:
        return sum(line.received for line in self.lines)

    @property
    def held(self) -> list[Line]:
        return [line for line in self.lines if line.held]


@dataclass(frozen=True)
class VisitDetail:
    """All that a visit's page shows. `closed` says why nothing can be taken in or confirmed today."""

    visit: Visit
    people: Sequence[Holder]
    handles: bool
    may_change: bool
    closed: str

    @property
    def to_receive(self) -> int:
        return sum(len(one.missing) for one in self.people if one.waiting)

    @property
    def to_confirm(self) -> int:
        return sum(one.waiting for one in self.people)

    @property
    def ready(self) -> int:
        return sum(one.ready for one in self.people)

    @property
    def held(self) -> int:
        return sum(len(one.held) for one in self.people)

    @property
    def received(self) -> int:
        return sum(one.received for one in self.people)


def asked_for(application: Application) -> tuple[str, ...]:
    """The originals that this application's materials are compared with."""
    return onsite.originals_for(material.kind for material in application.materials)


def detail(actor: Account, visit_id: int) -> VisitDetail:
    """A visit with its people and their documents. Raises NotFound outside the person's scope."""
    visit = visits.find(actor, visit_id)
    people = _people(visit)
    return VisitDetail(
        visit=visit,
        people=people,
        handles=actor.agency_id == visit.agency_id and actor.role in (Role.AGENCY_OFFICER, Role.AGENCY_MANAGER),
        may_change=visits.may_change(actor, visit),
        closed=_closed(people),
    )


def _people(visit: Visit) -> list[Holder]:
    query = (
        select(VisitMember)
        .where(VisitMember.visit_id == visit.id)
        .options(
            selectinload(VisitMember.originals),
            joinedload(VisitMember.application).options(
                joinedload(Application.person),
                joinedload(Application.unit),
                joinedload(Application.trade),
                selectinload(Application.materials),
            ),
        )
        .order_by(VisitMember.id)
        .execution_options(populate_existing=True)
    )
    return [_holder(visit, member) for member in db.session.scalars(query)]


def _holder(visit: Visit, member: VisitMember) -> Holder:
    application = member.application
    known = {original.label: original for original in member.originals}
    labels = [*asked_for(application)]
    labels += [one.label for one in sorted(member.originals, key=lambda one: one.id) if one.label not in labels]
    waiting = application.status is Status.ONSITE_CONFIRMATION and application.agency_id == visit.agency_id
    # What was never brought of an application that is decided is of no interest any more.
    shown = [label for label in labels if waiting or label in known]
    lines = [Line(label, known.get(label), onsite.document_code(visit.number, member.id, label)) for label in shown]
    return Holder(member, lines, waiting)


def _closed(people: Sequence[Holder]) -> str:
    """Why nobody of those who wait can be received today; empty where somebody can, or nobody waits."""
    reason = ""
    for holder in people:
        if not holder.waiting:
            continue
        try:
            _require_window(holder)
        except WindowClosed as error:
            reason = error.message
        else:
            return ""
    return reason


def _require_window(holder: Holder) -> None:
    cycles.require_open(WindowKey.AGENCY_REVIEW, holder.application.unit, holder.application.grade)


def _at_work(actor: Account, visit_id: int) -> Visit:
    """The visit, locked, for an officer of its agency. Raises NotFound, Refused."""
    visit = visits.locked(actor, visit_id)
    if require_agency(actor).id != visit.agency_id:
        raise Refused(f"该批次由{visit.agency.name}办理，您只能查看。")
    if visit.status is VisitStatus.CANCELLED:
        raise Refused("该批次已由单位取消，不能办理。")
    return visit


def _one(people: Sequence[Holder], member_id: int) -> Holder:
    for holder in people:
        if holder.member.id == member_id:
            return holder
    raise Refused("该批次没有这个人员，请刷新页面，核对后重新办理。")


def receive(
    actor: Account,
    visit_id: int,
    chosen: Collection[Key] | None,
    pieces: Mapping[Key, str] | None = None,
    *,
    member_id: int | None = None,
) -> int:
    """Take originals in: those chosen, or with None all that are asked for and missing, of one person or of all.

    `pieces` are the numbers typed beside them (1 where nothing was). What somebody has just taken in stays as it is.
    Returns how many were taken in. Raises Refused, FieldsRefused (pieces), WindowClosed, NotFound.
    """
    with transaction() as session:
        visit = _at_work(actor, visit_id)
        people = _people(visit)
        if member_id is not None:
            people = [_one(people, member_id)]
        taken = []
        for holder in people:
            for line in holder.lines if holder.waiting else ():
                key = (holder.member.id, line.label)
                if line.received or (chosen is not None and key not in chosen):
                    continue
                _require_window(holder)
                count = _pieces((pieces or {}).get(key, ""), f"{holder.application.person.name}的{line.label}")
                session.add(_taken_in(actor, holder.member, line.label, count))
                taken.append([holder.application.number, line.label, count])
        if not taken:
            raise Refused("没有可接收的原件。请勾选尚未接收的原件后再办理。")
        visit.status = VisitStatus.RECEIVED
        audit.record(actor, "receive_originals", visit, number=visit.number, originals=taken)
    return len(taken)


def _pieces(text: str, whose: str) -> int:
    try:
        return whole_number(text, f"{whose}的件数", MAX_PIECES) if text.strip() else 1
    except InvalidInput as error:
        raise FieldsRefused({"pieces": error.message}) from error


def _taken_in(actor: Account, member: VisitMember, label: str, pieces: int) -> Original:
    return Original(
        member_id=member.id,
        unit_id=member.application.unit_id,
        agency_id=member.visit.agency_id,
        label=label,
        pieces=pieces,
        received_at=now(),
        received_by_id=actor.id,
        returned_to="",
    )


def add(actor: Account, visit_id: int, member_id: int, label: str, pieces: str) -> Original:
    """Take in a document that is not on the list. Raises FieldsRefused (label, pieces), Refused, NotFound."""
    with transaction() as session:
        visit = _at_work(actor, visit_id)
        holder = _one(_people(visit), member_id)
        if not holder.waiting:
            raise Refused(
                f"{holder.application.person.name}的申报现为“{holder.application.status.label}”，不再接收原件。"
            )
        _require_window(holder)
        wrong: dict[str, str] = {}
        name, count = "", 1
        try:
            name = fields.short_text(" ".join(label.split()), "原件名称", 40, 2)
        except InvalidInput as error:
            wrong["label"] = error.message
        try:
            count = whole_number(pieces or "1", "件数", MAX_PIECES)
        except InvalidInput as error:
            wrong["pieces"] = error.message
        if any(line.label == name for line in holder.lines):
            wrong["label"] = f"清单中已有“{name}”，请直接勾选，或换一个名称以示区别。"
        if wrong:
            raise FieldsRefused(wrong)
        original = _taken_in(actor, holder.member, name, count)
        session.add(original)
        visit.status = VisitStatus.RECEIVED
        session.flush()
        taken = [[holder.application.number, name, count]]
        audit.record(actor, "receive_originals", visit, number=visit.number, originals=taken)
    return original


def undo(actor: Account, visit_id: int, original_id: int) -> Original:
    """Take back a tick set by mistake, while the application still waits. Raises Refused, NotFound."""
    with transaction() as session:
        visit = _at_work(actor, visit_id)
        people = _people(visit)
        found = [(one, line.original) for one in people for line in one.lines if line.original is not None]
        holder, original = next(((one, it) for one, it in found if it.id == original_id), (None, None))
        if holder is None or original is None:
            raise Refused("没有这条接收记录，可能已被撤销。请刷新页面查看最新情况。")
        if original.returned_at is not None or not holder.waiting:
            raise Refused("该原件已经退还，或申报已经办结，接收记录不能撤销。")
        audit.record(
            actor, "undo_receipt", visit, number=visit.number, originals=[[holder.application.number, original.label]]
        )
        holder.member.originals.remove(original)
        session.flush()
        if not any(line.received for one in _people(visit) for line in one.lines):
            visit.status = VisitStatus.BOOKED if visit.slot_id is not None else VisitStatus.BUNDLED
        else:
            _close_if_all_back(visit)
    return original


def confirm(actor: Account, visit_id: int, member_id: int, version: int) -> Application:
    """Confirm one person whose originals were all taken in: the on-site desk's pass, every item found in order.

    `version` is that of the application which the officer saw. Raises Refused, Conflict where somebody else has just
    decided, WindowClosed, NotFound.
    """
    with transaction():
        visit = _at_work(actor, visit_id)
        holder = _one(_people(visit), member_id)
        return _confirm(actor, holder, version)


def _confirm(actor: Account, holder: Holder, version: int) -> Application:
    application = holder.application
    if holder.waiting and holder.missing:
        missing = "、".join(holder.missing)
        raise Refused(f"{application.person.name}还有原件没有接收：{missing}。收齐后再确认，或到审查页退回、不予通过。")
    found = {item.key: Verdict(True) for item in review.checklist(application)}
    return review.decide(actor, application.id, version, Action.PASS, found)


def confirm_complete(actor: Account, visit_id: int) -> tuple[list[Application], list[str]]:
    """Confirm everybody whose originals were all taken in, each for themselves; returns who was, and for those who
    were not the reason. Raises Refused, NotFound.
    """
    with transaction(aside=True):
        ready = [
            (one.member.id, one.application.version, one.application.person.name)
            for one in _people(_at_work(actor, visit_id))
            if one.ready and holds(actor, one.application)
        ]
    if not ready:
        raise Refused("没有原件已收齐、待确认的人员。")
    done, refused = [], []
    with handled.in_steps():
        for member_id, version, name in ready:
            try:
                done.append(confirm(actor, visit_id, member_id, version))
            except RuleError as error:
                refused.append(f"{name}：{error.message}")
    return done, refused


def give_back(
    actor: Account,
    visit_id: int,
    chosen: Collection[int] | None,
    returned_to: str,
    *,
    member_id: int | None = None,
) -> int:
    """Give originals back: those chosen by id, or with None all that are held, of one person or of all. At any time.

    The unit is told. Returns how many went back. Raises FieldsRefused (returned_to), Refused, NotFound.
    """
    with transaction():
        visit = _at_work(actor, visit_id)
        try:
            to = fields.person_name(returned_to)
        except InvalidInput as error:
            raise FieldsRefused({"returned_to": error.message}) from error
        people = _people(visit)
        if member_id is not None:
            people = [_one(people, member_id)]
        given: list[tuple[Application, Original]] = []
        for holder in people:
            for line in holder.held:
                original = line.original
                if original is None or (chosen is not None and original.id not in chosen):
                    continue
                original.returned_at, original.returned_by_id, original.returned_to = now(), actor.id, to
                given.append((holder.application, original))
        if not given:
            raise Refused("没有可退还的原件。请勾选尚未退还的原件后再办理。")
        db.session.flush()
        _close_if_all_back(visit)
        audit.record(
            actor,
            "return_originals",
            visit,
            number=visit.number,
            to=to,
            originals=[[application.number, original.label, original.pieces] for application, original in given],
        )
        _tell_units(visit, given, to)
    return len(given)


def _close_if_all_back(visit: Visit) -> None:
    if not any(holder.held for holder in _people(visit)):
        visit.status = VisitStatus.RETURNED


def _tell_units(visit: Visit, given: Sequence[tuple[Application, Original]], to: str) -> None:
    """The unit that brought them, and those whose people they belong to."""
    owners: dict[int, list[tuple[Application, Original]]] = {visit.unit_id: list(given)}
    for application, original in given:
        if original.unit_id != visit.unit_id:
            owners.setdefault(original.unit_id, []).append((application, original))
    for unit_id, theirs in owners.items():
        names = list(dict.fromkeys(application.person.name for application, _ in theirs))
        who = "、".join(names[:5]) + (f"等{len(names)}人" if len(names) > 5 else "")
        messages.tell(
            KIND,
            f"申报材料原件已退还{sum(original.pieces for _, original in theirs)}件",
            f"{visit.agency.name}已退还{who}的原件，由{to}领取。批次编号{visit.number}。",
            f"visit {visit.id}" if unit_id == visit.unit_id else "originals",
            unit_id=unit_id,
        )


# The list of what is not yet returned.


def _held(actor: Account) -> Any:
    return narrow(select(Original), Original, actor).where(Original.held)


def _overdue(day: date) -> Any:
    return Original.received_at <= day_bounds(onsite.reminder_limit(day))[1]


def held_counts(actor: Account) -> Figures[tuple[int, int]]:
    """How many originals in the person's scope are held, and how many of them should have gone back by now."""

    def count() -> tuple[tuple[int, int], int]:
        query = narrow(select(func.count(), func.count().filter(_overdue(today()))), Original, actor)
        held, overdue = db.session.execute(query.select_from(Original).where(Original.held)).one()
        return (held, overdue), held

    return kept.figures("originals", actor, (), count)


def outstanding(actor: Account) -> Listing:
    """Originals that were taken in and have not gone back, the longest held first."""
    day = today()
    by_unit = select(Unit.name).where(Unit.id == Original.unit_id).scalar_subquery()
    by_person = (
        select(Person.name)
        .select_from(VisitMember)
        .where(VisitMember.id == Original.member_id)
        .join(VisitMember.application)
        .join(Application.person)
        .scalar_subquery()
    )

    def days(row: Original) -> Cell:
        assert row.received_at is not None
        received = row.received_at.date()
        late = onsite.reminder_due(received, day)
        text = f"{(day - received).days}天"
        return Cell(f"{text}，请尽快退还" if late else text, chip="needs" if late else "neutral")

    # A unit's few are sorted, not met by going through all that is held in the order of an index.
    since = Original.received_at if actor.unit is None else func.coalesce(Original.received_at, Original.received_at)
    columns = [
        Column("unit", "所在单位", lambda row: row.unit.name, by_unit),
        Column("name", "姓名", lambda row: row.member.application.person.name, by_person),
        Column("label", "原件", lambda row: row.label),
        Column("pieces", "件数", lambda row: str(row.pieces), kind="number"),
        Column("visit", "批次编号", lambda row: row.member.visit.number, kind="mono"),
        Column("received", "接收日期", lambda row: row.received_at.strftime("%Y-%m-%d"), since, kind="date"),
        Column("days", "已留存", days, kind="status"),
    ]
    filters = [
        Filter(
            "late",
            "留存时间",
            [
                ("", "全部"),
                ("yes", f"超过{onsite.REMIND_AFTER_WORKING_DAYS}个工作日"),
                ("no", f"{onsite.REMIND_AFTER_WORKING_DAYS}个工作日以内"),
            ],
            lambda value: _overdue(day) if value == "yes" else ~_overdue(day),
        )
    ]
    units = _units(actor)
    if 1 < len(units) <= UNIT_CHOICES:
        filters.append(
            Filter(
                "unit",
                "单位",
                [("", "全部单位"), *units],
                lambda value: Original.unit_id == int(value),
            )
        )
    agencies = _agencies(actor)
    if len(agencies) > 1:
        columns.insert(1, Column("agency", "留存机构", lambda row: row.member.visit.agency.name))
        filters.append(
            Filter(
                "agency",
                "留存机构",
                [("", "全部机构"), *agencies],
                lambda value: Original.agency_id == int(value),
            )
        )
    member = joinedload(Original.member)
    application = member.joinedload(VisitMember.application)
    return Listing(
        title="尚未退还的原件",
        query=_held(actor).options(
            application.joinedload(Application.person),
            joinedload(Original.unit),
            member.joinedload(VisitMember.visit).options(joinedload(Visit.agency), joinedload(Visit.unit)),
        ),
        tie=Original.id,
        sort="received",
        search=[
            lambda term: Original.member.has(
                VisitMember.application.has(Application.person.has(contains(Person.name)(term)))
            ),
            lambda term: Original.unit_id.in_(named(term)),
            lambda term: Original.member.has(VisitMember.visit.has(Visit.number == term)),
            contains(Original.label),
        ],
        search_hint="姓名、单位、原件、批次编号",
        filters=filters,
        columns=columns,
        empty_text="没有尚未退还的原件。",
    )


def may_open_visit(actor: Account, original: Original) -> bool:
    """Whether the visit lies in the person's scope; a unit whose people came with the unit above does not see it."""
    return actor.unit is None or original.member.visit.unit.path.startswith(actor.unit.path)


def _units(actor: Account) -> list[tuple[str, str]]:
    """The units that something is held of; none where so much is held that they would be too many to choose from."""
    units = _held(actor).with_only_columns(Original.unit_id)
    if actor.unit_id is None and (db.session.scalar(count_to_limit(units)) or 0) > kept.COUNT_LIMIT:
        return []
    query = select(Unit.id, Unit.name).where(Unit.id.in_(units)).order_by(Unit.name)
    return [(str(unit_id), name) for unit_id, name in db.session.execute(query)]


def _agencies(actor: Account) -> list[tuple[str, str]]:
    if actor.unit is not None:
        return []
    # Looked up for each of few agencies, not gone through for all that is held.
    holding = narrow(select(Original.id), Original, actor).where(Original.held, Original.agency_id == Agency.id)
    query = select(Agency.id, Agency.name).where(holding.correlate(Agency).exists()).order_by(Agency.code)
    return [(str(agency_id), name) for agency_id, name in db.session.execute(query)]
