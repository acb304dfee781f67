"""Marks and pass lines. Full marks and pass lines are data of a cycle."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gongkao.rules.errors import InvalidInput

_MARK = re.compile(r"[0-9]{1,3}(?:\.[0-9])?")
_ABSENT = ("缺考", "缺")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．。", "0123456789..")


@dataclass(frozen=True)
class Subject:
    """One subject (科目); both marks in points."""

    key: str
    name: str
    full_mark: Decimal
    pass_mark: Decimal


@dataclass(frozen=True)
class Mark:
    """One person's mark in one subject; absent (缺考) has no value."""

    subject_key: str
    value: Decimal | None
    absent: bool = False


@dataclass(frozen=True)
class Verdict:
    """`failed` holds the keys of the subjects below their pass line or missed."""

    passed: bool
    failed: tuple[str, ...]


def parse_mark(text: str, subject: Subject) -> Mark:
    """ "85", "85.5" or "缺考" as a mark of the subject. Raises InvalidInput."""
    plain = "".join(text.split()).translate(_FULL_WIDTH)
    if plain in _ABSENT:
        return Mark(subject.key, None, absent=True)
    if not _MARK.fullmatch(plain):
        raise InvalidInput(f"请输入0至{subject.full_mark.normalize():f}的分数，最多一位小数；缺考请填“缺考”。")
    value = Decimal(plain)
    if value > subject.full_mark:
        raise InvalidInput(f"{subject.name}满分为{subject.full_mark.normalize():f}分，请核对后重新输入。")
    return Mark(subject.key, value)


def judge(subjects: Sequence[Subject], marks: Iterable[Mark]) -> Verdict:
    """Passed when every subject has reached its pass line. Raises ValueError where a subject has no mark."""
    found = {mark.subject_key: mark for mark in marks}
    missing = [subject.key for subject in subjects if subject.key not in found]
    if missing or not subjects:
        raise ValueError(f"no mark for {missing}")
    failed = tuple(subject.key for subject in subjects if not reached(subject, found[subject.key]))
    return Verdict(not failed, failed)


def reached(subject: Subject, mark: Mark) -> bool:
    """Whether the mark reaches the subject's pass line."""
    return not mark.absent and mark.value is not None and mark.value >= subject.pass_mark
