"""Whether somebody may apply: an application judged by a version of the conditions, and what stands in the way.

Everything here only reads, except `freeze` and `thaw`, which the use cases of submitting and withdrawing call.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gongkao.clock import today
from gongkao.models import Application, ConditionSet, Person
from gongkao.rules import eligibility
from gongkao.rules.application_form import NOT_FILED
from gongkao.rules.conditions import Conditions
from gongkao.rules.eligibility import Assessment, Certificate, Evaluation, Facts, Outcome, Result, Verdict
from gongkao.rules.grades import Grade
from gongkao.rules.retirement import MALE, PostKind, RetirementCheck, check_retirement
from gongkao.services import bans, conditions, cycles


@dataclass(frozen=True)
class Notice:
    """What the applicant must acknowledge before submitting, and the unit agree to explicitly before passing."""

    key: str
    text: str
    acknowledged: bool
    agreed: bool


def facts_of(application: Application) -> Facts:
    """What the application says, as the rules judge it. What is not filled in is not known."""
    person, trade = application.person, application.trade
    return Facts(
        birth=person.birth_date,
        sex=person.sex,
        post_kind=_post_kind(application),
        staff_kind=application.staff_kind,
        work_started_on=application.work_started_on,
        has_certificate=application.has_certificate,
        certificate=_certificate(application) if application.has_certificate else None,
        trade=trade.name if trade is not None else None,
        trade_changed=application.trade_changed,
        assessments={one.year: _assessment(one.outcome) for one in application.assessments},
        schooling=application.education,
        awards=application.awards_since,
        achievements=application.achievements_since,
    )


def _certificate(application: Application) -> Certificate:
    # Whether it is on file, nobody has checked here: that is the reviewers' to say.
    return Certificate(
        grade=application.certificate_grade,
        trade=application.certificate_trade,
        issued_on=application.certificate_issued_on,
    )


def _assessment(outcome: str) -> Assessment:
    return Assessment("", filed=False) if outcome == NOT_FILED else Assessment(outcome)


def _post_kind(application: Application) -> PostKind | None:
    return PostKind(application.post_kind) if application.post_kind else None


@dataclass(frozen=True)
class Judgement:
    """All that can be said of an application as it stands: what each function of this module gives, read once."""

    evaluation: Evaluation | None
    retirement: RetirementCheck | None
    obstacles: list[str]
    notices: list[Notice]


def judge(application: Application) -> Judgement:
    """Judge the application by the version that it was judged by, else by the current one."""
    rules = conditions.rules_of(_version(application))
    evaluation = _evaluation(application, rules)
    retirement = _retirement(application, rules)
    return Judgement(
        evaluation, retirement, _obstacles(application, evaluation, retirement), _notices(application, retirement)
    )


def _version(application: Application) -> ConditionSet:
    return application.condition_set or conditions.current(application.cycle)


def evaluate(application: Application) -> Evaluation | None:
    """The facts as they are, by the version that the application was judged by, else by the current one.

    None while no grade is chosen.
    """
    return _evaluation(application, conditions.rules_of(_version(application)))


def _evaluation(application: Application, rules: Conditions) -> Evaluation | None:
    if application.grade is None:
        return None
    return eligibility.evaluate(rules, application.grade, facts_of(application))


def freeze(application: Application) -> None:
    """Keep by which version the application is judged, and what comes out; at submission, inside that use case.

    A corrected application keeps the version of its first submission and is judged by it anew.
    """
    application.condition_set = _version(application)
    result = evaluate(application)
    application.evaluation = result.to_data() if result is not None else None


def thaw(application: Application) -> None:
    """A withdrawn application is a draft again: when submitted next, it is judged by what holds then."""
    application.condition_set = None
    application.evaluation = None


def retirement_of(application: Application) -> RetirementCheck | None:
    """What retirement means for the application (notice 一（二）); None while it is not known.

    A woman's age follows from the kind of post: without it nothing can be said.
    """
    return _retirement(application, conditions.rules_of(_version(application)))


def _retirement(application: Application, rules: Conditions) -> RetirementCheck | None:
    person, kind = application.person, _post_kind(application)
    if kind is None and person.sex != MALE:
        return None
    return check_retirement(
        person.birth_date,
        person.sex,
        kind or PostKind.WORKER,
        notice_issued_on=application.cycle.notice_issued_on,
        cycle_year=application.cycle.year,
        schedule=rules.retirement,
    )


def before_start(person: Person) -> list[str]:
    """What keeps somebody from beginning at all, as far as their identity number tells: a ban, retirement.

    A woman's age follows from the kind of post: she is kept out only where the later one has passed too.
    """
    found = []
    ban = bans.in_force(person.identity_number, today())
    if ban is not None:
        found.append(ban.message)
    cycle = cycles.current_cycle()
    schedule = conditions.rules_of(conditions.current(cycle)).retirement
    checks = [
        check_retirement(
            person.birth_date,
            person.sex,
            kind,
            notice_issued_on=cycle.notice_issued_on,
            cycle_year=cycle.year,
            schedule=schedule,
        )
        for kind in ((PostKind.WORKER,) if person.sex == MALE else PostKind)
    ]
    if not any(check.may_apply for check in checks):
        found.append(max(checks, key=lambda check: check.reaches_on).text)
    return found


@dataclass(frozen=True)
class GradeChoice:
    """Whether one of the open grades can be applied for as the form stands, and why (not)."""

    grade: int
    verdict: Verdict
    text: str


def choices(application: Application, grades: Iterable[int]) -> list[GradeChoice]:
    """Each grade judged by what the form says so far, so that the right one is chosen from the start."""
    rules, facts = conditions.rules_of(_version(application)), facts_of(application)
    found = []
    for grade in grades:
        evaluation = eligibility.evaluate(rules, grade, facts)
        found.append(GradeChoice(grade, evaluation.verdict, _reason(application, evaluation)))
    return found


def _reason(application: Application, evaluation: Evaluation) -> str:
    if evaluation.verdict is Verdict.NOT_ELIGIBLE:
        grade = Grade(evaluation.grade)
        return f"{_skip_words(application, grade)}。" if _skips(application, grade) else _failed_words(evaluation)
    if evaluation.verdict is Verdict.ELIGIBLE:
        return f"途径：{evaluation.to_data()['way']}。"
    leaves = [leaf for outcome in evaluation.open for leaf in outcome.leaves()]
    if any(leaf.result is Result.DOCUMENT for leaf in leaves):
        return "后面几步填写完整后可以确定。"
    return "填报情况须由审核人员认定，可以申报。"


def advice(application: Application) -> list[str]:
    """What the person should look at again although nothing forbids it: a change of trade that is not declared."""
    held, trade = application.certificate_trade, application.trade
    if not application.has_certificate or not held or trade is None or application.trade_changed:
        return []
    if held.strip() == trade.name.strip():
        return []
    return [
        f"原证书工种为“{held}”，申报工种为“{trade.name}”。工种不同的属于改报工种，请在“申报工种”一步勾选“改报工种”、"
        "写明原因，并上传现岗位证明；只是名称有变化的不用勾选，由审核人员认定。"
    ]


def obstacles(application: Application) -> list[str]:
    """Why the person cannot apply as things stand, in words for them; empty where nothing stands in the way.

    What only needs a document or a person's judgement is no obstacle.
    """
    return judge(application).obstacles


def _obstacles(
    application: Application, evaluation: Evaluation | None, retirement: RetirementCheck | None
) -> list[str]:
    found = []
    ban = bans.in_force(application.person.identity_number, today())
    if ban is not None:
        found.append(ban.message)
    if retirement is not None and not retirement.may_apply:
        found.append(retirement.text)
    if evaluation is not None and evaluation.verdict is Verdict.NOT_ELIGIBLE:
        found += _failures(application, evaluation)
    return found


def _failures(application: Application, evaluation: Evaluation) -> list[str]:
    """What every way in needs and is not met, each by itself; the ways in together, where all of them are closed."""
    found = [f"{_why(outcome)}。" for outcome in evaluation.common if outcome.result is Result.NOT_MET]
    if evaluation.ways and all(way.result is Result.NOT_MET for way in evaluation.ways):
        grade = Grade(evaluation.grade)
        lead = f"申报{grade.label}的途径均不符合" if len(evaluation.ways) > 1 else f"不符合申报{grade.label}的条件"
        if _skips(application, grade):
            lead = _skip_words(application, grade)
        found.append(f"{lead}：{'；'.join(_why(way) for way in evaluation.ways)}。")
    return found


def _skips(application: Application, grade: Grade) -> bool:
    """Whether the grade applied for is not the one right above what the person holds (nothing: the lowest)."""
    if application.has_certificate is None or grade.below is None:
        return False
    held = application.certificate_grade if application.has_certificate else None
    return held is None if not application.has_certificate else held is not None and held > grade.below


def _skip_words(application: Application, grade: Grade) -> str:
    held = application.certificate_grade if application.has_certificate else None
    now = f"现有{Grade(held).label}证书" if held else "没有等级证书"
    return f"您{now}，申报{grade.label}属于越级申报，没有符合的途径"


def _failed_words(evaluation: Evaluation) -> str:
    """Every single condition that failed, once, without the ways in that they belong to."""
    closed = [way for way in evaluation.ways if way.result is Result.NOT_MET] if evaluation.way is None else []
    failed = [one for one in (*evaluation.common, *closed) if one.result is Result.NOT_MET]
    return f"{'；'.join(dict.fromkeys(_why(one).removesuffix('：不符合') for one in failed))}。"


def _why(outcome: Outcome) -> str:
    """The single conditions that failed: 您2019年7月参加工作，到2024年12月31日满5年，要求工作满10年：不符合"""
    failed = [leaf.text for leaf in outcome.leaves() if leaf.result is Result.NOT_MET]
    return "；".join(dict.fromkeys(failed))


def notices(application: Application) -> list[Notice]:
    """What is to be acknowledged and agreed to: reaching retirement age during the year (notice 一（二）)."""
    return _notices(application, retirement_of(application))


def _notices(application: Application, retirement: RetirementCheck | None) -> list[Notice]:
    if retirement is None or not retirement.needs_acknowledgement:
        return []
    return [
        Notice(
            "retirement",
            retirement.text,
            acknowledged=application.retirement_acknowledged_at is not None,
            agreed=application.retirement_agreed_at is not None,
        )
    ]
