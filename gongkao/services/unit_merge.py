"""Merging a unit into another (单位合并): its people, list and undecided work go along, its administrators end."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    FalseMaterialsCase,
    Message,
    Original,
    PasswordHelp,
    RegistrationSheet,
    RosterEntry,
    SheetStatus,
    Unit,
    UnitCheck,
    UnitCheckStatus,
    Visit,
    VisitMember,
    VisitStatus,
)
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.rules.workflow import FINAL
from gongkao.services import accounts, audit, cycles, messages, unit_checks, unit_moves, units
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction

REASON_LIMIT = 120


@dataclass(frozen=True)
class Extent:
    """What a merger would move: people with an application this year, those undecided, units below, administrators."""

    applications: int
    undecided: int
    subordinates: int
    administrators: int
    listed: int


def extent(unit: Unit) -> Extent:
    """How much goes along with a unit, for the page that asks for a deliberate yes."""
    cycle_id = cycles.current_cycle().id
    own = (Application.unit_id == unit.id, Application.cycle_id == cycle_id)
    return Extent(
        applications=_count(Application.id, *own),
        undecided=_count(Application.id, *own, Application.status.not_in(FINAL)),
        subordinates=_count(Unit.id, Unit.supervising_unit_id == unit.id),
        administrators=_count(Account.id, Account.unit_id == unit.id, Account.ended_at.is_(None)),
        listed=_count(RosterEntry.id, RosterEntry.unit_id == unit.id, RosterEntry.cycle_id == cycle_id),
    )


def _count(column: Any, *conditions: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count(column)).where(*conditions)) or 0


def merge(actor: Account, unit_id: int, into: str, reason: str) -> Unit:
    """Merge a unit into another, named by its credit code or whole name; returns the one that takes it in.

    This year's applications go to the new unit, the undecided ones with its supervising unit and its agency; what is
    decided keeps its agency. Earlier years stay as they were. Raises NotFound, Refused, FieldsRefused.
    """
    wrong: dict[str, str] = {}
    try:
        why = fields.short_text(reason, "合并依据", REASON_LIMIT, 4)
    except InvalidInput as error:
        wrong["reason"] = error.message
    try:
        into_id = units.find_supervising(into)
        if into_id is None:
            wrong["into"] = "请填写并入单位的规范全称或统一社会信用代码。"
    except FieldsRefused as error:
        wrong["into"] = error.message.replace("主管单位", "并入单位")
    if wrong:
        raise FieldsRefused(wrong)
    assert into_id is not None
    with transaction() as session:
        units.lock_tree()
        # Both held, always in the same order, so that two mergers do not wait for each other.
        held = {number: _held(actor, number, unit_id) for number in sorted({unit_id, into_id})}
        unit, target = held[unit_id], held[into_id]
        _check(unit, target)
        cycle_id = cycles.current_cycle().id
        for one in session.scalars(select(Unit).where(Unit.supervising_unit_id == unit.id).order_by(Unit.id)).all():
            units.move(actor, one, target)
        if target.agency_id != unit.agency_id:
            before = unit.agency
            carried = unit_moves.carry_to_agency(actor, unit, target.agency)
            unit_moves.tell_agencies([(before, target.agency, carried)])
        moved = _move_people(unit, target, cycle_id)
        ended = session.scalars(select(Account).where(Account.unit_id == unit.id, Account.ended_at.is_(None))).all()
        for account in ended:
            accounts.end_account(actor, account, f"单位已并入{target.name}"[:120])
        _close(unit, target)
        unit.active = False
        facts = {"people": len(moved), "administrators": len(ended), "reason": why}
        audit.record(actor, "merge_unit", unit, into=[target.id, target.name], **facts)
        audit.record(actor, "take_in_unit", target, merged=[unit.id, unit.name], **facts)
        session.flush()
        session.expire_all()
        unit_moves.follow_supervision(target)
        _tell(unit, target, moved, why)
        session.expire_all()
    return target


def _held(actor: Account, number: int, unit_id: int) -> Unit:
    try:
        return units.locked(actor, number)
    except NotFound:
        if number == unit_id:
            raise
        message = "并入的单位不由本机构或下级机构审查，请由上级工考管理机构办理合并。"
        raise FieldsRefused({"into": message}) from None


def _check(unit: Unit, target: Unit) -> None:
    if unit.id == target.id:
        raise FieldsRefused({"into": "不能并入单位自己，请填写另一个单位。"})
    if not unit.active:
        raise Refused(f"{unit.name}已停用，不能再合并。")
    if not target.active:
        raise FieldsRefused({"into": f"{target.name}已停用，请填写使用中的单位。"})
    if target.path.startswith(unit.path):
        raise FieldsRefused({"into": f"{target.name}是本单位的下属单位，请先修改其主管单位，再办理合并。"})


def _move_people(unit: Unit, target: Unit, cycle_id: int) -> list[int]:
    """The year's applications and the list of people; returns the ids of the people concerned."""
    own = (Application.unit_id == unit.id, Application.cycle_id == cycle_id)
    people = list(db.session.scalars(select(Application.person_id).where(*own)))
    theirs = select(Application.id).where(*own)
    cases = (FalseMaterialsCase.unit_id == unit.id, FalseMaterialsCase.application_id.in_(theirs))
    _set(FalseMaterialsCase, cases, unit_id=target.id, version=FalseMaterialsCase.version + 1)
    with_agency = Original.member_id.in_(select(VisitMember.id).where(VisitMember.application_id.in_(theirs)))
    _set(Original, (with_agency,), unit_id=target.id)
    _set(Application, own, unit_id=target.id, version=Application.version + 1)
    _set(RosterEntry, (RosterEntry.unit_id == unit.id, RosterEntry.cycle_id == cycle_id), unit_id=target.id)
    # What the unit holds as the supervising unit of others; those below it have gone along already.
    held = (Application.supervising_unit_id == unit.id, Application.status.not_in(FINAL))
    _set(Application, held, supervising_unit_id=target.id, version=Application.version + 1)
    return people


