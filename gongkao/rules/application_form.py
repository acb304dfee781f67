"""The application form (申报表): its steps, what is missing or wrong on each, and the reviewer's checklist.

Reviewers check item by item (notice 二（四）: 逐项审核); facts go in, problems come out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import pairwise

from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialFacts, MaterialKind, MaterialRule, Need, materials_for
from gongkao.rules.retirement import FEMALE, MALE


class FormStep(StrEnum):
    """One page of the form, in order."""

    PERSON = "person"
    UNIT = "unit"
    TRADE = "trade"
    GRADE = "grade"
    WORK = "work"
    CERTIFICATE = "certificate"
    ASSESSMENTS = "assessments"
    MATERIALS = "materials"
    PLEDGE = "pledge"
    PREVIEW = "preview"

    @property
    def label(self) -> str:
        return _STEP_LABELS[self]

    @property
    def next(self) -> "FormStep | None":
        order = list(FormStep)
        place = order.index(self) + 1
        return order[place] if place < len(order) else None

    @property
    def previous(self) -> "FormStep | None":
        order = list(FormStep)
        place = order.index(self)
        return order[place - 1] if place else None


_STEP_LABELS = {
    FormStep.PERSON: "个人信息",
    FormStep.UNIT: "所在单位和岗位",
    FormStep.TRADE: "申报工种",
    FormStep.GRADE: "申报等级",
    FormStep.WORK: "工作经历",
    FormStep.CERTIFICATE: "原等级证书",
    FormStep.ASSESSMENTS: "年度考核",
    FormStep.MATERIALS: "申报材料",
    FormStep.PLEDGE: "真实性承诺",
    FormStep.PREVIEW: "核对提交",
}

# The steps whose facts a reviewer judges; each is one item of the checklist.
REVIEWED_STEPS = (
    FormStep.PERSON,
    FormStep.UNIT,
    FormStep.TRADE,
    FormStep.GRADE,
    FormStep.WORK,
    FormStep.CERTIFICATE,
    FormStep.ASSESSMENTS,
)
MATERIAL_PREFIX = "material-"


@dataclass(frozen=True)
class Item:
    """One line of a reviewer's checklist. `step` is the page on which the applicant mends it."""

    key: str
    label: str
    step: FormStep
    material: MaterialKind | None = None


def review_items(material_kinds: Iterable[MaterialKind]) -> tuple[Item, ...]:
    """The checklist of one application: its steps, then each kind of material it has or needs."""
    steps = [Item(step.value, step.label, step) for step in REVIEWED_STEPS]
    materials = [
        Item(f"{MATERIAL_PREFIX}{kind.value}", f"材料：{kind.label}", FormStep.MATERIALS, kind)
        for kind in material_kinds
    ]
    return (*steps, *materials)


def step_of_item(key: str) -> FormStep:
    """The page on which the item with this key is mended. Raises ValueError for an unknown key."""
    if key.startswith(MATERIAL_PREFIX):
        MaterialKind(key.removeprefix(MATERIAL_PREFIX))
        return FormStep.MATERIALS
    return FormStep(key)


# What may be chosen on the form. The words are kept as they stand: they are what the printed form says.
EDUCATIONS = ("小学", "初中", "高中", "中专", "技工学校", "大专", "本科", "研究生")
STAFF_KINDS = ("在岗正式工作人员", "其他聘用工作人员")
NOT_FILED = "尚未备案"
FILED_OUTCOMES = ("优秀", "合格", "基本合格", "不合格", "未参加考核")
OUTCOMES = (*FILED_OUTCOMES, NOT_FILED)
# How many years before the cycle's own are asked for.
ASSESSED_YEARS = 3
# Nobody started work or won a certificate younger than this: such a date is a slip of the pen.
LEAST_WORKING_AGE = 14
GRADE_ONE_WORDS = (
    "一级是机关事业单位工勤技能岗位的最高等级，岗位等级结构比例和聘任条件受到严格控制，对理论知识、专业技能等"
    "综合能力素质要求较高，不是二级的普遍晋升，请慎重考虑，理性对待和申报（通知四（二））。"
)
PLEDGE_WORDS = (
    "本人已了解本年度考核的有关规定，以及单位岗位空缺情况和岗位聘用等有关政策规定。",
    "本人所填信息和上传的材料真实、准确、完整，本人对其真实性负责。",
    "如填报虚假信息材料，按通知四（四）：取消当年申报资格，两年内禁止再次申报；已经取得证书的，撤销并收回证书。",
)


