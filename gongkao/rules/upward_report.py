"""The figures of a report upward (汇总上报, notice 三（三）): by unit, grade and trade, and summed from parts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gongkao.rules.workflow import Status

# What is counted, in the order of the table; the statuses of each, and its heading.
COLUMNS: tuple[tuple[str, str, frozenset[Status]], ...] = (
    ("unit_review", "单位审核中", frozenset({Status.UNIT_REVIEW, Status.SUPERVISING_REVIEW})),
    ("agency_review", "资格审查中", frozenset({Status.AGENCY_REVIEW, Status.ONSITE_CONFIRMATION})),
    ("returned", "退回修改", frozenset({Status.RETURNED})),
    ("qualified", "审查合格", frozenset({Status.QUALIFIED})),
    ("refused", "审查不通过", frozenset({Status.REFUSED})),
    ("cancelled", "取消资格", frozenset({Status.CANCELLED})),
)
REGISTERED, DEFERRED = "registered", "deferred"
HEADINGS: dict[str, str] = {
    REGISTERED: "申报人数",
    **{key: label for key, label, _ in COLUMNS},
    DEFERRED: "其中容缺后补",
}
_KEY_OF = {status: key for key, _, statuses in COLUMNS for status in statuses}


@dataclass(frozen=True)
class Piece:
    """So many people of one unit, grade, trade and status. `unit`, `trade` are (key, label)."""

    unit: tuple[str, str]
    grade: tuple[str, str]
    trade: tuple[str, str]
    status: Status
    deferred: bool
    people: int = 1


Counts = dict[str, int]


def no_counts() -> Counts:
    return dict.fromkeys(HEADINGS, 0)


def add(*parts: Mapping[str, int]) -> Counts:
    """The sum of several counts, column by column."""
    return {key: sum(part.get(key, 0) for part in parts) for key in HEADINGS}


@dataclass
class Line:
    """One line of a table: what it stands for, whose it is (an agency's name where lines of several are together)."""

    key: str
    label: str
    of: str = ""
    counts: Counts = field(default_factory=no_counts)


@dataclass(frozen=True)
class Figures:
    """The tables of one report; each table's lines sum up to `total`."""

    by_unit: Sequence[Line]
    by_grade: Sequence[Line]
    by_trade: Sequence[Line]
    total: Counts

    @property
    def tables(self) -> dict[str, Sequence[Line]]:
        return {"by_unit": self.by_unit, "by_grade": self.by_grade, "by_trade": self.by_trade}

    def as_data(self) -> dict[str, Any]:
        """As it is frozen in JSON."""
        tables = {
            name: [{"key": one.key, "label": one.label, "of": one.of, "counts": one.counts} for one in lines]
            for name, lines in self.tables.items()
        }
        return {**tables, "total": self.total}


def from_data(data: Mapping[str, Any]) -> Figures:
    """What `as_data` froze."""

    def lines(name: str) -> list[Line]:
        return [Line(one["key"], one["label"], one["of"], add(one["counts"])) for one in data[name]]

    return Figures(lines("by_unit"), lines("by_grade"), lines("by_trade"), add(data["total"]))


def count(pieces: Iterable[Piece], of: str = "") -> Figures:
    """Count pieces by unit, grade and trade. `of` names the agency whose units these are."""
    tables: tuple[dict[str, Line], ...] = ({}, {}, {})
    total = no_counts()
    for piece in pieces:
        places = [
            table.setdefault(key, Line(key, label, of if number == 0 else "")).counts
            for number, (table, (key, label)) in enumerate(
                zip(tables, (piece.unit, piece.grade, piece.trade), strict=True)
            )
        ]
        for counts in (*places, total):
            counts[REGISTERED] += piece.people
            counts[_KEY_OF[piece.status]] += piece.people
            if piece.deferred:
                counts[DEFERRED] += piece.people
    by_unit, by_grade, by_trade = (list(table.values()) for table in tables)
    return Figures(
        sorted(by_unit, key=lambda line: (line.label, line.key)),
        sorted(by_grade, key=lambda line: line.key, reverse=True),
        sorted(by_trade, key=lambda line: line.key),
        total,
    )


def merge(parts: Sequence[Figures]) -> Figures:
    """The sum of several reports: units stand side by side, grades and trades are added up."""

    def summed(name: str) -> list[Line]:
        found: dict[str, Line] = {}
        for part in parts:
            for line in part.tables[name]:
                held = found.setdefault(line.key, Line(line.key, line.label))
                held.counts = add(held.counts, line.counts)
        return list(found.values())

    return Figures(
        [line for part in parts for line in part.by_unit],
        sorted(summed("by_grade"), key=lambda line: line.key, reverse=True),
        sorted(summed("by_trade"), key=lambda line: line.key),
        add(*(part.total for part in parts)),
    )
