"""Every list: search, filters, a total order, pages, and the export of exactly what is filtered."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.models import RegionEntry
from gongkao.rules.routing import RegionLevel
from gongkao.services import kept, listing
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, ends_with
from gongkao.services.replica import last_write
from gongkao.storage.spreadsheets import read_table
from tests.statements import sent

pytestmark = pytest.mark.usefixtures("world")


def regions(**changes: Any) -> Listing:
    """A list of regions, whose id is their code."""
    facts: dict[str, Any] = {
        "title": "地区",
        "query": select(RegionEntry),
        "tie": RegionEntry.code,
        "sort": "code",
        "search": [contains(RegionEntry.name), ends_with(RegionEntry.code)],
        "columns": [
            Column("code", "代码", lambda row: row.code, RegionEntry.code),
            Column("name", "名称", lambda row: row.name, RegionEntry.name),
            Column("level", "级别", lambda row: Cell(row.level, chip="info"), RegionEntry.level),
            Column("note", "说明", lambda row: "无"),
        ],
        "filters": [
            Filter(
                "level",
                "级别",
                [("", "全部"), *((level.value, level.value) for level in RegionLevel)],
                lambda value: RegionEntry.level == RegionLevel(value),
            )
        ],
        **changes,
    }
    return Listing(**facts)


@pytest.fixture(autouse=True)
def _code_as_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RegionEntry, "id", property(lambda self: self.code), raising=False)


def codes(**args: str) -> list[str]:
    return [row.cells[0].text for row in listing.run(regions(), args).rows]


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    seen: list[str] = []
    first = listing.run(regions(), {})
    assert (first.total, first.pages, first.number) == (199, 10, 1)
    for number in range(1, first.pages + 1):
        seen += codes(page=str(number))
    assert len(seen) == len(set(seen)) == 199 and seen == sorted(seen)


def test_an_order_with_many_equals_is_total() -> None:
    seen: list[str] = []
    for number in range(1, 11):
        seen += codes(sort="level", order="desc", page=str(number))
    assert len(set(seen)) == 199


@pytest.mark.parametrize("sort", ["code", "level", "parent"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_deep_pages_are_read_on_from_the_one_before(monkeypatch: pytest.MonkeyPatch, sort: str, order: str) -> None:
    """Onwards and back again: every row once, in the same order as counted off; one region has no parent."""
    parent = Column("parent", "上级", lambda row: row.parent_code or "", RegionEntry.parent_code)
    source = regions(columns=[*regions().columns, parent])
    asked = {"sort": sort, "order": order}
    whole = [[row.id for row in listing.run(source, {**asked, "page": str(page)}).rows] for page in range(1, 11)]
    monkeypatch.setattr(kept, "COUNT_LIMIT", 60)

    def turn(address: Mapping[str, int | str]) -> listing.Page:
        return listing.run(source, {**asked, **{key: str(value) for key, value in address.items()}})

    page = turn({"page": 1})
    there = [[row.id for row in page.rows]]
    while page.number < page.pages:
        assert ("after" in page.next) == (page.number >= 3)
        page = turn(page.next)
        there.append([row.id for row in page.rows])
    assert there == whole and page.number == 10
    back = [[row.id for row in page.rows]]
    while page.number > 1:
        assert ("before" in page.previous) == (page.number > 4)
        page = turn(page.previous)
        back.insert(0, [row.id for row in page.rows])
        assert page.pages >= page.number + 1
    assert back == whole
    # A row that has left the list, or never was, gives no hold: the page is counted off.
    for lost in ("410000-gone", "0", "x" * 80):
        assert [row.id for row in turn({"page": 5, "after": lost}).rows] == whole[4]


@pytest.mark.parametrize(
    ("page", "number"), [("0", 1), ("-1", 1), ("x", 1), ("²", 1), ("9" * 40, 1), ("11", 10), ("", 1)]
)
def test_a_page_that_is_not_there_is_the_nearest(page: str, number: int) -> None:
    assert listing.run(regions(), {"page": page}).number == number


def test_search_takes_what_is_typed_as_text() -> None:
    assert codes(q="中牟") == ["410122"]
    assert codes(q=" 中牟县 ") == ["410122"]
    assert codes(q="0122") == ["410122"]
    for text in ("%", "_", "\\", "';--", '"', "没有的地方", "中" * 500):
        assert codes(q=text) == []
    empty = listing.run(regions(empty_text="还没有地区。"), {"q": "没有的地方"})
    assert (empty.total, empty.pages, empty.rows) == (0, 1, [])
    # Of a list that was narrowed it is not said that nothing is there.
    assert empty.empty_text == listing.NOTHING_FITS


def test_a_search_stops_counting_and_goes_on_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = listing.run(regions(search=[contains(RegionEntry.code)]), {"q": "41"})
    assert (whole.total, whole.more, whole.total_text) == (199, False, "199")
    monkeypatch.setattr(listing, "FOUND_LIMIT", 50)
    found: list[str] = []
    for number in range(1, 11):
        page = listing.run(regions(search=[contains(RegionEntry.code)]), {"q": "41", "page": str(number)})
        found += [row.cells[0].text for row in page.rows]
        assert page.more and page.number == number and page.total >= min(20 * number, 50)
    assert listing.run(regions(search=[contains(RegionEntry.code)]), {"q": "41"}).total_text == "50以上"
    assert len(found) == 199 and found == sorted(found)
    last = listing.run(regions(search=[contains(RegionEntry.code)]), {"q": "410122"})
    assert (last.total, last.more) == (1, False)


def test_a_long_list_is_counted_once_a_minute_and_anew_for_whoever_changed_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(**args: str) -> tuple[str, bool]:
        with sent() as statements:
            page = listing.run(regions(), args)
        return page.total_text, any("count(" in one for one in statements)

    last_write.set(0.0)
    monkeypatch.setattr(kept, "COUNT_LIMIT", 60)
    assert run() == ("60以上", True)
    for _ in range(2):
        assert run() == ("60以上", False)
    assert run(page="2", sort="name") == ("60以上", False)
    # What is filtered otherwise is another list; one that is short is counted every time.
    assert run(level="county") == ("60以上", True)
    for _ in range(2):
        assert run(level="city") == ("18", True)
    last_write.set(time.time())
    assert run() == ("60以上", True)
    last_write.set(0.0)
    assert run() == ("60以上", False)
    # Beyond the last page the last one that was counted stands for it.
    assert listing.run(regions(), {"page": "90"}).number == 3
    # Looking again and again does not put the next count off.
    began = time.time()
    for seconds, counted in ((30, False), (59, False), (61, True), (90, False), (122, True)):
        monkeypatch.setattr(kept.time, "time", lambda seconds=seconds: began + seconds)
        assert run() == ("60以上", counted), seconds
    monkeypatch.setattr(kept, "KEEP_SECONDS", 0)
    assert run() == ("60以上", True)


def test_only_offered_filters_and_orders_count() -> None:
    assert listing.run(regions(), {"level": "city"}).total == 18
    assert listing.run(regions(), {"level": "county", "q": "县"}).total < 180
    for args in ({"level": "village"}, {"level": ""}, {"unknown": "1"}, {"sort": "note"}, {"sort": "password_hash"}):
        assert listing.run(regions(), args).total == 199
    assert listing.run(regions(), {"sort": "note"}).sort == "code"
    assert codes(sort="code", order="desc")[0] == "419001"
    assert codes(sort="code", order="sideways")[0] == "410000"


def test_the_export_is_exactly_what_is_filtered() -> None:
    data = listing.export(regions(), {"level": "city", "sort": "code", "order": "desc", "page": "3"})
    rows = read_table(data, "地区.xlsx")
    assert rows[0] == ["代码", "名称", "级别", "说明"]
    assert [row[0] for row in rows[1:]] == sorted((row[0] for row in rows[1:]), reverse=True)
    assert len(rows) == 19 and all(row[2] == "city" for row in rows[1:])


def test_a_row_carries_its_link() -> None:
    page = listing.run(regions(), {"q": "中牟"}, lambda row: f"/regions/{row.code}")
    assert page.rows[0].href == "/regions/410122" and page.rows[0].id == "410122"
