"""Units: the tree under supervising units, who reviews each, and changing them one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow, region_prefix, within
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    RegionEntry,
    Unit,
    UnitCheck,
    UnitCheckStatus,
)
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.rules.routing import RegionLevel, UnitLevel, check_unit_region, reviewing_region
from gongkao.rules.workflow import FINAL
from gongkao.services import audit, cycles, messages, unit_moves
from gongkao.services.errors import FieldsRefused, NotFound
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.transaction import transaction

PATH_LIMIT = 200
UNCHECKED = "none"
CHECK_TONES = {
    UnitCheckStatus.CONFIRMED: "info",
    UnitCheckStatus.CORRECTED: "needs",
    UnitCheckStatus.ACCEPTED: "done",
    UnitCheckStatus.REFUSED: "refused",
}
_CODE_TAKEN = "该统一社会信用代码已有单位使用，请核对；如为同一单位，请直接修改原单位。"


@dataclass(frozen=True)
class UnitDetail:
    """A unit's page: those above it from the top, those directly below, its accounts, the name check.

    `chain` and `subordinates` hold (unit, whether the reader may open it).
    """

    unit: Unit
    chain: Sequence[tuple[Unit, bool]]
    subordinates: Sequence[tuple[Unit, bool]]
    administrators: Sequence[Account]
    check: UnitCheck | None
    may_edit: bool

    @property
    def check_tone(self) -> str:
        return CHECK_TONES[self.check.status] if self.check is not None else "neutral"


def agency_for(level: UnitLevel, region: RegionEntry) -> Agency:
    """The agency that reviews the people of such a unit now (notice 二（五）; rules.routing).

    Raises InvalidInput where a unit of the level cannot lie in the region.
    """
    check_unit_region(level, region.as_rule())
    chain = [region]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    city = next((entry for entry in chain if entry.level is RegionLevel.CITY), None)
    own = _agency_of(region.code) if region.level is RegionLevel.COUNTY else None
    found = reviewing_region(
        level,
        region.as_rule(),
        city.as_rule() if city else None,
        chain[-1].as_rule(),
        taken_over=own is not None and own.taken_over,
    )
    agency = _agency_of(found.code)
    if agency is None:
        raise InvalidInput(f"{found.name}尚未登记工考管理机构，不能确定由谁审查。请联系省职业技能等级评价指导中心。")
    return agency


def _agency_of(region_code: str) -> Agency | None:
    return db.session.scalar(select(Agency).where(Agency.region_code == region_code))


def create_unit(
    actor: Account | None,
    *,
    name: str,
    credit_code: str,
    level: UnitLevel,
    region_code: str,
    supervising_unit_id: int | None = None,
    contact_phone: str = "",
) -> Unit:
    """Add a unit under its supervising unit. Without an actor (commands) nothing is out of scope.

    Raises FieldsRefused with a message per wrong field.
    """
    try:
        with transaction() as session:
            lock_tree()
            facts = checked(
                actor,
                name=name,
                credit_code=credit_code,
                level=level,
                region_code=region_code,
                phone=contact_phone,
            )
            parent = _supervising(supervising_unit_id)
            unit = add(facts, parent)
            audit.record(actor, "create_unit", unit, after=snapshot(unit))
            session.flush()
    except IntegrityError as error:
        raise FieldsRefused({"credit_code": _CODE_TAKEN}) from error
    return unit


def add(facts: dict[str, Any], parent: Unit | None) -> Unit:
    """Add a row of checked facts below its parent, inside the caller's use case."""
    return add_all([(facts, parent)])[0]


def add_all(rows: Sequence[tuple[dict[str, Any], Unit | None]]) -> list[Unit]:
    """Add rows of checked facts, each below its parent, inside the caller's use case."""
    made = [Unit(**facts, supervising_unit_id=parent.id if parent else None) for facts, parent in rows]
    db.session.add_all(made)
    db.session.flush()
    for unit, (_, parent) in zip(made, rows, strict=True):
        unit.path = f"{parent.path if parent else '/'}{unit.id}/"
        _check_depth(len(unit.path))
    db.session.flush()
    return made


