"""The tree of units: paths, moving, who reviews, what is refused, and work that follows a county's switch."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Application, AuditEntry, RegistrationSheet, SheetStatus, Unit
from gongkao.rules.routing import UnitLevel
from gongkao.rules.workflow import Status
from gongkao.services import listing, settings, sheets, units
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from tests import factories
from tests.services.conftest import Together
from tests.services.test_sheets import typed
from tests.world import World, credit_code


def facts(serial: int, **changes: Any) -> dict[str, Any]:
    return {
        "name": f"中牟县测试{serial}站",
        "credit_code": credit_code(serial),
        "level": UnitLevel.COUNTY,
        "region_code": "410122",
        **changes,
    }


def of(unit: Unit, **changes: Any) -> dict[str, Any]:
    return {
        "name": unit.name,
        "credit_code": unit.credit_code,
        "level": unit.level,
        "region_code": unit.region_code,
        "supervising_unit_id": unit.supervising_unit_id,
        "contact_phone": unit.contact_phone,
        "active": unit.active,
        **changes,
    }


def _paths_hold() -> None:
    """Every path is the parent's with the own id behind it."""
    for unit in db.session.scalars(select(Unit)):
        above = unit.supervising_unit
        assert unit.path == f"{above.path if above else '/'}{unit.id}/", unit.name


def test_a_unit_hangs_below_its_supervising_unit(world: World) -> None:
    made = units.create_unit(world.officer, **facts(50, supervising_unit_id=world.school.id))
    assert made.path == f"/{world.bureau.id}/{world.school.id}/{made.id}/"
    assert made.agency.code == "410122"
    detail = units.detail(world.bureau_administrator, made.id)
    assert [unit.name for unit, _ in detail.chain] == ["中牟县晴川局", "中牟县晴川学校"]
    assert all(visible for _, visible in detail.chain)
    # A subordinate's administrator sees the names above, but may not open them.
    seen = units.detail(world.unit_administrator, made.id)
    assert [visible for _, visible in seen.chain] == [False, True]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "create_unit")).one()
    assert entry.subject_id == str(made.id) and entry.detail["after"]["name"] == made.name  # type: ignore[index]
    _paths_hold()


def test_a_subtree_moves_whole(world: World) -> None:
    low = units.create_unit(world.officer, **facts(50, supervising_unit_id=world.school.id))
    lowest = units.create_unit(world.officer, **facts(51, supervising_unit_id=low.id))
    units.change_unit(world.officer, world.school.id, **of(world.school, supervising_unit_id=world.station.id))
    assert lowest.path == f"/{world.station.id}/{world.school.id}/{low.id}/{lowest.id}/"
    _paths_hold()
    # What the old supervising unit saw it sees no more.
    with pytest.raises(NotFound):
        units.find(world.bureau_administrator, lowest.id)
    assert units.find(world.station_administrator, lowest.id).id == lowest.id
    units.change_unit(world.officer, world.school.id, **of(world.school, supervising_unit_id=None))
    assert world.school.path == f"/{world.school.id}/"
    _paths_hold()


def test_no_circles(world: World) -> None:
    low = units.create_unit(world.officer, **facts(50, supervising_unit_id=world.school.id))
    for above in (world.bureau.id, world.school.id, low.id):
        with pytest.raises(FieldsRefused) as caught:
            units.change_unit(world.officer, world.bureau.id, **of(world.bureau, supervising_unit_id=above))
        assert list(caught.value.fields) == ["supervising_unit"]
        assert "不能作为主管单位" in caught.value.fields["supervising_unit"]
    _paths_hold()


def test_two_moves_at_once_make_no_circle(world: World, together: Together) -> None:
    officer, bureau, station = world.officer.id, world.bureau.id, world.station.id
    below_station = of(world.bureau, supervising_unit_id=station)
    below_bureau = of(world.station, supervising_unit_id=bureau)
    outcomes = together(
        lambda: units.change_unit(db.session.get(Account, officer), bureau, **below_station).id,
        lambda: units.change_unit(db.session.get(Account, officer), station, **below_bureau).id,
    )
    assert sum(isinstance(outcome, FieldsRefused) for outcome in outcomes) == 1, outcomes
    _paths_hold()


