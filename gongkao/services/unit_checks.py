"""The yearly check of the units' names (notice 三（一）): supervising units check, their agency accepts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager, selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, RegionEntry, Unit, UnitCheck, UnitCheckStatus
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.services import audit, cycles, kept, messages, units
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.kept import Figures
from gongkao.services.list_filters import of_status
from gongkao.services.listing import Cell, Column, Listing, contains
from gongkao.services.transaction import transaction

WAITING = (UnitCheckStatus.CONFIRMED, UnitCheckStatus.CORRECTED)
WINDOW = WindowKey.UNIT_CHECK


def check_listing(actor: Account) -> Listing:
    """The person's own unit and all below it, each with the state of its check in this cycle."""
    cycle_id = cycles.current_cycle().id
    return Listing(
        title="单位信息核对",
        query=narrow(select(Unit), Unit, actor)
        .where(Unit.active)
        .options(
            selectinload(Unit.region).selectinload(RegionEntry.parent),
            selectinload(Unit.supervising_unit),
            selectinload(Unit.checks.and_(UnitCheck.cycle_id == cycle_id)),
        ),
        tie=Unit.path,
        sort="tree",
        search=[contains(Unit.name), contains(Unit.credit_code)],
        search_hint="单位名称、统一社会信用代码",
        columns=[
            Column("name", "现名称", lambda row: row.name, Unit.name),
            Column("credit_code", "统一社会信用代码", lambda row: row.credit_code, Unit.credit_code, kind="mono"),
            Column("supervising", "主管单位", lambda row: _above(row)),
            Column("region", "所在地区", lambda row: row.region.full_name, Unit.region_code),
            Column("proposed", "更正为", lambda row: _proposed(row, cycle_id)),
            Column("check", "核对情况", lambda row: units.check_cell(row, cycle_id), kind="status"),
        ],
        filters=[units.check_filter(cycle_id)],
        empty_text="没有符合条件的单位。",
    )


def _above(unit: Unit) -> str:
    return unit.supervising_unit.name if unit.supervising_unit else ""


def _proposed(unit: Unit, cycle_id: int) -> str:
    check = units.check_of(unit, cycle_id)
    return check.proposed_name if check is not None and check.proposed_name != check.name_before else ""


def desk_progress(actor: Account) -> Figures[dict[str, int]]:
    """The same as `progress` for whoever looks at all units of a region."""

    def count() -> tuple[dict[str, int], int]:
        found = progress(actor)
        return found, found["total"]

    return kept.figures("unit checks", actor, (), count)


def progress(actor: Account) -> dict[str, int]:
    """How many units of the scope are in which state: total, unchecked, and one for each state's word."""
    of_cycle = and_(UnitCheck.unit_id == Unit.id, UnitCheck.cycle_id == cycles.current_cycle().id)
    query = narrow(select(UnitCheck.status, func.count()).select_from(Unit), Unit, actor)
    query = query.outerjoin(UnitCheck, of_cycle).where(Unit.active).group_by(UnitCheck.status)
    found: dict[UnitCheckStatus | None, int] = {status: count for status, count in db.session.execute(query)}
    counts = {status.value: found.get(status, 0) for status in UnitCheckStatus}
    return {**counts, "total": sum(found.values()), "unchecked": found.get(None, 0)}


def to_check(actor: Account, unit_id: int) -> Unit:
    """An active unit that the person may check. Raises NotFound."""
    unit = db.session.scalar(
        narrow(select(Unit), Unit, actor).where(Unit.id == unit_id, Unit.active).with_for_update(of=Unit)
    )
    if unit is None:
        raise NotFound("unit")
    return unit


def confirm_unit(actor: Account, unit_id: int) -> UnitCheck:
    """Confirm that a unit's name is right as it stands. Raises NotFound, Refused, WindowClosed."""
    with _one_check():
        unit = to_check(actor, unit_id)
        cycles.require_open(WINDOW, unit)
        return _note(actor, unit, UnitCheckStatus.CONFIRMED, unit.name)


def confirm_all(actor: Account) -> int:
    """Confirm every unit of the scope that nobody has checked yet; returns how many. Raises WindowClosed."""
    with _one_check():
        cycle_id = cycles.current_cycle().id
        query = narrow(select(Unit), Unit, actor).where(Unit.active, ~Unit.checks.any(UnitCheck.cycle_id == cycle_id))
        found = db.session.scalars(query.order_by(Unit.id).with_for_update(of=Unit)).all()
        assert actor.unit is not None
        cycles.require_open(WINDOW, actor.unit)
        for unit in found:
            cycles.require_open(WINDOW, unit)
            _note(actor, unit, UnitCheckStatus.CONFIRMED, unit.name)
        return len(found)


