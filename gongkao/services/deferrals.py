"""Making up a missing yearly assessment later (容缺后补, notice 二（四）（五）).

Pledged by the applicant, agreed to by the unit, made up until the cycle's day, decided by the agency. What is not made
up in time fails by itself, once, with a notice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from gongkao.access.scope import narrow, narrow_in_cycle
from gongkao.clock import now, today
from gongkao.documents.papers import DeferralPledgePaper
from gongkao.documents.review_papers import DeferralNoticePaper
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    Deferral,
    DeferralStatus,
    Material,
    Person,
    Role,
    Unit,
)
from gongkao.rules import fields
from gongkao.rules.application_form import FILED_OUTCOMES, NOT_FILED
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MEGABYTE, MaterialKind
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit, cycles, files, messages, workflow
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.list_filters import of_agencies
from gongkao.services.listing import Cell, Column, Filter, Listing
from gongkao.services.people_search import of_people
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import inspect_upload

FORMATS = ("pdf", "jpeg", "png")
MAX_BYTES = 10 * MEGABYTE
# Days before the last one on which somebody is reminded, once each.
REMINDERS = (30, 14, 7, 3, 1, 0)
_ENDED = (Status.REFUSED, Status.CANCELLED)
_OPEN = (DeferralStatus.PLEDGED, DeferralStatus.AGREED)
_TO_MAKE_UP = (DeferralStatus.AGREED, DeferralStatus.MADE_UP)


def years_not_filed(application: Application) -> list[int]:
    """The years whose assessment the applicant says is not yet filed, the newest first."""
    return sorted((one.year for one in application.assessments if one.outcome == NOT_FILED), reverse=True)


def pledge(actor: Account, application: Application) -> Deferral:
    """The applicant's pledge (承诺) to make up what is not yet filed, inside the caller's use case.

    Raises Refused where nothing is to be deferred.
    """
    years = years_not_filed(application)
    if not years:
        raise Refused("只有“尚未备案”的年度考核结果可以容缺后补。请先在“年度考核”一页核对。")
    deferral = application.deferral
    if deferral is None:
        deferral = application.deferral = Deferral(status=DeferralStatus.PLEDGED, years=years, pledged_at=now())
    deferral.status = DeferralStatus.PLEDGED
    deferral.years = years
    deferral.pledged_at = now()
    deferral.agreed_at = deferral.agreed_by_id = None
    audit.record(actor, "pledge_deferral", application, years=years)
    return deferral


def withdraw_pledge(application: Application) -> None:
    """Drop a pledge that is no longer needed, inside the caller's use case. What was made up stays to be decided."""
    if application.deferral is not None and application.deferral.status in _OPEN:
        db.session.delete(application.deferral)
        application.deferral = None


def pledged(application: Application) -> bool:
    """Whether there is a pledge for exactly the years that are not yet filed."""
    deferral = application.deferral
    return deferral is not None and list(deferral.years) == years_not_filed(application)


def agree(actor: Account, application: Application) -> None:
    """The unit's agreement, inside the use case in which it passes the application (notice 二（四）)."""
    deferral = application.deferral
    if deferral is None:
        raise Refused("这份申报没有申请容缺后补。")
    deferral.status = DeferralStatus.AGREED
    deferral.agreed_at = now()
    deferral.agreed_by_id = actor.id
    due = application.cycle.deferral_due
    body = f"请在{due.month}月{due.day}日前上传备案后的年度考核结果，逾期视为资格审查不通过。"
    _tell_applicant(application, "单位已同意容缺后补", body)
    audit.record(actor, "agree_to_deferral", application, years=list(deferral.years))


def follow(application: Application) -> None:
    """The deferral goes to the application's agency, inside the use case in which that changes."""
    if application.deferral is not None:
        application.deferral.agency_id = application.agency_id


def take_back_agreement(application: Application) -> None:
    """With an application that is withdrawn the unit's word falls, inside that use case."""
    deferral = application.deferral
    if deferral is not None and deferral.status is DeferralStatus.AGREED:
        deferral.status = DeferralStatus.PLEDGED
        deferral.agreed_at = deferral.agreed_by_id = None