def change_unit(
    actor: Account | None,
    unit_id: int,
    *,
    name: str,
    credit_code: str,
    level: UnitLevel,
    region_code: str,
    supervising_unit_id: int | None = None,
    contact_phone: str = "",
    active: bool = True,
) -> Unit:
    """Change a unit; those below move along with it, and undecided work follows to a new agency.

    Raises NotFound outside the scope, FieldsRefused with a message per wrong field.
    """
    try:
        with transaction() as session:
            lock_tree()
            unit = locked(actor, unit_id)
            before = snapshot(unit)
            facts = checked(
                actor,
                name=name,
                credit_code=credit_code,
                level=level,
                region_code=region_code,
                phone=contact_phone,
                unit=unit,
            )
            if supervising_unit_id != unit.supervising_unit_id:
                move(actor, unit, _supervising(supervising_unit_id))
            if unit.active and not active:
                _check_may_end(unit)
            moved = facts.pop("agency_id") != unit.agency_id
            for field, value in facts.items():
                setattr(unit, field, value)
            unit.active = active
            session.flush()
            session.expire(unit, ["region", "supervising_unit"])
            if moved:
                reroute(actor, [unit])
            after = snapshot(unit)
            if after != before:
                changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
                audit.record(actor, "change_unit", unit, changed=changed)
    except IntegrityError as error:
        raise FieldsRefused({"credit_code": _CODE_TAKEN}) from error
    return unit


def lock_tree() -> None:
    """Hold the tree of units still until the use case ends: paths and cycles are judged on what stays."""
    db.session.execute(select(Agency.id).where(Agency.level == RegionLevel.PROVINCE).with_for_update())


def snapshot(unit: Unit) -> dict[str, Any]:
    """What the audit trail keeps of a unit."""
    above = unit.supervising_unit
    return {
        "name": unit.name,
        "credit_code": unit.credit_code,
        "level": unit.level.label,
        "region": unit.region.full_name,
        "supervising_unit": above.name if above else "",
        "agency": unit.agency.name,
        "contact_phone": unit.contact_phone,
        "active": unit.active,
    }


def checked(
    actor: Account | None,
    *,
    name: str,
    credit_code: str,
    level: UnitLevel,
    region_code: str,
    phone: str,
    unit: Unit | None = None,
) -> dict[str, Any]:
    """The facts in the form they are kept in, with the agency that follows. Raises FieldsRefused."""
    wrong: dict[str, str] = {}
    clean: dict[str, Any] = {"level": UnitLevel(level), "region_code": region_code, "contact_phone": ""}
    checks = [("name", fields.unit_name, name), ("credit_code", fields.credit_code, credit_code)]
    if phone.strip():
        checks.append(("contact_phone", fields.office_phone, phone))
    for field, check, text in checks:
        try:
            clean[field] = check(text)
        except InvalidInput as error:
            wrong[field] = error.message
    region = db.session.get(RegionEntry, region_code)
    if region is None:
        wrong["region_code"] = "请选择单位所在地区。"
    else:
        try:
            agency = agency_for(clean["level"], region)
            clean["agency_id"] = agency.id
            if actor is not None and not _in_scope(actor, agency):
                wrong["region_code"] = outside_scope(clean["level"], agency)
        except InvalidInput as error:
            wrong["region_code"] = error.message
    own_id = unit.id if unit else 0
    if "credit_code" in clean and _exists(Unit.credit_code == clean["credit_code"], own_id):
        wrong["credit_code"] = _CODE_TAKEN
    if "name" in clean and _exists(same_name(clean["name"], region_code), own_id):
        wrong["name"] = name_taken(clean["name"])
    if wrong:
        raise FieldsRefused(wrong)
    return clean


