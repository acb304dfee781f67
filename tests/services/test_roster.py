"""A unit's list of its people: judged row by row, all or nothing, and who has not finished."""

from collections.abc import Callable, Sequence
from datetime import date
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from gongkao.extensions import db
from gongkao.models import Account, RosterEntry
from gongkao.rules.workflow import Status
from gongkao.services import listing, roster
from gongkao.storage.spreadsheets import write_table
from tests import factories
from tests.world import World, identity_number

A = identity_number("410122", date(1986, 4, 9), 57)
B = identity_number("410122", date(1990, 1, 2), 46)
HEADERS = (roster.NAME, roster.NUMBER, roster.UNIT, roster.EDUCATION, roster.WORK_STARTED, roster.GRADE)


def _table(*rows: Sequence[str]) -> bytes:
    return write_table(HEADERS, rows, title="名单")


def _import(world: World, *rows: Sequence[str]) -> roster.RosterPreview:
    preview = roster.read_import(world.bureau_administrator, _table(*rows), "名单.xlsx")
    return roster.commit_import(world.bureau_administrator, preview.digest, "名单.xlsx")


def test_a_good_table_is_kept_and_a_second_one_brings_it_up_to_date(world: World) -> None:
    first = _import(
        world, ("丁小满", A, "", "高中", "2004-07-01", "五级"), ("季春华", B, "中牟县晴川学校", "", "2011.9.1", "")
    )
    assert (first.count("新增"), first.errors) == (2, [])
    entry = roster.entry_of(A, db.session.query(RosterEntry).first().cycle_id)
    assert entry is not None and entry.unit_id == world.bureau.id
    assert (entry.work_started_on, entry.certificate_grade) == (date(2004, 7, 1), 5)
    second = _import(world, ("丁小满", A, "", "大专", "2004-07-01", "五级"))
    assert (second.count("修改"), db.session.query(RosterEntry).count()) == (1, 2)
    assert entry.education == "大专"


@pytest.mark.parametrize(
    ("row", "column", "part"),
    [
        (("A", A, "", "", "", ""), roster.NAME, "2至30个汉字"),
        (("丁小满", A[:-1] + ("1" if A[-1] != "1" else "2"), "", "", "", ""), roster.NUMBER, "校验"),
        (("丁小满", A, "巩义市远山局", "", "", ""), roster.UNIT, "不是本单位或下属单位"),
        (("丁小满", A, "", "博学", "", ""), roster.EDUCATION, "以下之一"),
        (("丁小满", A, "", "", "2026-01-01", ""), roster.WORK_STARTED, "不能晚于"),
        (("丁小满", A, "", "", "", "六级"), roster.GRADE, "以下之一"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_kept(world: World, row: Sequence[str], column: str, part: str) -> None:
    preview = _import(world, ("季春华", B, "", "", "", ""), row)
    assert [(error.number, error.column) for error in preview.errors] == [(3, column)]
    assert part in preview.errors[0].reason
    assert db.session.query(RosterEntry).count() == 0


def test_one_person_stands_on_one_list_only(world: World) -> None:
    _import(world, ("丁小满", A, "", "", "", ""))
    twice = roster.read_import(
        world.bureau_administrator, _table(("丁", A, "", "", "", ""), ("丁小", A, "", "", "", "")), "x.xlsx"
    )
    assert any("重复" in error.reason for error in twice.errors)
    elsewhere = roster.read_import(world.far_unit_administrator, _table(("丁小满", A, "", "", "", "")), "x.xlsx")
    assert "其他单位" in elsewhere.errors[0].reason


def test_who_has_not_finished(world: World) -> None:
    _import(world, ("丁小满", A, "中牟县晴川学校", "", "", ""), ("季春华", B, "", "", "", ""))
    assert roster.counts(world.bureau_administrator) == {"total": 2, "unfinished": 2}
    factories.application(factories.person("丁小满", 57), world.school, status=Status.UNIT_REVIEW)
    assert roster.counts(world.bureau_administrator) == {"total": 2, "unfinished": 1}

    def names(account: Account, **args: str) -> list[str]:
        return [row.cells[0].text for row in listing.run(roster.listing(account), args).rows]

    assert names(world.bureau_administrator, progress="unfinished") == ["季春华"]
    assert names(world.bureau_administrator, progress="not_registered") == ["季春华"]
    assert names(world.bureau_administrator, progress="unit_review") == ["丁小满"]
    assert names(world.unit_administrator) == ["丁小满"], "a subordinate unit sees its own people only"
    assert names(world.far_unit_administrator) == []


def test_taking_off_is_bound_to_the_scope(world: World) -> None:
    _import(world, ("丁小满", A, "", "", "", ""))
    entry_id = db.session.query(RosterEntry).one().id
    assert roster.remove(world.far_unit_administrator, [entry_id]) == 0
    assert roster.remove(world.bureau_administrator, [entry_id]) == 1


def test_through_the_pages(world: World, sign_in: Callable[[Account], FlaskClient]) -> None:
    browser = sign_in(world.bureau_administrator)
    assert "名单为空" in browser.get("/roster").text
    assert browser.get("/roster/template").data[:2] == b"PK"
    bad = browser.post("/roster/import", data={"file": (BytesIO(b"x"), "名单.exe")})
    assert bad.status_code == 422
    page = browser.post("/roster/import", data={"file": (BytesIO(_table(("丁小满", A, "", "", "", ""))), "名单.xlsx")})
    assert "新增1人" in page.text
    held = page.text.split('name="held"')[1].split('value="')[1].split('"')[0]
    assert browser.post("/roster/import/commit", data={"held": held}).status_code == 302
    assert "丁小满" in browser.get("/roster?q=丁").text