@dataclass(frozen=True)
class Problem:
    """One thing to mend before submitting.

    `field` is the input's name on the page of `step` ("work-0-ended_on" for a row), "" where it is the page as a whole.
    `missing` tells what is merely not filled in yet from what is filled in wrongly.
    """

    step: FormStep
    field: str
    message: str
    missing: bool = False


@dataclass(frozen=True)
class WorkFacts:
    """One period of work; `ended_on` None: until now."""

    started_on: date | None = None
    ended_on: date | None = None
    unit_name: str = ""
    post: str = ""
    trade_name: str = ""


@dataclass(frozen=True)
class FormFacts:
    """All that the form says, and what it is judged against: the day, the cycle's year, the person's birth date.

    `open_grades` are the grades for which the chosen trade is open; `materials` counts the files of each kind;
    `reaches_retirement`: during the cycle's year, which asks for an acknowledgement (notice 一（二）).
    """

    today: date
    year: int
    birth_date: date
    sex: str = MALE
    education: str | None = None
    unit_id: int | None = None
    unit_active: bool = True
    department: str | None = None
    post: str | None = None
    staff_kind: str | None = None
    post_kind: str | None = None
    work_started_on: date | None = None
    post_started_on: date | None = None
    trade_id: int | None = None
    trade_name: str = ""
    open_grades: frozenset[int] = frozenset()
    trade_changed: bool = False
    trade_change_reason: str | None = None
    grade: int | None = None
    grade_one_confirmed: bool = False
    awards_since: int | None = None
    achievements_since: int | None = None
    work: tuple[WorkFacts, ...] = ()
    has_certificate: bool | None = None
    certificate_grade: int | None = None
    certificate_trade: str | None = None
    certificate_number: str | None = None
    certificate_issued_on: date | None = None
    certificate_issuer: str | None = None
    assessments: Mapping[int, str] = field(default_factory=dict)
    deferral_pledged: bool = False
    materials: Mapping[MaterialKind, int] = field(default_factory=dict)
    pledged: bool = False
    reaches_retirement: bool = False
    retirement_acknowledged: bool = False

    @property
    def years(self) -> tuple[int, ...]:
        """The years whose assessments are asked for, the newest first."""
        return assessed_years(self.year)

    @property
    def material_rules(self) -> tuple[MaterialRule, ...]:
        return materials_for(MaterialFacts(self.grade, bool(self.has_certificate), self.trade_changed))


def assessed_years(year: int) -> tuple[int, ...]:
    """The years whose assessments a cycle asks for, the newest first."""
    return tuple(year - before for before in range(1, ASSESSED_YEARS + 1))


def problems(facts: FormFacts) -> tuple[Problem, ...]:
    """Everything that keeps the application from being submitted, in the order of the form."""
    return tuple(problem for step in FormStep for problem in step_problems(step, facts))


def step_problems(step: FormStep, facts: FormFacts) -> tuple[Problem, ...]:
    """What is missing or wrong on one page of the form."""
    check = _CHECKS.get(step)
    return tuple(check(facts)) if check is not None else ()


def lacking_materials(facts: FormFacts) -> tuple[MaterialRule, ...]:
    """The materials that must be there and are not.

    The yearly assessments may come later where one is not yet filed and the applicant pledges to make it up (容缺后补,
    notice 二（四）); nothing else may.
    """
    deferred = facts.deferral_pledged and NOT_FILED in facts.assessments.values()
    return tuple(
        rule
        for rule in facts.material_rules
        if not facts.materials.get(rule.kind)
        and (rule.need is Need.NEEDED or (rule.need is Need.DEFERRABLE and not deferred))
    )


def _missing(step: FormStep, name: str, message: str) -> Problem:
    return Problem(step, name, message, missing=True)


def _dated(step: FormStep, name: str, label: str, day: date, facts: FormFacts) -> Iterator[Problem]:
    """A day of the person's working life: neither in the future nor before they could work."""
    if day > facts.today:
        yield Problem(step, name, f"{label}不能晚于今天，请核对。")
    if (day.year - facts.birth_date.year, day.month, day.day) < (
        LEAST_WORKING_AGE,
        facts.birth_date.month,
        facts.birth_date.day,
    ):
        yield Problem(step, name, f"{label}早于本人年满{LEAST_WORKING_AGE}周岁，请核对年份。")