def outside_scope(level: UnitLevel, agency: Agency) -> str:
    return f"该地区的{level.label}单位由{agency.name}审查，不在本机构办理范围内，请由该机构办理。"


def name_taken(name: str) -> str:
    return f"该地区已有名为“{name}”的单位，请核对；如确为另一单位，请使用能区分的规范全称。"


def same_name(name: str, region_code: str) -> Any:
    return (Unit.name == name) & (Unit.region_code == region_code) & Unit.active


def _exists(condition: Any, but_not: int) -> bool:
    return db.session.scalar(select(Unit.id).where(condition, Unit.id != but_not).limit(1)) is not None


def _in_scope(actor: Account, agency: Agency) -> bool:
    query = narrow(select(Agency.id), Agency, actor).where(Agency.id == agency.id)
    return db.session.scalar(query) is not None


def _supervising(unit_id: int | None) -> Unit | None:
    if unit_id is None:
        return None
    unit = db.session.get(Unit, unit_id)
    if unit is None or not unit.active:
        raise FieldsRefused({"supervising_unit": "主管单位不存在或已停用，请重新填写。"})
    return unit


def locked(actor: Account | None, unit_id: int) -> Unit:
    """A unit in the person's scope, held until the use case ends. Raises NotFound."""
    query = select(Unit) if actor is None else narrow(select(Unit), Unit, actor)
    unit = db.session.scalar(query.where(Unit.id == unit_id).with_for_update(of=Unit))
    if unit is None:
        raise NotFound("unit")
    return unit


def move(actor: Account | None, unit: Unit, parent: Unit | None) -> None:
    """Put a unit with everything below it under another; the paths of all of them change together.

    Inside the caller's use case. Its people's applications that have not passed the supervising desk go along.
    """
    before = unit.supervising_unit
    if parent is not None and parent.path.startswith(unit.path):
        raise FieldsRefused(
            {"supervising_unit": f"{parent.name}是本单位或本单位的下属单位，不能作为主管单位，请重新填写。"}
        )
    old, new = unit.path, f"{parent.path if parent else '/'}{unit.id}/"
    below = within(old)
    longest = db.session.scalar(select(func.max(func.length(Unit.path))).where(below)) or 0
    _check_depth(longest - len(old) + len(new))
    db.session.execute(
        update(Unit)
        .where(below)
        .values(path=literal(new).concat(func.substr(Unit.path, len(old) + 1)))
        .execution_options(synchronize_session=False)
    )
    unit.supervising_unit_id = parent.id if parent else None
    db.session.flush()
    followed = unit_moves.follow_supervision(unit)
    names = [before.name if before else "无", parent.name if parent else "无"]
    audit.record(actor, "move_unit", unit, supervising_unit=names, applications=followed)
    body = f"主管单位由{names[0]}变更为{names[1]}，{followed}份未办结的申报一并转交。"
    for one in (unit, before, parent):
        if one is not None:
            # Whoever supervised it until now may not open it any more.
            about = "" if one is before else f"unit {unit.id}"
            messages.tell("unit", f"{unit.name}的主管单位变更", body, about, unit_id=one.id)
    db.session.expire_all()


def _check_depth(length: int) -> None:
    if length > PATH_LIMIT:
        raise FieldsRefused({"supervising_unit": "主管单位的层级过深，请核对隶属关系。"})


def _check_may_end(unit: Unit) -> None:
    below = db.session.scalar(select(func.count()).where(Unit.supervising_unit_id == unit.id, Unit.active))
    if below:
        raise FieldsRefused({"active": f"该单位还有{below}个下属单位，请先调整下属单位的主管单位，再停用。"})
    waiting = db.session.scalar(
        select(func.count()).where(
            or_(Application.unit_id == unit.id, Application.supervising_unit_id == unit.id),
            Application.submitted_at.is_not(None),
            Application.status.not_in(FINAL),
        )
    )
    if waiting:
        raise FieldsRefused({"active": f"该单位还有{waiting}份申报没有办结，办结后才能停用。"})


