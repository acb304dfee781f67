"""Who sits where (编排): run for an office or the whole province, kept until run anew, changed by hand and checked."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, insert, select
from sqlalchemy.orm import joinedload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Deferral,
    DeferralStatus,
    ExamRoom,
    ExamSitting,
    Message,
    Person,
    Seat,
    SeatingRun,
    SpecialNeed,
    Trade,
    Unit,
)
from gongkao.rules import seating as rules
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.rules.seating import Assignment, ExamKind, Shortage
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles, kept, messages, sites, sittings
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.exam_office import FormReader, candidates, own_office, whole_number
from gongkao.services.kept import Figures
from gongkao.services.transaction import transaction

KIND = "exam"
# Seats written to the database at a time.
_AT_ONCE = 5000
MAX_SEED = 999_999
OPEN_DEFERRALS = (DeferralStatus.PLEDGED, DeferralStatus.AGREED, DeferralStatus.MADE_UP)


@dataclass(frozen=True)
class Needs:
    """What an office has to seat, and what it has for it, grade by grade: (grade, people, of them with an open
    deferral, with special needs, seated)."""

    grades: list[tuple[Grade, int, int, int, int]]
    strangers: int

    @property
    def people(self) -> int:
        return sum(row[1] for row in self.grades)

    @property
    def seated(self) -> int:
        return sum(row[4] for row in self.grades)


@dataclass
class AreaPlan:
    """What a run gives for one office: `rows` are (sitting, rooms used, people); or `lacks`, what is short."""

    agency: Agency
    people: int
    run: SeatingRun | None
    rows: list[tuple[ExamSitting, int, int]] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    assignments: tuple[Assignment, ...] = ()


def new_seed() -> int:
    """A seed for a new run."""
    return secrets.randbelow(MAX_SEED) + 1


def read_seed(text: str) -> int:
    """A seed as typed. Raises FieldsRefused."""
    reader = FormReader()
    seed = reader.read("seed", lambda: whole_number(text, "随机种子", 1, MAX_SEED))
    reader.finish()
    return int(seed)


def run_of(agency: Agency, *, lock: bool = False) -> SeatingRun | None:
    """The office's seating of the current cycle."""
    query = select(SeatingRun).where(*_of_office(agency)).options(joinedload(SeatingRun.made_by))
    return db.session.scalar(query.with_for_update(of=SeatingRun) if lock else query)


def run_id_of(agency: Agency) -> ScalarSelect[int]:
    """The id of `run_of`, to be used within a query."""
    return select(SeatingRun.id).where(*_of_office(agency)).scalar_subquery()


def _of_office(agency: Agency) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return SeatingRun.cycle_id == cycles.current_cycle().id, SeatingRun.agency_id == agency.id


def office_of(actor: Account) -> Agency:
    """The office whose seating an official sees first: the own one, or that of the city the county lies in."""
    query = narrow(select(Agency), Agency, actor).order_by(Agency.code)
    agency = actor.agency or db.session.scalars(query).first()
    if agency is None:
        raise NotFound("agency")
    return agency.parent if agency.level is RegionLevel.COUNTY and agency.parent is not None else agency


def needs(agency: Agency) -> Needs:
    """Counts of one office: `strangers` sit though they are no longer qualified."""
    cycle = cycles.current_cycle()
    wanted = candidates(agency, cycle)
    deferred = select(Deferral.id).where(Deferral.application_id == Application.id, Deferral.status.in_(OPEN_DEFERRALS))
    seated = select(Seat.id).where(Seat.application_id == Application.id)
    special = select(SpecialNeed.application_id).where(SpecialNeed.application_id == Application.id)

    counts = [func.count().filter(one.exists()) for one in (deferred, special, seated)]
    query = select(Application.grade, func.count(), *counts).where(wanted).group_by(Application.grade)
    found = {grade: tuple(figures) for grade, *figures in db.session.execute(query)}
    rows = [(grade, *found[grade]) for grade in sorted(Grade, reverse=True) if grade in found]
    return Needs(rows, strangers(agency))


def needs_shown(actor: Account, agency: Agency) -> Figures[Needs]:
    """The same to be looked at; whoever acts on it counts anew."""

    def count() -> tuple[Needs, int]:
        found = needs(agency)
        return found, found.people

    return kept.figures("seating", actor, agency.id, count)


