"""Loading the starting data of `data/` into an empty database. What is there already stays as officials set it."""

import csv
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, select

from gongkao.config import ROOT
from gongkao.extensions import db
from gongkao.models import (
    Agency,
    ConditionSet,
    Cycle,
    CycleWindow,
    GradeEntry,
    RegionEntry,
    SubjectEntry,
    Trade,
    TradeOpening,
)
from gongkao.rules.calendar import WindowKey
from gongkao.rules.conditions import load_conditions, to_data
from gongkao.rules.routing import RegionLevel
from gongkao.services.transaction import transaction

DATA = ROOT / "data"


def load(folder: Path = DATA) -> bool:
    """Load regions, agencies, grades, trades and the cycle, all or nothing; False where they are loaded already."""
    with transaction():
        if db.session.scalar(select(func.count()).select_from(RegionEntry)):
            return False
        _regions(folder)
        _agencies(folder)
        _grades(folder)
        trades = _trades(folder)
        cycle = _cycle(folder)
        _subjects(folder, cycle)
        _conditions(folder, cycle)
        for trade, grades in trades:
            db.session.add(TradeOpening(cycle_id=cycle.id, trade_id=trade.id, grades=grades))
    return True


def grade_range(text: str) -> list[int]:
    """ "5-1" -> [1, 2, 3, 4, 5]; "5-3" -> [3, 4, 5]; "5" -> [5]. Raises ValueError for anything else."""
    low, _, high = text.strip().partition("-")
    bounds = sorted((int(low), int(high or low)))
    if bounds[0] < 1 or bounds[1] > 5:
        raise ValueError(text)
    return list(range(bounds[0], bounds[1] + 1))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _regions(folder: Path) -> None:
    rows = list(_rows(folder / "regions.csv"))
    # Parents first, so that every foreign key finds its row.
    for level in RegionLevel:
        for row in rows:
            if row["level"] == level:
                parent = row["parent_code"] or None
                db.session.add(RegionEntry(code=row["code"], name=row["name"], level=level, parent_code=parent))
        db.session.flush()


def _agencies(folder: Path) -> None:
    rows = list(_rows(folder / "agencies.csv"))
    ids: dict[str, int] = {}
    for level in RegionLevel:
        made = [_agency(row, ids) for row in rows if row["level"] == level]
        db.session.add_all(made)
        db.session.flush()
        ids.update((agency.code, agency.id) for agency in made)


def _agency(row: dict[str, str], ids: dict[str, int]) -> Agency:
    return Agency(
        code=row["code"],
        name=row["name"],
        level=RegionLevel(row["level"]),
        region_code=row["region_code"],
        parent_id=ids[row["parent_code"]] if row["parent_code"] else None,
        taken_over=row["taken_over"] == "1",
        phone=row["phone"],
        address=row["address"],
        first_responsible_post=row["first_responsible_post"],
        main_responsible_post=row["main_responsible_post"],
        direct_responsible_post=row["direct_responsible_post"],
    )


def _grades(folder: Path) -> None:
    for row in _rows(folder / "grades.csv"):
        db.session.add(
            GradeEntry(
                grade=int(row["grade"]),
                level=row["level"],
                title=row["title"],
                tests=row["tests"],
                needs_confirmation=row["needs_confirmation"] == "1",
            )
        )


def _trades(folder: Path) -> list[tuple[Trade, list[int]]]:
    made = [
        (Trade(code=row["code"], name=row["name"], category=row["category"]), grade_range(row["grades"]))
        for row in _rows(folder / "trades.csv")
    ]
    db.session.add_all(trade for trade, _ in made)
    db.session.flush()
    return made


def _cycle(folder: Path) -> Cycle:
    content = tomllib.loads((folder / "cycle-2025.toml").read_text(encoding="utf-8"))
    windows = content.pop("windows")
    cycle = Cycle(**content, current=True)
    for position, window in enumerate(windows):
        window["key"] = WindowKey(window["key"])
        cycle.window_entries.append(CycleWindow(position=position, **window))
    db.session.add(cycle)
    db.session.flush()
    return cycle


def _subjects(folder: Path, cycle: Cycle) -> None:
    rows = [row for row in _rows(folder / "subjects.csv") if int(row["cycle"]) == cycle.year]
    for position, row in enumerate(rows):
        db.session.add(
            SubjectEntry(
                cycle_id=cycle.id,
                grade=int(row["grade"]),
                position=position,
                key=row["key"],
                name=row["name"],
                full_mark=Decimal(row["full_mark"]),
                pass_mark=Decimal(row["pass_mark"]),
                kind=row["kind"],
            )
        )


def _conditions(folder: Path, cycle: Cycle) -> None:
    """The cycle's conditions, as the first of their versions."""
    content = tomllib.loads((folder / f"conditions-{cycle.year}.toml").read_text(encoding="utf-8"))
    data = to_data(load_conditions(content))
    db.session.add(ConditionSet(cycle_id=cycle.id, version=1, data=data, note="随系统提供的初始条件"))
