"""Seating 100,000 people of a province at once, every seat checked; the baseline is the ten seconds it may take.

Once as the rule alone, in one hall; then as the province's centre does it, office by office through the database, with
the violations counted there by a query. The baseline of the database is the minute that a person waits for it.
"""

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from bench import Measurement, _seating_database
from gongkao.rules.seating import ExamKind, Person, Room, Shortage, Sitting, seat, violations

_PEOPLE = 100_000
_UNITS = 10_000
_TRADES = 90
_SECONDS = 10.0


def measure() -> Iterator[Measurement]:
    chance = random.Random(2025)
    people = [_person(number, chance) for number in range(_PEOPLE)]
    rooms = [
        Room(number, rows, columns, computers=rows * columns - chance.randrange(4), accessible=number % 20 == 0)
        for number, (rows, columns) in enumerate(chance.choice(((5, 6), (6, 8), (8, 10))) for _ in range(400))
    ]
    sittings = _sittings(frozenset(room.id for room in rooms))

    start = time.perf_counter()
    made = seat(people, rooms, sittings, seed=2025)
    seconds = time.perf_counter() - start
    if isinstance(made, Shortage):
        raise RuntimeError(f"the rooms should hold everybody: {made.lacks}")
    yield Measurement("seating", seconds, "s", _SECONDS, len(made))
    wrong = violations(people, rooms, sittings, made)
    yield Measurement("seating_violations", len(wrong), "violations", 0, len(made))
    yield from _seating_database.measure(_PEOPLE)


def _person(number: int, chance: random.Random) -> Person:
    """Somebody of some unit; a few units are large, most are small."""
    grade = chance.choice((5, 4, 4, 3, 3, 3, 3, 2, 2, 1))
    kind = ExamKind.PAPER if grade == 1 else ExamKind.COMPUTER
    unit = int(_UNITS * chance.random() ** 2)
    return Person(number, chance.randrange(_TRADES), grade, unit, special=chance.random() < 0.005, kind=kind)


def _sittings(rooms: frozenset[int]) -> list[Sitting]:
    first, hours = datetime(2025, 6, 14, 9), timedelta(hours=2)
    starts = [first + timedelta(days=day, hours=4 * half) for day in range(4) for half in range(2)]
    grades = frozenset((2, 3, 4, 5))
    made = [
        Sitting(number, start, start + hours, ExamKind.COMPUTER, grades, rooms) for number, start in enumerate(starts)
    ]
    late = starts[-1] + timedelta(days=1)
    return [*made, Sitting(99, late, late + hours, ExamKind.PAPER, frozenset((1,)), rooms)]
