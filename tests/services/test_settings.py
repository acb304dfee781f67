"""What officials set: the calendar, an agency's facts, and who works there."""

import shutil
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, CycleWindow, Role
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import WindowClosed
from gongkao.services import accounts, cycles, listing, sessions, settings
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.storage import store
from tests.world import World


def _change(world: World, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "notice_issued_on": date(2025, 3, 9),
        "notice_issued_on_confirmed": False,
        "deferral_due": date(2025, 6, 30),
        "periods": {},
        **changes,
    }
    settings.change_calendar(world.province_manager, **facts)


def _window(key: WindowKey) -> CycleWindow:
    return db.session.scalars(select(CycleWindow).where(CycleWindow.key == key)).one()


def _entries(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def test_a_changed_window_holds_at_once(world: World, at: Any) -> None:
    at(date(2025, 4, 1))
    with pytest.raises(WindowClosed):
        cycles.require_open(WindowKey.REGISTRATION)
    window = _window(WindowKey.REGISTRATION)
    _change(world, periods={window.id: (date(2025, 3, 13), date(2025, 4, 5))})
    assert cycles.require_open(WindowKey.REGISTRATION).closes == date(2025, 4, 5)
    entry = _entries("change_calendar")[0]
    assert entry.detail == {"changed": {"网上注册报名": ["2025-03-13—2025-03-31", "2025-03-13—2025-04-05"]}}
    # The same again leaves no trace.
    _change(world, periods={window.id: (date(2025, 3, 13), date(2025, 4, 5))})
    assert len(_entries("change_calendar")) == 1


def test_the_notices_own_facts_are_set(world: World) -> None:
    _change(world, notice_issued_on=date(2025, 3, 7), notice_issued_on_confirmed=True, deferral_due=date(2025, 7, 10))
    cycle = cycles.current_cycle()
    assert (cycle.notice_issued_on, cycle.notice_issued_on_confirmed) == (date(2025, 3, 7), True)
    assert cycle.deferral_due == date(2025, 7, 10)


def test_a_calendar_that_cannot_be_is_refused_whole(world: World) -> None:
    first, second, third = (_window(key) for key in (WindowKey.REGISTRATION, WindowKey.UNIT_REVIEW, WindowKey.RESULTS))
    with pytest.raises(FieldsRefused) as caught:
        _change(
            world,
            notice_issued_on=date(2024, 3, 9),
            deferral_due=date(2026, 1, 1),
            periods={
                first.id: (date(2025, 4, 1), date(2025, 3, 31)),
                second.id: (date(2025, 3, 13), date(2026, 4, 3)),
                third.id: (date(2025, 11, 1), date(2025, 12, 31)),
            },
        )
    assert set(caught.value.fields) == {
        f"closes_{first.id}",
        f"opens_{second.id}",
        "notice_issued_on",
        "deferral_due",
    }
    assert "不能早于开始日期" in caught.value.fields[f"closes_{first.id}"]
    db.session.expire_all()
    assert third.opens == date(2025, 10, 1)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2025, 3, 12), "未开始"),
        (date(2025, 3, 13), "进行中，剩18天"),
        (date(2025, 3, 31), "今天截止"),
        (date(2025, 4, 1), "已结束"),
    ],
)
def test_the_overview_tells_where_today_stands(world: World, at: Any, day: date, state: str) -> None:
    at(day)
    shown = settings.overview()
    rows = {row.entry.key: row for row in shown.windows}
    assert rows[WindowKey.REGISTRATION].state == state
    assert rows[WindowKey.REGISTRATION].period == "2025年3月13日至3月31日"
    assert [int(row.grade) for row in shown.grades] == [5, 4, 3, 2, 1]
    assert all(row.subjects for row in shown.grades)


def _facts(**changes: Any) -> dict[str, Any]:
    return {
        "phone": "0371-62181234",
        "address": "中牟县商都大街1号",
        "onsite_by_default": False,
        "second_review": True,
        "first_responsible_post": "局长",
        "first_responsible_name": "安知行",
        "main_responsible_post": "副局长",
        "main_responsible_name": "",
        "direct_responsible_post": "主任",
        "direct_responsible_name": "卓明远",
        **changes,
    }


def test_an_agency_keeps_its_facts_and_responsible_people(world: World) -> None:
    agency = world.agency("410122")
    settings.change_agency(world.manager, agency.id, **_facts())
    assert (agency.phone, agency.onsite_by_default, agency.first_responsible_name) == ("0371-62181234", False, "安知行")
    detail = settings.agency_detail(world.manager, agency.id)
    assert detail.duties[0] == ("第一责任人", "局长", "安知行")
    assert (detail.units, detail.region_units, detail.accounts) == (3, 3, 2)
    assert detail.may_edit and not detail.may_switch
    assert not settings.agency_detail(world.officer, agency.id).may_edit
    assert settings.agency_detail(world.province_manager, agency.id).may_switch
    cells = listing.run(settings.agency_listing(world.manager), {}).rows[0].cells
    assert "缺1人" in [cell.text for cell in cells]
    with pytest.raises(FieldsRefused) as caught:
        settings.change_agency(world.manager, agency.id, **_facts(phone="1", main_responsible_name="X"))
    assert set(caught.value.fields) == {"phone", "main_responsible_name"}
    assert agency.phone == "0371-62181234"
    assert len(_entries("change_agency")) == 1


