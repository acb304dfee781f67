"""The pages of the application form as they are typed: text in, values or a message for each field out.

What is left empty becomes None (or an empty text) and is no matter here: whether it must be filled in is a question for
`application_form.step_problems`.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gongkao.rules import fields
from gongkao.rules.application_form import (
    EDUCATIONS,
    NOT_FILED,
    OUTCOMES,
    STAFF_KINDS,
    FormStep,
    WorkFacts,
    assessed_years,
)
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.retirement import PostKind

MAX_WORK_PERIODS = 30
# The grades whose ways in ask for awards or achievements since the last grade.
GRADES_ASKING_ACHIEVEMENTS = ("1", "2", "3")
_EARLIEST = date(1940, 1, 1)


@dataclass
class Read:
    """What could be read of a page: values by the names of FormFacts, and a message for each field that could not."""

    values: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, text: str, read: Callable[[str], Any], empty: Any = None) -> None:
        """Read one field; an empty one takes the value `empty`."""
        if not text.strip():
            self.values[name] = empty
            return
        try:
            self.values[name] = read(text)
        except InvalidInput as error:
            self.wrong[name] = error.message


def read_step(step: FormStep, typed: Mapping[str, str], *, today: date, year: int) -> Read:
    """Read one page. Unit, trade and files are looked up by the service and are not read here."""
    read = Read()
    reader = _READERS.get(step)
    if reader is not None:
        reader(read, typed, today, year)
    return read


def _words(label: str, longest: int) -> Callable[[str], str]:
    return lambda text: fields.short_text(" ".join(text.split()), label, longest)


def _day(label: str, today: date) -> Callable[[str], date]:
    return lambda text: fields.day(text, label, earliest=_EARLIEST, latest=today)


def _one_of(choices: tuple[str, ...], message: str) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text not in choices:
            raise InvalidInput(message)
        return text

    return choose


def _grade(text: str) -> int:
    if text not in {str(int(grade)) for grade in Grade}:
        raise InvalidInput("请从列出的等级中选择。")
    return int(text)


def _count(label: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        plain = unicodedata.normalize("NFKC", text).strip()
        if not plain.isascii() or not plain.isdecimal() or len(plain) > 2:
            raise InvalidInput(f"{label}请填写0到99之间的整数。")
        return int(plain)

    return read


def _person(read: Read, typed: Mapping[str, str], _today: date, _year: int) -> None:
    read.take("education", typed.get("education", ""), _one_of(EDUCATIONS, "请从列出的文化程度中选择。"))


def _unit(read: Read, typed: Mapping[str, str], today: date, _year: int) -> None:
    read.take("department", typed.get("department", ""), _words("工作部门", 40))
    read.take("post", typed.get("post", ""), _words("现任岗位", 40))
    read.take("staff_kind", typed.get("staff_kind", ""), _one_of(STAFF_KINDS, "请从列出的人员类别中选择。"))
    kinds = tuple(kind.value for kind in PostKind)
    read.take("post_kind", typed.get("post_kind", ""), _one_of(kinds, "请从列出的岗位性质中选择。"))
    read.take("work_started_on", typed.get("work_started_on", ""), _day("参加工作时间", today))
    read.take("post_started_on", typed.get("post_started_on", ""), _day("现岗位开始时间", today))


def _trade(read: Read, typed: Mapping[str, str], _today: date, _year: int) -> None:
    read.values["trade_changed"] = bool(typed.get("trade_changed"))
    reason = typed.get("trade_change_reason", "") if read.values["trade_changed"] else ""
    read.take("trade_change_reason", reason, lambda text: fields.short_text(text, "改报工种的原因", 300, 4))


def _grades(read: Read, typed: Mapping[str, str], _today: date, _year: int) -> None:
    read.take("grade", typed.get("grade", ""), _grade)
    # A yes to grade one means nothing for another grade.
    read.values["grade_one_confirmed"] = bool(typed.get("grade_one_confirmed")) and typed.get("grade") == "1"
    asked = typed.get("grade") in GRADES_ASKING_ACHIEVEMENTS
    for name, label in (("awards_since", "奖励项数"), ("achievements_since", "成果项数")):
        read.take(name, typed.get(name, "") if asked else "", _count(label))


def work_rows(typed: Mapping[str, str]) -> list[dict[str, str]]:
    """The rows of the work history as typed, in the order of their numbers; those left wholly empty are dropped."""
    rows: dict[int, dict[str, str]] = {}
    for name, text in typed.items():
        parts = name.split("-")
        if len(parts) == 3 and parts[0] == "work" and parts[1].isdecimal() and len(parts[1]) < 6:
            rows.setdefault(int(parts[1]), {})[parts[2]] = text
    return [rows[number] for number in sorted(rows) if any(text.strip() for text in rows[number].values())]


def _work(read: Read, typed: Mapping[str, str], today: date, _year: int) -> None:
    periods = []
    rows = work_rows(typed)
    if len(rows) > MAX_WORK_PERIODS:
        read.wrong["work"] = f"工作经历最多{MAX_WORK_PERIODS}段，请把相近的合并填写。"
    for place, row in enumerate(rows):
        one = Read()
        one.take("started_on", row.get("started_on", ""), _day("起始时间", today))
        ended = "" if row.get("ended_on", "").strip() in ("至今", "今") else row.get("ended_on", "")
        one.take("ended_on", ended, _day("终止时间", today))
        one.take("unit_name", row.get("unit_name", ""), _words("工作单位", 60), "")
        one.take("post", row.get("post", ""), _words("岗位", 40), "")
        one.take("trade_name", row.get("trade_name", ""), _words("工种", 40), "")
        read.wrong.update({f"work-{place}-{name}": message for name, message in one.wrong.items()})
        periods.append(WorkFacts(**one.values))
    read.values["work"] = tuple(periods)


_CERTIFICATE = ("grade", "trade", "number", "issued_on", "issuer")


def _certificate(read: Read, typed: Mapping[str, str], today: date, _year: int) -> None:
    answers = {"yes": True, "no": False}
    read.values["has_certificate"] = answers.get(typed.get("has_certificate", ""))
    held = read.values["has_certificate"] is True
    readers: tuple[Callable[[str], Any], ...] = (
        _grade,
        _words("原证书工种", 40),
        _words("证书编号", 40),
        _day("发证日期", today),
        _words("发证机关", 60),
    )
    for name, reader in zip(_CERTIFICATE, readers, strict=True):
        key = f"certificate_{name}"
        read.take(key, typed.get(key, "") if held else "", reader)


def _assessments(read: Read, typed: Mapping[str, str], _today: date, year: int) -> None:
    found = Read()
    for asked in assessed_years(year):
        found.take(f"year_{asked}", typed.get(f"year_{asked}", ""), _one_of(OUTCOMES, "请从列出的考核结果中选择。"))
    read.wrong.update(found.wrong)
    read.values["assessments"] = {
        int(name.removeprefix("year_")): outcome for name, outcome in found.values.items() if outcome
    }
    not_filed = NOT_FILED in read.values["assessments"].values()
    read.values["deferral_pledged"] = not_filed and bool(typed.get("deferral_pledged"))


def _pledge(read: Read, typed: Mapping[str, str], _today: date, _year: int) -> None:
    read.values["pledged"] = bool(typed.get("pledged"))
    read.values["retirement_acknowledged"] = bool(typed.get("retirement_acknowledged"))


_READERS: dict[FormStep, Callable[[Read, Mapping[str, str], date, int], None]] = {
    FormStep.PERSON: _person,
    FormStep.UNIT: _unit,
    FormStep.TRADE: _trade,
    FormStep.GRADE: _grades,
    FormStep.WORK: _work,
    FormStep.CERTIFICATE: _certificate,
    FormStep.ASSESSMENTS: _assessments,
    FormStep.PLEDGE: _pledge,
}
