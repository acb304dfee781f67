"""Who may apply for a grade (notice 二（一）): a cycle's conditions judged against one person's facts.

Every condition comes out as met, not met, in need of a document (or an answer), or in need of a person's judgement.
What is not known is never taken as met, and no facts make the judging fail. The words are made when they are read, not
before: judging 100,000 people costs no text.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from gongkao.rules.calendar import day_text
from gongkao.rules.conditions import (
    SCHOOLING_LEVELS,
    AboveCertificate,
    Achievements,
    AllOf,
    AssessmentsExcellent,
    AssessmentsPassed,
    Awards,
    CertificateFiled,
    Conditions,
    NearRetirement,
    Node,
    Schooling,
    Staff,
    Term,
    YearsAtGrade,
    YearsOfWork,
)
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialKind
from gongkao.rules.retirement import FEMALE, MALE, PostKind, retirement_date

EXCELLENT = "优秀"
_GOOD = frozenset({EXCELLENT, "合格", "称职"})
_POOR = frozenset({"基本合格", "基本称职", "不合格", "不称职"})
_SCHOOLING_RANK = {level: rank for rank, level in enumerate(SCHOOLING_LEVELS)} | {
    "小学": -1,
    "中专": 1,
    "中技": 1,
    "技校": 1,
    "技工学校": 1,
    "职高": 1,
    "职业高中": 1,
    "专科": 2,
    "大学专科": 2,
    "大学本科": 3,
    "硕士": 4,
    "硕士研究生": 4,
    "博士": 4,
    "博士研究生": 4,
}


class Result(StrEnum):
    """How one condition came out."""

    MET = "met"
    NOT_MET = "not_met"
    DOCUMENT = "document"
    JUDGEMENT = "judgement"

    @property
    def label(self) -> str:
        return _RESULTS[self][0]

    @property
    def tone(self) -> str:
        """neutral, info, needs, done or refused: how a chip shows it."""
        return _RESULTS[self][1]


_RESULTS = {
    Result.MET: ("符合", "done"),
    Result.NOT_MET: ("不符合", "refused"),
    Result.DOCUMENT: ("需补充填报或材料", "needs"),
    Result.JUDGEMENT: ("需审核人员认定", "info"),
}


# Short names: read once, they cost nothing where every applicant of the province is judged.
MET, NOT_MET, DOCUMENT, JUDGEMENT = Result


class Verdict(StrEnum):
    """How all of it came out; undecided where a document or a person's judgement is still needed."""

    ELIGIBLE = "eligible"
    NOT_ELIGIBLE = "not_eligible"
    UNDECIDED = "undecided"

    @property
    def label(self) -> str:
        return _VERDICTS[self][0]

    @property
    def tone(self) -> str:
        return _VERDICTS[self][1]