def strangers(agency: Agency) -> int:
    """How many sit at an office's tests though they are no longer qualified."""
    sitting = select(Seat.application_id).where(Seat.run_id == run_id_of(agency))
    seated = select(func.count()).select_from(sitting.subquery())
    rightly = select(func.count(Application.id)).where(
        candidates(agency, cycles.current_cycle()), Application.id.in_(sitting)
    )
    return db.session.scalar(select(seated.scalar_subquery() - rightly.scalar_subquery())) or 0


def areas(actor: Account, whole_province: bool) -> list[Agency]:
    """The offices that a run is for: the own one, or for the centre all. Raises Refused."""
    own = own_office(actor)
    if not whole_province:
        return [own]
    if own.level is not RegionLevel.PROVINCE:
        raise Refused("全省统一编排由省中心办理。")
    query = select(Agency).where(Agency.level != RegionLevel.COUNTY).order_by(Agency.code)
    return list(db.session.scalars(query))


def _persons(agency: Agency, times: Sequence[ExamSitting], also: Sequence[int] = ()) -> list[rules.Person]:
    """Whom an office seats. Grade one is tested on paper where the office has such a sitting."""
    wanted = candidates(agency, cycles.current_cycle())
    query = (
        select(Application.id, Application.trade_id, Application.grade, Application.unit_id, SpecialNeed.application_id)
        .outerjoin(SpecialNeed, SpecialNeed.application_id == Application.id)
        .where(wanted | Application.id.in_(also) if also else wanted)
    )
    on_paper = {grade for sitting in times if sitting.kind is ExamKind.PAPER for grade in sitting.grades}
    return [
        rules.Person(
            number,
            trade or 0,
            grade or 0,
            unit or 0,
            special is not None,
            ExamKind.PAPER if grade in on_paper else ExamKind.COMPUTER,
        )
        for number, trade, grade, unit, special in db.session.execute(query)
    ]


def _plan(agency: Agency, seed: int) -> AreaPlan:
    times = sittings.all_of(agency)
    people = _persons(agency, times)
    plan = AreaPlan(agency, len(people), run_of(agency))
    if not people:
        return plan
    rooms = [room.as_rule() for room in sites.rooms_of(agency)]
    made = rules.seat(people, rooms, [sitting.as_rule() for sitting in times], seed)
    if isinstance(made, Shortage):
        plan.lacks = _words(made)
        return plan
    plan.assignments = made
    counts = Counter(one.sitting for one in made)
    used = Counter(sitting for sitting, _ in {(one.sitting, one.room) for one in made})
    plan.rows = [(sitting, used[sitting.id], counts[sitting.id]) for sitting in times]
    return plan


def _words(shortage: Shortage) -> list[str]:
    trades = [lack.trade for lack in shortage.lacks if lack.trade]
    units = [lack.unit for lack in shortage.lacks if lack.unit]
    names: dict[int, str] = dict(db.session.execute(select(Trade.id, Trade.name).where(Trade.id.in_(trades))).all())
    offices: dict[int, str] = dict(db.session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(units))).all())
    return [lack.text(names, offices) for lack in shortage.lacks]


def preview(actor: Account, seed: int, *, whole_province: bool = False) -> list[AreaPlan]:
    """What a run with this seed would give, office by office; nothing is kept. Offices without people are left out."""
    plans = [_plan(agency, seed) for agency in areas(actor, whole_province)]
    return [plan for plan in plans if plan.people]


def commit(actor: Account, seed: int, *, whole_province: bool = False, deliberate: bool = False) -> int:
    """Seat everybody anew and keep it, all offices or none; returns how many people sit.

    Raises Refused where something is short, a sitting has begun, or tickets were issued and the new run is not
    deliberate.
    """
    with transaction() as session:
        own = areas(actor, whole_province)
        ids = [agency.id for agency in own]
        session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.id).with_for_update(of=Agency)).all()
        plans = [plan for plan in (_plan(agency, seed) for agency in own) if plan.people]
        if not plans:
            raise Refused("没有需要编排的人员。资格审查合格的人员才能编排。")
        for plan in plans:
            _refuse_begun(plan.agency)
            if plan.run is not None and plan.run.issued_at is not None and not deliberate:
                raise Refused(
                    f"{plan.agency.name}的准考证已签发，重新编排会使已签发的准考证作废。"
                    "确需重新编排的，请勾选确认后再办理。"
                )
            if plan.lacks:
                raise Refused(f"{plan.agency.name}：{plan.lacks[0]}")
        for plan in plans:
            _keep(actor, plan, seed)
    return sum(plan.people for plan in plans)