def test_the_tree_is_not_endlessly_deep(world: World) -> None:
    above = world.bureau
    with pytest.raises(FieldsRefused) as caught:
        for serial in range(100, 200):
            above = units.create_unit(None, **facts(serial, supervising_unit_id=above.id))
    assert "层级过深" in caught.value.fields["supervising_unit"]
    _paths_hold()
    assert all(len(unit.path) <= units.PATH_LIMIT for unit in db.session.scalars(select(Unit)))


@pytest.mark.parametrize(
    ("changes", "agency"),
    [
        ({"level": UnitLevel.PROVINCIAL, "region_code": "410000"}, "410000"),
        ({"level": UnitLevel.PROVINCIAL, "region_code": "410300"}, "410000"),
        ({"level": UnitLevel.CENTRAL_IN_CAPITAL, "region_code": "410100"}, "410000"),
        ({"level": UnitLevel.CENTRAL_IN_CAPITAL, "region_code": "410122"}, "410000"),
        ({"level": UnitLevel.CENTRAL_ELSEWHERE, "region_code": "410200"}, "410200"),
        ({"level": UnitLevel.CENTRAL_ELSEWHERE, "region_code": "410221"}, "410200"),
        ({"level": UnitLevel.MUNICIPAL, "region_code": "410122"}, "410100"),
        ({"level": UnitLevel.MUNICIPAL, "region_code": "419001"}, "419001"),
        ({"level": UnitLevel.COUNTY, "region_code": "410122"}, "410122"),
        ({"level": UnitLevel.COUNTY, "region_code": "410221"}, "410200"),
    ],
)
def test_the_agency_follows_level_region_and_switch(world: World, changes: dict[str, Any], agency: str) -> None:
    assert units.create_unit(world.province_officer, **facts(50, **changes)).agency.code == agency


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": "站"}, "name", "4至60个字"),
        ({"name": ""}, "name", "请输入单位名称"),
        ({"name": "中牟县晴川学校"}, "name", "已有名为"),
        ({"name": "中牟县 晴川 学校"}, "name", "已有名为"),
        ({"credit_code": "1241012200000005"}, "credit_code", "应为18位"),
        ({"credit_code": credit_code(50)[:-1] + "I"}, "credit_code", "校验未通过"),
        ({"credit_code": credit_code(2)}, "credit_code", "已有单位使用"),
        ({"region_code": "999999"}, "region_code", "请选择"),
        ({"region_code": "410100"}, "region_code", "县级单位应选择"),
        ({"level": UnitLevel.CENTRAL_IN_CAPITAL, "region_code": "410221"}, "region_code", "应在郑州市"),
        ({"level": UnitLevel.CENTRAL_ELSEWHERE}, "region_code", "中央驻郑"),
        ({"level": UnitLevel.MUNICIPAL, "region_code": "410000"}, "region_code", "省辖市"),
        ({"supervising_unit_id": 99999}, "supervising_unit", "不存在"),
        ({"contact_phone": "12345"}, "contact_phone", "带区号"),
    ],
)
def test_wrong_facts_are_refused_beside_their_field(
    world: World, changes: dict[str, Any], field: str, words: str
) -> None:
    before = db.session.scalars(select(Unit.id)).all()
    with pytest.raises(FieldsRefused) as caught:
        units.create_unit(world.province_officer, **facts(50, **changes))
    assert list(caught.value.fields) == [field] and words in caught.value.fields[field]
    assert db.session.scalars(select(Unit.id)).all() == before


def test_every_wrong_field_is_named_at_once(world: World) -> None:
    with pytest.raises(FieldsRefused) as caught:
        units.create_unit(world.officer, **facts(50, name="", credit_code="1", contact_phone="1", region_code=""))
    assert set(caught.value.fields) == {"name", "credit_code", "contact_phone", "region_code"}


def test_a_name_may_be_used_again_elsewhere_and_after_its_end(world: World) -> None:
    station = world.station
    assert units.create_unit(world.province_officer, **facts(50, name=station.name, region_code="410181"))
    units.change_unit(world.officer, station.id, **of(station, active=False))
    assert units.create_unit(world.officer, **facts(51, name=station.name))
    # And the ended one cannot come back under it.
    with pytest.raises(FieldsRefused) as caught:
        units.change_unit(world.officer, station.id, **of(station, active=True))
    assert "name" in caught.value.fields


def test_one_code_is_given_once_though_two_type_it_at_once(world: World, together: Together) -> None:
    officer = world.officer.id

    def create(name: str) -> int:
        return units.create_unit(db.session.get(Account, officer), **facts(60, name=name)).id

    outcomes = together(lambda: create("中牟县甲站点"), lambda: create("中牟县乙站点"))
    refused = [outcome for outcome in outcomes if isinstance(outcome, FieldsRefused)]
    assert len(refused) == 1 and list(refused[0].fields) == ["credit_code"], outcomes


