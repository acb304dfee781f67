"""Making up a missing yearly assessment later (容缺后补, notice 二（四）（五）).

Pledged by the applicant, agreed to by the unit, made up until the cycle's day, decided by the agency. What is not made
up in time fails by itself, once, with a notice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now, today
from gongkao.documents.papers import DeferralPledgePaper
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
from gongkao.rules.application_form import NOT_FILED, OUTCOMES
from gongkao.rules.errors import InvalidInput
from gongkao.rules.materials import MEGABYTE, MaterialKind
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit, cycles, files, messages, workflow
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, ends_with
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import inspect_upload

FORMATS = ("pdf", "jpeg", "png")
MAX_BYTES = 10 * MEGABYTE
# Days before the last one on which somebody is reminded, once each.
REMINDERS = (30, 14, 7, 3, 1, 0)
_ENDED = (Status.REFUSED, Status.CANCELLED)
_OPEN = (DeferralStatus.PLEDGED, DeferralStatus.AGREED)
_FILED_OUTCOMES = tuple(outcome for outcome in OUTCOMES if outcome != NOT_FILED)


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


def _own(actor: Account) -> Deferral:
    query = (
        narrow(select(Deferral), Deferral, actor)
        .join(Deferral.application)
        .where(Application.cycle_id == cycles.current_cycle().id)
    )
    deferral = db.session.scalar(query.with_for_update(of=Deferral))
    if deferral is None or actor.role is not Role.APPLICANT:
        raise NotFound("deferral")
    return deferral


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
        deferral = _own(actor)
        _require_in_time(deferral)
        for year in deferral.years:
            if outcomes.get(f"year_{year}") not in _FILED_OUTCOMES:
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
    if deferral.status not in (DeferralStatus.AGREED, DeferralStatus.MADE_UP):
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
    query = (
        narrow(select(Deferral), Deferral, actor)
        .join(Deferral.application)
        .join(Application.person)
        .join(Application.unit)
        .where(Application.cycle_id == cycles.current_cycle().id)
        .options(
            contains_eager(Deferral.application).options(
                contains_eager(Application.person), contains_eager(Application.unit), selectinload(Application.agency)
            )
        )
    )
    return Listing(
        title="容缺后补",
        query=query,
        tie=Deferral.id,
        sort="status",
        search=[contains(Person.name), ends_with(Person.identity_number), contains(Unit.name)],
        search_hint="姓名、身份证号后几位、单位",
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
            Filter(
                "status",
                "容缺后补",
                [("", "全部"), *((status.value, status.label) for status in DeferralStatus)],
                lambda value: Deferral.status == DeferralStatus(value),
            )
        ],
        empty_text="没有容缺后补。年度考核结果尚未备案、单位同意后补的申报会出现在这里。",
    )


def _application_cell(row: Deferral) -> Cell:
    return Cell(row.application.status.label, chip=row.application.status.tone)


def waiting_count(actor: Account) -> int:
    """How many wait for the own agency's decision."""
    query = (
        narrow(select(Deferral.id), Deferral, actor)
        .join(Deferral.application)
        .where(Deferral.status == DeferralStatus.MADE_UP, Application.agency_id == actor.agency_id)
    )
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