def _refuse_begun(agency: Agency) -> None:
    begun = [sitting for sitting in sittings.all_of(agency) if sitting.starts_at <= now()]
    if begun and any(sittings.seated(sitting) for sitting in begun):
        raise Refused(f"{begun[0].label}（{sittings.time_text(begun[0])}）已经开考，不能再整体编排，请逐人调整。")


def _keep(actor: Account, plan: AreaPlan, seed: int) -> None:
    run = plan.run
    numbers: dict[int, str] = {}
    if run is None:
        run = SeatingRun(cycle_id=cycles.current_cycle().id, agency_id=plan.agency.id)
        db.session.add(run)
    else:
        rows = db.session.execute(select(Seat.application_id, Seat.ticket_number).where(Seat.run_id == run.id))
        numbers = {application: number for application, number in rows}
        db.session.execute(delete(Seat).where(Seat.run_id == run.id))
    again = run.issued_at is not None
    run.seed, run.people, run.changed_by_hand = seed, plan.people, 0
    run.made_by_id, run.made_at = actor.id, now()
    run.issued_at = run.issued_by_id = None
    db.session.flush()
    fresh = _ticket_numbers(plan.agency, set(numbers.values()))
    for start in range(0, len(plan.assignments), _AT_ONCE):
        db.session.execute(
            insert(Seat.__table__),  # type: ignore[arg-type]
            [
                {
                    "run_id": run.id,
                    "application_id": one.person,
                    "sitting_id": one.sitting,
                    "room_id": one.room,
                    "number": one.seat,
                    "ticket_number": numbers.get(one.person) or next(fresh),
                }
                for one in plan.assignments[start : start + _AT_ONCE]
            ],
        )
    audit.record(actor, "seat_people", run, seed=seed, people=plan.people, tickets_withdrawn=again)


def _ticket_numbers(agency: Agency, taken: set[str]) -> Any:
    """New ticket numbers: year, region and a running number, 2025 4101 000123."""
    head = f"{cycles.current_cycle().year}{agency.region_code[:4]}"
    last = max((int(number[len(head) :]) for number in taken), default=0)
    while True:
        last += 1
        yield f"{head}{last:06d}"


def clear(actor: Account) -> int:
    """Take the own office's seating back; returns how many lost their seat. Raises Refused once tickets are issued."""
    with transaction() as session:
        run = _own_run(actor)
        if run.issued_at is not None:
            raise Refused("准考证已签发，不能撤销编排。需要调整的，请重新编排或逐人调整。")
        audit.record(actor, "clear_seating", run, seed=run.seed, people=run.people)
        gone = session.execute(delete(Seat).where(Seat.run_id == run.id)).rowcount  # type: ignore[attr-defined]
        session.delete(run)
    return int(gone)


def _own_run(actor: Account) -> SeatingRun:
    agency = own_office(actor, lock=True)
    run = run_of(agency, lock=True)
    if run is None:
        raise Refused("还没有编排。请先编排考场和座位。")
    return run


