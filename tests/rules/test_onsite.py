"""What is brought, when there is room, and when something held should have gone back."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules import onsite
from gongkao.rules.errors import InvalidInput, NotAllowed
from gongkao.rules.materials import MaterialKind
from gongkao.rules.onsite import Period

DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


def test_every_uploaded_material_but_the_photo_has_an_original_once() -> None:
    assert onsite.originals_for(MaterialKind) == tuple(
        kind.label for kind in MaterialKind if kind is not MaterialKind.PHOTO
    )
    twice = [MaterialKind.CERTIFICATE, MaterialKind.IDENTITY_CARD, MaterialKind.CERTIFICATE]
    assert onsite.originals_for(twice) == ("身份证", "原等级证书")
    assert onsite.originals_for([MaterialKind.PHOTO]) == ()


@pytest.mark.parametrize(
    ("capacity", "taken", "people", "message"),
    [
        (10, 0, 10, None),
        (10, 9, 1, None),
        (10, 9, 2, "只剩1人的名额，本批有2人"),
        (10, 10, 1, "已约满"),
        (5, 8, 1, "已约满"),
    ],
)
def test_a_visit_fits_or_is_told_how_much_room_there_is(
    capacity: int, taken: int, people: int, message: str | None
) -> None:
    if message is None:
        onsite.require_room(capacity, taken, people)
        return
    with pytest.raises(NotAllowed, match=message):
        onsite.require_room(capacity, taken, people)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500))
def test_what_is_let_in_never_exceeds_the_capacity(capacity: int, taken: int, people: int) -> None:
    try:
        onsite.require_room(capacity, taken, people)
    except NotAllowed:
        assert taken + people > capacity
    else:
        assert taken + people <= capacity


def test_a_booking_changes_until_the_day_before_and_again_once_missed() -> None:
    today = date(2025, 3, 20)
    for slot_day in (None, date(2025, 3, 21), date(2025, 3, 19)):
        onsite.require_changeable(slot_day, today)
    with pytest.raises(NotAllowed, match="最迟在前一天办理"):
        onsite.require_changeable(today, today)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:00-10:30", ["09:00-10:30"]),
        ("14:30—17:00\n9:00-11:30\n", ["09:00-11:30", "14:30-17:00"]),
        ("0900至1030，10:30~12:00", ["09:00-10:30", "10:30-12:00"]),
        ("９：００-１０：００", ["09:00-10:00"]),
    ],
)
def test_periods_are_read_as_people_type_them(text: str, expected: list[str]) -> None:
    assert [period.text for period in onsite.periods(text)] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "请填写每天的时段"),
        ("09:00", "缺少结束时间"),
        ("上午-下午", "不是时间"),
        ("25:00-26:00", "不是一天中的时间"),
        ("10:00-09:00", "应晚于开始时间"),
        ("09:00-10:30, 10:00-11:00", "有重叠"),
    ],
)
def test_periods_that_make_no_sense_are_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        onsite.periods(text)


def test_a_series_is_every_period_of_every_working_day() -> None:
    times = (Period(time(9), time(11)), Period(time(14), time(17)))
    found = onsite.series(date(2025, 3, 20), date(2025, 3, 24), times, weekends=False)
    assert [(day.day, period.text) for day, period in found] == [
        (20, "09:00-11:00"),
        (20, "14:00-17:00"),
        (21, "09:00-11:00"),
        (21, "14:00-17:00"),
        (24, "09:00-11:00"),
        (24, "14:00-17:00"),
    ]
    assert len(onsite.series(date(2025, 3, 20), date(2025, 3, 24), times, weekends=True)) == 10
    for first, last, message in (
        (date(2025, 3, 24), date(2025, 3, 20), "不早于"),
        (date(2025, 3, 22), date(2025, 3, 23), "都是周末"),
        (date(2025, 1, 1), date(2035, 1, 1), "一次最多设置"),
    ):
        with pytest.raises(InvalidInput, match=message):
            onsite.series(first, last, times, weekends=False)


@pytest.mark.parametrize(
    ("received", "today", "days", "due"),
    [
        (date(2025, 3, 20), date(2025, 3, 20), 0, False),
        (date(2025, 3, 20), date(2025, 3, 25), 3, False),
        (date(2025, 3, 20), date(2025, 3, 26), 4, True),
        (date(2025, 3, 21), date(2025, 3, 23), 0, False),
        (date(2025, 3, 22), date(2025, 3, 26), 3, False),
        (date(2025, 3, 20), date(2025, 3, 1), 0, False),
    ],
)
def test_working_days_and_reminders(received: date, today: date, days: int, due: bool) -> None:
    assert onsite.working_days_since(received, today) == days
    assert onsite.reminder_due(received, today) is due


@given(DAYS, st.integers(0, 60))
def test_counting_in_weeks_is_counting_day_by_day(received: date, span: int) -> None:
    days = [received + timedelta(days=count) for count in range(1, span + 1)]
    assert onsite.working_days_since(received, received + timedelta(days=span)) == sum(
        day.weekday() < 5 for day in days
    )


@given(DAYS, st.integers(-10, 30))
def test_the_limit_parts_what_is_due_from_what_is_not(today: date, back: int) -> None:
    received = today - timedelta(days=back)
    assert onsite.reminder_due(received, today) is (received <= onsite.reminder_limit(today))