def test_agencies_are_reached_from_themselves_and_above_only(world: World) -> None:
    agency = world.agency("410122").id
    for actor in (world.far_manager, world.account("gl410200"), world.far_inspector, world.unit_administrator):
        with pytest.raises(NotFound):
            settings.agency_detail(actor, agency)
        with pytest.raises(NotFound):
            settings.change_agency(actor, agency, **_facts())
    for actor in (world.account("gl410100"), world.province_manager, world.inspector):
        assert settings.find_agency(actor, agency).id == agency
    assert listing.run(settings.agency_listing(world.manager), {}).total == 1
    assert listing.run(settings.agency_listing(world.province_manager), {"taken_over": "yes"}).total == 2


def test_only_the_centres_manager_edits_the_province(world: World) -> None:
    allowed = [
        account.username for account in db.session.scalars(select(Account)) if may(account, Permission.EDIT_PROVINCE)
    ]
    assert allowed == ["gl410000"]


def test_an_officers_account_is_issued_and_ended(world: World) -> None:
    agency = world.agency("410122")
    issued = settings.issue_officer(world.manager, agency_id=agency.id, role=Role.AGENCY_OFFICER, name="卓明远")
    account = issued.account
    assert account.username == "gk410122-2" and account.agency_id == agency.id and account.must_change_password
    found = accounts.check_password(account.username, issued.password)
    assert found is not None
    session_id = sessions.begin(found)
    with pytest.raises(FieldsRefused):
        settings.end_officer(world.manager, account.id, " ")
    settings.end_officer(world.manager, account.id, "工作调动")
    assert account.ended_reason == "工作调动" and sessions.account_of(session_id) is None
    with pytest.raises(Refused):
        settings.end_officer(world.manager, account.id, "工作调动")
    # The name is not given out again.
    again = settings.issue_officer(world.manager, agency_id=agency.id, role=Role.AGENCY_OFFICER, name="安知行")
    assert again.account.username == "gk410122-3"


def test_nobody_chooses_or_ends_who_inspects_them(world: World) -> None:
    """An inspector's account comes from above the region: a county's from its city or the centre, a city's from it."""
    county, city, province = (world.agency(code).id for code in ("410122", "410100", "410000"))
    city_manager, inspects = world.account("gl410100"), Role.INSPECTOR
    for actor, own in ((world.manager, county), (city_manager, city)):
        with pytest.raises(FieldsRefused, match="由上级机构发放"):
            settings.issue_officer(actor, agency_id=own, role=inspects, name="安知行")
    assert inspects not in settings.issuable_roles(world.manager)
    of_county = settings.issue_officer(city_manager, agency_id=county, role=inspects, name="安知行").account
    assert (of_county.region_code, of_county.agency_id) == ("410122", None)
    of_city = settings.issue_officer(world.province_manager, agency_id=city, role=inspects, name="安知行").account
    of_province = settings.issue_officer(
        world.province_manager, agency_id=province, role=inspects, name="安知行"
    ).account
    for actor, account in ((world.manager, of_county), (world.manager, world.inspector), (city_manager, of_city)):
        with pytest.raises(Refused, match="由上级机构发放和停用"):
            settings.end_officer(actor, account.id, "工作调动")
    for actor, account in (
        (city_manager, of_county),
        (world.province_manager, world.inspector),
        (world.province_manager, of_city),
        (world.province_manager, of_province),
    ):
        assert settings.why_not_end(actor, account) == ""
        settings.end_officer(actor, account.id, "工作调动")


def test_officers_are_issued_and_ended_in_the_own_scope_only(world: World) -> None:
    far = world.agency("410181").id
    role = Role.AGENCY_OFFICER
    for actor in (world.manager, world.account("gl410200")):
        with pytest.raises(NotFound):
            settings.issue_officer(actor, agency_id=far, role=role, name="卓明远")
        with pytest.raises(NotFound):
            settings.end_officer(actor, world.far_officer.id, "工作调动")
        with pytest.raises(NotFound):
            settings.find_officer(actor, world.far_officer.id)
    # Neither the city above nor the province.
    for above in ("410100", "410000"):
        with pytest.raises(NotFound):
            settings.issue_officer(world.manager, agency_id=world.agency(above).id, role=role, name="卓明远")
        with pytest.raises(NotFound):
            settings.end_officer(world.manager, world.account(f"gl{above}").id, "工作调动")
    # Nor somebody who is no official.
    for account in (world.unit_administrator, world.applicant):
        with pytest.raises(NotFound):
            settings.end_officer(world.manager, account.id, "工作调动")
    with pytest.raises(Refused):
        settings.end_officer(world.manager, world.manager.id, "工作调动")
    for role in (Role.APPLICANT, Role.UNIT_ADMINISTRATOR):
        with pytest.raises(FieldsRefused):
            settings.issue_officer(world.manager, agency_id=world.agency("410122").id, role=role, name="卓明远")
    with pytest.raises(FieldsRefused) as caught:
        settings.issue_officer(world.manager, agency_id=world.agency("410122").id, role=Role.AGENCY_OFFICER, name="Tom")
    assert list(caught.value.fields) == ["name"]
    assert listing.run(settings.officer_listing(world.manager), {}).total == 3
    assert [name for _, name in settings.agency_choices(world.manager)] == [world.agency("410122").name]


def test_health_tells_a_store_that_is_gone(world: World) -> None:
    assert settings.health() == {"database": "ok", "storage": "ok"}
    root = store().shelf.root  # type: ignore[attr-defined]
    shutil.rmtree(root)
    root.write_bytes(b"not a folder")
    assert settings.health() == {"database": "ok", "storage": "failed"}
