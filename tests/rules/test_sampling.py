"""Random samples (notice 二（五）): fair, spread as asked, and drawn again by anyone who knows the seed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.errors import InvalidInput
from gongkao.rules.sampling import MAX_SEED, MAX_SIZE, Candidate, digest, draw, shares, size_of

seeds = st.integers(0, MAX_SEED)
populations = st.dictionaries(st.integers(1, 10**6), st.sampled_from("甲乙丙丁"), min_size=1, max_size=80).map(
    lambda found: [Candidate(*pair) for pair in found.items()]
)


@given(populations, seeds, st.data())
def test_the_same_seed_and_population_draw_the_same_people(
    population: list[Candidate], seed: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(population)))
    drawn = draw(population, size, seed)
    assert len(set(drawn)) == size and set(drawn) <= {one.id for one in population}
    shuffled = data.draw(st.permutations(population))
    assert draw(shuffled, size, seed) == drawn and digest(shuffled) == digest(population)


@given(populations, seeds, st.data())
def test_whoever_was_not_drawn_changes_nothing_by_leaving(
    population: list[Candidate], seed: int, data: st.DataObject
) -> None:
    plain = [Candidate(one.id) for one in population]
    drawn = draw(plain, data.draw(st.integers(1, len(plain))), seed)
    rest = [one for one in plain if one.id in drawn]
    assert draw(rest, len(drawn), seed) == drawn


@given(st.dictionaries(st.sampled_from("甲乙丙丁戊己"), st.integers(1, 500), min_size=1), st.data())
def test_each_stratum_has_its_share(sizes: dict[str, int], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, sum(sizes.values())))
    found = shares(sizes, size)
    assert sum(found.values()) == size
    assert all(0 <= found[name] <= sizes[name] for name in sizes)
    if size >= len(sizes):
        assert all(found.values()), "nobody is left out where there is enough to go round"
    for name, count in sizes.items():
        assert abs(found[name] - size * count / sum(sizes.values())) < len(sizes)


@pytest.mark.parametrize(
    ("sizes", "size", "expected"),
    [
        ({"一": 60, "二": 30, "三": 10}, 10, {"一": 6, "二": 3, "三": 1}),
        ({"一": 98, "二": 1, "三": 1}, 10, {"一": 8, "二": 1, "三": 1}),
        ({"一": 50, "二": 50}, 3, {"一": 2, "二": 1}),
        ({"一": 5, "二": 9, "三": 1}, 2, {"一": 1, "二": 1, "三": 0}),
        ({"一": 4, "二": 0}, 4, {"一": 4}),
    ],
)
def test_shares(sizes: dict[str, int], size: int, expected: dict[str, int]) -> None:
    assert shares(sizes, size) == expected


def test_every_seed_draws_everyone_equally_often() -> None:
    """No one is drawn more often than chance has it: 20 of 100, over 2000 seeds, each about 400 times."""
    population = [Candidate(one) for one in range(1, 101)]
    counts = dict.fromkeys(range(1, 101), 0)
    for seed in range(2000):
        for one in draw(population, 20, seed):
            counts[one] += 1
    # Six standard deviations on either side of the expected 400.
    assert all(abs(count - 400) < 6 * 17.9 for count in counts.values())


def test_a_draw_is_kept_for_good() -> None:
    """What was drawn once must be found again in later years: the way of drawing never changes."""
    assert draw([Candidate(one) for one in range(1, 21)], 4, 20250403) == [1, 3, 13, 7]


@pytest.mark.parametrize(
    ("population", "people", "percent", "expected"),
    [(200, 30, None, 30), (200, None, 5, 10), (201, None, 5, 11), (3, None, 1, 1), (7, None, 100, 7), (7, 7, None, 7)],
)
def test_size(population: int, people: int | None, percent: int | None, expected: int) -> None:
    assert size_of(population, people=people, percent=percent) == expected


@pytest.mark.parametrize(
    ("population", "people", "percent", "message"),
    [
        (0, 1, None, "放宽抽查范围"),
        (10, None, None, "填其中一项"),
        (10, 2, 20, "填其中一项"),
        (10, 0, None, "1以上"),
        (10, 11, None, "不能超过10"),
        (10, None, 0, "1至100"),
        (10, None, 101, "1至100"),
        (10**6, None, 50, f"最多抽取{MAX_SIZE}人"),
    ],
)
def test_what_cannot_be_drawn(population: int, people: int | None, percent: int | None, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        size_of(population, people=people, percent=percent)
