"""The conditions of a cycle as data (notice 二（一）): typed terms, joined by all-of and any-of.

`load_conditions` reads plain data (from TOML, or from the JSON that the settings keep) and checks all of it; `to_data`
gives the same plain data back. What each term means for a person is judged in rules.eligibility.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialKind
from gongkao.rules.retirement import NATIONAL, Delay, RetireeKind, Schedule

STAFF_KINDS = ("在岗正式工作人员", "其他聘用工作人员")
# From the lowest up.
SCHOOLING_LEVELS = ("初中", "高中", "大专", "本科", "研究生")
_MAX_DEPTH = 6


class InvalidConditions(RuleError):
    """The conditions cannot be taken. `problems` says of each mistake where it is, what is wrong and what is right."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("；".join(problems))
        self.problems = tuple(problems)


# What a term asks for: one input each, with the label an official reads. `read` raises ValueError in words.


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds; None where it is left out and may be."""

    label: str
    low: int
    high: int

    def read(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise ValueError(f"{self.label}应为{self.low}至{self.high}的整数")
        return value


@dataclass(frozen=True)
class Flag:
    label: str

    def read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{self.label}应填 true（是）或 false（否）")
        return value


@dataclass(frozen=True)
class Words:
    """Free words of at most `longest` characters."""

    label: str
    longest: int = 200

    def read(self, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > self.longest:
            raise ValueError(f"{self.label}应为1至{self.longest}个字的文字")
        return value.strip()


@dataclass(frozen=True)
class OneOf:
    label: str
    choices: tuple[str, ...]

    def read(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError(f"{self.label}应为“{'”“'.join(self.choices)}”之一")
        return value


@dataclass(frozen=True)
class SomeOf:
    label: str
    choices: tuple[str, ...]

    def read(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or any(one not in self.choices for one in value):
            raise ValueError(f"{self.label}应从“{'”“'.join(self.choices)}”中选列")
        return tuple(one for one in self.choices if one in value)


def _input(kind: Whole | Flag | Words | OneOf | SomeOf, **default: Any) -> Any:
    return field(metadata={"input": kind}, **default)


_GRADE = Whole("等级", 1, 5)


@dataclass(frozen=True, kw_only=True)
class Term:
    """One condition. `uses` names the facts it looks at, `material` what proves it, `source` where it is written."""

    type: ClassVar[str]
    label: ClassVar[str]
    uses: ClassVar[tuple[str, ...]]
    material: ClassVar[MaterialKind | None] = None

    source: str = _input(Words("依据"), default="")

    @property
    def requirement(self) -> str:
        """What is asked, as it follows on 要求."""
        raise NotImplementedError

    def problem(self) -> str | None:
        """What is wrong with the inputs taken together; None where nothing is."""
        return None


@dataclass(frozen=True, kw_only=True)
class YearsOfWork(Term):
    """Full years since starting work: at least so many, or fewer than so many, or both."""

    type = "years_of_work"
    label = "参加工作年限"
    uses = ("work_started_on",)
    material = MaterialKind.WORK_YEARS

    at_least: int | None = _input(Whole("至少满几年", 1, 60), default=None)
    under: int | None = _input(Whole("不满几年", 1, 60), default=None)

    @property
    def requirement(self) -> str:
        least = f"满{self.at_least}年" if self.at_least is not None else ""
        most = f"不满{self.under}年" if self.under is not None else ""
        return "工作" + "、".join(filter(None, (least, most)))

    def problem(self) -> str | None:
        if self.at_least is None and self.under is None:
            return "“至少满几年”和“不满几年”至少填一项"
        if self.at_least is not None and self.under is not None and self.at_least >= self.under:
            return "“至少满几年”应小于“不满几年”"
        return None


@dataclass(frozen=True, kw_only=True)
class YearsAtGrade(Term):
    """The certificate of a grade, held so many full years in the same trade; `running`: without a break."""

    type = "years_at_grade"
    label = "取得原等级后的年限"
    uses = ("has_certificate", "certificate", "trade", "trade_changed")
    material = MaterialKind.CERTIFICATE

    grade: int = _input(_GRADE)
    at_least: int = _input(Whole("至少满几年", 1, 60))
    running: bool = _input(Flag("是否须连续"), default=False)

    @property
    def requirement(self) -> str:
        return f"取得{Grade(self.grade).label}证书{'连续' if self.running else ''}满{self.at_least}年且工种相同"


@dataclass(frozen=True, kw_only=True)
class CertificateFiled(Term):
    """The certificate applied with is on file (备案在册)."""

    type = "certificate_filed"
    label = "原等级证书已备案"
    uses = ("has_certificate", "certificate")
    material = MaterialKind.CERTIFICATE

    @property
    def requirement(self) -> str:
        return "原等级证书已备案在册"


@dataclass(frozen=True, kw_only=True)
class AboveCertificate(Term):
    """The grade applied for is higher than the one already held."""

    type = "above_certificate"
    label = "高于现有证书等级"
    uses = ("has_certificate", "certificate", "trade", "trade_changed")
    material = MaterialKind.CERTIFICATE

    @property
    def requirement(self) -> str:
        return "申报等级高于现有证书等级"


@dataclass(frozen=True, kw_only=True)
class AssessmentsPassed(Term):
    """The yearly assessments of the last so many years all 合格 or better, and filed."""

    type = "assessments_passed"
    label = "近几年年度考核均为合格及以上"
    uses = ("assessments",)
    material = MaterialKind.ASSESSMENT

    years: int = _input(Whole("近几年", 1, 10))

    @property
    def requirement(self) -> str:
        return f"近{self.years}年均为合格及以上"


@dataclass(frozen=True, kw_only=True)
class AssessmentsExcellent(Term):
    """So many yearly assessments 优秀 since the last grade."""

    type = "assessments_excellent"
    label = "取得现等级以来年度考核优秀"
    uses = ("assessments", "has_certificate", "certificate")
    material = MaterialKind.ASSESSMENT

    at_least: int = _input(Whole("至少几次", 1, 20))

    @property
    def requirement(self) -> str:
        return f"取得现等级以来年度考核优秀{self.at_least}次及以上"


@dataclass(frozen=True, kw_only=True)
class Awards(Term):
    """Awards of a level or higher since the last grade."""

    type = "awards"
    label = "取得现等级以来获得奖励"
    uses = ("awards",)
    material = MaterialKind.ACHIEVEMENT

    at_least: int = _input(Whole("至少几项", 1, 20))
    level: str = _input(Words("奖励级别", 40))

    @property
    def requirement(self) -> str:
        return f"取得现等级以来获{self.level}奖励{self.at_least}项及以上"


@dataclass(frozen=True, kw_only=True)
class Achievements(Term):
    """Listed achievements since the last grade."""

    type = "achievements"
    label = "取得现等级以来的业绩成果"
    uses = ("achievements",)
    material = MaterialKind.ACHIEVEMENT

    at_least: int = _input(Whole("至少几项", 1, 20))

    @property
    def requirement(self) -> str:
        return f"取得现等级以来有规定的业绩成果{self.at_least}项及以上"


@dataclass(frozen=True, kw_only=True)
class Schooling(Term):
    """Schooling of a level or more."""

    type = "schooling"
    label = "文化程度"
    uses = ("schooling",)
    material = MaterialKind.EDUCATION

    at_least: str = _input(OneOf("最低学历", SCHOOLING_LEVELS))

    @property
    def requirement(self) -> str:
        return f"{'技工学校、中专或高中' if self.at_least == '高中' else self.at_least}及以上文化程度"


@dataclass(frozen=True, kw_only=True)
class NearRetirement(Term):
    """Fewer than so many years to the statutory retirement age."""

    type = "near_retirement"
    label = "距法定退休年龄"
    uses = ("birth", "sex", "post_kind")

    under: int = _input(Whole("不满几年", 1, 20))

    @property
    def requirement(self) -> str:
        return f"距法定退休年龄不满{self.under}年"


@dataclass(frozen=True, kw_only=True)
class Staff(Term):
    """The kind of staff; those in `confirm` need a person's judgement of contract and post."""

    type = "staff"
    label = "人员类别"
    uses = ("staff_kind",)
    material = MaterialKind.POST

    one_of: tuple[str, ...] = _input(SomeOf("人员类别", STAFF_KINDS))
    confirm: tuple[str, ...] = _input(SomeOf("须审核人员认定的类别", STAFF_KINDS), default=())

    @property
    def requirement(self) -> str:
        return f"为{'或'.join(self.one_of)}"

    def problem(self) -> str | None:
        if not self.one_of:
            return "人员类别至少填一类"
        if not set(self.confirm) <= set(self.one_of):
            return "须审核人员认定的类别应包括在人员类别之内"
        return None


