"""What an application says: as facts for the rules, as lines for people, as a paper to print."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from gongkao.clock import today
from gongkao.documents.papers import ApplicationFormPaper, EarlierCertificateLines
from gongkao.extensions import db
from gongkao.models import Application, Material, Trade, TradeOpening, WorkPeriod
from gongkao.rules import fields
from gongkao.rules.application_form import (
    MATERIAL_PREFIX,
    FormFacts,
    FormStep,
    WorkFacts,
    assessed_years,
)
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialFacts, MaterialKind, MaterialRule, materials_for
from gongkao.rules.retirement import PostKind
from gongkao.rules.workflow import Status
from gongkao.services import deferrals, eligibility, files
from gongkao.services.transaction import read_once


@dataclass(frozen=True)
class Line:
    """One thing the form says. `key` is the item of the reviewer's checklist that it belongs to."""

    step: FormStep
    key: str
    label: str
    text: str


def open_grades(cycle_id: int, trade_id: int | None) -> frozenset[int]:
    """The grades for which a trade is open in a cycle; none where it is not open at all."""
    query = select(TradeOpening.grades).where(TradeOpening.cycle_id == cycle_id, TradeOpening.trade_id == trade_id)
    return read_once(("open grades", cycle_id, trade_id), lambda: frozenset(db.session.scalar(query) or ()))


def facts_of(application: Application) -> FormFacts:
    """What is stored, as the rules judge it today."""
    trade = db.session.get(Trade, application.trade_id) if application.trade_id else None
    return FormFacts(
        today=today(),
        year=application.cycle.year,
        birth_date=application.person.birth_date,
        sex=application.person.sex,
        education=application.education,
        unit_id=application.unit_id,
        unit_active=application.unit is None or application.unit.active,
        department=application.department,
        post=application.post,
        staff_kind=application.staff_kind,
        post_kind=application.post_kind,
        work_started_on=application.work_started_on,
        post_started_on=application.post_started_on,
        trade_id=application.trade_id,
        trade_name=trade.name if trade else "",
        open_grades=open_grades(application.cycle_id, application.trade_id) if trade else frozenset(),
        trade_changed=application.trade_changed,
        trade_change_reason=application.trade_change_reason,
        grade=application.grade,
        grade_one_confirmed=application.grade_one_confirmed,
        awards_since=application.awards_since,
        achievements_since=application.achievements_since,
        work=tuple(
            WorkFacts(one.started_on, one.ended_on, one.unit_name, one.post, one.trade_name)
            for one in application.work_periods
        ),
        has_certificate=application.has_certificate,
        certificate_grade=application.certificate_grade,
        certificate_trade=application.certificate_trade,
        certificate_number=application.certificate_number,
        certificate_issued_on=application.certificate_issued_on,
        certificate_issuer=application.certificate_issuer,
        assessments={one.year: one.outcome for one in application.assessments},
        materials=Counter(one.kind for one in application.materials),
        deferral_pledged=deferrals.pledged(application),
        pledged=application.pledged_at is not None,
        reaches_retirement=bool(eligibility.notices(application)),
        retirement_acknowledged=application.retirement_acknowledged_at is not None,
    )


def material_rules(application: Application) -> tuple[MaterialRule, ...]:
    """Which materials the application needs as it stands: the same as its facts tell, read from its own row alone."""
    facts = MaterialFacts(application.grade, bool(application.has_certificate), application.trade_changed)
    return materials_for(facts)


