"""What officials set for a cycle: its calendar and facts, and each agency's contacts, duties and accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow, narrow_to_offices
from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Cycle,
    CycleWindow,
    GradeEntry,
    RegionEntry,
    Role,
    SubjectEntry,
    Unit,
)
from gongkao.rules import calendar, fields
from gongkao.rules.calendar import period_text
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.services import accounts, audit, cycles, replica, units
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.list_filters import account_state, of_account_state
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.transaction import transaction
from gongkao.storage import store

OFFICIAL_ROLES = (Role.AGENCY_OFFICER, Role.AGENCY_MANAGER, Role.INSPECTOR)
LEVEL_LABELS = {RegionLevel.PROVINCE: "省级", RegionLevel.CITY: "市级", RegionLevel.COUNTY: "县级"}
# The notice's three responsible people (四（一）): the column's stem and what it is called.
DUTIES = (
    ("first_responsible", "第一责任人"),
    ("main_responsible", "主要责任人"),
    ("direct_responsible", "直接责任人"),
)


@dataclass(frozen=True)
class WindowRow:
    """One window as the page shows it. `state` and `tone` tell how today stands to it."""

    entry: CycleWindow
    period: str
    region: str
    grades: str
    state: str
    tone: str


@dataclass(frozen=True)
class GradeRow:
    grade: Grade
    tests: str
    needs_confirmation: bool
    subjects: Sequence[SubjectEntry]


@dataclass(frozen=True)
class Overview:
    cycle: Cycle
    windows: Sequence[WindowRow]
    grades: Sequence[GradeRow]


def overview() -> Overview:
    """The current cycle with its windows in the notice's order, and its grades from five to one."""
    cycle = cycles.current_cycle()
    entries = db.session.scalars(select(GradeEntry).order_by(GradeEntry.grade.desc()))
    grades = [
        GradeRow(Grade(entry.grade), entry.tests, entry.needs_confirmation, cycles.subjects(cycle, entry.grade))
        for entry in entries
    ]
    return Overview(cycle, calendar_rows(), grades)


def calendar_rows() -> list[WindowRow]:
    """The windows of the current cycle in the notice's order, and how today stands to each."""
    return [_window_row(entry) for entry in cycles.current_cycle().window_entries]


def _window_row(entry: CycleWindow) -> WindowRow:
    window = entry.as_rule()
    day = today()
    if calendar.is_open(window, day):
        left = calendar.days_left(window, day)
        state, tone = ("今天截止", "needs") if left == 0 else (f"进行中，剩{left}天", "info")
    elif day < window.opens:
        state, tone = "未开始", "neutral"
    else:
        state, tone = "已结束", "done"
    region = db.session.get(RegionEntry, entry.region_code) if entry.region_code else None
    levels = "、".join(Grade(grade).level for grade in sorted(entry.grades, reverse=True)) if entry.grades else ""
    return WindowRow(entry, period_text(window), region.full_name if region else "全省", levels or "全部", state, tone)


def change_calendar(
    actor: Account,
    *,
    notice_issued_on: date,
    notice_issued_on_confirmed: bool,
    deferral_due: date,
    periods: Mapping[int, tuple[date, date]],
) -> None:
    """Set the notice's date, the deferral's last day, and each window's first and last day by its id.

    Raises FieldsRefused with "closes_<id>" for every window that would close before it opens.
    """
    with transaction() as session:
        cycle = cycles.current_cycle()
        session.scalars(select(Cycle).where(Cycle.id == cycle.id).with_for_update()).one()
        wrong: dict[str, str] = {}
        changed: dict[str, list[str]] = {}
        for entry in cycle.window_entries:
            opens, closes = periods.get(entry.id, (entry.opens, entry.closes))
            if opens > closes:
                wrong[f"closes_{entry.id}"] = f"“{entry.title}”的截止日期不能早于开始日期。"
            elif opens.year != cycle.year or closes.year != cycle.year:
                wrong[f"opens_{entry.id}"] = f"“{entry.title}”的日期应在{cycle.year}年内。"
            elif (opens, closes) != (entry.opens, entry.closes):
                before = f"{entry.opens}—{entry.closes}"
                entry.opens, entry.closes = opens, closes
                changed[entry.title] = [before, f"{opens}—{closes}"]
        if notice_issued_on.year != cycle.year:
            wrong["notice_issued_on"] = f"通知印发日期应在{cycle.year}年内。"
        if deferral_due.year != cycle.year:
            wrong["deferral_due"] = f"容缺后补截止日期应在{cycle.year}年内。"
        if wrong:
            raise FieldsRefused(wrong)
        facts = {
            "notice_issued_on": notice_issued_on,
            "notice_issued_on_confirmed": notice_issued_on_confirmed,
            "deferral_due": deferral_due,
        }
        for name, value in facts.items():
            if getattr(cycle, name) != value:
                changed[name] = [str(getattr(cycle, name)), str(value)]
                setattr(cycle, name, value)
        if changed:
            audit.record(actor, "change_calendar", cycle, changed=changed)