def paper(application: Application) -> DeferralPledgePaper:
    """The pledge, to print and sign. Raises NotFound where there is none."""
    deferral = application.deferral
    if deferral is None:
        raise NotFound("deferral")
    cycle = application.cycle
    return DeferralPledgePaper(
        cycle_year=cycle.year,
        name=application.person.name,
        masked_identity_number=application.person.masked_identity_number,
        unit_name=application.unit.name if application.unit else "",
        application_number=application.number or "",
        years=tuple(f"{year}年度" for year in deferral.years),
        due_on=cycle.deferral_due,
        pledged_on=deferral.pledged_at.date(),
    )


def has_notice(deferral: Deferral) -> bool:
    """Whether there is an outcome to give notice of: the unit's agreement, or the agency's decision."""
    return deferral.application.submitted_at is not None and deferral.status is not DeferralStatus.PLEDGED


def notice(deferral: Deferral) -> DeferralNoticePaper:
    """What became of a deferral so far, as a notice to the person. Raises NotFound while the unit has not agreed."""
    application = deferral.application
    decided = deferral.agreed_at if deferral.status.open else deferral.decided_at
    if not has_notice(deferral) or decided is None:
        raise NotFound("deferral notice")
    assert application.unit is not None and application.trade is not None and application.grade is not None
    agency = application.agency.name if application.agency is not None else ""
    return DeferralNoticePaper(
        outcome="agreed" if deferral.status.open else deferral.status.value,
        cycle_year=application.cycle.year,
        basis=application.cycle.notice,
        application_number=application.number or "",
        name=application.person.name,
        masked_identity_number=application.person.masked_identity_number,
        unit_name=application.unit.name,
        trade=application.trade.name,
        grade=Grade(application.grade).label,
        years=tuple(f"{year}年度" for year in deferral.years),
        due_on=application.cycle.deferral_due,
        reason=deferral.reason,
        office_name=application.unit.name if deferral.status.open else agency,
        decided_on=decided.date(),
    )


def gather(actor: Account, deferral_ids: Sequence[int]) -> list[Deferral]:
    """Deferrals in the person's scope that have a notice, in the order given, with all that stands on it."""
    query = narrow(select(Deferral), Deferral, actor).where(Deferral.id.in_(deferral_ids))
    whole = joinedload(Deferral.application).options(
        joinedload(Application.person),
        joinedload(Application.unit),
        joinedload(Application.trade),
        joinedload(Application.agency),
        joinedload(Application.cycle),
    )
    found = {one.id: one for one in db.session.scalars(query.options(whole))}
    return [found[one] for one in deferral_ids if one in found and has_notice(found[one])]


def find_own(actor: Account, *, lock: bool = False) -> Deferral | None:
    """The applicant's deferral of the current cycle, if there is one."""
    if actor.role is not Role.APPLICANT:
        return None
    query = (
        narrow(select(Deferral), Deferral, actor)
        .join(Deferral.application)
        .where(Application.cycle_id == cycles.current_cycle().id)
    )
    return db.session.scalar(query.with_for_update(of=Deferral) if lock else query)


def _own(actor: Account, *, lock: bool = False) -> Deferral:
    deferral = find_own(actor, lock=lock)
    if deferral is None:
        raise NotFound("deferral")
    return deferral


@dataclass(frozen=True)
class OwnPage:
    """What the applicant's page shows. `open`: it can be made up today; `closed` why it cannot any more."""

    deferral: Deferral
    files: list[Material]
    next_step: str
    open: bool
    closed: str
    days_left: int


def own_page(actor: Account) -> OwnPage:
    """The applicant's deferral as their page shows it. Raises NotFound."""
    deferral = _own(actor)
    left = (deferral.application.cycle.deferral_due - today()).days
    closed = ""
    try:
        _require_in_time(deferral)
    except Refused as error:
        closed = error.message if deferral.status in _TO_MAKE_UP and left < 0 else ""
        may = False
    else:
        may = True
    return OwnPage(deferral, made_up_files(deferral), next_step(deferral), may, closed, left)


def years_text(deferral: Deferral) -> str:
    """2024年度、2023年度"""
    return "、".join(f"{year}年度" for year in deferral.years)


