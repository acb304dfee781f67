"""Bans for false materials: two years to the day, by identity number, everywhere (notice 四（四）)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.bans import Ban, ban_ends, ban_in_force

NUMBER, OTHER = "410122198604090573", "410122198604090610"
BAN = Ban(NUMBER, date(2025, 5, 20), ban_ends(date(2025, 5, 20), 2))


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        pytest.param(date(2025, 5, 20), date(2027, 5, 19), id="四（四） two years to the day"),
        pytest.param(date(2025, 1, 1), date(2026, 12, 31), id="四（四） whole years"),
        pytest.param(date(2024, 2, 29), date(2026, 2, 28), id="四（四） from a leap day"),
        pytest.param(date(2026, 3, 1), date(2028, 2, 29), id="四（四） to a leap day"),
    ],
)
def test_the_last_day(starts: date, ends: date) -> None:
    assert ban_ends(starts, 2) == ends


@pytest.mark.parametrize(
    ("number", "day", "banned"),
    [
        pytest.param(NUMBER, date(2025, 5, 19), False, id="四（四） the day before"),
        pytest.param(NUMBER, date(2025, 5, 20), True, id="四（四） the first day"),
        pytest.param(NUMBER, date(2027, 5, 19), True, id="四（四） the last day"),
        pytest.param(NUMBER, date(2027, 5, 20), False, id="四（四） two years after"),
        pytest.param(OTHER, date(2026, 1, 1), False, id="四（四） somebody else"),
    ],
)
def test_when_it_holds(number: str, day: date, banned: bool) -> None:
    assert ban_in_force([BAN], number, day) == (BAN if banned else None)


def test_of_several_the_longest_holds_and_the_message_says_until_when() -> None:
    longer = Ban(NUMBER, date(2026, 1, 1), date(2027, 12, 31), "替考")
    assert ban_in_force([BAN, longer], NUMBER, date(2026, 6, 1)) is longer
    assert ban_in_force([], NUMBER, date(2026, 6, 1)) is None
    assert "2025年5月20日至2027年5月19日不得申报（通知四（四））。2027年5月20日起可以申报" in BAN.message
    assert longer.message.startswith("因替考，")


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 5))
def test_a_ban_is_as_long_as_it_says(starts: date, years: int) -> None:
    free = ban_ends(starts, years) + timedelta(days=1)
    assert free.year == starts.year + years
    assert (free.month, free.day) in {(starts.month, starts.day), (3, 1)}