def agency_listing(actor: Account) -> Listing:
    """The agencies in the person's scope, with the switch of each county."""
    parent = aliased(Agency)
    county = Agency.level == RegionLevel.COUNTY
    return Listing(
        title="工考管理机构",
        query=narrow(select(Agency), Agency, actor).outerjoin(parent, Agency.parent_id == parent.id),
        tie=Agency.id,
        sort="code",
        search=[contains(Agency.name), contains(Agency.code)],
        search_hint="机构名称、区划代码",
        columns=[
            Column("code", "代码", lambda row: row.code, Agency.code, kind="mono"),
            Column("name", "机构名称", lambda row: row.name, Agency.name),
            Column("level", "级别", lambda row: LEVEL_LABELS[row.level], Agency.level),
            Column("parent", "上级机构", lambda row: row.parent.name if row.parent else "", parent.name),
            Column("phone", "联系电话", lambda row: row.phone),
            Column("duties", "责任人", _duties_cell, kind="status"),
            Column("taken_over", "报名资格审查", _taken_over_cell, Agency.taken_over, kind="status"),
        ],
        filters=[
            Filter(
                "level",
                "级别",
                [("", "全部级别"), *((level.value, label) for level, label in LEVEL_LABELS.items())],
                lambda value: Agency.level == RegionLevel(value),
            ),
            Filter(
                "taken_over",
                "报名资格审查",
                [("", "全部"), ("yes", "县（市）已承接"), ("no", "县（市）未承接")],
                lambda value: county & (Agency.taken_over if value == "yes" else ~Agency.taken_over),
            ),
        ],
        empty_text="没有符合条件的机构。",
    )


def _duties_cell(agency: Agency) -> Cell:
    missing = sum(not getattr(agency, f"{stem}_name") for stem, _ in DUTIES)
    if missing:
        return Cell(f"缺{missing}人", chip="needs")
    return Cell("已登记", chip="done")


def _taken_over_cell(agency: Agency) -> Cell:
    if agency.level is not RegionLevel.COUNTY:
        return Cell("负责本级")
    return Cell("已承接", chip="done") if agency.taken_over else Cell("未承接", chip="neutral")


@dataclass(frozen=True)
class AgencyDetail:
    """An agency's page: its facts, duties as (title, post, name), how many units and accounts it has."""

    agency: Agency
    duties: Sequence[tuple[str, str, str]]
    units: int
    region_units: int
    accounts: int
    may_edit: bool
    may_switch: bool


def find_agency(actor: Account, agency_id: int) -> Agency:
    """An agency in the person's scope. Raises NotFound."""
    agency = db.session.scalar(narrow(select(Agency), Agency, actor).where(Agency.id == agency_id))
    if agency is None:
        raise NotFound("agency")
    return agency


def agency_detail(actor: Account, agency_id: int) -> AgencyDetail:
    """What an agency's page shows. Raises NotFound."""
    agency = find_agency(actor, agency_id)
    working = select(func.count()).where(Account.agency_id == agency.id, Account.ended_at.is_(None))
    reviewed = select(func.count()).where(Unit.agency_id == agency.id, Unit.active)
    lying = select(func.count()).where(Unit.region_code == agency.region_code, Unit.active)
    return AgencyDetail(
        agency=agency,
        duties=[(title, getattr(agency, f"{stem}_post"), getattr(agency, f"{stem}_name")) for stem, title in DUTIES],
        units=db.session.scalar(reviewed) or 0,
        region_units=db.session.scalar(lying) or 0,
        accounts=db.session.scalar(working) or 0,
        may_edit=may(actor, Permission.EDIT_AGENCY),
        may_switch=_may_switch(actor, agency),
    )