def lines(application: Application) -> list[Line]:
    """Everything the form says, in its order. (key, label) is unique; an empty text stands for nothing filled in."""
    person, unit = application.person, application.unit
    found: list[Line] = []

    def say(step: FormStep, label: str, text: str | None, key: str = "") -> None:
        found.append(Line(step, key or step.value, label, text or ""))

    say(FormStep.PERSON, "姓名", person.name)
    say(FormStep.PERSON, "身份证号", person.masked_identity_number)
    say(FormStep.PERSON, "性别", person.sex)
    say(FormStep.PERSON, "出生日期", person.birth_date.isoformat())
    say(FormStep.PERSON, "手机号码", fields.mask_mobile(person.mobile))
    say(FormStep.PERSON, "文化程度", application.education)
    say(FormStep.UNIT, "所在单位", unit.name if unit else "")
    say(FormStep.UNIT, "主管单位", (unit.supervising_unit.name if unit.supervising_unit else "无") if unit else "")
    say(FormStep.UNIT, "工作部门", application.department)
    say(FormStep.UNIT, "现任岗位", application.post)
    say(FormStep.UNIT, "人员类别", application.staff_kind)
    if application.post_kind:
        say(FormStep.UNIT, "岗位性质", PostKind(application.post_kind).label)
    say(FormStep.UNIT, "参加工作时间", _day(application.work_started_on))
    say(FormStep.UNIT, "现岗位开始时间", _day(application.post_started_on))
    trade = db.session.get(Trade, application.trade_id) if application.trade_id else None
    say(FormStep.TRADE, "申报工种", trade.name if trade else "")
    say(FormStep.TRADE, "是否改报工种", "是" if application.trade_changed else "否")
    if application.trade_changed:
        say(FormStep.TRADE, "改报原因", application.trade_change_reason)
    say(FormStep.GRADE, "申报等级", grade_text(application.grade))
    if application.grade == Grade.ONE:
        say(FormStep.GRADE, "一级申报", "已确认慎重申报" if application.grade_one_confirmed else "尚未确认")
    if application.awards_since is not None:
        say(FormStep.GRADE, "获得奖励", f"{application.awards_since}项")
    if application.achievements_since is not None:
        say(FormStep.GRADE, "取得成果", f"{application.achievements_since}项")
    say(FormStep.WORK, "工作经历", "；".join(_period_text(one) for one in application.work_periods))
    held = {True: "有", False: "无", None: ""}[application.has_certificate]
    say(FormStep.CERTIFICATE, "原等级证书", held)
    if application.has_certificate:
        say(FormStep.CERTIFICATE, "原证书等级", grade_text(application.certificate_grade))
        say(FormStep.CERTIFICATE, "原证书工种", application.certificate_trade)
        say(FormStep.CERTIFICATE, "证书编号", application.certificate_number)
        say(FormStep.CERTIFICATE, "发证日期", _day(application.certificate_issued_on))
        say(FormStep.CERTIFICATE, "发证机关", application.certificate_issuer)
    outcomes = {one.year: one.outcome for one in application.assessments}
    for year in assessed_years(application.cycle.year):
        say(FormStep.ASSESSMENTS, f"{year}年度考核", outcomes.get(year))
    if deferrals.pledged(application):
        say(FormStep.ASSESSMENTS, "容缺后补", f"已承诺在{_long(application.cycle.deferral_due)}前补传")
    for kind, of_kind in by_kind(application).items():
        text = "、".join(f"{one.file.name}（{one.created_at:%m-%d %H:%M}上传）" for one in of_kind)
        say(FormStep.MATERIALS, kind.label, text, f"{MATERIAL_PREFIX}{kind.value}")
    return found


def by_kind(application: Application) -> dict[MaterialKind, list[Material]]:
    """The uploaded files by kind, in the order in which the kinds are listed."""
    found: dict[MaterialKind, list[Material]] = {}
    for kind in MaterialKind:
        of_kind = [one for one in application.materials if one.kind is kind]
        if of_kind:
            found[kind] = of_kind
    return found


def grade_text(grade: int | None) -> str:
    """三级（高级工）"""
    return Grade(grade).label if grade else ""


def _long(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _period_text(period: WorkPeriod) -> str:
    where = "，".join(part for part in (period.unit_name, period.post, period.trade_name) if part)
    return f"{_day(period.started_on)}至{_day(period.ended_on) or '今'}，{where}"


def paper(application: Application) -> ApplicationFormPaper:
    """The form as a paper to print and sign; a draft says that it is one."""
    person, unit = application.person, application.unit
    above = application.supervising_unit or (unit.supervising_unit if unit else None)
    photo = next((one for one in application.materials if one.kind is MaterialKind.PHOTO), None)
    certificate = None
    if application.has_certificate:
        certificate = EarlierCertificateLines(
            grade=grade_text(application.certificate_grade),
            trade=application.certificate_trade or "",
            number=application.certificate_number or "",
            issued_on=_day(application.certificate_issued_on),
            issuer=application.certificate_issuer or "",
        )
    submitted = application.submitted_at
    return ApplicationFormPaper(
        cycle_year=application.cycle.year,
        application_number=(application.number or "") if submitted else "",
        submitted=submitted is not None and application.status is not Status.RETURNED,
        status_text=application.status.label,
        name=person.name,
        sex=person.sex,
        born=f"{person.birth_date:%Y-%m}",
        identity_number=person.identity_number,
        mobile=person.mobile,
        education=application.education or "",
        unit_name=unit.name if unit else "",
        supervising_unit_name=above.name if above else "",
        department=application.department or "",
        post=application.post or "",
        staff_kind=application.staff_kind or "",
        work_started=f"{application.work_started_on:%Y-%m}" if application.work_started_on else "",
        trade=application.trade.name if application.trade else "",
        grade=grade_text(application.grade),
        trade_changed=application.trade_changed,
        trade_change_reason=application.trade_change_reason or "",
        certificate=certificate,
        work=tuple(
            (
                _day(one.started_on),
                _day(one.ended_on) or "至今",
                one.unit_name,
                f"{one.post}（{one.trade_name}）" if one.trade_name and one.trade_name != one.post else one.post,
            )
            for one in application.work_periods
        ),
        assessments=tuple((str(one.year), one.outcome) for one in application.assessments),
        materials=tuple((kind.label, len(found)) for kind, found in by_kind(application).items()),
        photo=files.read(photo.file) if photo else None,
        submitted_on=submitted.date() if submitted else None,
    )
