"""Random samples for oversight (事中事后监管, notice 二（五）): anyone can draw again and finds the same people.

Everyone of the population gets a lot that follows from the seed and the own id alone; the smallest lots are drawn. So
the order in which the people come, and the version of the language, change nothing, and whoever leaves the population
changes nothing for the others.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256

from gongkao.rules.errors import InvalidInput

# A seed is kept as a whole number of 31 bits.
MAX_SEED = 2**31 - 1
MAX_SIZE = 2000


class Strata(StrEnum):
    """Whether the sample is spread over groups in proportion to their size."""

    NONE = "none"
    REGION = "region"
    GRADE = "grade"

    @property
    def label(self) -> str:
        return {"none": "不分层", "region": "按审查机构分层", "grade": "按等级分层"}[self.value]


@dataclass(frozen=True)
class Candidate:
    """One of the population; `stratum` is the group that it is drawn from."""

    id: int
    stratum: str = ""


def lot(seed: int, candidate_id: int) -> str:
    """The lot that somebody draws: SHA-256 of "seed:id", as text to be sorted by."""
    return sha256(f"{seed}:{candidate_id}".encode()).hexdigest()


def digest(population: Iterable[Candidate]) -> str:
    """A fingerprint of the population: two are the same where it is the same."""
    ids = ",".join(str(one) for one in sorted(candidate.id for candidate in population))
    return sha256(ids.encode()).hexdigest()


def size_of(population: int, *, people: int | None = None, percent: int | None = None) -> int:
    """How many to draw: so many people, or so many percent of the population, rounded up.

    Raises InvalidInput where neither or both are given, or the number cannot be drawn.
    """
    if (people is None) == (percent is None):
        raise InvalidInput("请填写抽取人数或抽取比例，两项填其中一项。")
    if population == 0:
        raise InvalidInput("没有符合条件的已办结申报，请放宽抽查范围。")
    if percent is not None:
        if not 1 <= percent <= 100:
            raise InvalidInput("抽取比例应为1至100的整数。")
        size = -(-population * percent // 100)
    else:
        assert people is not None
        if people < 1:
            raise InvalidInput("抽取人数应为1以上的整数。")
        if people > population:
            raise InvalidInput(f"符合条件的共{population}人，抽取人数不能超过{population}。")
        size = people
    if size > MAX_SIZE:
        raise InvalidInput(f"一次最多抽取{MAX_SIZE}人，按此要求为{size}人，请减少人数或缩小范围。")
    return size


def shares(sizes: Mapping[str, int], size: int) -> dict[str, int]:
    """How many to draw from each stratum: in proportion, and at least one of each as far as the size reaches.

    The largest remainders get what is left over; among equals the stratum whose name comes first.
    """
    total = sum(sizes.values())
    wanted = {name: Fraction(size * count, total) for name, count in sizes.items() if count}
    found = dict.fromkeys(wanted, 0)
    # The largest strata first, should there be more strata than people to draw.
    for name in sorted(wanted, key=lambda name: (-sizes[name], name))[:size]:
        found[name] = 1
    while sum(found.values()) < size:
        open_ones = [name for name in wanted if found[name] < sizes[name]]
        next_one = min(open_ones, key=lambda name: (found[name] - wanted[name], name))
        found[next_one] += 1
    return found


def draw(population: Iterable[Candidate], size: int, seed: int) -> list[int]:
    """The ids drawn, by lot; the same seed over the same population draws the same.

    `size` is at most the population's; it is shared out among the strata as `shares` says.
    """
    strata: dict[str, list[int]] = defaultdict(list)
    for candidate in population:
        strata[candidate.stratum].append(candidate.id)
    drawn: list[int] = []
    for stratum, count in shares({name: len(ids) for name, ids in strata.items()}, size).items():
        drawn += sorted(strata[stratum], key=lambda one: lot(seed, one))[:count]
    return sorted(drawn, key=lambda one: lot(seed, one))
