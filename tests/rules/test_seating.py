"""Seating: whatever the people and rooms, either everybody sits by the rules or what is short is told."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gongkao.rules.seating import (
    Assignment,
    Broken,
    ExamKind,
    Lacking,
    Person,
    Room,
    Shortage,
    Sitting,
    neighbours,
    place_of,
    seat,
    seat_at,
    usable_seats,
    violations,
)

START = datetime(2025, 6, 14, 9)
COMPUTER, PAPER = ExamKind.COMPUTER, ExamKind.PAPER


def sitting(number: int, rooms: list[Room], grades: set[int], kind: ExamKind = COMPUTER) -> Sitting:
    start = START + timedelta(hours=3 * number)
    used = frozenset(room.id for room in rooms)
    return Sitting(number, start, start + timedelta(hours=2), kind, frozenset(grades), used)


def room(number: int = 1, rows: int = 4, columns: int = 5, computers: int = 99, accessible: bool = False) -> Room:
    return Room(number, rows, columns, computers, accessible)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Person], list[Room], list[Sitting]]:
    """Small and awkward: few units, odd rooms, broken computers, grades that share sittings."""
    rooms = [
        Room(number, draw(st.integers(1, 5)), draw(st.integers(1, 6)), draw(st.integers(0, 30)), draw(st.booleans()))
        for number in range(draw(st.integers(1, 5)))
    ]
    sittings = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(ExamKind))
        grades = {1} if kind is PAPER else draw(st.sets(st.integers(2, 5), min_size=1))
        chosen = [one for one in rooms if draw(st.integers(0, 3))]
        sittings.append(sitting(number, chosen, grades, kind))
    people = []
    for number in range(draw(st.integers(0, 70))):
        grade = draw(st.sampled_from([1, 2, 3, 3, 4, 4, 5]))
        unit = draw(st.sampled_from([1, 1, 1, 2, 2, 3, 4, 5, 6, 7]))
        special = draw(st.integers(0, 9)) == 0
        people.append(Person(number, draw(st.integers(1, 3)), grade, unit, special, PAPER if grade == 1 else COMPUTER))
    return people, rooms, sittings


@settings(max_examples=300, deadline=None)
@given(situations(), st.integers(0, 3))
def test_everybody_sits_by_the_rules_or_what_is_short_is_told(
    situation: tuple[list[Person], list[Room], list[Sitting]], seed: int
) -> None:
    people, rooms, sittings = situation
    made = seat(people, rooms, sittings, seed)
    if isinstance(made, Shortage):
        assert made.lacks
        assert all(lack.text({}, {}).endswith("。") for lack in made.lacks)
    else:
        assert not violations(people, rooms, sittings, made)
        assert {one.person for one in made} == {person.id for person in people}
    assert seat(people[::-1], rooms[::-1], sittings[::-1], seed) == made


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(2, 6), st.integers(2, 8)), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), min_size=1, max_size=40),
    st.integers(0, 10),
)
@example([(2, 3)], [2, 2, 2], 1)
@example([(3, 3)], [3, 3, 3], 1)
@example([(5, 6)], [13, 13, 4], 1)
@example([(6, 2)], [3, 4, 4], 0)
def test_where_the_seats_suffice_and_no_unit_is_large_nobody_is_turned_away(
    shapes: list[tuple[int, int]], sizes: list[int], seed: int
) -> None:
    rooms = [room(number, rows, columns) for number, (rows, columns) in enumerate(shapes)]
    total = sum(usable_seats(one, COMPUTER) for one in rooms)
    people: list[Person] = []
    for unit, size in enumerate(sizes):
        if len(people) + size <= total and size * 2 <= total:
            people += [Person(len(people) + place, 1, 4, unit) for place in range(size)]
    largest = max(Counter(person.unit for person in people).values(), default=0)
    made = seat(people, rooms, [sitting(1, rooms, {4})], seed)
    if largest * 3 <= total or len(shapes) == 1:
        assert not isinstance(made, Shortage)
        assert not violations(people, rooms, [sitting(1, rooms, {4})], made)


def test_another_seed_seats_otherwise_and_as_well() -> None:
    people = [Person(number, 1, 4, number % 9) for number in range(60)]
    rooms = [room(1), room(2), room(3)]
    times = [sitting(1, rooms, {4})]
    first, again, other = (seat(people, rooms, times, seed) for seed in (7, 7, 8))
    assert first == again != other
    assert not isinstance(other, Shortage) and not violations(people, rooms, times, other)


def test_rooms_fill_one_after_another_and_the_early_sitting_first() -> None:
    people = [Person(number, 1, 4, number) for number in range(25)]
    rooms = [room(1), room(2)]
    made = seat(people, rooms, [sitting(1, rooms, {4}), sitting(2, rooms, {4})], 1)
    assert not isinstance(made, Shortage)
    assert Counter((one.sitting, one.room) for one in made) == {(1, 1): 20, (1, 2): 5}


def test_a_grade_that_can_go_elsewhere_makes_room_for_one_that_cannot() -> None:
    rooms = [room(1)]
    people = [Person(number, 1, 3, number) for number in range(20)]
    people += [Person(100 + number, 1, 5, 100 + number) for number in range(20)]
    times = [sitting(1, rooms, {3, 5}), sitting(2, rooms, {3})]
    made = seat(people, rooms, times, 1)
    assert not isinstance(made, Shortage)
    assert {one.sitting for one in made if one.person < 100} == {2}


@pytest.mark.parametrize(
    ("people", "rooms", "what", "words"),
    [
        (
            [Person(number, 1, 4, number) for number in range(23)],
            [room()],
            Lacking.SEATS,
            "四级人机对话有23人，现有场次只有20个座位，缺3个。请增加考场或场次。",
        ),
        (
            [Person(1, 1, 3, 1)],
            [room()],
            Lacking.SITTING,
            "三级有1人，没有可用的人机对话场次。请增加含该等级的场次。",
        ),
        (
            [Person(number, 1, 4, number, special=True) for number in range(2)],
            [room()],
            Lacking.ACCESSIBLE,
            "需要无障碍考场的四级人员有2人，人机对话的无障碍座位只有0个，缺2个。请增加无障碍考场或场次。",
        ),
        (
            [Person(number, 1, 4, 9) for number in range(11)],
            [room()],
            Lacking.SEPARATION,
            "座位总数够用，但晴川学校有11人，同一单位人员不能相邻，现有场次的考场错开后排不下。请增加考场或场次。",
        ),
        (
            [Person(number, 1, 1, number, kind=PAPER) for number in range(21)],
            [room()],
            Lacking.PAPER_TOGETHER,
            "汽车驾驶员一级有21人，须在同一场次相连就座，没有哪一场次还有足够的座位（最多的一场还剩20个）。请增加考场或场次。",
        ),
    ],
)
def test_what_is_short_is_said_in_words(people: list[Person], rooms: list[Room], what: Lacking, words: str) -> None:
    times = [sitting(1, rooms, {4}), sitting(2, rooms, {1}, PAPER)]
    made = seat(people, rooms, times, 1)
    assert isinstance(made, Shortage)
    (lack,) = made.lacks
    assert lack.what is what
    assert lack.text({1: "汽车驾驶员"}, {9: "晴川学校"}) == words


def test_on_paper_a_trade_and_grade_sits_together_at_one_time() -> None:
    people = [Person(number, number % 3, 1, number % 6, kind=PAPER) for number in range(45)]
    rooms = [room(number) for number in range(1, 5)]
    times = [sitting(number, rooms[:2], {1}, PAPER) for number in (1, 2)]
    made = seat(people, rooms, times, 1)
    assert not isinstance(made, Shortage)
    assert not violations(people, rooms, times, made)
    papers = {person.id: person.trade for person in people}
    assert all(len({one.sitting for one in made if papers[one.person] == trade}) == 1 for trade in range(3))


def test_seats_wind_through_the_room() -> None:
    one = room(rows=3, columns=2)
    assert [place_of(one, number) for number in range(1, 7)] == [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)]
    assert all(seat_at(one, *place_of(one, number)) == number for number in range(1, 7))
    assert sorted(neighbours(one, 2)) == [1, 3, 5]


ROOMS = [room(1, computers=18), room(2, accessible=True)]
PEOPLE = [Person(1, 1, 4, 1), Person(2, 1, 4, 2), Person(3, 2, 4, 1, special=True), Person(4, 1, 1, 1, kind=PAPER)]
TIMES = [
    sitting(1, ROOMS, {4}),
    replace(sitting(2, ROOMS[:1], {4}), starts_at=START + timedelta(hours=4)),
    sitting(3, ROOMS, {1}, PAPER),
    sitting(4, ROOMS, {1}, PAPER),
]
GOOD = [Assignment(1, 1, 1, 1), Assignment(2, 1, 1, 2), Assignment(3, 1, 2, 1), Assignment(4, 3, 1, 1)]


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ([], set()),
        ([Assignment(1, 1, 1, 2)], {Broken.SEAT_TAKEN}),
        ([Assignment(1, 1, 1, 19)], {Broken.NO_SUCH_SEAT}),
        ([Assignment(1, 1, 2, 2)], {Broken.COLLEAGUES}),
        ([Assignment(1, 3, 1, 5)], {Broken.KIND, Broken.GRADE}),
        ([Assignment(2, 2, 2, 5)], {Broken.ROOM, Broken.ROOM_TAKEN}),
        ([Assignment(3, 1, 1, 9)], {Broken.ACCESSIBLE}),
        ([Assignment(1, 9, 1, 1)], {Broken.UNKNOWN}),
    ],
)
def test_a_seat_against_the_rules_is_found(changed: list[Assignment], broken: set[Broken]) -> None:
    moved = {one.person for one in changed}
    seats = [one for one in GOOD if one.person not in moved] + changed
    times = TIMES
    if Broken.ROOM_TAKEN in broken:
        times = [TIMES[0], replace(TIMES[1], starts_at=TIMES[0].starts_at, ends_at=TIMES[0].ends_at), *TIMES[2:]]
    assert {one.rule for one in violations(PEOPLE, ROOMS, times, seats)} == broken


def test_missing_doubled_and_scattered_people_are_found() -> None:
    people = [Person(number, number % 2, 1, number, kind=PAPER) for number in range(4)]
    times = [TIMES[2], TIMES[3]]
    scattered = [Assignment(number, 3, 1, number + 1) for number in range(4)]
    assert {one.rule for one in violations(people, ROOMS, times, scattered)} == {Broken.PAPER_APART}
    doubled = [Assignment(0, 3, 1, 1), Assignment(0, 4, 1, 1), Assignment(2, 4, 1, 3)]
    found = violations(people, ROOMS, times, doubled)
    assert {one.rule for one in found} == {Broken.TWICE, Broken.UNSEATED, Broken.PAPER_SITTING}
    assert {one.people for one in found if one.rule is Broken.UNSEATED} == {(1,), (3,)}