def _may_switch(actor: Account, agency: Agency) -> bool:
    """The province for every county, a city's manager for the counties of that city; no county for itself."""
    if agency.level is not RegionLevel.COUNTY or not may(actor, Permission.EDIT_AGENCY):
        return False
    return may(actor, Permission.EDIT_PROVINCE) or agency.parent_id == actor.agency_id


def change_agency(actor: Account, agency_id: int, **typed: Any) -> Agency:
    """Change phone, address, onsite_by_default, second_review and the three responsible people's posts and names.

    Raises NotFound, FieldsRefused with a message per wrong field.
    """
    clean: dict[str, Any] = {name: bool(typed[name]) for name in ("onsite_by_default", "second_review")}
    checks: dict[str, Any] = {
        "phone": fields.office_phone,
        "address": lambda value: fields.short_text(value, "地址", 120),
    }
    for stem, title in DUTIES:
        checks[f"{stem}_name"] = fields.person_name
        checks[f"{stem}_post"] = lambda value, title=title: fields.short_text(value, f"{title}职务", 60)
    wrong: dict[str, str] = {}
    for name, check in checks.items():
        # Not everything is known when an agency starts; what is missing is shown as missing.
        value = (typed.get(name) or "").strip()
        try:
            clean[name] = check(value) if value else ""
        except InvalidInput as error:
            wrong[name] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    with transaction():
        agency = _locked_agency(actor, agency_id)
        changed = {
            name: [getattr(agency, name), value] for name, value in clean.items() if getattr(agency, name) != value
        }
        for name, value in clean.items():
            setattr(agency, name, value)
        if changed:
            audit.record(actor, "change_agency", agency, changed=changed)
    return agency


def _locked_agency(actor: Account, agency_id: int) -> Agency:
    query = narrow(select(Agency), Agency, actor).where(Agency.id == agency_id)
    agency = db.session.scalar(query.with_for_update(of=Agency))
    if agency is None:
        raise NotFound("agency")
    return agency


def switch_taken_over(actor: Account, agency_id: int, taken_over: bool) -> tuple[int, int]:
    """Say whether a county has taken over the review (notice 二（五）); its units and undecided work follow.

    Returns how many units and how many applications changed agency. Raises NotFound, Refused.
    """
    with transaction() as session:
        units.lock_tree()
        agency = _locked_agency(actor, agency_id)
        if not _may_switch(actor, agency):
            raise Refused("县（市）是否承接报名资格审查，由省职业技能等级评价指导中心或所属省辖市的负责人设置。")
        if agency.taken_over == taken_over:
            return 0, 0
        if taken_over and not _has_account(agency):
            raise Refused(f"{agency.name}还没有可用的账户，承接后无人能够办理。请先在“机构账户”中为其发放账户。")
        agency.taken_over = taken_over
        session.flush()
        lying = session.scalars(
            select(Unit).where(Unit.region_code == agency.region_code).order_by(Unit.id).with_for_update(of=Unit)
        ).all()
        moved = units.reroute(actor, lying)
        audit.record(actor, "switch_taken_over", agency, taken_over=taken_over, units=moved[0], applications=moved[1])
    return moved


def _has_account(agency: Agency) -> bool:
    query = select(Account.id).where(
        Account.agency_id == agency.id,
        Account.ended_at.is_(None),
        Account.role.in_([Role.AGENCY_OFFICER, Role.AGENCY_MANAGER]),
    )
    return db.session.scalar(query.limit(1)) is not None