def test_nobody_reaches_past_the_own_scope(world: World) -> None:
    far = world.far_school
    for stranger in (world.officer, world.manager, world.unit_administrator, world.inspector, world.far_city_officer):
        with pytest.raises(NotFound):
            units.find(stranger, far.id)
        with pytest.raises(NotFound):
            units.detail(stranger, far.id)
    for stranger in (world.officer, world.far_city_officer):
        with pytest.raises(NotFound):
            units.change_unit(stranger, far.id, **of(far))
    for overseer in (world.city_officer, world.province_officer, world.far_officer, world.far_inspector):
        assert units.find(overseer, far.id).id == far.id
    # Nor can a unit be made or moved into another's hands.
    for changes in ({"region_code": "410181"}, {"level": UnitLevel.MUNICIPAL}, {"level": UnitLevel.PROVINCIAL}):
        with pytest.raises(FieldsRefused) as caught:
            units.create_unit(world.officer, **facts(50, **changes))
        assert "不在本机构办理范围内" in caught.value.fields["region_code"]
    with pytest.raises(FieldsRefused):
        units.change_unit(world.officer, world.school.id, **of(world.school, region_code="410181"))
    assert world.school.region_code == "410122"


def test_a_unit_with_subordinates_or_open_work_is_not_ended(world: World) -> None:
    with pytest.raises(FieldsRefused) as caught:
        units.change_unit(world.officer, world.bureau.id, **of(world.bureau, active=False))
    assert "1个下属单位" in caught.value.fields["active"]
    made = factories.application(factories.person("范知秋"), world.station, status=Status.UNIT_REVIEW)
    with pytest.raises(FieldsRefused) as caught:
        units.change_unit(world.officer, world.station.id, **of(world.station, active=False))
    assert "1份申报没有办结" in caught.value.fields["active"]
    assert made.status is Status.UNIT_REVIEW and world.station.active


def test_what_has_not_changed_leaves_no_trace(world: World) -> None:
    units.change_unit(world.officer, world.school.id, **of(world.school))
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "change_unit")).all() == []
    units.change_unit(world.officer, world.school.id, **of(world.school, contact_phone="0371 62181234"))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "change_unit")).one()
    assert entry.detail == {"changed": {"contact_phone": ["", "0371-62181234"]}}


def test_the_supervising_unit_is_found_by_code_or_whole_name(world: World) -> None:
    bureau = world.bureau
    assert units.find_supervising("") is None
    assert units.find_supervising(f" {bureau.credit_code.lower()} ") == bureau.id
    assert units.find_supervising("中牟县 晴川局") == bureau.id
    units.create_unit(world.province_officer, **facts(50, name="中牟县晴川局", region_code="410181"))
    for text, words in (("晴川局", "没有找到"), ("中牟县晴川局", "有多个单位"), ("不存在的单位", "没有找到")):
        with pytest.raises(FieldsRefused) as caught:
            units.find_supervising(text)
        assert words in caught.value.fields["supervising_unit"]


def _agencies_of(*rows: Application | RegistrationSheet | Unit) -> set[str]:
    db.session.expire_all()
    return {row.agency.code for row in rows if row.agency is not None}


