"""The administrator's registration sheet: filled in, stamped, decided, and the account that comes of it."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, RegistrationSheet, Role, SheetStatus
from gongkao.rules.errors import WindowClosed
from gongkao.services import accounts, files, listing, sessions, sheets, unit_search, units, waiting
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.services.conftest import Together
from tests.world import World

FIRST_DAYS = date(2025, 3, 11)
LATER = date(2025, 5, 6)


def typed(**changes: str) -> dict[str, str]:
    return {
        "filler": "安知行",
        "filled_on": "2025-03-11",
        "name": "卓明远",
        "sex": "男",
        "department": "人事科",
        "position": "科员",
        "office_phone": "0371-62181234",
        "mobile": "13800000001",
        **changes,
    }


def handed_in(world: World, unit_id: int | None = None, **changes: str) -> RegistrationSheet:
    """A sheet that waits at the desk, of the bureau unless told."""
    sheet = sheets.fill_in(None, unit_id or world.bureau.id, **typed(**changes))
    return sheets.hand_in(None, sheet.token, factories.pdf(), "盖章扫描件.pdf")


def _without_administrator(world: World) -> int:
    """A unit whose first administrator is still to be registered: 郑州市长河中心 has none."""
    return world.unit("郑州市长河中心").id


@pytest.mark.parametrize(
    ("day", "first", "change"),
    [
        (date(2025, 3, 9), False, False),
        (date(2025, 3, 10), True, True),
        (date(2025, 3, 12), True, True),
        (date(2025, 3, 13), False, True),
        (date(2025, 12, 31), False, True),
    ],
)
def test_the_first_administrator_is_registered_in_three_days_a_change_later(
    world: World, at: Any, day: date, first: bool, change: bool
) -> None:
    at(day)
    values = typed(filled_on=day.isoformat())
    for unit_id, allowed, title in (
        (_without_administrator(world), first, "管理人员登记"),
        (world.bureau.id, change, "管理人员变更"),
    ):
        unit = sheets.active_unit(unit_id)
        if allowed:
            assert sheets.fill_in(None, unit_id, **values).status is SheetStatus.FILLED
            assert sheets.closed_because(unit) == ""
        else:
            with pytest.raises(WindowClosed) as caught:
                sheets.fill_in(None, unit_id, **values)
            assert title in caught.value.message and "2025年3月10日" in caught.value.message
            assert sheets.closed_because(unit) == caught.value.message


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("filler", "", "请输入姓名"),
        ("filler", "A", "汉字"),
        ("name", "张", "2至30个汉字"),
        ("sex", "", "请选择性别"),
        ("sex", "其他", "请选择性别"),
        ("department", " ", "请填写工作部门"),
        ("department", "科" * 41, "最多40个字"),
        ("position", "", "请填写职务"),
        ("office_phone", "62181234", "带区号"),
        ("office_phone", "", "请输入办公电话"),
        ("mobile", "1380000", "11位"),
        ("mobile", "", "请输入手机号码"),
        ("filled_on", "", "填表日期"),
        ("filled_on", "昨天", "2025-03-11"),
        ("filled_on", "2025-02-30", "填表日期"),
        ("filled_on", "2025-03-12", "不能晚于今天"),
        ("filled_on", "2024-12-31", "2025年"),
    ],
)
def test_each_cell_is_checked_beside_itself(world: World, at: Any, field: str, value: str, words: str) -> None:
    at(FIRST_DAYS)
    with pytest.raises(FieldsRefused) as caught:
        sheets.fill_in(None, world.bureau.id, **typed(**{field: value}))
    assert list(caught.value.fields) == [field] and words in caught.value.fields[field]
    assert db.session.scalar(select(func.count()).select_from(RegistrationSheet)) == 0


def test_all_wrong_cells_are_named_at_once(world: World, at: Any) -> None:
    at(FIRST_DAYS)
    with pytest.raises(FieldsRefused) as caught:
        sheets.fill_in(None, world.bureau.id)
    assert set(caught.value.fields) == set(typed())


def test_a_sheet_has_a_number_and_a_secret_way_back(world: World, at: Any) -> None:
    at(FIRST_DAYS)
    one, two = (sheets.fill_in(None, world.bureau.id, **typed()) for _ in range(2))
    assert one.number.startswith("DJ2025") and one.number != two.number
    assert len(one.token) >= 43 and one.token != two.token
    assert sheets.by_token(one.token).id == one.id
    assert sheets.by_number(f" {one.number.lower()} ", "138 0000 0001").id == one.id
    for number, mobile in ((one.number, "13800000009"), ("DJ2025999999", "13800000001"), ("", "")):
        with pytest.raises(FieldsRefused) as caught:
            sheets.by_number(number, mobile)
        assert "没有找到" in caught.value.fields["mobile"]
    for token in ("", "nonsense", one.token[:-1]):
        with pytest.raises(NotFound):
            sheets.by_token(token)
    paper = sheets.paper(one)
    assert (paper.unit_name, paper.name, paper.office_phone) == ("中牟县晴川局", "卓明远", "0371-62181234")


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "", "请选择"),
        (b"", "扫描件.pdf", "空文件"),
        (b"MZ\x90\0" + bytes(100), "扫描件.pdf", "可执行程序"),
        (factories.pdf()[:-30], "扫描件.pdf", "损坏"),
        (b"\0" * (10 * 1024 * 1024 + 1), "扫描件.pdf", "超过盖章扫描件的上限 10 MB"),
        ("甲,乙".encode(), "扫描件.csv", "PDF、JPEG、PNG"),
    ],
)
def test_a_bad_scan_changes_nothing(world: World, at: Any, data: bytes, name: str, words: str) -> None:
    at(FIRST_DAYS)
    sheet = sheets.fill_in(None, world.bureau.id, **typed())
    with pytest.raises(FieldsRefused) as caught:
        sheets.hand_in(None, sheet.token, data, name)
    assert words in caught.value.fields["scan"]
    assert sheets.by_token(sheet.token).status is SheetStatus.FILLED and sheet.scan_id is None


@pytest.mark.parametrize(("data", "name"), [(factories.pdf(), "扫描件.pdf"), (factories.jpeg(), "扫描件.jpg")])
def test_a_scan_hands_the_sheet_in(world: World, at: Any, data: bytes, name: str) -> None:
    at(FIRST_DAYS)
    sheet = sheets.fill_in(None, world.bureau.id, **typed())
    sheets.hand_in(None, sheet.token, data, name)
    assert sheet.status is SheetStatus.SUBMITTED and sheet.submitted_at is not None
    assert sheet.scan is not None and sheet.scan.name == name and files.read(sheet.scan)
    assert waiting.counts(world.officer)["sheets"] == 1
    # A better scan may replace it while it waits; the words may not be changed any more.
    first = sheet.scan_id
    sheets.hand_in(None, sheet.token, factories.jpeg(500, 700), "重新扫描.jpg")
    assert sheet.scan_id != first
    with pytest.raises(Refused):
        sheets.change(None, sheet.token, **typed())


def test_one_sheet_of_a_unit_waits_at_a_time(world: World, at: Any, together: Together) -> None:
    at(FIRST_DAYS)
    one, two = (sheets.fill_in(None, world.bureau.id, **typed()).token for _ in range(2))
    scan = factories.pdf()
    outcomes = together(
        lambda: sheets.hand_in(None, one, scan, "一.pdf").id, lambda: sheets.hand_in(None, two, scan, "二.pdf").id
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(refused) == 1 and "正在审核" in refused[0].message, outcomes


def test_accepting_makes_an_account_whose_password_works_once(world: World, at: Any) -> None:
    at(FIRST_DAYS)
    sheet = handed_in(world, _without_administrator(world))
    issued = sheets.accept(world.city_officer, sheet.id, sheet.version)
    account = issued.account
    assert sheet.status is SheetStatus.ACCEPTED and sheet.account_id == account.id
    assert account.role is Role.UNIT_ADMINISTRATOR and account.unit_id == sheet.unit_id
    assert (account.display_name, account.mobile) == ("卓明远", "13800000001")
    assert account.username == "dw" + sheet.unit.credit_code[-8:].lower()
    assert account.must_change_password and issued.password not in account.password_hash

    slip = sheets.slip(world.city_officer, sheet.id, issued.password, "http://gongkao.example")
    assert (slip.account_name, slip.one_time_password) == (account.username, issued.password)
    for actor, password in ((world.city_officer, "wrong"), (world.province_officer, issued.password)):
        with pytest.raises(NotFound):
            sheets.slip(actor, sheet.id, password, "")
    with pytest.raises(NotFound):
        sheets.slip(world.officer, sheet.id, issued.password, "")

    found = accounts.check_password(account.username.upper(), issued.password)
    assert found is not None and found.must_change_password
    accounts.change_password(found, current=issued.password, new="明月清风-Plain-2025")
    assert not found.must_change_password
    assert accounts.check_password(account.username, issued.password) is None
    assert accounts.check_password(account.username, "明月清风-Plain-2025") is not None
    # Once used, the slip is gone.
    with pytest.raises(NotFound):
        sheets.slip(world.city_officer, sheet.id, issued.password, "")
    assert db.session.scalar(select(func.count()).where(AuditEntry.action.in_(["accept_sheet", "issue_account"]))) == 2


def test_a_newer_sheet_ends_the_older_administrator_and_the_session(world: World, at: Any) -> None:
    at(LATER)
    older = world.bureau_administrator
    session_id = sessions.begin(older)
    assert sessions.account_of(session_id) is not None
    assert sheets.working_administrators(world.bureau) == [older]
    sheet = handed_in(world, filled_on="2025-05-06")
    issued = sheets.accept(world.officer, sheet.id, sheet.version)
    assert older.ended_at is not None and "新的网上报名管理人员" in older.ended_reason
    assert sessions.account_of(session_id) is None
    assert accounts.check_password(older.username, "Plain-Steps-2025") is None
    assert sheets.working_administrators(world.bureau) == [issued.account]
    # And once more: names are never given out twice.
    again = handed_in(world, filled_on="2025-05-06")
    second = sheets.accept(world.officer, again.id, again.version)
    assert second.account.username == issued.account.username + "-2"
    assert accounts.check_password(issued.account.username, issued.password) is None
    assert accounts.check_password(second.account.username, second.password) is not None


def test_a_refused_sheet_is_corrected_even_after_the_three_days(world: World, at: Any) -> None:
    at(date(2025, 3, 12))
    sheet = handed_in(world, _without_administrator(world))
    at(date(2025, 3, 13))
    for reason, words in (("", "请填写"), ("不行", "至少4个字"), ("长" * 301, "最多300个字")):
        with pytest.raises(FieldsRefused) as caught:
            sheets.refuse(world.city_officer, sheet.id, sheet.version, reason)
        assert words in caught.value.fields["reason"]
    assert sheet.status is SheetStatus.SUBMITTED
    sheets.refuse(world.city_officer, sheet.id, sheet.version, "公章不清晰，请重新盖章扫描。")
    assert sheet.status is SheetStatus.REFUSED and sheet.reason == "公章不清晰，请重新盖章扫描。"
    # The old scan does not go in again untouched.
    with pytest.raises(Refused):
        sheets.hand_in(None, sheet.token, factories.pdf(), "扫描件.pdf")
    sheets.change(None, sheet.token, **typed(position="副科长"))
    assert sheet.status is SheetStatus.FILLED and sheet.scan_id is None and sheet.position == "副科长"
    sheets.hand_in(None, sheet.token, factories.pdf(), "扫描件.pdf")
    assert sheet.status is SheetStatus.SUBMITTED and sheet.reason == ""
    assert sheets.accept(world.city_officer, sheet.id, sheet.version).account.unit_id == sheet.unit_id
    # What was never handed in stays bound to the three days.
    at(date(2025, 3, 12))
    late = sheets.fill_in(None, world.unit("杞县平野站").id, **typed())
    at(date(2025, 3, 13))
    with pytest.raises(WindowClosed):
        sheets.hand_in(None, late.token, factories.pdf(), "扫描件.pdf")


def test_only_the_same_level_agency_decides(world: World, at: Any) -> None:
    at(FIRST_DAYS)
    sheet = handed_in(world)
    for overseer in (world.city_officer, world.province_manager):
        assert sheets.find(overseer, sheet.id).id == sheet.id
        with pytest.raises(Refused) as caught:
            sheets.accept(overseer, sheet.id, sheet.version)
        assert "只能查看" in caught.value.message
        with pytest.raises(Refused):
            sheets.refuse(overseer, sheet.id, sheet.version, "公章不清晰，请重新盖章。")
    for stranger in (world.far_officer, world.far_manager, world.far_city_officer, world.far_inspector):
        with pytest.raises(NotFound):
            sheets.find(stranger, sheet.id)
        with pytest.raises(NotFound):
            sheets.accept(stranger, sheet.id, sheet.version)
        with pytest.raises(NotFound):
            sheets.refuse(stranger, sheet.id, sheet.version, "公章不清晰，请重新盖章。")
    assert sheet.status is SheetStatus.SUBMITTED
    assert not world.bureau_administrator.ended_at
    assert listing.run(sheets.desk_listing(world.far_officer), {}).total == 0
    assert listing.run(sheets.desk_listing(world.officer), {"status": "submitted"}).total == 1


def test_two_accept_at_once_and_one_wins(world: World, at: Any, together: Together) -> None:
    at(FIRST_DAYS)
    sheet = handed_in(world)
    sheet_id, version, officer, manager = sheet.id, sheet.version, world.officer.id, world.manager.id
    outcomes = together(
        lambda: sheets.accept(db.session.get(Account, officer), sheet_id, version).account.id,
        lambda: sheets.accept(db.session.get(Account, manager), sheet_id, version).account.id,
    )
    lost = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert len(lost) == 1 and "没有生效" in lost[0].message, outcomes
    assert len(sheets.working_administrators(world.bureau)) == 1


def test_an_old_page_decides_nothing(world: World, at: Any) -> None:
    at(FIRST_DAYS)
    sheet = handed_in(world)
    seen = sheet.version
    sheets.hand_in(None, sheet.token, factories.jpeg(), "更清晰.jpg")
    with pytest.raises(Conflict):
        sheets.accept(world.officer, sheet.id, seen)
    assert sheet.status is SheetStatus.SUBMITTED


def test_an_ended_unit_gets_no_administrator(world: World, at: Any) -> None:
    from tests.services.test_units import of

    at(FIRST_DAYS)
    station = world.station
    waiting_one = handed_in(world, station.id)
    units.change_unit(world.officer, station.id, **of(station, active=False))
    assert unit_search.suggest("云溪") == []
    with pytest.raises(NotFound):
        sheets.fill_in(None, station.id, **typed())
    with pytest.raises(Refused):
        sheets.hand_in(None, waiting_one.token, factories.pdf(), "扫描件.pdf")
    with pytest.raises(Refused) as caught:
        sheets.accept(world.officer, waiting_one.id, waiting_one.version)
    assert "已停用" in caught.value.message


def test_a_sheet_cannot_be_decided_inside_a_transaction_that_fails(world: World, at: Any) -> None:
    at(FIRST_DAYS)
    sheet = handed_in(world)
    version = sheet.version

    def fails() -> None:
        with transaction():
            sheets.accept(world.officer, sheet.id, version)
            raise RuntimeError("afterwards")

    with pytest.raises(RuntimeError):
        fails()
    assert sheet.status is SheetStatus.SUBMITTED and world.bureau_administrator.ended_at is None
