"""Marks as people type them, and passing: every subject must reach its line (pass lines are data of the cycle)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.errors import InvalidInput
from gongkao.rules.scoring import Mark, Subject, judge, parse_mark, reached

SKILLS = Subject("post_skills", "岗位技能", Decimal("100.0"), Decimal("60.0"))
ETHICS = Subject("ethics", "职业道德", Decimal("100.0"), Decimal("60.0"))
SHORT = Subject("review", "综合评审", Decimal("50"), Decimal("30.5"))
tenths = st.integers(0, 1000).map(lambda number: Decimal(number) / 10)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("85", "85"),
        ("85.5", "85.5"),
        (" 85 .5 ", "85.5"),
        ("８５．５", "85.5"),
        ("85。5", "85.5"),
        ("0", "0"),
        ("100", "100"),
        ("100.0", "100.0"),
        ("059.9", "59.9"),
    ],
)
def test_a_mark_as_typed(typed: str, value: str) -> None:
    assert parse_mark(typed, SKILLS) == Mark("post_skills", Decimal(value))


@pytest.mark.parametrize("typed", ["缺考", " 缺 考 ", "缺"])
def test_absent(typed: str) -> None:
    assert parse_mark(typed, SKILLS) == Mark("post_skills", None, absent=True)


@pytest.mark.parametrize("typed", ["", "八十五", "85.55", "-1", "1e2", "1000", "85分", "nan", ".5", "85."])
def test_what_is_no_mark_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="0至100的分数，最多一位小数；缺考请填“缺考”"):
        parse_mark(typed, SKILLS)


def test_more_than_full_marks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="岗位技能满分为100分"):
        parse_mark("100.1", SKILLS)
    with pytest.raises(InvalidInput, match="综合评审满分为50分"):
        parse_mark("50.5", SHORT)


@given(tenths)
def test_every_mark_of_tenths_is_kept_exactly(value: Decimal) -> None:
    assert parse_mark(str(value), SKILLS).value == value


@pytest.mark.parametrize(
    ("marks", "failed"),
    [
        (("60", "60"), ()),
        (("59.9", "60"), ("post_skills",)),
        (("100", "59.9"), ("ethics",)),
        (("0", "0"), ("post_skills", "ethics")),
        (("缺考", "90"), ("post_skills",)),
        (("缺考", "缺考"), ("post_skills", "ethics")),
    ],
)
def test_passing(marks: tuple[str, str], failed: tuple[str, ...]) -> None:
    subjects = (SKILLS, ETHICS)
    verdict = judge(subjects, [parse_mark(text, subject) for text, subject in zip(marks, subjects, strict=True)])
    assert (verdict.passed, verdict.failed) == (not failed, failed)


def test_without_all_marks_nobody_is_judged() -> None:
    with pytest.raises(ValueError, match="ethics"):
        judge((SKILLS, ETHICS), [Mark("post_skills", Decimal(90))])
    with pytest.raises(ValueError, match="no mark"):
        judge((), [])


@given(tenths, tenths, st.booleans())
def test_a_higher_mark_never_fails_what_a_lower_one_passed(one: Decimal, other: Decimal, absent: bool) -> None:
    low, high = sorted((one, other))
    if reached(SKILLS, Mark("post_skills", low)):
        assert reached(SKILLS, Mark("post_skills", high))
    assert not reached(SKILLS, Mark("post_skills", high, absent=True))
    assert reached(SKILLS, Mark("post_skills", high, absent)) == (not absent and high >= 60)
