"""The yearly check of names: in its window only, by the supervising unit, accepted by the agency."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, UnitCheck, UnitCheckStatus
from gongkao.rules.errors import WindowClosed
from gongkao.services import listing, settings, unit_checks, units, waiting
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from tests.services.conftest import Together
from tests.services.test_units import facts, of
from tests.world import World

INSIDE = date(2025, 3, 11)


def _checks() -> int:
    return db.session.scalar(select(func.count()).select_from(UnitCheck)) or 0


@pytest.mark.parametrize(
    ("day", "open_"),
    [(date(2025, 3, 9), False), (date(2025, 3, 10), True), (date(2025, 3, 12), True), (date(2025, 3, 13), False)],
)
def test_names_are_checked_in_their_window_only(world: World, at: Any, day: date, open_: bool) -> None:
    at(day)
    actor, school = world.bureau_administrator, world.school.id
    steps = (
        lambda: unit_checks.confirm_unit(actor, school),
        lambda: unit_checks.correct_unit(actor, school, "中牟县晴川中学"),
        lambda: unit_checks.confirm_all(actor),
    )
    for step in steps:
        if open_:
            step()
        else:
            with pytest.raises(WindowClosed) as caught:
                step()
            assert "单位信息核对时间为2025年3月10日至3月12日" in caught.value.message
    assert bool(_checks()) is open_


def test_a_supervising_unit_checks_its_own_and_those_below_and_no_others(world: World, at: Any) -> None:
    at(INSIDE)
    assert unit_checks.confirm_unit(world.bureau_administrator, world.bureau.id).status is UnitCheckStatus.CONFIRMED
    assert unit_checks.confirm_unit(world.bureau_administrator, world.school.id)
    assert unit_checks.confirm_unit(world.unit_administrator, world.school.id)
    for actor, unit in (
        (world.bureau_administrator, world.station),
        (world.bureau_administrator, world.far_school),
        (world.unit_administrator, world.bureau),
        (world.station_administrator, world.school),
    ):
        with pytest.raises(NotFound):
            unit_checks.confirm_unit(actor, unit.id)
        with pytest.raises(NotFound):
            unit_checks.correct_unit(actor, unit.id, "中牟县另一名称站")
    assert _checks() == 2


def test_a_correction_changes_the_name_only_when_accepted(world: World, at: Any) -> None:
    at(INSIDE)
    check = unit_checks.correct_unit(world.bureau_administrator, world.school.id, "中牟县 晴川中学(本部)")
    assert check.status is UnitCheckStatus.CORRECTED
    assert (check.name_before, check.proposed_name) == ("中牟县晴川学校", "中牟县晴川中学（本部）")
    assert waiting.counts(world.officer)["checks_to_accept"] == 1
    unit = units.find(world.officer, check.unit_id)
    assert unit.name == "中牟县晴川学校"
    unit_checks.accept_check(world.officer, check.id, check.version)
    assert check.status is UnitCheckStatus.ACCEPTED and unit.name == "中牟县晴川中学（本部）"
    assert waiting.counts(world.officer)["checks_to_accept"] == 0
    # Accepted is accepted.
    with pytest.raises(Refused):
        unit_checks.correct_unit(world.bureau_administrator, unit.id, "中牟县晴川小学")
    with pytest.raises(Conflict):
        unit_checks.refuse_check(world.officer, check.id, check.version, "名称与印章不一致。")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "请输入单位名称"),
        ("站", "4至60个字"),
        ("中牟县晴川学校", "与现名称相同"),
        ("中牟县云溪站", "已有名为"),
        ("中牟县晴川学校<b>", "只能有"),
        ("中牟县（晴川学校", "不成对"),
    ],
)
def test_a_wrong_correction_is_refused_beside_its_field(world: World, at: Any, name: str, words: str) -> None:
    at(INSIDE)
    with pytest.raises(FieldsRefused) as caught:
        unit_checks.correct_unit(world.bureau_administrator, world.school.id, name)
    assert words in caught.value.fields["name"]
    assert _checks() == 0


def test_a_refused_check_is_made_again(world: World, at: Any) -> None:
    at(INSIDE)
    check = unit_checks.correct_unit(world.bureau_administrator, world.school.id, "中牟县晴川中学")
    with pytest.raises(FieldsRefused):
        unit_checks.refuse_check(world.officer, check.id, check.version, " ")
    unit_checks.refuse_check(world.officer, check.id, check.version, "名称与印章不一致。")
    assert (check.status, check.reason) == (UnitCheckStatus.REFUSED, "名称与印章不一致。")
    again = unit_checks.confirm_unit(world.bureau_administrator, world.school.id)
    assert again.id == check.id and again.status is UnitCheckStatus.CONFIRMED
    assert (again.reason, again.decided_by_id, again.proposed_name) == ("", None, "中牟县晴川学校")


def test_only_the_units_agency_accepts(world: World, at: Any) -> None:
    at(INSIDE)
    check = unit_checks.confirm_unit(world.bureau_administrator, world.school.id)
    for overseer in (world.city_officer, world.province_officer):
        assert unit_checks.find(overseer, check.id).id == check.id
        with pytest.raises(Refused):
            unit_checks.accept_check(overseer, check.id, check.version)
    for stranger in (world.far_officer, world.far_city_officer, world.station_administrator):
        with pytest.raises(NotFound):
            unit_checks.find(stranger, check.id)
        with pytest.raises(NotFound):
            unit_checks.accept_check(stranger, check.id, check.version)
        with pytest.raises(NotFound):
            unit_checks.refuse_check(stranger, check.id, check.version, "名称与印章不一致。")
    assert unit_checks.accept_confirmed(world.city_officer, [check.id]) == (0, 1)
    assert check.status is UnitCheckStatus.CONFIRMED


def test_a_check_goes_along_to_the_agency_that_takes_its_unit(world: World, at: Any) -> None:
    at(INSIDE)
    check = unit_checks.confirm_unit(world.bureau_administrator, world.school.id)
    city = world.account("gl410100")

    def waits() -> list[int]:
        return [waiting.counts(account)["checks_to_accept"] for account in (world.officer, city)]

    assert check.agency_id == world.school.agency_id and waits() == [1, 0]
    settings.switch_taken_over(world.province_manager, check.agency_id, False)
    assert check.agency_id == world.school.agency_id == city.agency_id and waits() == [0, 1]
    with pytest.raises(NotFound):
        unit_checks.find(world.officer, check.id)
    assert unit_checks.accept_check(city, check.id, check.version).status is UnitCheckStatus.ACCEPTED
    assert waits() == [0, 0]


def test_confirming_all_leaves_what_was_said_already(world: World, at: Any) -> None:
    at(INSIDE)
    unit_checks.correct_unit(world.bureau_administrator, world.school.id, "中牟县晴川中学")
    assert unit_checks.confirm_all(world.bureau_administrator) == 1
    assert unit_checks.confirm_all(world.bureau_administrator) == 0
    progress = unit_checks.progress(world.bureau_administrator)
    assert progress == {"confirmed": 1, "corrected": 1, "accepted": 0, "refused": 0, "total": 2, "unchecked": 0}
    assert unit_checks.progress(world.officer)["unchecked"] == 1
    rows = listing.run(unit_checks.check_listing(world.bureau_administrator), {}).rows
    # The tree from the top down.
    assert [row.cells[0].text for row in rows] == ["中牟县晴川局", "中牟县晴川学校"]
    assert rows[1].cells[4].text == "中牟县晴川中学"


def test_accepting_together_takes_the_unchanged_only(world: World, at: Any) -> None:
    at(INSIDE)
    bureau = unit_checks.confirm_unit(world.bureau_administrator, world.bureau.id)
    school = unit_checks.correct_unit(world.bureau_administrator, world.school.id, "中牟县晴川中学")
    station = unit_checks.confirm_unit(world.station_administrator, world.station.id)
    far = unit_checks.confirm_unit(world.far_unit_administrator, world.far_school.id)
    # Renamed by the agency since: that check is about another name.
    units.change_unit(world.officer, world.station.id, **of(world.station, name="中牟县云溪中心站"))
    ids = [bureau.id, school.id, station.id, far.id, 99999, bureau.id]
    assert unit_checks.accept_confirmed(world.officer, ids) == (1, 4)
    statuses = [check.status for check in (bureau, school, station, far)]
    assert statuses == [
        UnitCheckStatus.ACCEPTED,
        UnitCheckStatus.CORRECTED,
        UnitCheckStatus.CONFIRMED,
        UnitCheckStatus.CONFIRMED,
    ]
    with pytest.raises(Refused) as caught:
        unit_checks.accept_check(world.officer, station.id, station.version)
    assert "现名称" in caught.value.message
    assert unit_checks.accept_confirmed(world.officer, []) == (0, 0)


def test_a_name_taken_since_is_not_given_twice(world: World, at: Any) -> None:
    at(INSIDE)
    check = unit_checks.correct_unit(world.bureau_administrator, world.school.id, "中牟县晴川中学")
    units.create_unit(world.officer, **facts(50, name="中牟县晴川中学"))
    with pytest.raises(FieldsRefused):
        unit_checks.accept_check(world.officer, check.id, check.version)
    assert check.status is UnitCheckStatus.CORRECTED and world.school.name == "中牟县晴川学校"


def test_a_new_unit_and_a_correction_do_not_take_one_name_at_once(world: World, at: Any, together: Together) -> None:
    at(INSIDE)
    check = unit_checks.correct_unit(world.bureau_administrator, world.school.id, "中牟县晴川中学")
    check_id, version, officer = check.id, check.version, world.officer.id
    outcomes = together(
        lambda: unit_checks.accept_check(db.session.get(Account, officer), check_id, version).id,
        lambda: units.create_unit(db.session.get(Account, officer), **facts(50, name="中牟县晴川中学")).id,
    )
    assert sum(isinstance(outcome, FieldsRefused) for outcome in outcomes) == 1, outcomes


def test_two_check_one_unit_at_once(world: World, at: Any, together: Together) -> None:
    at(INSIDE)
    one, two, school = world.bureau_administrator.id, world.unit_administrator.id, world.school.id
    outcomes = together(
        lambda: unit_checks.confirm_unit(db.session.get(Account, one), school).id,
        lambda: unit_checks.correct_unit(db.session.get(Account, two), school, "中牟县晴川中学").id,
    )
    assert all(isinstance(outcome, int | Conflict) for outcome in outcomes), outcomes
    assert _checks() == 1
