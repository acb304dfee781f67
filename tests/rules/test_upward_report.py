"""Reports upward: every table sums to the total, and a sum of reports to its parts."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.upward_report import COLUMNS, DEFERRED, HEADINGS, REGISTERED, Figures, Piece, add, count, from_data
from gongkao.rules.upward_report import merge as merged
from gongkao.rules.workflow import Status

STATUSES = [status for status in Status if status is not Status.DRAFT]
PIECES = st.lists(
    st.builds(
        Piece,
        unit=st.integers(1, 5).map(lambda number: (str(number), f"单位{number}")),
        grade=st.integers(1, 5).map(lambda number: (str(number), f"{number}级")),
        trade=st.integers(1, 4).map(lambda number: (f"0100{number}", f"工种{number}")),
        status=st.sampled_from(STATUSES),
        deferred=st.booleans(),
        people=st.integers(1, 40),
    ),
    max_size=30,
)


def _holds(figures: Figures) -> None:
    for lines in figures.tables.values():
        assert add(*(line.counts for line in lines)) == figures.total
    parts = sum(figures.total[key] for key, _, _ in COLUMNS)
    assert figures.total[REGISTERED] == parts
    assert figures.total[DEFERRED] <= figures.total[REGISTERED]


def test_every_status_but_the_draft_is_counted_in_one_column() -> None:
    counted = [status for _, _, statuses in COLUMNS for status in statuses]
    assert sorted(counted) == sorted(STATUSES)


@given(PIECES)
def test_every_table_sums_to_the_total(pieces: list[Piece]) -> None:
    figures = count(pieces, of="某县")
    _holds(figures)
    assert figures.total[REGISTERED] == sum(piece.people for piece in pieces)
    assert from_data(json.loads(json.dumps(figures.as_data()))) == figures


@given(st.lists(PIECES, max_size=5))
def test_a_sum_of_reports_is_the_sum_of_its_parts(counties: list[list[Piece]]) -> None:
    parts = [count(pieces, of=f"县{number}") for number, pieces in enumerate(counties)]
    whole = merged(parts)
    _holds(whole)
    assert whole.total == add(*(part.total for part in parts))
    assert len(whole.by_unit) == sum(len(part.by_unit) for part in parts)
    together = count([piece for pieces in counties for piece in pieces])
    assert (whole.by_grade, whole.by_trade) == (together.by_grade, together.by_trade)
    # A sum of sums is the same sum.
    assert merged([merged(parts[:2]), merged(parts[2:])]) == whole


def test_the_headings_are_in_the_order_of_the_table() -> None:
    assert next(iter(HEADINGS)) == REGISTERED and list(HEADINGS)[-1] == DEFERRED