TERMS: dict[str, type[Term]] = {
    term.type: term
    for term in (
        YearsOfWork,
        YearsAtGrade,
        CertificateFiled,
        AboveCertificate,
        AssessmentsPassed,
        AssessmentsExcellent,
        Awards,
        Achievements,
        Schooling,
        NearRetirement,
        Staff,
    )
}


@dataclass(frozen=True, kw_only=True)
class AllOf:
    """Every part must be met."""

    parts: tuple["Node", ...]
    title: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """One part is enough."""

    parts: tuple["Node", ...]
    title: str = ""
    source: str = ""


Node = Term | AllOf | AnyOf


@dataclass(frozen=True, kw_only=True)
class GradeConditions:
    """One of the ways in (each an all-of with a title), and what every way also needs."""

    grade: Grade
    ways: tuple[AllOf, ...]
    also: tuple[Node, ...] = ()
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The conditions of one cycle.

    `counted_to`: years are counted to the end of this day. `calendar_years`: a begun calendar year counts whole
    (按年头) instead of full years (周年). `changed_trade_counts`: whether years at the earlier grade in another trade
    count when the trade is changed (改报工种); where not, a person judges by the proof of the present post.
    """

    year: int
    counted_to: date
    source: str
    grades: tuple[GradeConditions, ...]
    everyone: tuple[Node, ...] = ()
    calendar_years: bool = False
    changed_trade_counts: bool = False
    retirement: Schedule = NATIONAL

    @cached_property
    def by_grade(self) -> dict[int, GradeConditions]:
        return {int(entry.grade): entry for entry in self.grades}


def load_conditions(data: Mapping[str, Any]) -> Conditions:
    """Conditions out of plain data. Raises InvalidConditions with every mistake found, each with its place."""
    problems: list[str] = []
    top = _Reader(data, "申报条件", problems)
    year = top.read("year", Whole("年度", 2000, 2100))
    counted_to = top.day("counted_to", "年限计算截止日期")
    source = top.read("source", Words("依据"))
    calendar_years = top.read("calendar_years", Flag("是否按年头计算"), False)
    changed_trade_counts = top.read("changed_trade_counts", Flag("改报工种的原工种年限是否计算"), False)
    retirement = _read_schedule(top)
    everyone = _read_nodes(data.get("everyone", []), "共同条件", problems)
    grades = _read_grades(data.get("grades"), problems)
    top.refuse_others("everyone", "grades")
    if year is not None and counted_to is not None and not year - 1 <= counted_to.year <= year:
        problems.append("申报条件：年限计算截止日期应在考核年度当年或上一年")
    if problems or year is None or counted_to is None or source is None:
        raise InvalidConditions(problems)
    return Conditions(
        year=year,
        counted_to=counted_to,
        source=source,
        calendar_years=calendar_years,
        changed_trade_counts=changed_trade_counts,
        retirement=retirement,
        everyone=everyone,
        grades=grades,
    )


def to_data(conditions: Conditions) -> dict[str, Any]:
    """Plain data that JSON can hold; `load_conditions` makes the same conditions of it."""
    schedule = conditions.retirement
    return {
        "year": conditions.year,
        "counted_to": conditions.counted_to.isoformat(),
        "source": conditions.source,
        "calendar_years": conditions.calendar_years,
        "changed_trade_counts": conditions.changed_trade_counts,
        "retirement": {
            "begins": schedule.begins.isoformat(),
            **{kind.value: dataclasses.asdict(schedule.delays[kind]) for kind in RetireeKind},
        },
        "everyone": [_node_data(node) for node in conditions.everyone],
        "grades": [
            {
                "grade": int(entry.grade),
                **({"source": entry.source} if entry.source else {}),
                "ways": [_node_data(way) for way in entry.ways],
                "also": [_node_data(node) for node in entry.also],
            }
            for entry in conditions.grades
        ],
    }


def _node_data(node: Node) -> dict[str, Any]:
    if isinstance(node, AllOf | AnyOf):
        key = "all_of" if isinstance(node, AllOf) else "any_of"
        words = {name: words for name, words in (("title", node.title), ("source", node.source)) if words}
        return {**words, key: [_node_data(part) for part in node.parts]}
    inputs = {entry.name: getattr(node, entry.name) for entry in dataclasses.fields(node)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in inputs.items()}
    return {"type": node.type, **{name: value for name, value in plain.items() if value not in (None, "")}}


class _Reader:
    """Takes inputs out of one table and notes what is wrong with them, with the place."""

    def __init__(self, data: object, place: str, problems: list[str]) -> None:
        self.place = place
        self.problems = problems
        self.seen: set[str] = set()
        if isinstance(data, Mapping):
            self.data: Mapping[str, Any] = data
        else:
            self.data = {}
            self.problem("应为一组“名称 = 内容”")

    def problem(self, words: str) -> None:
        self.problems.append(f"{self.place}：{words}")

    def read(self, key: str, kind: Whole | Flag | Words | OneOf | SomeOf, default: Any = dataclasses.MISSING) -> Any:
        """The input's value, its default where it is left out, None where it is wrong (noted)."""
        self.seen.add(key)
        if key not in self.data:
            if default is dataclasses.MISSING:
                self.problem(f"缺少{kind.label}（{key}）")
                return None
            return default
        try:
            return kind.read(self.data[key])
        except ValueError as error:
            self.problem(f"{error}，现为“{str(self.data[key])[:40]}”")
            return None

    def day(self, key: str, label: str) -> date | None:
        self.seen.add(key)
        value = self.data.get(key)
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            self.problem(f"{label}（{key}）请按“2024-12-31”的格式填写")
            return None

    def refuse_others(self, *known: str) -> None:
        for key in self.data:
            if key not in self.seen and key not in known:
                self.problem(f"不认识的项目“{key}”，请核对名称或删除")


