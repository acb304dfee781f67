"""The starting data: the whole province, every window of the notice, and loading it twice changes nothing."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Cycle,
    CycleWindow,
    GradeEntry,
    RegionEntry,
    Role,
    SubjectEntry,
    Trade,
    TradeOpening,
)
from gongkao.rules.calendar import WindowKey
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.services import accounts, cycles, installation, starting_data
from gongkao.services.errors import Refused
from tests.world import World


def _count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_the_province_is_whole(world: World) -> None:
    regions = db.session.scalars(select(RegionEntry)).all()
    by_level = {level: [one for one in regions if one.level is level] for level in RegionLevel}
    assert [one.code for one in by_level[RegionLevel.PROVINCE]] == ["410000"]
    cities = by_level[RegionLevel.CITY]
    assert len(cities) == 18
    assert "济源示范区" in {one.name for one in cities}
    assert {one.parent_code for one in cities} == {"410000"}
    counties = by_level[RegionLevel.COUNTY]
    assert len(counties) == 180
    assert len({(one.parent_code, one.name) for one in counties}) == 180
    for county in counties:
        # Scope is told by the code's first digits.
        assert county.parent is not None and county.parent.level is RegionLevel.CITY
        assert county.code[:4] == county.parent.code[:4] and county.code[4:] != "00"
    # Every city but 济源示范区 has counties.
    assert {one.name for one in cities} - {one.parent.name for one in counties if one.parent} == {"济源示范区"}


def test_every_region_has_its_agency_with_responsible_posts(world: World) -> None:
    agencies = db.session.scalars(select(Agency)).all()
    assert len(agencies) == 199 == _count(RegionEntry)
    for agency in agencies:
        assert agency.code == agency.region_code and agency.level is agency.region.level
        posts = (agency.first_responsible_post, agency.main_responsible_post, agency.direct_responsible_post)
        assert all(posts), agency.name
        # Who they are the offices write themselves.
        assert not agency.first_responsible_name
        if agency.level is RegionLevel.PROVINCE:
            assert agency.name == "河南省职业技能等级评价指导中心" and agency.parent is None
        else:
            assert agency.parent is not None and agency.parent.region_code == agency.region.parent_code
    # Which counties have taken over, officials say.
    assert {agency.code for agency in agencies if agency.taken_over} <= {"410122", "410181"}


# Section 三 of the notice, with 二（四）and the attachment's third remark.
CALENDAR = {
    WindowKey.UNIT_CHECK: (date(2025, 3, 10), date(2025, 3, 12)),
    WindowKey.ADMINISTRATOR_REGISTRATION: (date(2025, 3, 10), date(2025, 3, 12)),
    WindowKey.ADMINISTRATOR_CHANGE: (date(2025, 3, 10), date(2025, 12, 31)),
    WindowKey.REGISTRATION: (date(2025, 3, 13), date(2025, 3, 31)),
    WindowKey.UNIT_REVIEW: (date(2025, 3, 13), date(2025, 4, 3)),
    WindowKey.AGENCY_REVIEW: (date(2025, 3, 13), date(2025, 4, 11)),
    WindowKey.TRAINING: (date(2025, 4, 1), date(2025, 7, 31)),
    WindowKey.EXAMINATION: (date(2025, 6, 1), date(2025, 10, 31)),
    WindowKey.SCORES: (date(2025, 6, 1), date(2025, 12, 31)),
    WindowKey.RESULTS: (date(2025, 10, 1), date(2025, 12, 31)),
}


def test_the_cycle_has_every_window_of_the_notice(world: World) -> None:
    cycle = cycles.current_cycle()
    assert (cycle.year, cycle.notice) == (2025, "豫人社函〔2025〕21号")
    assert cycle.deferral_due == date(2025, 6, 30)
    assert cycle.ban_years == 2
    assert {window.key: (window.opens, window.closes) for window in cycle.windows} == CALENDAR
    assert set(CALENDAR) == set(WindowKey)
    assert all(window.clause and window.title for window in cycle.windows)
    assert all(window.region_code is None and window.grades is None for window in cycle.windows)


def test_grades_subjects_and_trades(world: World) -> None:
    grades = db.session.scalars(select(GradeEntry).order_by(GradeEntry.grade)).all()
    assert [entry.grade for entry in grades] == [1, 2, 3, 4, 5]
    assert [(entry.level, entry.title) for entry in grades] == [
        ("一级", "高级技师"),
        ("二级", "技师"),
        ("三级", "高级工"),
        ("四级", "中级工"),
        ("五级", "初级工"),
    ]
    # Only grade one is not the ordinary next step (notice 四（二）).
    assert [entry.grade for entry in grades if entry.needs_confirmation] == [1]
    cycle = cycles.current_cycle()
    for grade in Grade:
        subjects = cycles.subjects(cycle, grade)
        assert subjects and all(0 < subject.pass_mark <= subject.full_mark for subject in subjects)
    assert _count(Trade) >= 200
    names = db.session.scalars(select(Trade.name)).all()
    assert len(names) == len(set(names))
    openings = cycles.open_trades()
    assert len(openings) == _count(Trade)
    assert all(set(row.grades) <= {1, 2, 3, 4, 5} and row.grades for row in openings)
    assert [row.trade.code for row in openings] == sorted(row.trade.code for row in openings)


def test_loading_again_changes_nothing(world: World) -> None:
    agency = world.agency("410221")
    agency.phone = "0371-27000000"
    db.session.commit()
    tables = (RegionEntry, Agency, Cycle, CycleWindow, GradeEntry, SubjectEntry, Trade, TradeOpening)
    before = [_count(table) for table in tables]
    assert starting_data.load() is False
    assert [_count(table) for table in tables] == before
    assert world.agency("410221").phone == "0371-27000000"


@pytest.mark.parametrize(
    ("text", "grades"), [("5-1", [1, 2, 3, 4, 5]), ("5-3", [3, 4, 5]), ("3-5", [3, 4, 5]), ("5", [5]), (" 1 ", [1])]
)
def test_grade_ranges(text: str, grades: list[int]) -> None:
    assert starting_data.grade_range(text) == grades


@pytest.mark.parametrize("text", ["", "0-5", "5-6", "all", "5-"])
def test_broken_grade_ranges(text: str) -> None:
    if text == "5-":
        assert starting_data.grade_range(text) == [5]
        return
    with pytest.raises(ValueError):
        starting_data.grade_range(text)


def test_a_new_instance_gets_one_account_of_the_centre_and_only_once(empty_app: Flask) -> None:
    issued = installation.set_up(Role.AGENCY_MANAGER)
    assert issued.account.agency is not None and issued.account.agency.level is RegionLevel.PROVINCE
    assert issued.account.must_change_password
    found = accounts.check_password(issued.account.username, issued.password)
    assert found is not None and found.id == issued.account.id
    with pytest.raises(Refused):
        installation.set_up(Role.AGENCY_MANAGER)
    assert _count(Account) == 1