def test_undecided_work_follows_when_a_county_gives_back_and_takes_over(world: World, at: Any) -> None:
    at(date(2025, 3, 11))
    sheet = sheets.fill_in(None, world.bureau.id, **typed())
    at(date(2025, 3, 20))
    open_ones = [
        factories.application(factories.person(name, serial), world.school, status=status)
        for serial, (name, status) in enumerate(
            {
                "甲一一": Status.UNIT_REVIEW,
                "乙一一": Status.AGENCY_REVIEW,
                "丙一一": Status.RETURNED,
                "丁一一": Status.ONSITE_CONFIRMATION,
            }.items(),
            start=60,
        )
    ]
    decided = [
        factories.application(factories.person("戊一一", 70), world.school, status=Status.QUALIFIED),
        factories.application(factories.person("己一一", 71), world.school, status=Status.REFUSED),
    ]
    elsewhere = factories.application(factories.person("庚一一", 72), world.far_school, status=Status.AGENCY_REVIEW)
    draft = factories.application(factories.person("辛一一", 73), world.school)
    versions = [one.version for one in open_ones]

    moved = settings.switch_taken_over(world.province_manager, world.agency("410122").id, False)
    assert moved == (3, 4)
    assert _agencies_of(*open_ones, sheet, world.school, world.bureau, world.station) == {"410100"}
    assert _agencies_of(*decided) == {"410122"}
    assert _agencies_of(elsewhere) == {"410181"}
    assert draft.agency_id is None
    # A decision begun at the old agency meets a conflict.
    assert [one.version for one in open_ones] == [version + 1 for version in versions]
    assert units.find(world.city_officer, world.school.id)
    with pytest.raises(NotFound):
        units.find(world.officer, world.school.id)

    assert settings.switch_taken_over(world.province_manager, world.agency("410122").id, True) == (3, 4)
    assert _agencies_of(*open_ones, sheet, world.school) == {"410122"}
    # Said twice, nothing moves.
    assert settings.switch_taken_over(world.province_manager, world.agency("410122").id, True) == (0, 0)


def test_a_decided_sheet_stays_with_who_decided(world: World, at: Any) -> None:
    at(date(2025, 3, 11))
    sheet = sheets.fill_in(None, world.bureau.id, **typed())
    sheets.hand_in(None, sheet.token, factories.pdf(), "扫描件.pdf")
    sheets.refuse(world.officer, sheet.id, sheet.version, "公章不清晰，请重新盖章扫描。")
    settings.switch_taken_over(world.province_manager, world.agency("410122").id, False)
    assert sheet.status is SheetStatus.REFUSED and _agencies_of(sheet) == {"410122"}
    # Handed in again, it goes to the agency of now.
    sheets.change(None, sheet.token, **typed())
    sheets.hand_in(None, sheet.token, factories.pdf(), "扫描件.pdf")
    assert _agencies_of(sheet) == {"410100"}


def test_a_unit_that_changes_its_level_takes_its_work_along(world: World) -> None:
    made = factories.application(factories.person("范知秋"), world.school, status=Status.AGENCY_REVIEW)
    changes = of(world.school, level=UnitLevel.MUNICIPAL)
    units.change_unit(world.city_officer, world.school.id, **changes)
    assert _agencies_of(made, world.school) == {"410100"}


def test_the_list_shows_searches_and_filters_the_own_units_only(world: World) -> None:
    def names(actor: Account, **args: str) -> list[str]:
        return [row.cells[0].text for row in listing.run(units.unit_listing(actor), args).rows]

    assert sorted(names(world.officer)) == sorted(["中牟县云溪站", "中牟县晴川学校", "中牟县晴川局"])
    assert len(names(world.officer, check="none")) == 3
    assert names(world.unit_administrator) == ["中牟县晴川学校"]
    assert set(names(world.bureau_administrator)) == {"中牟县晴川局", "中牟县晴川学校"}
    assert names(world.officer, q="学校") == ["中牟县晴川学校"]
    assert names(world.officer, q=world.school.credit_code.lower()) == ["中牟县晴川学校"]
    assert names(world.officer, q="远山") == []
    assert names(world.officer, q="%") == []
    assert len(names(world.province_officer)) == 8
    assert names(world.province_officer, region="410200") == ["杞县平野站"]
    assert names(world.province_officer, region="410000", level="provincial") == ["河南省高岗中心"]
    assert len(names(world.province_officer, level="nonsense", region="'; drop", sort="nothing", page="x")) == 8


def test_only_officials_of_the_place_may_switch(world: World) -> None:
    county = world.agency("410122").id
    for actor in (world.manager, world.officer, world.city_officer, world.province_officer):
        with pytest.raises(Refused):
            settings.switch_taken_over(actor, county, False)
    with pytest.raises(NotFound):
        settings.switch_taken_over(world.far_manager, county, False)
    with pytest.raises(NotFound):
        settings.switch_taken_over(world.account("gl410200"), county, False)
    assert world.agency("410122").taken_over
    assert settings.switch_taken_over(world.account("gl410100"), county, False) == (3, 0)
    # A county without anybody to work cannot take over; a city or the province has nothing to switch.
    with pytest.raises(Refused) as caught:
        settings.switch_taken_over(world.province_manager, world.agency("410221").id, True)
    assert "发放账户" in caught.value.message
    with pytest.raises(Refused):
        settings.switch_taken_over(world.province_manager, world.agency("410200").id, True)