def correct_unit(actor: Account, unit_id: int, name: str) -> UnitCheck:
    """Propose the right name of a unit. Raises FieldsRefused, NotFound, Refused, WindowClosed."""
    try:
        proposed = fields.unit_name(name)
    except InvalidInput as error:
        raise FieldsRefused({"name": error.message}) from error
    with _one_check():
        unit = to_check(actor, unit_id)
        cycles.require_open(WINDOW, unit)
        if proposed == unit.name:
            raise FieldsRefused({"name": "与现名称相同。如现名称无误，请返回列表选择“确认无误”。"})
        _require_free(unit, proposed)
        return _note(actor, unit, UnitCheckStatus.CORRECTED, proposed)


def _require_free(unit: Unit, name: str) -> None:
    taken = select(Unit.id).where(units.same_name(name, unit.region_code), Unit.id != unit.id)
    if db.session.scalar(taken.limit(1)) is not None:
        raise FieldsRefused({"name": units.name_taken(name)})


def _note(actor: Account, unit: Unit, status: UnitCheckStatus, name: str) -> UnitCheck:
    """Keep what was found; it may be changed until the agency has accepted it."""
    cycle_id = cycles.current_cycle().id
    check = db.session.scalar(select(UnitCheck).where(UnitCheck.cycle_id == cycle_id, UnitCheck.unit_id == unit.id))
    if check is None:
        check = UnitCheck(cycle_id=cycle_id, unit_id=unit.id)
        db.session.add(check)
    elif check.status is UnitCheckStatus.ACCEPTED:
        raise Refused(f"{unit.name}的名称本年度已由工考管理机构确认，不能再改。如仍有误，请联系{unit.agency.name}。")
    check.status = status
    check.name_before = unit.name
    check.proposed_name = name
    check.checked_by_id = actor.id
    check.checked_at = now()
    check.decided_by_id = None
    check.decided_at = None
    check.reason = ""
    audit.record(actor, f"{status.value}_unit_name", check, unit=unit.name, proposed=name)
    return check


@contextmanager
def _one_check() -> Iterator[None]:
    """A use case in which two people may make a unit's first row at once: the later one meets a conflict."""
    try:
        with transaction():
            yield
    except IntegrityError as error:
        raise Conflict("该单位刚刚被其他人核对过，您的操作没有生效。请刷新页面查看最新情况。") from error


def desk_listing(actor: Account) -> Listing:
    """The checks of this cycle in the scope, those that wait first."""
    cycle = cycles.current_cycle()
    bare = narrow(select(UnitCheck).where(UnitCheck.cycle_id == cycle.id), UnitCheck, actor)
    query = bare.join(UnitCheck.unit).options(
        contains_eager(UnitCheck.unit).options(selectinload(Unit.agency), selectinload(Unit.supervising_unit))
    )
    return Listing(
        title="单位名称核对审核",
        query=query,
        bare=bare,
        tie=UnitCheck.id,
        sort="checked_at",
        search=[contains(Unit.name), contains(UnitCheck.proposed_name), contains(Unit.credit_code)],
        search_hint="单位名称、统一社会信用代码",
        columns=[
            Column("name", "核对前名称", lambda row: row.name_before, UnitCheck.name_before),
            Column("proposed", "核对后名称", _after),
            Column(
                "credit_code",
                "统一社会信用代码",
                lambda row: row.unit.credit_code,
                Unit.credit_code,
                kind="mono",
            ),
            Column("supervising", "主管单位", lambda row: _above(row.unit)),
            Column("agency", "确认机构", lambda row: row.unit.agency.name),
            Column(
                "checked_at",
                "核对时间",
                lambda row: row.checked_at.strftime("%Y-%m-%d %H:%M"),
                UnitCheck.checked_at,
                kind="date",
            ),
            Column(
                "status",
                "状态",
                lambda row: Cell(row.status.label, chip=units.CHECK_TONES[row.status], title=row.reason or None),
                UnitCheck.status,
                kind="status",
            ),
        ],
        filters=[of_status(UnitCheck.status, UnitCheckStatus)],
        empty_text="还没有单位提交核对结果。主管单位核对后会出现在这里。",
        choosable=lambda row: _may_be_accepted_with_others(actor, row),
    )