def _person(facts: FormFacts) -> Iterator[Problem]:
    if not facts.education:
        yield _missing(FormStep.PERSON, "education", "请选择文化程度。")


def _unit(facts: FormFacts) -> Iterator[Problem]:
    step = FormStep.UNIT
    if facts.unit_id is None:
        yield _missing(step, "unit_name", "请查找并选择所在单位。")
    elif not facts.unit_active:
        yield Problem(step, "unit_name", "该单位已停用，请重新选择所在单位，或与单位人事部门核对。")
    if not facts.department:
        yield _missing(step, "department", "请填写工作部门。")
    if not facts.post:
        yield _missing(step, "post", "请填写现任岗位。")
    if not facts.staff_kind:
        yield _missing(step, "staff_kind", "请选择人员类别。")
    if facts.sex == FEMALE and not facts.post_kind:
        yield _missing(step, "post_kind", "请选择岗位性质（法定退休年龄由此确定）。")
    if facts.work_started_on is None:
        yield _missing(step, "work_started_on", "请填写参加工作时间。")
    else:
        yield from _dated(step, "work_started_on", "参加工作时间", facts.work_started_on, facts)
    if facts.post_started_on is None:
        yield _missing(step, "post_started_on", "请填写现岗位开始时间。")
    else:
        yield from _dated(step, "post_started_on", "现岗位开始时间", facts.post_started_on, facts)
        if facts.work_started_on is not None and facts.post_started_on < facts.work_started_on <= facts.today:
            yield Problem(step, "post_started_on", "现岗位开始时间早于参加工作时间，请核对两个日期。")


def _trade(facts: FormFacts) -> Iterator[Problem]:
    step = FormStep.TRADE
    if facts.trade_id is None:
        yield _missing(step, "trade_id", "请选择申报工种。")
    elif not facts.open_grades:
        yield Problem(step, "trade_id", f"“{facts.trade_name}”本年度没有开考，请选择其他工种。")
    if facts.trade_changed and not facts.trade_change_reason:
        yield _missing(step, "trade_change_reason", "请写明改报工种的原因，如因公务用车制度改革转岗。")


def _grade(facts: FormFacts) -> Iterator[Problem]:
    step = FormStep.GRADE
    if facts.grade is None:
        yield _missing(step, "grade", "请选择申报等级。")
        return
    if facts.open_grades and facts.grade not in facts.open_grades:
        grade = Grade(facts.grade)
        yield Problem(step, "grade", f"“{facts.trade_name}”本年度没有开考{grade.label}，请改选等级或工种。")
    elif facts.grade == Grade.ONE and not facts.grade_one_confirmed:
        yield _missing(step, "grade_one_confirmed", "申报一级须阅读提示并勾选确认。")


def _work(facts: FormFacts) -> Iterator[Problem]:
    step = FormStep.WORK
    if not facts.work:
        yield _missing(step, "", "请从参加工作起填写工作经历，至少一段。")
        return
    whole = True
    for place, period in enumerate(facts.work):
        for problem in _period(place, period, facts):
            whole = False
            yield problem
    if whole:
        yield from _succession(facts)


def _period(place: int, period: WorkFacts, facts: FormFacts) -> Iterator[Problem]:
    step, row = FormStep.WORK, f"work-{place}-"
    if period.started_on is None:
        yield _missing(step, row + "started_on", "请填写起始时间。")
    else:
        yield from _dated(step, row + "started_on", "起始时间", period.started_on, facts)
    if period.ended_on is not None:
        yield from _dated(step, row + "ended_on", "终止时间", period.ended_on, facts)
        if period.started_on is not None and period.ended_on < period.started_on:
            yield Problem(step, row + "ended_on", "终止时间早于起始时间，请核对两个日期。")
    if not period.unit_name:
        yield _missing(step, row + "unit_name", "请填写工作单位。")
    if not period.post:
        yield _missing(step, row + "post", "请填写岗位。")


