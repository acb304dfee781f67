"""What an application says about each item of the checklist, as (label, value) pairs in the order of the paper form."""

from datetime import date

from gongkao.models import Application
from gongkao.rules import fields
from gongkao.rules.application_form import FormStep, Item
from gongkao.rules.grades import Grade

Facts = list[tuple[str, str]]


def of(application: Application, item: Item, *, whole: bool) -> Facts:
    """What the application says about one item; the identity number whole only for whoever has to compare it."""
    if item.material is not None:
        return []
    return _STEP_FACTS[item.step](application, whole)


def _person(application: Application, whole: bool) -> Facts:
    person = application.person
    return [
        ("姓名", f"{person.name}（{person.sex}）"),
        ("身份证号", person.identity_number if whole else person.masked_identity_number),
        ("出生日期", person.birth_date.isoformat()),
        ("文化程度", application.education or ""),
        ("手机号码", person.mobile if whole else fields.mask_mobile(person.mobile)),
    ]


def _unit(application: Application, _whole: bool) -> Facts:
    unit, above = application.unit, application.supervising_unit
    return [
        ("所在单位", unit.name if unit else ""),
        ("主管单位", above.name if above else "无"),
        ("部门和岗位", " ".join(part for part in (application.department, application.post) if part)),
        ("人员类别", application.staff_kind or ""),
    ]


def _trade(application: Application, _whole: bool) -> Facts:
    facts = [("申报工种", application.trade.name if application.trade else "")]
    if application.trade_changed:
        facts.append(("改报原因", application.trade_change_reason or ""))
    return facts


def _grade(application: Application, _whole: bool) -> Facts:
    facts = [("申报等级", Grade(application.grade).label if application.grade else "")]
    if application.grade == 1:
        facts.append(("一级申报", "本人已确认慎重申报" if application.grade_one_confirmed else "本人尚未确认"))
    return facts


def _work(application: Application, _whole: bool) -> Facts:
    facts = [
        ("参加工作", _day(application.work_started_on)),
        ("从事本工种", _day(application.post_started_on)),
    ]
    for period in application.work_periods:
        span = f"{_day(period.started_on)} 至 {_day(period.ended_on) or '今'}"
        facts.append((span, f"{period.unit_name}，{period.post}，{period.trade_name}"))
    return facts


def _certificate(application: Application, _whole: bool) -> Facts:
    if not application.has_certificate:
        return [("原等级证书", "无")]
    grade = Grade(application.certificate_grade).label if application.certificate_grade else ""
    return [
        ("工种和等级", f"{application.certificate_trade or ''} {grade}".strip()),
        ("证书编号", application.certificate_number or ""),
        ("发证日期", _day(application.certificate_issued_on)),
        ("发证机关", application.certificate_issuer or ""),
    ]


def _assessments(application: Application, _whole: bool) -> Facts:
    return [(f"{one.year}年度", one.outcome) for one in application.assessments] or [("年度考核", "未填写")]


_STEP_FACTS = {
    FormStep.PERSON: _person,
    FormStep.UNIT: _unit,
    FormStep.TRADE: _trade,
    FormStep.GRADE: _grade,
    FormStep.WORK: _work,
    FormStep.CERTIFICATE: _certificate,
    FormStep.ASSESSMENTS: _assessments,
}


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