def issue(actor: Account) -> int:
    """Issue the admission tickets: from now on people and units see their seats. Returns how many were told.

    Raises Refused while somebody qualified has no seat, or somebody sits who no longer is.
    """
    with transaction() as session:
        run = _own_run(actor)
        if run.issued_at is not None:
            raise Refused("准考证已经签发。")
        count = needs(run.agency)
        if count.people > count.seated:
            raise Refused(f"还有{count.people - count.seated}名合格人员没有座位，请重新编排或逐人安排后再签发。")
        if count.strangers:
            raise Refused(f"有{count.strangers}名已不具备资格的人员仍有座位，请重新编排或取消其座位后再签发。")
        run.issued_at, run.issued_by_id = now(), actor.id
        told = select(Account.id).join(Application, Application.person_id == Account.person_id)
        told = told.join(Seat, Seat.application_id == Application.id)
        accounts = session.scalars(told.where(Seat.run_id == run.id, Account.ended_at.is_(None))).all()
        for start in range(0, len(accounts), _AT_ONCE):
            session.execute(
                insert(Message),
                [
                    {
                        "account_id": account_id,
                        "kind": KIND,
                        "title": "准考证已签发，请查看考试时间和考场",
                        "body": "请在“我的考试”中核对考试安排，下载打印准考证，考试当天携带准考证和身份证。",
                        "about": "own_exam",
                        "created_at": now(),
                    }
                    for account_id in accounts[start : start + _AT_ONCE]
                ],
            )
        audit.record(actor, "issue_tickets", run, people=run.people)
    return len(accounts)


# One by one.


def set_special(actor: Account, application_ids: Sequence[int], needed: bool) -> int:
    """Record that people of the own office need an accessible room, or no longer do. Returns how many changed."""
    with transaction() as session:
        agency = own_office(actor, lock=True)
        wanted = candidates(agency, cycles.current_cycle()) & Application.id.in_(application_ids)
        own = set(session.scalars(select(Application.id).where(wanted)))
        there = set(session.scalars(select(SpecialNeed.application_id).where(SpecialNeed.application_id.in_(own))))
        changed = own - there if needed else there
        if needed:
            session.add_all(SpecialNeed(application_id=one, recorded_by_id=actor.id) for one in changed)
        else:
            session.execute(delete(SpecialNeed).where(SpecialNeed.application_id.in_(changed)))
        if changed:
            audit.record(actor, "set_special_needs", agency, needed=needed, applications=sorted(changed))
    return len(changed)


def find_person(actor: Account, application_id: int) -> Application:
    """An application in the actor's scope that has a seat or may get one. Raises NotFound."""
    query = (
        narrow(select(Application), Application, actor)
        .where(Application.id == application_id, Application.cycle_id == cycles.current_cycle().id)
        .options(
            joinedload(Application.person),
            joinedload(Application.unit),
            joinedload(Application.trade),
            joinedload(Application.seat),
            joinedload(Application.special_need),
        )
    )
    found = db.session.scalar(query)
    if found is None or (found.status is not Status.QUALIFIED and found.seat is None):
        raise NotFound("seat")
    return found


def move(actor: Account, application_id: int, sitting_id: str, room_id: str, seat_number: str) -> Seat:
    """Put somebody on a seat by hand; who sits there changes places with them. Checked by the rules of the seating.

    Raises FieldsRefused by field (sitting, room, seat), Refused naming every rule it would break, NotFound.
    """
    with transaction() as session:
        run = _own_run(actor)
        find_person(actor, application_id)
        times = {sitting.id: sitting for sitting in sittings.all_of(run.agency)}
        rooms = {room.id: room for room in sites.rooms_of(run.agency)}
        sitting = times.get(int(sitting_id)) if sitting_id.isascii() and sitting_id.isdigit() else None
        room = rooms.get(int(room_id)) if room_id.isascii() and room_id.isdigit() else None
        reader = FormReader()
        if sitting is None:
            reader.wrong["sitting"] = "请选择场次。"
        if room is None or (sitting is not None and room.id not in sitting.room_ids):
            reader.wrong["room"] = "请选择该场次使用的考场。"
        most = room.seats(sitting.kind) if room is not None and sitting is not None else 900
        number = reader.read("seat", lambda: whole_number(seat_number, "座号", 1, most))
        reader.finish()
        assert sitting is not None and room is not None
        everybody = list(session.scalars(select(Seat).where(Seat.run_id == run.id)))
        mine = next((one for one in everybody if one.application_id == application_id), None)
        there = next(
            (one for one in everybody if (one.sitting_id, one.room_id, one.number) == (sitting.id, room.id, number)),
            None,
        )
        if there is not None and there is mine:
            raise FieldsRefused({"seat": "已经在这个座位上，没有变动。"})
        if there is not None and mine is None:
            raise FieldsRefused({"seat": "该座位已有人，请选择空座位。"})
        _refuse_past([sitting, times[mine.sitting_id]] if mine is not None else [sitting])
        before = [_assignment(one) for one in everybody]
        after = [one for one in before if one.person not in (application_id, there.application_id if there else 0)]
        after.append(Assignment(application_id, sitting.id, room.id, number))
        if there is not None and mine is not None:
            after.append(Assignment(there.application_id, mine.sitting_id, mine.room_id, mine.number))
        _refuse_violations(run.agency, list(times.values()), list(rooms.values()), before, after)
        was = _place(mine) if mine is not None else None
        if there is not None and mine is not None:
            old = (mine.sitting_id, mine.room_id, mine.number)
            # Both seats are unique: one steps aside while the other comes.
            there.number = -there.id
            session.flush()
            mine.sitting_id, mine.room_id, mine.number = sitting.id, room.id, number
            session.flush()
            there.sitting_id, there.room_id, there.number = old
        elif mine is not None:
            mine.sitting_id, mine.room_id, mine.number = sitting.id, room.id, number
        else:
            taken = {one.ticket_number for one in everybody}
            mine = Seat(
                run_id=run.id,
                application_id=application_id,
                sitting_id=sitting.id,
                room_id=room.id,
                number=number,
                ticket_number=next(_ticket_numbers(run.agency, taken)),
            )
            session.add(mine)
            run.people += 1
        run.changed_by_hand += 1
        session.flush()
        if run.issued_at is not None:
            for one in (mine, there):
                if one is not None:
                    _tell_moved(one)
        audit.record(
            actor, "move_seat", mine, application=application_id, before=was, after=_place(mine),
            changed_with=there.application_id if there is not None else None,
        )  # fmt: skip
    return mine


