"""Marks, pass lines and weights, and what a panel's marks come to. All figures are data of a cycle."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from gongkao.rules.errors import InvalidInput

_MARK = re.compile(r"[0-9]{1,3}(?:\.[0-9])?")
_ABSENT = ("缺考", "缺")
BREACH = "违纪"
_TENTH = Decimal("0.1")
# A panel needs this many marks for one person, and as many besides the two extremes where these are left out.
LEAST_ASSESSORS = 3
_BRACKETS = str.maketrans("（）", "()")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．。", "0123456789..")


@dataclass(frozen=True)
class Subject:
    """One subject (科目); both marks in points, the weight in percent of a weighted total."""

    key: str
    name: str
    full_mark: Decimal
    pass_mark: Decimal
    weight: Decimal = Decimal(0)


@dataclass(frozen=True)
class PassRule:
    """Whether every subject must reach its pass mark, and the line (of 100) that the weighted total must reach."""

    each_subject: bool = True
    total_line: Decimal | None = None


@dataclass(frozen=True)
class Mark:
    """One person's mark in one subject; absent (缺考) and breach (违纪) have no value."""

    subject_key: str
    value: Decimal | None
    absent: bool = False
    breach: bool = False


@dataclass(frozen=True)
class Verdict:
    """`failed` holds the keys of the subjects below their pass line or missed; `total` the weighted total if any.

    `invalid`: a breach makes the whole result invalid (notice 四（四）).
    """

    passed: bool
    failed: tuple[str, ...]
    total: Decimal | None = None
    invalid: bool = False


def parse_mark(text: str, subject: Subject) -> Mark:
    """ "85", "85.5", "缺考" or "违纪" as a mark of the subject. Raises InvalidInput."""
    plain = "".join(text.split()).translate(_FULL_WIDTH)
    if plain in _ABSENT:
        return Mark(subject.key, None, absent=True)
    if plain == BREACH:
        return Mark(subject.key, None, breach=True)
    if not _MARK.fullmatch(plain):
        raise InvalidInput(f"请输入0至{subject.full_mark.normalize():f}的分数，最多一位小数；缺考请填“缺考”。")
    value = Decimal(plain)
    if value > subject.full_mark:
        raise InvalidInput(f"{subject.name}满分为{subject.full_mark.normalize():f}分，请核对后重新输入。")
    return Mark(subject.key, value)


def judge(subjects: Sequence[Subject], marks: Iterable[Mark], rule: PassRule = PassRule()) -> Verdict:
    """Passed by the rule, with no subject missed and no breach. Raises ValueError where a subject has no mark."""
    found = {mark.subject_key: mark for mark in marks}
    missing = [subject.key for subject in subjects if subject.key not in found]
    if missing or not subjects:
        raise ValueError(f"no mark for {missing}")
    failed = tuple(subject.key for subject in subjects if not reached(subject, found[subject.key]))
    without = any(found[subject.key].value is None for subject in subjects)
    invalid = any(found[subject.key].breach for subject in subjects)
    total = weighted_total(subjects, found.values()) if rule.total_line is not None else None
    enough = rule.total_line is None or (total is not None and total >= rule.total_line)
    passed = not without and enough and not (rule.each_subject and failed)
    return Verdict(passed, failed, total, invalid)


def reached(subject: Subject, mark: Mark) -> bool:
    """Whether the mark reaches the subject's pass line."""
    without = mark.absent or mark.breach or mark.value is None
    return not without and mark.value >= subject.pass_mark  # type: ignore[operator]


def weighted_total(subjects: Sequence[Subject], marks: Iterable[Mark]) -> Decimal:
    """The total of 100 to one decimal, half up: each mark as a share of its full mark, times its weight."""
    found = {mark.subject_key: mark.value or Decimal(0) for mark in marks}
    whole = sum((found[one.key] / one.full_mark * one.weight for one in subjects if one.weight), Decimal(0))
    return whole.quantize(_TENTH, ROUND_HALF_UP)


def panel_mean(totals: Sequence[Decimal], *, trims: bool) -> Decimal:
    """The mean of a panel's marks for one person, to one decimal, half up.

    With `trims` one highest and one lowest are left out, as long as LEAST_ASSESSORS remain. Raises ValueError for none.
    """
    if not totals:
        raise ValueError("no marks")
    counted = sorted(totals)
    if trims and len(counted) >= LEAST_ASSESSORS + 2:
        counted = counted[1:-1]
    return (sum(counted, Decimal(0)) / len(counted)).quantize(_TENTH, ROUND_HALF_UP)


def spread(totals: Sequence[Decimal]) -> Decimal:
    """How far a panel's highest and lowest mark lie apart. Raises ValueError for none."""
    return max(totals) - min(totals)


def same_unit(one: str, other: str) -> bool:
    """Whether two names mean the same unit, brackets and spaces aside: an assessor of it may not judge its people."""
    return _plain_name(one) == _plain_name(other)


def _plain_name(name: str) -> str:
    return "".join(name.split()).translate(_BRACKETS)