def made_up_files(deferral: Deferral) -> list[Material]:
    """What was handed in since the unit agreed, the newest first."""
    since = deferral.agreed_at
    if since is None or deferral.made_up_at is None:
        return []
    found = [one for one in deferral.application.materials if one.kind is MaterialKind.ASSESSMENT]
    return [one for one in reversed(found) if one.created_at >= since]


def next_step(deferral: Deferral) -> str:
    """One sentence: who has it now, and until when."""
    application = deferral.application
    due = application.cycle.deferral_due
    until = f"{due.year}年{due.month}月{due.day}日"
    unit = application.unit.name if application.unit is not None else "所在单位"
    agency = application.agency.name if application.agency is not None else "工考管理机构"
    if deferral.status is DeferralStatus.PLEDGED:
        lead = "申报提交后，" if application.submitted_at is None else ""
        return f"{lead}由{unit}审核并决定是否同意容缺后补；同意后应在{until}前补交。"
    if deferral.status is DeferralStatus.AGREED:
        return f"单位已同意，请本人在{until}前补交备案后的年度考核结果；逾期未补交的，视为资格审查不通过。"
    if deferral.status is DeferralStatus.MADE_UP:
        return f"材料已补交，由{agency}审核；{until}前仍可以重新补交。"
    if deferral.status is DeferralStatus.ACCEPTED:
        return "补交的材料已通过审核，容缺后补办结。"
    return "未按要求补交，按规定视为资格审查不通过。有疑问请联系作出决定的工考管理机构。"


def make_up(actor: Account, outcomes: Mapping[str, str], data: bytes, filename: str) -> Deferral:
    """Upload the filed assessment and say what came out, until the cycle's day.

    `outcomes` maps "year_2024" to its outcome. Raises FieldsRefused, Refused, NotFound.
    """
    wrong: dict[str, str] = {}
    upload = None
    try:
        upload = inspect_upload(data, filename, formats=FORMATS, max_bytes=MAX_BYTES, label="年度考核材料")
    except InvalidInput as error:
        wrong["file"] = error.message
    with transaction() as session:
        deferral = _own(actor, lock=True)
        _require_in_time(deferral)
        for year in deferral.years:
            if outcomes.get(f"year_{year}") not in FILED_OUTCOMES:
                wrong[f"year_{year}"] = f"请选择{year}年度备案后的考核结果。"
        if wrong or upload is None:
            raise FieldsRefused(wrong)
        application = deferral.application
        kept = files.keep(upload, filename)
        session.add(Material(application_id=application.id, kind=MaterialKind.ASSESSMENT, file_id=kept.id))
        for assessment in application.assessments:
            if assessment.year in deferral.years:
                assessment.outcome = outcomes[f"year_{assessment.year}"]
        deferral.status = DeferralStatus.MADE_UP
        deferral.made_up_at = now()
        deferral.reason = ""
        application.updated_at = now()
        audit.record(actor, "make_up_deferral", application, years=list(deferral.years))
        messages.tell(
            "deferral",
            f"容缺后补材料已补交：{application.person.name}",
            "请审核补交的年度考核材料。",
            f"deferral {deferral.id}",
            agency_id=application.agency_id,
        )
    return deferral


def _require_in_time(deferral: Deferral) -> None:
    due = deferral.application.cycle.deferral_due
    if deferral.status is DeferralStatus.PLEDGED:
        raise Refused("单位还没有同意容缺后补，请等待单位审核。")
    if deferral.application.status in _ENDED:
        raise Refused(f"申报现为“{deferral.application.status.label}”，不能再补交。")
    if deferral.status not in _TO_MAKE_UP:
        raise Refused(f"容缺后补现为“{deferral.status.label}”，不能再补交。")
    if today() > due:
        raise Refused(f"容缺后补材料应在{due.year}年{due.month}月{due.day}日前上传完毕，现已截止（通知二（四））。")


def find(actor: Account, deferral_id: int) -> Deferral:
    """A deferral in the person's scope. Raises NotFound."""
    deferral = db.session.scalar(narrow(select(Deferral), Deferral, actor).where(Deferral.id == deferral_id))
    if deferral is None:
        raise NotFound("deferral")
    return deferral


def may_decide(actor: Account, deferral: Deferral) -> bool:
    """Whether the person's agency decides it, and it waits for that."""
    return deferral.status is DeferralStatus.MADE_UP and deferral.application.agency_id == actor.agency_id