def _read_grades(data: object, problems: list[str]) -> tuple[GradeConditions, ...]:
    if not isinstance(data, list | tuple) or not data:
        problems.append("申报条件：至少要有一个等级的条件（grades）")
        return ()
    found: dict[int, GradeConditions] = {}
    for place, entry in enumerate(data, 1):
        reader = _Reader(entry, f"第{place}个等级", problems)
        number = reader.read("grade", _GRADE)
        grade = Grade(number) if number is not None else None
        name = grade.label if grade is not None else reader.place
        reader.place = name
        source = reader.read("source", Words("依据"), "")
        ways = _read_ways(reader.data.get("ways"), name, problems)
        also = _read_nodes(reader.data.get("also", []), f"{name}同时须符合的条件", problems)
        reader.refuse_others("ways", "also")
        if grade in found:
            reader.problem("同一等级只能写一次")
        if grade is not None:
            found[grade] = GradeConditions(grade=grade, ways=ways, also=also, source=source or "")
    return tuple(found.values())


def _read_ways(data: object, name: str, problems: list[str]) -> tuple[AllOf, ...]:
    if not isinstance(data, list | tuple) or not data:
        problems.append(f"{name}：至少要有一条途径（ways）")
        return ()
    ways = []
    for number, entry in enumerate(data, 1):
        way = _read_node(entry, f"{name}途径{number}", problems, 1)
        if isinstance(way, AllOf) and way.title:
            ways.append(way)
        elif way is not None:
            problems.append(f"{name}途径{number}：途径应有名称（title）和全部须符合的条件（all_of）")
    return tuple(ways)