def officer_listing(actor: Account) -> Listing:
    """The accounts of agencies and inspectors in the person's scope."""
    query = narrow_to_offices(select(Account), actor).where(Account.role.in_(OFFICIAL_ROLES))
    return Listing(
        title="机构账户",
        query=query.outerjoin(Account.agency).outerjoin(Account.region),
        tie=Account.id,
        sort="username",
        search=[contains(Account.display_name), contains(Account.username), contains(Agency.name)],
        search_hint="姓名、账户、机构名称",
        columns=[
            Column("username", "账户", lambda row: row.username, Account.username, kind="mono"),
            Column("name", "姓名", lambda row: row.display_name, Account.display_name),
            Column("role", "身份", lambda row: row.role_label, Account.role),
            Column("office", "所在机构", lambda row: row.office_name, Agency.name),
            Column(
                "created_at",
                "启用日期",
                lambda row: row.created_at.strftime("%Y-%m-%d"),
                Account.created_at,
                kind="date",
            ),
            Column(
                "last",
                "最近登录",
                lambda row: row.last_signed_in_at.strftime("%Y-%m-%d %H:%M") if row.last_signed_in_at else "",
                Account.last_signed_in_at,
                kind="date",
            ),
            Column("state", "状态", account_state, Account.ended_at, kind="status"),
        ],
        filters=[
            Filter(
                "role",
                "身份",
                [("", "全部身份"), *((role.value, role.label) for role in OFFICIAL_ROLES)],
                lambda value: Account.role == Role(value),
            ),
            of_account_state(),
        ],
        empty_text="没有符合条件的账户。",
    )


def agency_choices(actor: Account) -> list[tuple[str, str]]:
    """The agencies for which the person may issue accounts: (id, name), in the order of codes."""
    rows = db.session.execute(narrow(select(Agency.id, Agency.name), Agency, actor).order_by(Agency.code))
    return [(str(id), name) for id, name in rows]


def issuable_roles(actor: Account) -> list[Role]:
    """Whose accounts the person may issue: an inspector's come from above, so a county has none to give."""
    agency = actor.agency
    county = agency is None or agency.level is RegionLevel.COUNTY
    return [role for role in OFFICIAL_ROLES if role is not Role.INSPECTOR or not county]


def issue_officer(actor: Account, *, agency_id: int, role: Role, name: str) -> accounts.Issued:
    """Issue an officer's or manager's account of an agency, or an inspector's for the agency's region.

    Raises NotFound for an agency outside the scope, FieldsRefused; an inspector's account comes from above.
    """
    if role not in OFFICIAL_ROLES:
        raise FieldsRefused({"role": "请选择账户的身份。"})
    try:
        who = fields.person_name(name)
    except InvalidInput as error:
        raise FieldsRefused({"name": error.message}) from error
    with transaction():
        agency = find_agency(actor, agency_id)
        if role is Role.INSPECTOR and not _above(actor, agency.region):
            raise FieldsRefused({"role": f"{agency.region.name}的巡视监督账户由上级机构发放，请向上级机构申请。"})
        if role is Role.INSPECTOR:
            return accounts.issue_inspector(actor, agency.region_code, name=who)
        return accounts.issue_agency_account(actor, agency, role=role, name=who)


def _above(actor: Account, region: RegionEntry) -> bool:
    """Whether the actor's agency stands above a region's own, so that nobody chooses who inspects them; the centre has
    nobody above it."""
    agency = actor.agency
    return agency is not None and (agency.level is RegionLevel.PROVINCE or agency.region_code != region.code)


def why_not_end(actor: Account, account: Account) -> str:
    """Why the actor may not end an account in their scope, in words; empty where they may."""
    if account.ended_at is not None:
        return "该账户已停用。"
    if account.id == actor.id:
        return "不能停用自己的账户，请由其他负责人或上级机构办理。"
    if account.region is not None and not _above(actor, account.region):
        return "本地区的巡视监督账户由上级机构发放和停用。"
    return ""


def find_officer(actor: Account, account_id: int) -> Account:
    """An account of an agency or an inspector in the person's scope. Raises NotFound."""
    query = narrow(select(Account), Account, actor).where(Account.id == account_id, Account.role.in_(OFFICIAL_ROLES))
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("account")
    return found


def end_officer(actor: Account, account_id: int, reason: str) -> Account:
    """End an account with all its sessions; what it did stays on record.

    Raises FieldsRefused, NotFound, Refused.
    """
    try:
        why = fields.short_text(reason, "停用原因", 120, 2)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error
    with transaction():
        found = find_officer(actor, account_id)
        if obstacle := why_not_end(actor, found):
            raise Refused(obstacle)
        accounts.end_account(actor, found, why)
    return found


def health() -> dict[str, str]:
    """Whether database and storage answer: "ok" or "failed" for each."""
    found = {"database": "ok", "storage": "ok"}
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        found["database"] = "failed"
    try:
        store().check()
    except OSError:
        found["storage"] = "failed"
    # Its place is taken by the main database, so this never fails.
    if found["database"] == "ok" and (reports := replica.state()):
        found["reports"] = reports
    return found