def accept(actor: Account, deferral_id: int, version: int) -> Deferral:
    """What was made up is in order. Raises NotFound, Refused, Conflict."""
    with transaction():
        deferral = _to_decide(actor, deferral_id, version)
        _decide(actor, deferral, DeferralStatus.ACCEPTED, "")
        application = deferral.application
        audit.record(actor, "accept_deferral", application, years=list(deferral.years))
        _tell_applicant(application, "容缺后补材料已通过", "")
    return deferral


def ask_again(actor: Account, deferral_id: int, version: int, reason: str) -> Deferral:
    """What was made up is not enough: until the cycle's day it may be handed in anew.

    Raises FieldsRefused, NotFound, Refused, Conflict.
    """
    text = _reason(reason)
    with transaction():
        deferral = _to_decide(actor, deferral_id, version)
        due = deferral.application.cycle.deferral_due
        if today() > due:
            raise Refused(f"补交已于{due.month}月{due.day}日截止，不能再要求补交，请作出通过或不符合要求的决定。")
        _decide(actor, deferral, DeferralStatus.AGREED, text)
        application = deferral.application
        for assessment in application.assessments:
            if assessment.year in deferral.years:
                assessment.outcome = NOT_FILED
        audit.record(actor, "ask_deferral_again", application, reason=text)
        body = f"{text} 请在{due.month}月{due.day}日前重新补交。"
        _tell_applicant(application, "容缺后补材料需要重新补交", body)
    return deferral


def fail(actor: Account, deferral_id: int, version: int, reason: str) -> Deferral:
    """What was made up does not meet the rules: the review counts as failed (notice 二（五）).

    Raises FieldsRefused, NotFound, Refused, Conflict.
    """
    text = _reason(reason)
    with transaction():
        deferral = _to_decide(actor, deferral_id, version)
        _fail(actor, deferral, f"补充上传的资料不符合申报要求：{text}")
    return deferral


def _reason(text: str) -> str:
    try:
        return fields.short_text(text, "原因", 200, 4)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error


def _to_decide(actor: Account, deferral_id: int, version: int) -> Deferral:
    query = narrow(select(Deferral), Deferral, actor).where(Deferral.id == deferral_id)
    deferral = db.session.scalar(query.with_for_update(of=Deferral))
    if deferral is None:
        raise NotFound("deferral")
    if deferral.application.agency_id != actor.agency_id or actor.agency_id is None:
        raise Refused("容缺后补材料由负责资格审查的工考管理机构审核，您只能查看。")
    if deferral.status is not DeferralStatus.MADE_UP or deferral.version != version:
        raise Conflict(f"容缺后补刚刚被更新，现为“{deferral.status.label}”，您的操作没有生效。")
    return deferral


def _decide(actor: Account | None, deferral: Deferral, status: DeferralStatus, reason: str) -> None:
    deferral.status = status
    deferral.reason = reason
    deferral.decided_at = now()
    deferral.decided_by_id = actor.id if actor is not None else None


def _fail(actor: Account | None, deferral: Deferral, reason: str) -> None:
    application = deferral.application
    _decide(actor, deferral, DeferralStatus.FAILED, reason)
    if application.status not in _ENDED:
        workflow.advance(application, Action.EXPIRE, actor, reason=reason)
    audit.record(actor, "fail_deferral", application, reason=reason)
    if application.unit_id is not None:
        title = f"容缺后补未完成：{application.person.name}"
        messages.tell("deferral", title, reason, f"application {application.id}", unit_id=application.unit_id)


def _tell_applicant(application: Application, title: str, body: str) -> None:
    messages.tell_person(application.person_id, "deferral", title, body, "own_deferral")


@dataclass(frozen=True)
class DeadlineRun:
    """What one run did."""

    failed: int
    reminded: int