def _read_nodes(data: object, place: str, problems: list[str], depth: int = 1) -> tuple[Node, ...]:
    if not isinstance(data, list | tuple):
        problems.append(f"{place}：应为一列条件")
        return ()
    nodes = (_read_node(entry, f"{place}第{number}项", problems, depth) for number, entry in enumerate(data, 1))
    return tuple(node for node in nodes if node is not None)


def _read_node(data: object, place: str, problems: list[str], depth: int) -> Node | None:
    reader = _Reader(data, place, problems)
    if not isinstance(data, Mapping):
        return None
    keys = [key for key in ("type", "all_of", "any_of") if key in data]
    if len(keys) != 1:
        reader.problem("应写明一种条件（type），或一组条件（all_of 全部符合、any_of 符合其一），三者只写一个")
        return None
    if keys == ["type"]:
        return _read_term(reader)
    if depth >= _MAX_DEPTH:
        reader.problem(f"条件最多套{_MAX_DEPTH}层")
        return None
    title = reader.read("title", Words("名称", 60), "")
    source = reader.read("source", Words("依据"), "")
    reader.refuse_others(*keys)
    parts = _read_nodes(data[keys[0]], place, problems, depth + 1)
    if not data[keys[0]]:
        reader.problem("一组条件中至少要有一项")
    group = AllOf if keys == ["all_of"] else AnyOf
    return group(parts=parts, title=title or "", source=source or "")


