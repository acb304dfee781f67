"""The statutory retirement age with its gradual delay, and what it means for applying (notice 一（二）)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.retirement import (
    FEMALE,
    MALE,
    NATIONAL,
    PostKind,
    RetirementStatus,
    check_retirement,
    delay_months,
    retiree_kind,
    retirement_age,
    retirement_date,
    retirement_month,
)

WORKER, CADRE = PostKind.WORKER, PostKind.CADRE
NOTICE = date(2025, 3, 9)
BIRTHS = st.dates(date(1930, 1, 1), date(2010, 12, 31))
PEOPLE = st.sampled_from([(MALE, WORKER), (MALE, CADRE), (FEMALE, WORKER), (FEMALE, CADRE)])


def after(birth: date, years: int, months: int) -> tuple[int, int]:
    """Year and month so many years and months later."""
    whole = birth.year * 12 + birth.month - 1 + years * 12 + months
    return whole // 12, whole % 12 + 1


@pytest.mark.parametrize(
    ("sex", "post_kind", "born", "age", "month"),
    [
        # The cases of the national table; the last month before the delay and the first of the full one with them.
        pytest.param(MALE, WORKER, (1964, 12), (60, 0), (2024, 12), id="man 1964-12, before the delay"),
        pytest.param(MALE, WORKER, (1965, 1), (60, 1), (2025, 2), id="man 1965-01"),
        pytest.param(MALE, WORKER, (1965, 4), (60, 1), (2025, 5), id="man 1965-04, last of the first step"),
        pytest.param(MALE, WORKER, (1965, 5), (60, 2), (2025, 7), id="man 1965-05"),
        pytest.param(MALE, CADRE, (1965, 5), (60, 2), (2025, 7), id="man 1965-05, any post"),
        pytest.param(MALE, WORKER, (1966, 1), (60, 4), (2026, 5), id="man 1966-01"),
        pytest.param(MALE, WORKER, (1968, 12), (61, 0), (2029, 12), id="man 1968-12"),
        pytest.param(MALE, WORKER, (1976, 8), (62, 11), (2039, 7), id="man 1976-08, last before the full delay"),
        pytest.param(MALE, WORKER, (1976, 9), (63, 0), (2039, 9), id="man 1976-09"),
        pytest.param(MALE, WORKER, (1990, 1), (63, 0), (2053, 1), id="man 1990-01"),
        pytest.param(FEMALE, WORKER, (1974, 12), (50, 0), (2024, 12), id="woman worker 1974-12, before the delay"),
        pytest.param(FEMALE, WORKER, (1975, 1), (50, 1), (2025, 2), id="woman worker 1975-01"),
        pytest.param(FEMALE, WORKER, (1975, 2), (50, 1), (2025, 3), id="woman worker 1975-02"),
        pytest.param(FEMALE, WORKER, (1975, 3), (50, 2), (2025, 5), id="woman worker 1975-03"),
        pytest.param(FEMALE, WORKER, (1976, 12), (51, 0), (2027, 12), id="woman worker 1976-12"),
        pytest.param(FEMALE, WORKER, (1984, 10), (54, 11), (2039, 9), id="woman worker 1984-10"),
        pytest.param(FEMALE, WORKER, (1984, 11), (55, 0), (2039, 11), id="woman worker 1984-11"),
        pytest.param(FEMALE, CADRE, (1969, 12), (55, 0), (2024, 12), id="woman cadre 1969-12, before the delay"),
        pytest.param(FEMALE, CADRE, (1970, 1), (55, 1), (2025, 2), id="woman cadre 1970-01"),
        pytest.param(FEMALE, CADRE, (1970, 5), (55, 2), (2025, 7), id="woman cadre 1970-05"),
        pytest.param(FEMALE, CADRE, (1981, 9), (58, 0), (2039, 9), id="woman cadre 1981-09"),
    ],
)
def test_age_and_month(
    sex: str, post_kind: PostKind, born: tuple[int, int], age: tuple[int, int], month: tuple[int, int]
) -> None:
    for day in (1, 15, 28):
        assert retirement_age(date(*born, day), sex, post_kind) == age
        assert retirement_month(date(*born, day), sex, post_kind) == month


@pytest.mark.parametrize(
    ("birth", "reached"),
    [
        (date(1965, 1, 31), date(2025, 2, 28)),
        (date(1965, 1, 20), date(2025, 2, 20)),
        (date(1966, 10, 31), date(2027, 4, 30)),
        (date(1964, 2, 29), date(2024, 2, 29)),
        (date(1980, 2, 29), date(2043, 2, 28)),
    ],
)
def test_the_day_in_a_month_that_is_shorter(birth: date, reached: date) -> None:
    assert retirement_date(birth, MALE, WORKER) == reached


@given(BIRTHS, PEOPLE)
def test_never_before_the_old_age_and_never_later_than_the_most(birth: date, person: tuple[str, PostKind]) -> None:
    delay = NATIONAL.delays[retiree_kind(*person)]
    months = delay_months(birth, *person)
    assert 0 <= months <= delay.most
    assert retirement_month(birth, *person) == after(birth, delay.age, months)
    assert (months == 0) == (after(birth, delay.age, 0) < (2025, 1))


@given(BIRTHS, st.integers(0, 4000), PEOPLE)
def test_whoever_is_born_later_retires_no_earlier(birth: date, days: int, person: tuple[str, PostKind]) -> None:
    later = birth + timedelta(days=days)
    assert retirement_date(birth, *person) <= retirement_date(later, *person)
    assert delay_months(birth, *person) <= delay_months(later, *person)


@given(BIRTHS)
def test_a_woman_worker_never_retires_after_a_woman_cadre_nor_she_after_a_man(birth: date) -> None:
    worker, cadre = (retirement_date(birth, FEMALE, kind) for kind in (WORKER, CADRE))
    assert worker < cadre < retirement_date(birth, MALE, WORKER)


def test_another_word_for_the_sex_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="no such sex"):
        retirement_date(date(1970, 1, 1), "M", WORKER)


RETIRED, THIS_YEAR, LATER = RetirementStatus.RETIRED, RetirementStatus.THIS_YEAR, RetirementStatus.LATER


@pytest.mark.parametrize(
    ("birth", "formalities_on", "status", "hint"),
    [
        pytest.param(date(1964, 6, 1), None, RETIRED, "60岁，已于2024年6月1日达到", id="一（二） reached last year"),
        pytest.param(date(1965, 2, 8), None, RETIRED, "60岁1个月，已于2025年3月8日达到", id="一（二） the day before"),
        pytest.param(date(1965, 2, 9), None, THIS_YEAR, "2025年3月9日达到", id="一（二） on the day of the notice"),
        pytest.param(date(1965, 2, 10), None, THIS_YEAR, "2025年3月10日达到", id="一（二） the day after"),
        pytest.param(date(1965, 9, 30), None, THIS_YEAR, "须经单位明确同意", id="一（二） within the year"),
        pytest.param(date(1965, 10, 31), None, LATER, "", id="一（二） 1965-10-31: 2026-01"),
        pytest.param(date(1980, 1, 1), None, LATER, "", id="一（二） years away"),
        pytest.param(
            date(1964, 12, 31), date(2025, 2, 1), RETIRED, "已于2025年2月1日办理", id="一（二） formalities done"
        ),
        pytest.param(
            date(1966, 5, 1), date(2025, 3, 8), RETIRED, "办理退休手续，早于通知", id="一（二） early, before"
        ),
        pytest.param(
            date(1966, 5, 1), date(2025, 9, 1), THIS_YEAR, "2025年9月1日办理退休手续", id="一（二） early, within"
        ),
        pytest.param(date(1966, 5, 1), date(2026, 1, 1), LATER, "", id="一（二） early, next year"),
    ],
)
def test_who_may_apply(birth: date, formalities_on: date | None, status: RetirementStatus, hint: str) -> None:
    check = check_retirement(
        birth, MALE, WORKER, notice_issued_on=NOTICE, cycle_year=2025, formalities_on=formalities_on
    )
    assert check.status is status
    assert hint in check.text
    assert bool(check.text) == (status is not LATER)
    assert check.may_apply == (status is not RETIRED)
    assert check.needs_acknowledgement == (status is THIS_YEAR)


@given(BIRTHS, PEOPLE, st.dates(date(2025, 1, 1), date(2025, 12, 31)))
def test_the_three_cases_part_at_the_notice_and_the_end_of_the_year(
    birth: date, person: tuple[str, PostKind], notice: date
) -> None:
    check = check_retirement(birth, *person, notice_issued_on=notice, cycle_year=2025)
    assert (check.status is RETIRED) == (check.reaches_on < notice)
    assert (check.status is LATER) == (check.reaches_on > date(2025, 12, 31))