def run_deadlines(batch: int = 200) -> DeadlineRun:
    """Fail what was not made up in time and remind of what still may be; running it again changes nothing.

    Each person is a use case of their own, so that a run that is cut off goes on where it was.
    """
    failed = reminded = 0
    day = today()
    query = (
        select(Deferral.id)
        .join(Deferral.application)
        .join(Application.cycle)
        .where(
            Deferral.status.in_(_OPEN),
            Application.submitted_at.is_not(None),
            Application.status.not_in(_ENDED),
        )
        .order_by(Deferral.id)
    )
    last = 0
    while True:
        ids = db.session.scalars(query.where(Deferral.id > last).limit(batch)).all()
        if not ids:
            return DeadlineRun(failed, reminded)
        for deferral_id in ids:
            did = _run_one(deferral_id, day)
            failed += did == "failed"
            reminded += did == "reminded"
        last = ids[-1]


def _run_one(deferral_id: int, day: date) -> str:
    with transaction() as session:
        deferral = session.scalars(
            select(Deferral).where(Deferral.id == deferral_id).with_for_update(of=Deferral)
        ).one()
        application = deferral.application
        # Somebody may have acted since the list was read.
        if deferral.status not in _OPEN or application.status in _ENDED:
            return ""
        due = application.cycle.deferral_due
        if day > due:
            last_day = f"{due.year}年{due.month}月{due.day}日"
            _fail(None, deferral, f"未在{last_day}前补充上传年度考核结果（通知二（四）（五））。")
            return "failed"
        left = (due - day).days
        stage = next((days for days in reversed(REMINDERS) if left <= days), None)
        if stage is None or (deferral.reminded_days is not None and deferral.reminded_days <= stage):
            return ""
        deferral.reminded_days = stage
        when = "今天截止" if left == 0 else f"还剩{left}天"
        body = f"请在{due.month}月{due.day}日前上传备案后的年度考核结果，{when}。逾期视为资格审查不通过。"
        _tell_applicant(application, "请及时补交年度考核结果", body)
        return "reminded"


def listing(actor: Account) -> Listing:
    """The deferrals in the person's scope, of the current cycle."""
    cycle = cycles.current_cycle()
    of_cycle = select(Deferral).where(Deferral.cycle_id == cycle.id)
    bare, query = narrow_in_cycle(of_cycle, Deferral.application, actor, cycle.id)
    query = (
        query.join(Application.person)
        .join(Application.unit)
        .options(
            contains_eager(Deferral.application).options(
                contains_eager(Application.person), contains_eager(Application.unit), selectinload(Application.agency)
            )
        )
    )
    return Listing(
        title="容缺后补",
        query=query,
        bare=bare,
        tie=Deferral.id,
        sort="status",
        search=[of_people(Deferral.application_id)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("name", "姓名", lambda row: row.application.person.name, Person.name),
            Column("identity", "身份证号", lambda row: row.application.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.application.unit.name, Unit.name),
            Column("years", "待备案年度", lambda row: "、".join(map(str, row.years))),
            Column("application", "申报状态", _application_cell, Application.status, kind="status"),
            Column(
                "made_up_at",
                "补交时间",
                lambda row: row.made_up_at.strftime("%Y-%m-%d %H:%M") if row.made_up_at else "",
                Deferral.made_up_at,
                kind="date",
            ),
            Column(
                "status",
                "容缺后补",
                lambda row: Cell(row.status.label, chip=row.status.tone, title=row.reason or None),
                Deferral.status,
                kind="status",
            ),
        ],
        filters=[
            *of_agencies(actor, Deferral.agency_id),
            Filter(
                "status",
                "容缺后补",
                [("", "全部"), *((status.value, status.label) for status in DeferralStatus)],
                lambda value: Deferral.status == DeferralStatus(value),
            ),
        ],
        empty_text="没有容缺后补。年度考核结果尚未备案、单位同意后补的申报会出现在这里。",
    )


def notice_listing(actor: Account) -> Listing:
    """Those of the list that there is a notice for."""
    return listing(actor).where(Deferral.status != DeferralStatus.PLEDGED, Application.submitted_at.is_not(None))


def _application_cell(row: Deferral) -> Cell:
    return Cell(row.application.status.label, chip=row.application.status.tone)


def work(actor: Account) -> Select[Any]:
    """Those that wait for the own agency's decision, to be counted."""
    return select(Deferral.id).where(
        Deferral.cycle_id == cycles.current_cycle().id,
        Deferral.status == DeferralStatus.MADE_UP,
        Deferral.agency_id == actor.agency_id,
    )