def _read_term(reader: _Reader) -> Term | None:
    name = reader.data["type"]
    reader.seen.add("type")
    made = TERMS.get(name) if isinstance(name, str) else None
    if made is None:
        reader.problem(f"没有“{str(name)[:40]}”这种条件，可用的有：{_listed(TERMS)}")
        return None
    before = len(reader.problems)
    values = {
        entry.name: reader.read(entry.name, entry.metadata["input"], entry.default)
        for entry in dataclasses.fields(made)
    }
    reader.refuse_others()
    if len(reader.problems) > before:
        return None
    term = made(**values)
    wrong = term.problem()
    if wrong is not None:
        reader.problem(wrong)
        return None
    return term


def _listed(terms: Mapping[str, type[Term]]) -> str:
    return "、".join(f"{name}（{term.label}）" for name, term in terms.items())


def _read_schedule(top: _Reader) -> Schedule:
    """The retirement schedule; the national one where it is left out."""
    top.seen.add("retirement")
    if "retirement" not in top.data:
        return NATIONAL
    reader = _Reader(top.data["retirement"], "退休年龄", top.problems)
    begins = reader.day("begins", "开始延迟的月份首日")
    delays = {}
    for kind in RetireeKind:
        reader.seen.add(kind.value)
        row = _Reader(reader.data.get(kind.value), f"退休年龄：{kind.label}", top.problems)
        age = row.read("age", Whole("原法定退休年龄", 40, 70))
        step = row.read("step", Whole("每几个月延迟一个月", 1, 24))
        most = row.read("most", Whole("最多延迟几个月", 0, 120))
        row.refuse_others()
        if age is not None and step is not None and most is not None:
            delays[kind] = Delay(age, step, most)
    reader.refuse_others()
    if begins is None or len(delays) < len(RetireeKind):
        return NATIONAL
    return Schedule(begins, delays)


def leaves(nodes: Iterable[Node]) -> Iterable[Term]:
    """Every single term in the nodes, in order."""
    for node in nodes:
        if isinstance(node, Term):
            yield node
        else:
            yield from leaves(node.parts)