def reroute(actor: Account | None, units: Sequence[Unit]) -> tuple[int, int]:
    """Give each unit the agency that follows now; what is undecided goes along, and all concerned are told.

    Inside the caller's use case. Returns how many units and how many applications changed agency.
    """
    moves = []
    for unit in units:
        before, agency = unit.agency, agency_for(unit.level, unit.region)
        if agency.id != before.id:
            moves.append((before, agency, unit_moves.carry_to_agency(actor, unit, agency)))
    unit_moves.tell_agencies(moves)
    db.session.flush()
    db.session.expire_all()
    return len(moves), sum(len(carried.applications) for _, _, carried in moves)


def find(actor: Account, unit_id: int) -> Unit:
    """A unit in the person's scope. Raises NotFound."""
    unit = db.session.scalar(narrow(select(Unit), Unit, actor).where(Unit.id == unit_id))
    if unit is None:
        raise NotFound("unit")
    return unit


def find_supervising(text: str) -> int | None:
    """The id of the supervising unit typed as its credit code or its whole name; None for nothing typed.

    Raises FieldsRefused where none or several answer to it. Units of every region count: a county's office
    may stand under a city's bureau.
    """
    term = text.strip()
    if not term:
        return None
    named = or_(Unit.credit_code == term.upper(), Unit.name == tidy(term))
    found = db.session.scalars(select(Unit.id).where(Unit.active, named).limit(2)).all()
    if len(found) == 1:
        return found[0]
    message = (
        f"有多个单位名为“{term}”，请改填主管单位的统一社会信用代码。"
        if found
        else f"没有找到“{term}”，请填写主管单位的规范全称或统一社会信用代码；主管单位尚未录入的，请先录入。"
    )
    raise FieldsRefused({"supervising_unit": message})


def tidy(name: str) -> str:
    try:
        return fields.unit_name(name)
    except InvalidInput:
        return name


def detail(actor: Account, unit_id: int) -> UnitDetail:
    """What a unit's page shows. Raises NotFound."""
    unit = find(actor, unit_id)
    visible = set(db.session.scalars(narrow(select(Unit.id), Unit, actor).where(_near(unit))))
    chain: list[Unit] = []
    above = unit.supervising_unit
    while above is not None:
        chain.insert(0, above)
        above = above.supervising_unit
    below = select(Unit).where(Unit.supervising_unit_id == unit.id).order_by(Unit.active.desc(), Unit.name)
    accounts = select(Account).where(Account.unit_id == unit.id)
    administrators = db.session.scalars(accounts.order_by(Account.ended_at.is_not(None), Account.id.desc()))
    return UnitDetail(
        unit=unit,
        chain=[(one, one.id in visible) for one in chain],
        subordinates=[(one, one.id in visible) for one in db.session.scalars(below)],
        administrators=list(administrators),
        check=check_of(unit, cycles.current_cycle().id),
        may_edit=may(actor, Permission.MANAGE_UNITS),
    )


def _near(unit: Unit) -> ColumnElement[bool]:
    chain = [int(part) for part in unit.path.split("/") if part]
    return or_(Unit.id.in_(chain), Unit.supervising_unit_id == unit.id)


def check_of(unit: Unit, cycle_id: int) -> UnitCheck | None:
    """The unit's name check in a cycle; None where it was not checked."""
    return next((check for check in unit.checks if check.cycle_id == cycle_id), None)


def check_cell(unit: Unit, cycle_id: int) -> Cell:
    """The state of a unit's name check as a list shows it."""
    check = check_of(unit, cycle_id)
    if check is None:
        return Cell("未核对", chip="neutral")
    return Cell(check.status.label, chip=CHECK_TONES[check.status], title=check.reason or None)