def _succession(facts: FormFacts) -> Iterator[Problem]:
    """The periods follow one another, from the first day of work until now; a month's difference is let pass."""
    step = FormStep.WORK
    order = sorted(range(len(facts.work)), key=lambda place: (facts.work[place].started_on, place))
    first = facts.work[order[0]]
    assert first.started_on is not None
    if facts.work_started_on is not None and abs(_months(facts.work_started_on, first.started_on)) > 1:
        yield Problem(
            step,
            f"work-{order[0]}-started_on",
            f"第一段经历应从参加工作时间（{_long(facts.work_started_on)}）开始，请核对这两个时间。",
        )
    for place, after in pairwise(order):
        period, following = facts.work[place], facts.work[after]
        assert following.started_on is not None
        if period.ended_on is None:
            yield Problem(step, f"work-{place}-ended_on", "后面还有经历，请填写这一段的终止时间。")
        elif following.started_on < period.ended_on and _months(following.started_on, period.ended_on) > 0:
            yield Problem(
                step, f"work-{after}-started_on", f"与上一段（至{_long(period.ended_on)}）时间重叠，请核对起止时间。"
            )
        elif _months(period.ended_on, following.started_on) > 1:
            yield Problem(
                step,
                f"work-{after}-started_on",
                f"{_long(period.ended_on)}至{_long(following.started_on)}没有填写，请补上（待业、服役、学习也请填写）。",
            )
    last = facts.work[order[-1]]
    if last.ended_on is not None and _months(last.ended_on, facts.today) > 1:
        yield Problem(step, f"work-{order[-1]}-ended_on", "工作经历应填写至今；仍在这个岗位的，终止时间请留空。")


def _months(earlier: date, later: date) -> int:
    """Calendar months from one day to a later one; negative where it is the other way round."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def _long(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _certificate(facts: FormFacts) -> Iterator[Problem]:
    step = FormStep.CERTIFICATE
    if facts.has_certificate is None:
        yield _missing(step, "has_certificate", "请选择是否已有工勤技能岗位等级证书。")
    if not facts.has_certificate:
        return
    if facts.certificate_grade is None:
        yield _missing(step, "certificate_grade", "请选择原证书等级。")
    elif (
        facts.grade is not None
        and facts.certificate_trade == facts.trade_name
        and not facts.trade_changed
        and facts.certificate_grade <= facts.grade
    ):
        held, wanted = Grade(facts.certificate_grade), Grade(facts.grade)
        yield Problem(
            step,
            "certificate_grade",
            f"已有本工种{held.label}证书，申报{wanted.label}没有提高，请核对原证书等级和申报等级。",
        )
    if not facts.certificate_trade:
        yield _missing(step, "certificate_trade", "请填写原证书上的工种。")
    if not facts.certificate_number:
        yield _missing(step, "certificate_number", "请填写证书编号。")
    if facts.certificate_issued_on is None:
        yield _missing(step, "certificate_issued_on", "请填写发证日期。")
    else:
        yield from _dated(step, "certificate_issued_on", "发证日期", facts.certificate_issued_on, facts)
    if not facts.certificate_issuer:
        yield _missing(step, "certificate_issuer", "请填写发证机关。")


def _assessments(facts: FormFacts) -> Iterator[Problem]:
    for year in facts.years:
        if not facts.assessments.get(year):
            yield _missing(FormStep.ASSESSMENTS, f"year_{year}", f"请选择{year}年度的考核结果。")


def _materials(facts: FormFacts) -> Iterator[Problem]:
    for rule in lacking_materials(facts):
        later = "；结果尚未备案的，可在“年度考核”一步申请容缺后补" if rule.need is Need.DEFERRABLE else ""
        yield _missing(FormStep.MATERIALS, f"{MATERIAL_PREFIX}{rule.kind.value}", f"请上传{rule.label}{later}。")
    for rule in facts.material_rules:
        if facts.materials.get(rule.kind, 0) > rule.max_files:
            name = f"{MATERIAL_PREFIX}{rule.kind.value}"
            yield Problem(FormStep.MATERIALS, name, f"{rule.label}最多{rule.max_files}个文件，请删去多余的。")


def _pledge(facts: FormFacts) -> Iterator[Problem]:
    if not facts.pledged:
        yield _missing(FormStep.PLEDGE, "pledged", "请阅读并作出真实性承诺。")
    if facts.reaches_retirement and not facts.retirement_acknowledged:
        yield _missing(FormStep.PLEDGE, "retirement_acknowledged", "请阅读到龄申报的规定并勾选知悉。")


_CHECKS: dict[FormStep, Callable[[FormFacts], Iterator[Problem]]] = {
    FormStep.PERSON: _person,
    FormStep.UNIT: _unit,
    FormStep.TRADE: _trade,
    FormStep.GRADE: _grade,
    FormStep.WORK: _work,
    FormStep.CERTIFICATE: _certificate,
    FormStep.ASSESSMENTS: _assessments,
    FormStep.MATERIALS: _materials,
    FormStep.PLEDGE: _pledge,
}
