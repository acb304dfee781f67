"""Judging 100,000 applicants by the conditions of 2025: the verdict alone, against all the words made as well."""

import random
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from bench import Measurement
from gongkao.rules.conditions import STAFF_KINDS, load_conditions
from gongkao.rules.eligibility import Assessment, Certificate, Facts, evaluate
from gongkao.rules.retirement import PostKind

_CONDITIONS = Path(__file__).parent.parent / "data" / "conditions-2025.toml"
_APPLICANTS = 100_000
_WITH_WORDS = 10_000
_ROUNDS = 3


def measure() -> Iterator[Measurement]:
    conditions = load_conditions(tomllib.loads(_CONDITIONS.read_text(encoding="utf-8")))
    chance = random.Random(2025)
    people = [_applicant(chance) for _ in range(_APPLICANTS)]

    value = _each(people, lambda grade, facts: evaluate(conditions, grade, facts))
    baseline = _each(people[:_WITH_WORDS], lambda grade, facts: evaluate(conditions, grade, facts).to_data())
    yield Measurement("eligibility", value, "µs", baseline, _APPLICANTS)


def _each(people: Sequence[tuple[int, Facts]], judge: Callable[[int, Facts], object]) -> float:
    """Processor time for each person in µs, the best of the rounds."""
    times = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        for grade, facts in people:
            judge(grade, facts)
        times.append(time.process_time() - start)
    return min(times) / len(people) * 1e6


def _applicant(chance: random.Random) -> tuple[int, Facts]:
    """Somebody as they come: all grades, most answers there, some years at the edge."""
    grade = chance.choice((5, 4, 4, 3, 3, 3, 2, 2, 1))
    started = date(1985, 1, 1) + timedelta(days=chance.randrange(14_000))
    has_certificate = grade < 5 and chance.random() < 0.9
    certificate = Certificate(
        grade=min(5, grade + chance.choice((1, 1, 1, 2))),
        trade="汽车驾驶员",
        issued_on=started + timedelta(days=chance.randrange(300, 6_000)),
        filed=chance.choice((True, True, None)),
    )
    outcomes = ("合格", "合格", "合格", "优秀", "不定等次")
    return grade, Facts(
        birth=started - timedelta(days=chance.randrange(6_600, 9_500)),
        sex=chance.choice("男女"),
        post_kind=PostKind.WORKER,
        staff_kind=chance.choice((*STAFF_KINDS[:1] * 4, STAFF_KINDS[1])),
        work_started_on=started,
        has_certificate=has_certificate,
        certificate=certificate if has_certificate else None,
        trade=chance.choice(("汽车驾驶员", "汽车驾驶员", "汽车维修工")),
        trade_changed=False,
        interrupted=False,
        assessments={
            year: Assessment(chance.choice(outcomes), filed=year < 2024 or chance.random() < 0.8)
            for year in range(chance.choice((2018, 2022)), 2025)
        },
        schooling=chance.choice(("初中", "高中", "技校", "大专")),
        awards=chance.choice((0, 0, 1)),
        achievements=chance.choice((0, 1, 2)),
    )