def unit_listing(actor: Account) -> Listing:
    """The units in the person's scope."""
    cycle_id = cycles.current_cycle().id
    regions = _region_filter(actor)
    return Listing(
        title="单位名单",
        query=narrow(select(Unit), Unit, actor).options(
            selectinload(Unit.region).selectinload(RegionEntry.parent),
            joinedload(Unit.agency),
            joinedload(Unit.supervising_unit),
            selectinload(Unit.checks.and_(UnitCheck.cycle_id == cycle_id)),
        ),
        tie=Unit.id,
        sort="name",
        search=[contains(Unit.name), contains(Unit.credit_code)],
        search_hint="单位名称、统一社会信用代码",
        columns=[
            Column("name", "单位名称", lambda row: row.name, Unit.name),
            Column("credit_code", "统一社会信用代码", lambda row: row.credit_code, Unit.credit_code, kind="mono"),
            Column("level", "层级", lambda row: row.level.label, Unit.level),
            Column("region", "所在地区", lambda row: row.region.full_name, Unit.region_code),
            Column(
                "supervising",
                "主管单位",
                lambda row: row.supervising_unit.name if row.supervising_unit else "",
            ),
            Column("agency", "资格审查机构", lambda row: row.agency.name, Unit.agency_id),
            Column("check", "名称核对", lambda row: check_cell(row, cycle_id), kind="status"),
            Column("state", "状态", _state_cell, Unit.active, kind="status"),
        ],
        filters=[
            Filter(
                "level",
                "层级",
                [("", "全部层级"), *((level.value, level.label) for level in UnitLevel)],
                lambda value: Unit.level == UnitLevel(value),
            ),
            *regions,
            check_filter(cycle_id),
            Filter(
                "state",
                "状态",
                [("", "全部"), ("active", "使用中"), ("ended", "已停用")],
                lambda value: Unit.active.is_(value == "active"),
            ),
        ],
        empty_text="没有符合条件的单位。可以逐个新增，或从 Excel 表格导入。",
    )


def check_filter(cycle_id: int) -> Filter:
    """Filter units by the state of their name check in a cycle."""

    def where(value: str) -> ColumnElement[bool]:
        in_cycle = UnitCheck.cycle_id == cycle_id
        if value == UNCHECKED:
            return ~Unit.checks.any(in_cycle)
        return Unit.checks.any(in_cycle & (UnitCheck.status == UnitCheckStatus(value)))

    choices = [("", "全部"), (UNCHECKED, "未核对"), *((one.value, one.label) for one in UnitCheckStatus)]
    return Filter("check", "名称核对", choices, where)


def _state_cell(unit: Unit) -> Cell:
    return Cell("使用中", chip="done") if unit.active else Cell("已停用", chip="neutral")


def _region_filter(actor: Account) -> list[Filter]:
    """For whoever sees several regions: a choice for the own region and for each right below it."""
    own = actor.agency.region if actor.agency is not None else actor.region
    if own is None or own.level is RegionLevel.COUNTY:
        return []
    below = db.session.scalars(
        select(RegionEntry).where(RegionEntry.parent_code == own.code).order_by(RegionEntry.code)
    ).all()
    levels = {region.code: region.level for region in below}

    def where(value: str) -> ColumnElement[bool]:
        if value == own.code:
            return Unit.region_code == value
        prefix = region_prefix(value, levels[value])
        return Unit.region_code.startswith(prefix, autoescape=True)

    choices = [("", "全部"), (own.code, f"{own.name}本级"), *((one.code, one.name) for one in below)]
    return [Filter("region", "地区", choices, where)]


def region_choices(actor: Account) -> list[tuple[str, str]]:
    """The regions in which the person may register units: (code, full name), in the order of codes."""
    query = select(RegionEntry).options(selectinload(RegionEntry.parent)).order_by(RegionEntry.code)
    own = actor.agency.region if actor.agency is not None else None
    if own is None:
        return []
    prefix = region_prefix(own.code, own.level)
    found = db.session.scalars(query.where(RegionEntry.code.startswith(prefix, autoescape=True)))
    return [(region.code, region.full_name) for region in found]