_VERDICTS = {
    Verdict.ELIGIBLE: ("符合申报条件", "done"),
    Verdict.NOT_ELIGIBLE: ("不符合申报条件", "refused"),
    Verdict.UNDECIDED: ("尚不能确定", "needs"),
}
_VERDICT_OF = {
    Result.MET: Verdict.ELIGIBLE,
    Result.NOT_MET: Verdict.NOT_ELIGIBLE,
    Result.DOCUMENT: Verdict.UNDECIDED,
    Result.JUDGEMENT: Verdict.UNDECIDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The earlier grade's certificate. `filed`: whether it is on file (备案在册), as far as anybody has checked."""

    grade: int | None = None
    trade: str | None = None
    issued_on: date | None = None
    filed: bool | None = None


class Assessment(NamedTuple):
    """One year's assessment (年度考核). `filed`: recorded by the personnel department (备案).

    What is not filed yet may have no outcome: "".
    """

    outcome: str
    filed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a person; None is "not known".

    `trade` is the one applied for; `trade_changed`: it is another than before (改报工种). `interrupted`: the work at
    the certificate's grade was interrupted. `awards` and `achievements` count those since the last grade.
    """

    birth: date | None = None
    sex: str | None = None
    post_kind: PostKind | None = None
    staff_kind: str | None = None
    work_started_on: date | None = None
    has_certificate: bool | None = None
    certificate: Certificate | None = None
    trade: str | None = None
    trade_changed: bool | None = None
    interrupted: bool | None = None
    assessments: Mapping[int, Assessment] = field(default_factory=dict)
    schooling: str | None = None
    awards: int | None = None
    achievements: int | None = None


@dataclass(slots=True)
class Outcome:
    """How a condition, or a group of them with its parts, came out. `source` is where the condition is written."""

    condition: Node
    result: Result
    source: str
    words: Callable[[], str]
    parts: tuple["Outcome", ...] = ()

    @property
    def text(self) -> str:
        """Facts, what is asked, how it came out: 您2004年7月参加工作，到2024年12月31日满20年，要求工作满18年：符合"""
        if isinstance(self.condition, Term):
            return f"{self.words()}，要求{self.condition.requirement}：{self.result.label}"
        return f"{self.words()}：{self.result.label}"

    @property
    def uses(self) -> tuple[str, ...]:
        """The names of the facts that were looked at; of a group, those of its parts."""
        if isinstance(self.condition, Term):
            return self.condition.uses
        return tuple(dict.fromkeys(name for part in self.parts for name in part.uses))

    @property
    def material(self) -> MaterialKind | None:
        """What proves a single condition."""
        return self.condition.material if isinstance(self.condition, Term) else None

    @property
    def deferrable(self) -> bool:
        """Whether what is missing here may be made up later (容缺后补): only yearly assessments (notice 二（四）)."""
        return self.result is DOCUMENT and isinstance(self.condition, AssessmentsPassed)

    def leaves(self) -> Iterator["Outcome"]:
        """Every single condition in it, in order."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def to_data(self) -> dict[str, Any]:
        """Plain data that JSON can hold, to keep with an application what it was judged by."""
        kept: dict[str, Any] = {"result": self.result.value, "text": self.text, "source": self.source}
        return {**kept, "parts": [part.to_data() for part in self.parts]} if self.parts else kept


@dataclass(slots=True)
class Evaluation:
    """`ways` are the ways in, of which one is enough; `common` is what everybody needs and what every way also needs.

    `way` is the first way that is met, None where none is (yet).
    """

    grade: int
    verdict: Verdict
    ways: tuple[Outcome, ...]
    common: tuple[Outcome, ...]
    way: Outcome | None

    @property
    def open(self) -> tuple[Outcome, ...]:
        """What keeps the verdict from being "eligible": of the ways only where none is met."""
        common = tuple(outcome for outcome in self.common if outcome.result is not MET)
        return common if self.way is not None else (*self.ways, *common)

    @property
    def summary(self) -> str:
        """One sentence or two for the applicant."""
        name = _grade_name(self.grade)
        if self.verdict is Verdict.ELIGIBLE and self.way is not None:
            return f"按您填报的情况，符合申报{name}的条件，途径为“{_title(self.way.condition)}”。"
        if self.verdict is Verdict.NOT_ELIGIBLE:
            return f"按您填报的情况，不符合申报{name}的条件，原因见下面标为“不符合”的各项；填报有误的请返回修改。"
        if not self.ways:
            return f"本年度没有规定申报{name}的条件，请咨询同级工考管理机构。"
        return f"按您填报的情况，还不能确定是否符合申报{name}的条件，请看下面需补充或需认定的各项。"

    def to_data(self) -> dict[str, Any]:
        """Plain data that JSON can hold, to keep with an application what it was judged by."""
        return {
            "grade": self.grade,
            "verdict": self.verdict.value,
            "summary": self.summary,
            "way": _title(self.way.condition) if self.way is not None else None,
            "ways": [outcome.to_data() for outcome in self.ways],
            "common": [outcome.to_data() for outcome in self.common],
        }


def evaluate(conditions: Conditions, grade: int, facts: Facts) -> Evaluation:
    """Judge the facts by the conditions of the grade. A grade without conditions in this cycle is undecided."""
    entry = conditions.by_grade.get(grade)
    if entry is None:
        return Evaluation(grade, Verdict.UNDECIDED, (), (), None)
    case = _Case(facts, conditions, grade)
    source = entry.source or conditions.source
    ways = tuple([_judge(way, case, source) for way in entry.ways])
    common = tuple(
        [_judge(node, case, conditions.source) for node in conditions.everyone]
        + [_judge(node, case, source) for node in entry.also]
    )
    way = next((outcome for outcome in ways if outcome.result is MET), None)
    needed = [outcome.result for outcome in common]
    needed.append(MET if way is not None else _any_of([outcome.result for outcome in ways]))
    return Evaluation(grade, _VERDICT_OF[_all_of(needed)], ways, common, way)


def full_years(start: date, counted_to: date, *, calendar_years: bool = False) -> int:
    """Years from `start` to the end of `counted_to`: full ones (周年), or begun calendar years (按年头).

    Someone who started on 1 January has a full year at the end of 31 December.
    """
    if start > counted_to:
        return 0
    if calendar_years:
        return counted_to.year - start.year + 1
    end = counted_to + timedelta(days=1)
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


class _Case(NamedTuple):
    facts: Facts
    conditions: Conditions
    grade: int


_Judged = tuple[Result, Callable[[], str]]


def _judge(node: Node, case: _Case, inherited: str) -> Outcome:
    source = node.source or inherited
    if isinstance(node, Term):
        result, words = _JUDGES[type(node)](node, case)
        return Outcome(node, result, source, words)
    parts = tuple([_judge(part, case, source) for part in node.parts])
    results = [part.result for part in parts]
    result = _all_of(results) if isinstance(node, AllOf) else _any_of(results)
    return Outcome(node, result, source, partial(_title, node), parts)


def _all_of(results: list[Result]) -> Result:
    """The worst one: what must be supplied goes before what a person must judge."""
    worst = MET
    for result in results:
        if result is NOT_MET:
            return result
        if result is DOCUMENT or worst is MET:
            worst = result
    return worst


def _any_of(results: list[Result]) -> Result:
    """The best one: what a document could still settle goes before what a person must judge."""
    best = NOT_MET
    for result in results:
        if result is MET:
            return result
        if result is DOCUMENT or best is NOT_MET:
            best = result
    return best


# How each term is judged. A judge gives the result and a function that makes the words: the facts alone, what is
# asked is added when the text is read.


def _years_of_work(term: YearsOfWork, case: _Case) -> _Judged:
    start = case.facts.work_started_on
    if start is None:
        return DOCUMENT, lambda: "没有填报参加工作时间"
    years = _years(start, case)
    met = (term.at_least is None or years >= term.at_least) and (term.under is None or years < term.under)
    return (MET if met else NOT_MET), lambda: f"您{_month(start)}参加工作，{_span(years, case)}"


def _years_at_grade(term: YearsAtGrade, case: _Case) -> _Judged:
    facts, held = case.facts, case.facts.certificate
    if facts.has_certificate is False:
        return NOT_MET, lambda: "您没有等级证书"
    if held is None or held.grade is None:
        return DOCUMENT, lambda: "没有填报原等级证书的等级"
    grade, issued = held.grade, held.issued_on
    if grade > term.grade:
        return NOT_MET, lambda: f"您现有{_grade_name(grade)}证书，不能越级申报{_grade_name(case.grade)}"
    if grade < term.grade:
        return (
            JUDGEMENT,
            lambda: f"您填报的是{_grade_name(grade)}证书，须核对取得{_grade_name(term.grade)}证书的时间",
        )
    if issued is None:
        return DOCUMENT, lambda: f"没有填报{_grade_name(grade)}证书的发证日期"
    years = _years(issued, case)

    def words() -> str:
        return f"您{_month(issued)}取得{_grade_name(grade)}证书，{_span(years, case)}"

    if years < term.at_least:
        return NOT_MET, words
    changed = _trade_changed(facts)
    if changed is None:
        return DOCUMENT, lambda: f"{words()}，没有填报证书工种或申报工种"
    if changed and not case.conditions.changed_trade_counts:
        return (
            JUDGEMENT,
            lambda: (
                f"{words()}，证书工种为{held.trade or '（未填）'}，申报工种为{facts.trade or '（未填）'}，"
                "改报工种须凭现岗位证明认定原工种年限能否计算"
            ),
        )
    if term.running and facts.interrupted is not False:
        if facts.interrupted is None:
            return JUDGEMENT, lambda: f"{words()}，须核对有无中断"
        return NOT_MET, lambda: f"{words()}，但工作经历有中断"
    return MET, words


def _certificate_filed(_term: CertificateFiled, case: _Case) -> _Judged:
    held = case.facts.certificate
    if case.facts.has_certificate is False:
        return NOT_MET, lambda: "您没有等级证书"
    if held is None:
        return DOCUMENT, lambda: "没有填报原等级证书"
    if held.filed is None:
        return JUDGEMENT, lambda: "您的原等级证书是否备案由审核人员查对"
    if held.filed:
        return MET, lambda: "您的原等级证书已查到备案"
    return NOT_MET, lambda: "您的原等级证书没有查到备案"


def _above_certificate(_term: AboveCertificate, case: _Case) -> _Judged:
    facts, held = case.facts, case.facts.certificate
    if facts.has_certificate is False:
        return MET, lambda: "您没有等级证书"
    if held is None or held.grade is None:
        return DOCUMENT, lambda: "没有填报有无等级证书，或证书的等级"
    grade = held.grade

    def words() -> str:
        return f"您现有{_grade_name(grade)}证书，申报{_grade_name(case.grade)}"

    if grade > case.grade:
        return MET, words
    if _trade_changed(facts):
        return JUDGEMENT, lambda: f"{words()}，因改报工种须认定能否申报"
    return NOT_MET, words


def _assessments_passed(term: AssessmentsPassed, case: _Case) -> _Judged:
    known = case.facts.assessments
    years = range(case.conditions.year - term.years, case.conditions.year)
    poor = missing = unclear = False
    for year in years:
        found = known.get(year)
        if found is None or not found.outcome:
            missing = True
        elif found.outcome in _GOOD:
            missing |= not found.filed
        elif found.outcome in _POOR:
            poor = True
        else:
            unclear = True
    result = NOT_MET if poor else DOCUMENT if missing else JUDGEMENT if unclear else MET

    def words() -> str:
        listed = "、".join(f"{year}年{_assessment_words(known.get(year))}" for year in years)
        hint = "（没有备案的，经单位审核同意可承诺容缺后补）" if result is DOCUMENT else ""
        return f"您的年度考核{listed}{hint}"

    return result, words


def _assessments_excellent(term: AssessmentsExcellent, case: _Case) -> _Judged:
    facts, held = case.facts, case.facts.certificate
    none_held = facts.has_certificate is False
    since = facts.work_started_on if none_held else held.issued_on if held is not None else None
    if since is None:
        return DOCUMENT, lambda: f"没有填报{'参加工作时间' if none_held else '现等级证书的发证日期'}"
    # The year of the certificate itself lies partly before it: whether its assessment counts is for a person to say.
    first, last = since.year + (0 if none_held else 1), case.conditions.year - 1
    filed = unfiled = recorded = on_edge = 0
    for year, found in facts.assessments.items():
        if first <= year <= last:
            recorded += bool(found.outcome)
            if found.outcome == EXCELLENT:
                filed += found.filed
                unfiled += not found.filed
        elif year == since.year <= last and found.outcome == EXCELLENT:
            on_edge = 1
    count = filed + unfiled
    unknown = max(0, last - first + 1 - recorded)

    def words() -> str:
        return f"您{first}年至{last}年年度考核优秀{count}次" if first <= last else "您取得现等级后还没有年度考核"

    if filed >= term.at_least:
        return MET, words
    if count >= term.at_least:
        return DOCUMENT, lambda: f"{words()}，其中{unfiled}次尚未备案"
    if count + on_edge >= term.at_least:
        return JUDGEMENT, lambda: f"{words()}，{since.year}年（取得证书当年）优秀能否计算须认定"
    if count + on_edge + unknown >= term.at_least:
        return DOCUMENT, lambda: f"{words()}，另有{unknown}个年度没有填报或尚未备案，如有优秀请补充"
    return NOT_MET, words


def _awards(term: Awards, case: _Case) -> _Judged:
    count = case.facts.awards
    if count is None:
        return DOCUMENT, lambda: "没有填报所获奖励的项数"
    return (MET if count >= term.at_least else NOT_MET), lambda: f"您填报奖励{count}项"


def _achievements(term: Achievements, case: _Case) -> _Judged:
    count = case.facts.achievements
    if count is None:
        return DOCUMENT, lambda: "没有填报业绩成果的项数"
    return (MET if count >= term.at_least else NOT_MET), lambda: f"您填报业绩成果{count}项"


def _schooling(term: Schooling, case: _Case) -> _Judged:
    schooling = case.facts.schooling
    if not schooling:
        return DOCUMENT, lambda: "没有填报文化程度"
    rank = _SCHOOLING_RANK.get(schooling)
    if rank is None:
        return JUDGEMENT, lambda: f"您的文化程度为{schooling}，须核对学历证书"
    met = rank >= _SCHOOLING_RANK[term.at_least]
    return (MET if met else NOT_MET), lambda: f"您的文化程度为{schooling}"


def _near_retirement(term: NearRetirement, case: _Case) -> _Judged:
    facts, counted_to = case.facts, case.conditions.counted_to
    birth, sex = facts.birth, facts.sex
    if birth is None or sex is None:
        return DOCUMENT, lambda: "没有填报出生日期或性别"
    if birth > counted_to or sex not in (MALE, FEMALE):
        return JUDGEMENT, lambda: f"填报的出生日期为{day_text(birth)}、性别为{sex}，须核对"
    end = counted_to + timedelta(days=1)
    limit = (end.year + term.under, end.month, end.day)
    # Without the kind of post a woman has two possible ages.
    kinds = (facts.post_kind,) if facts.post_kind else tuple(PostKind) if sex == FEMALE else (PostKind.WORKER,)
    dates = [retirement_date(birth, sex, kind, case.conditions.retirement) for kind in kinds]
    near = [(reached.year, reached.month, reached.day) < limit for reached in dates]

    def words() -> str:
        months = "或".join(f"{reached.year}年{reached.month}月" for reached in dates)
        return f"您{months}达到法定退休年龄，计算到{day_text(counted_to)}"

    if all(near):
        return MET, words
    if any(near):
        return JUDGEMENT, lambda: f"{words()}，须先认定是工人岗位还是干部岗位"
    return NOT_MET, words


def _staff(term: Staff, case: _Case) -> _Judged:
    kind = case.facts.staff_kind
    if not kind:
        return DOCUMENT, lambda: "没有填报人员类别"
    if kind not in term.one_of:
        return NOT_MET, lambda: f"您填报为{kind}"
    if kind in term.confirm:
        return JUDGEMENT, lambda: f"您填报为{kind}，须核对聘用合同和所在岗位"
    return MET, lambda: f"您填报为{kind}"


_JUDGES: dict[type, Callable[[Any, _Case], _Judged]] = {
    YearsOfWork: _years_of_work,
    YearsAtGrade: _years_at_grade,
    CertificateFiled: _certificate_filed,
    AboveCertificate: _above_certificate,
    AssessmentsPassed: _assessments_passed,
    AssessmentsExcellent: _assessments_excellent,
    Awards: _awards,
    Achievements: _achievements,
    Schooling: _schooling,
    NearRetirement: _near_retirement,
    Staff: _staff,
}


def _trade_changed(facts: Facts) -> bool | None:
    """Whether the trade applied for is another than the certificate's; None where that cannot be told."""
    if facts.trade_changed:
        return True
    held = facts.certificate.trade if facts.certificate is not None else None
    if not held or not facts.trade:
        return None
    return held.strip() != facts.trade.strip()


def _years(start: date, case: _Case) -> int:
    return full_years(start, case.conditions.counted_to, calendar_years=case.conditions.calendar_years)


# Words. Made only when an outcome is read.


def _title(node: Node) -> str:
    if isinstance(node, Term):
        return node.label
    return node.title or ("下列条件全部符合" if isinstance(node, AllOf) else "下列条件符合其中一项")


def _grade_name(grade: int) -> str:
    return Grade(grade).label if 1 <= grade <= 5 else f"{grade}级"


def _month(day: date) -> str:
    """2004年7月, with the day where it is not the first: then the day may matter."""
    return f"{day.year}年{day.month}月" if day.day == 1 else day_text(day)


def _span(years: int, case: _Case) -> str:
    counted = "按年头计算为" if case.conditions.calendar_years else "满"
    return f"到{day_text(case.conditions.counted_to)}{counted}{years}年"


def _assessment_words(found: Assessment | None) -> str:
    if found is None:
        return "没有填报"
    if not found.outcome:
        return "尚未备案"
    return found.outcome if found.filed else f"{found.outcome}（尚未备案）"
