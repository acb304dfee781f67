"""The calendar of the notice's part three: its very days, and which window goes before which."""

import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.calendar import (
    Window,
    WindowKey,
    days_left,
    is_open,
    overhang,
    period_text,
    require_open,
    stage_on,
    window_anywhere,
    window_for,
)
from gongkao.rules.errors import WindowClosed

CYCLE = Path(__file__).parents[2] / "data" / "cycle-2025.toml"
DATA_2025 = tomllib.loads(CYCLE.read_text(encoding="utf-8"))
WINDOWS_2025 = tuple(
    Window(WindowKey(row["key"]), row["title"], row["opens"], row["closes"], row["clause"])
    for row in DATA_2025["windows"]
)
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
CITY, COUNTY, OTHER_CITY = "410100", "410122", "410200"


def window(opens: date, closes: date, **more: object) -> Window:
    return Window(WindowKey.REGISTRATION, "网上注册报名", opens, closes, "三（二）", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "opens", "closes"),
    [
        pytest.param(WindowKey.UNIT_CHECK, (3, 10), (3, 12), id="三（一） unit names"),
        pytest.param(WindowKey.ADMINISTRATOR_REGISTRATION, (3, 10), (3, 12), id="三（一） administrators"),
        pytest.param(WindowKey.REGISTRATION, (3, 13), (3, 31), id="三（二） registration"),
        pytest.param(WindowKey.UNIT_REVIEW, (3, 13), (4, 3), id="三（三） first review"),
        pytest.param(WindowKey.AGENCY_REVIEW, (3, 13), (4, 11), id="三（三） agency review"),
        pytest.param(WindowKey.TRAINING, (4, 1), (7, 31), id="三（四） training"),
        pytest.param(WindowKey.EXAMINATION, (6, 1), (10, 31), id="三（五） examination"),
        pytest.param(WindowKey.RESULTS, (10, 1), (12, 31), id="三（六） results"),
    ],
)
def test_the_days_of_2025_both_ends_included(key: WindowKey, opens: tuple[int, int], closes: tuple[int, int]) -> None:
    first, last = date(2025, *opens), date(2025, *closes)
    for day in (first, first + timedelta(days=1), last):
        assert require_open(WINDOWS_2025, key, day).key is key
    for day in (first - timedelta(days=1), last + timedelta(days=1)):
        with pytest.raises(WindowClosed):
            require_open(WINDOWS_2025, key, day)


def test_yearly_assessments_are_made_up_until_the_day_of_the_notice() -> None:
    """二（四）: 备案后的年度考核结果应在2025年6月30日前上传完毕."""
    assert DATA_2025["deferral_due"] == date(2025, 6, 30)


def test_the_message_names_window_days_and_clause() -> None:
    with pytest.raises(WindowClosed) as late:
        require_open(WINDOWS_2025, WindowKey.REGISTRATION, date(2025, 4, 1))
    assert late.value.message == "网上注册报名时间为2025年3月13日至3月31日，现已截止（通知三（二））。"
    with pytest.raises(WindowClosed, match="尚未开始"):
        require_open(WINDOWS_2025, WindowKey.REGISTRATION, date(2025, 3, 12))


def test_an_action_without_a_window_is_refused() -> None:
    with pytest.raises(WindowClosed, match="没有安排"):
        require_open((), WindowKey.REGISTRATION, date(2025, 3, 20))


@given(DAYS, st.integers(0, 400), DAYS)
def test_open_means_within_both_ends(opens: date, length: int, day: date) -> None:
    one = window(opens, opens + timedelta(days=length))
    assert is_open(one, day) == (one.opens <= day <= one.closes)
    assert is_open(one, day) == (0 <= days_left(one, day) <= length)
    assert f"{opens.year}年{opens.month}月{opens.day}日" in period_text(one)
    try:
        assert require_open([one], one.key, day) is one
    except WindowClosed as error:
        assert not is_open(one, day)
        assert all(part in error.message for part in (one.title, period_text(one), one.clause))
    else:
        assert is_open(one, day)


@pytest.mark.parametrize(
    ("closes", "text"),
    [
        (date(2025, 3, 13), "2025年3月13日"),
        (date(2025, 3, 31), "2025年3月13日至3月31日"),
        (date(2026, 1, 5), "2025年3月13日至2026年1月5日"),
    ],
)
def test_period_text(closes: date, text: str) -> None:
    assert period_text(window(date(2025, 3, 13), closes)) == text


PROVINCE = window(date(2025, 3, 13), date(2025, 3, 31))
PROVINCE_ONE = window(date(2025, 3, 15), date(2025, 3, 20), grades=frozenset({1}))
CITY_ALL = window(date(2025, 3, 14), date(2025, 3, 28), region_code=CITY)
CITY_LOW = window(date(2025, 3, 14), date(2025, 3, 25), region_code=CITY, grades=frozenset({2, 3, 4, 5}))
COUNTY_ALL = window(date(2025, 3, 17), date(2025, 3, 21), region_code=COUNTY)
CITY_MORE = window(date(2025, 3, 13), date(2025, 4, 3), region_code=CITY, extension=True)
CITY_MORE_ONE = window(date(2025, 3, 13), date(2025, 4, 5), region_code=CITY, grades=frozenset({1}), extension=True)
COUNTY_MORE = window(date(2025, 3, 13), date(2025, 4, 8), region_code=COUNTY, extension=True)