def _assignment(one: Seat) -> Assignment:
    return Assignment(one.application_id, one.sitting_id, one.room_id, one.number)


def _place(one: Seat) -> dict[str, int]:
    return {"sitting": one.sitting_id, "room": one.room_id, "seat": one.number}


def _refuse_past(times: Sequence[ExamSitting]) -> None:
    for sitting in times:
        if sitting.starts_at <= now():
            raise Refused(f"{sitting.label}（{sittings.time_text(sitting)}）已经开考，不能再调整座位。")


def _refuse_violations(
    agency: Agency,
    times: Sequence[ExamSitting],
    rooms: Sequence[ExamRoom],
    before: Sequence[Assignment],
    after: Sequence[Assignment],
) -> None:
    """Raises Refused where the change breaks a rule that was kept before it."""
    people = _persons(agency, times, [one.person for one in after])
    places = [room.as_rule() for room in rooms]
    moments = [sitting.as_rule() for sitting in times]
    old = {(one.rule, one.people) for one in rules.violations(people, places, moments, before)}
    fresh = [one for one in rules.violations(people, places, moments, after) if (one.rule, one.people) not in old]
    if not fresh:
        return
    ids = {person for one in fresh for person in one.people}
    query = select(Application.id, Person.name).join(Application.person).where(Application.id.in_(ids))
    names = {number: name for number, name in db.session.execute(query)}
    lines = [f"{one.rule.text}（{'、'.join(names.get(person, '') for person in one.people[:3])}）" for one in fresh[:3]]
    raise Refused(f"不能这样安排：{'；'.join(dict.fromkeys(lines))}。")


def _tell_moved(one: Seat) -> None:
    db.session.refresh(one)
    messages.tell_person(
        one.application.person_id,
        KIND,
        "您的考试座位已调整，请重新下载准考证",
        f"新的安排：{sittings.long_time(one.sitting)}，{one.room.site.name}{one.room.label}{one.number}号座位。",
        "own_exam",
    )


def unseat(actor: Account, application_id: int) -> None:
    """Take somebody's seat away, who is no longer qualified or is to be placed later. Raises Refused, NotFound."""
    with transaction() as session:
        run = _own_run(actor)
        find_person(actor, application_id)
        seat = session.scalar(select(Seat).where(Seat.run_id == run.id, Seat.application_id == application_id))
        if seat is None:
            raise NotFound("seat")
        _refuse_past([seat.sitting])
        audit.record(actor, "remove_seat", seat, application=application_id, before=_place(seat))
        run.people -= 1
        run.changed_by_hand += 1
        session.delete(seat)