def _may_be_accepted_with_others(actor: Account, check: UnitCheck) -> bool:
    """Exactly those that `accept_confirmed` accepts."""
    confirmed = check.status is UnitCheckStatus.CONFIRMED and check.name_before == check.unit.name
    return confirmed and check.agency_id == actor.agency_id


def _after(check: UnitCheck) -> Cell:
    if check.proposed_name == check.name_before:
        return Cell("无变化")
    return Cell(check.proposed_name, title="更正后的名称")


def find(actor: Account, check_id: int) -> UnitCheck:
    """A check in the person's scope. Raises NotFound."""
    return _scoped(actor, check_id, lock=False)


def _scoped(actor: Account, check_id: int, *, lock: bool) -> UnitCheck:
    query = narrow(select(UnitCheck), UnitCheck, actor).where(UnitCheck.id == check_id)
    check = db.session.scalar(query.with_for_update(of=UnitCheck) if lock else query)
    if check is None:
        raise NotFound("unit check")
    return check


def accept_check(actor: Account, check_id: int, version: int) -> UnitCheck:
    """Accept a check: the name changes to what was found. Raises NotFound, Refused, Conflict."""
    with transaction():
        # Nobody may give another unit the name meanwhile.
        units.lock_tree()
        check = _to_decide(actor, check_id, version)
        _accept(actor, check)
    return check


def accept_confirmed(actor: Account, check_ids: Sequence[int]) -> tuple[int, int]:
    """Accept, of the chosen checks, those that confirm the name unchanged; (accepted, left alone).

    Corrections are left for a look at each, as is what another agency accepts, what somebody has decided
    already, and a unit renamed since it was checked.
    """
    with transaction():
        query = narrow(select(UnitCheck).join(UnitCheck.unit), UnitCheck, actor).where(
            UnitCheck.id.in_(check_ids),
            UnitCheck.status == UnitCheckStatus.CONFIRMED,
            UnitCheck.name_before == Unit.name,
            UnitCheck.agency_id == actor.agency_id,
        )
        found = db.session.scalars(query.order_by(UnitCheck.id).with_for_update(of=UnitCheck)).all()
        for check in found:
            _accept(actor, check)
    return len(found), len(set(check_ids)) - len(found)


def refuse_check(actor: Account, check_id: int, version: int, reason: str) -> UnitCheck:
    """Refuse a check with a reason that the supervising unit reads.

    Raises FieldsRefused, NotFound, Refused, Conflict.
    """
    try:
        text = fields.short_text(reason, "退回的原因", 300, 4)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error
    with transaction():
        check = _to_decide(actor, check_id, version)
        _decide(actor, check, UnitCheckStatus.REFUSED, text)
        audit.record(actor, "refuse_unit_name", check, unit=check.unit.name, reason=text)
        checker = check.unit.supervising_unit_id or check.unit_id
        messages.tell("unit", f"单位名称核对被退回：{check.unit.name}", text, "check", unit_id=checker)
    return check


def _to_decide(actor: Account, check_id: int, version: int) -> UnitCheck:
    check = _scoped(actor, check_id, lock=True)
    if check.unit.agency_id != actor.agency_id:
        raise Refused(f"该单位的名称由{check.unit.agency.name}确认，您只能查看。")
    if check.status not in WAITING or check.version != version:
        raise Conflict(f"该核对结果刚刚被更新，现为“{check.status.label}”，您的操作没有生效。请核对最新内容后再办理。")
    return check


def _accept(actor: Account, check: UnitCheck) -> None:
    unit = check.unit
    before = unit.name
    if before != check.name_before:
        raise Refused(f"核对之后，该单位名称已改为“{before}”。请退回本次核对，由主管单位按现名称重新核对。")
    if check.proposed_name != before:
        _require_free(unit, check.proposed_name)
        unit.name = check.proposed_name
    _decide(actor, check, UnitCheckStatus.ACCEPTED, "")
    audit.record(actor, "accept_unit_name", unit, before=before, after=unit.name)


def _decide(actor: Account, check: UnitCheck, status: UnitCheckStatus, reason: str) -> None:
    check.status = status
    check.reason = reason
    check.decided_by_id = actor.id
    check.decided_at = now()