def _close(unit: Unit, target: Unit) -> None:
    """What waits at the unit's desk goes to the other one; its sheets and its name check end."""
    _set(PasswordHelp, (PasswordHelp.unit_id == unit.id,), unit_id=target.id, version=PasswordHelp.version + 1)
    visits = (Visit.unit_id == unit.id, Visit.status.in_([*unit_moves.OPEN_VISITS, VisitStatus.RECEIVED]))
    _set(Visit, visits, unit_id=target.id, version=Visit.version + 1)
    _set(Message, (Message.unit_id == unit.id, Message.read_at.is_(None)), unit_id=target.id)
    ended = f"单位已并入{target.name}，由该单位办理。"
    _set(
        RegistrationSheet,
        (RegistrationSheet.unit_id == unit.id, RegistrationSheet.status.in_(unit_moves.WAITING_SHEETS)),
        status=SheetStatus.REFUSED,
        reason=ended,
        version=RegistrationSheet.version + 1,
    )
    _set(
        UnitCheck,
        (UnitCheck.unit_id == unit.id, UnitCheck.status.in_(unit_checks.WAITING)),
        status=UnitCheckStatus.REFUSED,
        reason=ended,
        decided_at=now(),
        version=UnitCheck.version + 1,
    )


def _set(model: Any, conditions: tuple[ColumnElement[bool], ...], **values: Any) -> None:
    db.session.execute(update(model).where(*conditions).values(**values).execution_options(synchronize_session=False))


def _tell(unit: Unit, target: Unit, people: list[int], reason: str) -> None:
    title = f"{unit.name}并入{target.name}"[: messages.TITLE_LENGTH]
    body = f"依据：{reason}。{len(people)}名申报人员的申报转入{target.name}，原单位停用。"
    messages.tell("unit", title, body, f"unit {target.id}", unit_id=target.id)
    for agency_id in sorted({unit.agency_id, target.agency_id}):
        messages.tell("unit", title, body, f"unit {target.id}", agency_id=agency_id)
    messages.tell_people(people, "application", title, f"您的申报转入{target.name}，进度不变。", "own")