@pytest.mark.parametrize(
    ("windows", "region_codes", "grade", "found"),
    [
        pytest.param([PROVINCE], (), None, PROVINCE, id="province alone"),
        pytest.param([PROVINCE], (COUNTY, CITY), 4, PROVINCE, id="province where the region has none"),
        pytest.param([PROVINCE, CITY_ALL], (COUNTY, CITY), 4, CITY_ALL, id="city before province"),
        pytest.param([PROVINCE, CITY_ALL, COUNTY_ALL], (COUNTY, CITY), 4, COUNTY_ALL, id="county before city"),
        pytest.param([PROVINCE, CITY_ALL], (OTHER_CITY,), 4, PROVINCE, id="another city's does not hold"),
        pytest.param([PROVINCE, CITY_ALL], (), 4, PROVINCE, id="a city's does not hold for the province"),
        pytest.param([PROVINCE, PROVINCE_ONE], (), 1, PROVINCE_ONE, id="the grade's before that of all"),
        pytest.param([PROVINCE, PROVINCE_ONE], (), 2, PROVINCE, id="grade two keeps that of all"),
        pytest.param([PROVINCE, PROVINCE_ONE], (), None, PROVINCE, id="no grade keeps that of all"),
        pytest.param([PROVINCE_ONE], (), 3, None, id="no window for the grade"),
        pytest.param([CITY_ALL, CITY_LOW, PROVINCE_ONE], (CITY,), 3, CITY_LOW, id="within the city, the grade's"),
        pytest.param([CITY_LOW, PROVINCE, PROVINCE_ONE], (CITY,), 1, PROVINCE_ONE, id="city has none for grade one"),
        pytest.param([CITY_ALL, PROVINCE_ONE], (CITY,), 1, CITY_ALL, id="region goes before grade"),
        pytest.param(
            [CITY_MORE, COUNTY_ALL], (COUNTY, CITY), 4, CITY_MORE, id="an extension before the nearest region"
        ),
        pytest.param([CITY_MORE, COUNTY_MORE], (COUNTY, CITY), 4, COUNTY_MORE, id="the nearest extension"),
        pytest.param([CITY_MORE, CITY_MORE_ONE], (CITY,), 1, CITY_MORE_ONE, id="the grade's extension"),
        pytest.param([CITY_MORE_ONE, CITY_LOW], (CITY,), 3, CITY_LOW, id="an extension of another grade"),
        pytest.param([COUNTY_MORE, PROVINCE], (OTHER_CITY,), 4, PROVINCE, id="another region's extension"),
    ],
)
def test_which_window_holds(
    windows: list[Window], region_codes: Sequence[str], grade: int | None, found: Window | None
) -> None:
    for order in (windows, windows[::-1]):
        assert window_for(order, WindowKey.REGISTRATION, region_codes=region_codes, grade=grade) is found


@pytest.mark.parametrize(
    ("day", "key"),
    [
        (date(2025, 3, 9), None),
        (date(2025, 3, 10), WindowKey.UNIT_CHECK),
        (date(2025, 3, 13), WindowKey.REGISTRATION),
        (date(2025, 4, 1), WindowKey.UNIT_REVIEW),
        (date(2025, 4, 4), WindowKey.AGENCY_REVIEW),
        (date(2025, 4, 12), WindowKey.TRAINING),
        (date(2025, 6, 1), WindowKey.EXAMINATION),
        (date(2025, 10, 1), WindowKey.RESULTS),
        (date(2026, 1, 1), None),
    ],
)
def test_the_stage_everybody_speaks_of(day: date, key: WindowKey | None) -> None:
    found = stage_on(WINDOWS_2025, day)
    assert (found.key if found else None) is key


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(2025, 3, 12), PROVINCE),
        (date(2025, 3, 31), PROVINCE),
        (date(2025, 4, 1), COUNTY_MORE),
        (date(2025, 4, 8), COUNTY_MORE),
        (date(2025, 4, 9), PROVINCE),
    ],
)
def test_whoever_may_come_from_anywhere_is_let_in_as_long_as_anybody(day: date, found: Window) -> None:
    windows = [PROVINCE, CITY_ALL, CITY_MORE, COUNTY_MORE]
    assert window_anywhere(windows, WindowKey.REGISTRATION, day) is found
    assert window_anywhere([], WindowKey.REGISTRATION, day) is None


@given(DAYS, st.integers(0, 60), DAYS, st.integers(0, 60))
def test_what_sticks_out_is_counted_in_days(opens: date, length: int, first: date, span: int) -> None:
    outer = window(opens, opens + timedelta(days=length))
    last = first + timedelta(days=span)
    over = overhang(outer, first, last)
    days = [first + timedelta(days=number) for number in range(span + 1)]
    assert bool(over) == any(not is_open(outer, day) for day in days)
    # Moved by what sticks out, each end lies inside.
    if over.before:
        assert is_open(outer, first + timedelta(days=over.before)) or over.after
    if over.after:
        assert is_open(outer, last - timedelta(days=over.after)) or over.before
