"""The settings through their pages: calendar, trades, agencies, officers' accounts; the demonstration's clock."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gongkao import clock
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Account, CycleWindow, Trade, TradeOpening
from gongkao.rules.calendar import WindowKey
from gongkao.services import cycles
from gongkao.storage.spreadsheets import MAX_BYTES
from tests.pages.reading import error_beside, main_of, workbook
from tests.world import PASSWORD, World

SignIn = Callable[[Account], FlaskClient]
HEADS = ["工种代码", "工种名称", "类别", "开考等级"]


def window(key: WindowKey) -> CycleWindow:
    return db.session.scalars(select(CycleWindow).where(CycleWindow.key == key)).one()


def calendar(**changes: str) -> dict[str, str]:
    """The calendar's form as it stands, with changes by input name."""
    cycle = cycles.current_cycle()
    sent = {
        "notice_issued_on": cycle.notice_issued_on.isoformat(),
        "deferral_due": cycle.deferral_due.isoformat(),
    }
    for entry in cycle.window_entries:
        sent |= {f"opens_{entry.id}": entry.opens.isoformat(), f"closes_{entry.id}": entry.closes.isoformat()}
    return sent | changes


def test_everybody_in_an_office_reads_the_calendar_and_only_the_province_edits_it(
    world: World, sign_in: SignIn
) -> None:
    for account in (world.officer, world.inspector, world.manager, world.province_manager):
        page = main_of(sign_in(account).get("/settings"))
        assert "豫人社函〔2025〕21号" in page and "2025-03-31" in page and "进行中，剩11天" in page
        assert ("/settings/calendar" in page) is (account.username == "gl410000")
        assert ("/settings/officers" in page) is account.username.startswith("gl")
    assert sign_in(world.manager).get("/settings/calendar").status_code == 403


def test_a_longer_registration_holds_at_once(client: FlaskClient, world: World, sign_in: SignIn, at: Any) -> None:
    entry = window(WindowKey.REGISTRATION)
    browser = sign_in(world.province_manager)
    sent = calendar(**{f"closes_{entry.id}": "2025-04-02", "notice_issued_on_confirmed": "y"})
    assert browser.post("/settings/calendar", data=sent).location == "/settings"
    at(date(2025, 4, 2))
    assert "2025年3月13日至4月2日" in client.get("/register").text
    assert "待确认" not in main_of(browser.get("/settings"))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("opens", "", "请填写日期。"),
        ("opens", "3月13日", "日期不正确，请按“2025-03-31”的格式填写。"),
        ("opens", "2024-12-31", "日期应在2025年内"),
        ("closes", "2025-02-30", "日期不正确"),
        ("closes", "2025-03-12", "截止日期不能早于开始日期"),
        ("closes", "2026-01-01", "日期应在2025年内"),
        ("notice_issued_on", "", "请填写日期。"),
        ("notice_issued_on", "2024-03-09", "通知印发日期应在2025年内"),
        ("deferral_due", "x", "日期不正确"),
        ("deferral_due", "2026-06-30", "容缺后补截止日期应在2025年内"),
    ],
)
def test_a_wrong_day_is_refused_beside_it(world: World, sign_in: SignIn, field: str, value: str, message: str) -> None:
    entry = window(WindowKey.REGISTRATION)
    name = f"{field}_{entry.id}" if field in ("opens", "closes") else field
    answer = sign_in(world.province_manager).post("/settings/calendar", data=calendar(**{name: value}))
    assert answer.status_code == 422
    # A window's year is told at its first day.
    place = f"opens_{entry.id}" if value == "2026-01-01" else name
    assert error_beside(answer.text, place, message) and f'value="{value}"' in answer.text
    db.session.expire_all()
    assert (entry.opens, entry.closes) == (date(2025, 3, 13), date(2025, 3, 31))
    assert cycles.current_cycle().deferral_due == date(2025, 6, 30)


def upload(data: bytes, name: str = "工种.xlsx") -> dict[str, Any]:
    return {"file": (io.BytesIO(data), name)}


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "", "请选择"),
        (b"", "工种.xlsx", "空文件"),
        (b"MZ\x90\x00" + b"\x00" * 200, "工种.xlsx", "不能上传"),
        (b"%PDF-1.7", "工种.pdf", "不能上传"),
        (workbook([["工种代码", "工种名称"], ["99001", "园艺工"]]), "工种.xlsx", "缺少“类别”“开考等级”列"),
        (b"x" * (MAX_BYTES + 1), "工种.csv", "请压缩后重新上传"),
    ],
    ids=["none", "empty", "renamed", "pdf", "columns", "large"],
)
def test_a_table_that_cannot_be_read_is_refused(
    world: World, sign_in: SignIn, data: bytes, name: str, message: str
) -> None:
    answer = sign_in(world.province_manager).post("/settings/trades/import", data=upload(data, name))
    assert answer.status_code == 422 and error_beside(answer.text, "file", message)


def test_each_bad_trade_is_told_with_row_column_and_reason(world: World, sign_in: SignIn) -> None:
    before = db.session.scalar(select(func.count(Trade.id)))
    rows = [
        ["99001", "园林养护工", "绿化", "5-1"],
        ["代码", "工", "", "六级"],
        ["99001", "另一工种", "绿化", "五级"],
        ["99002", "汽车驾驶员", "绿化", "五级"],
    ]
    answer = sign_in(world.province_manager).post("/settings/trades/import", data=upload(workbook([HEADS, *rows])))
    assert answer.status_code == 422 and "确认导入" not in answer.text
    lines = [re.sub(r"(<[^>]+>)+", "|", line) for line in answer.text.splitlines()]
    for number, column, reason in (
        (3, "工种代码", "应为1至10位数字、字母或短横线"),
        (3, "工种名称", "至少2个字"),
        (3, "类别", "请填写类别"),
        (3, "开考等级", "开考等级应填写如“5-1”"),
        (4, "工种代码", "与第2行的工种代码重复"),
        (5, "工种名称", "该名称已用于代码为01001的工种"),
    ):
        assert any(f"|{number}|{column}|" in line and reason in line for line in lines), column
    assert db.session.scalar(select(func.count(Trade.id))) == before


def test_trades_are_previewed_then_added_and_changed(world: World, sign_in: SignIn) -> None:
    before = db.session.scalar(select(func.count(Trade.id))) or 0
    rows = [["99001", "园林养护工", "绿化", "五至三级"], ["01001", "汽车驾驶员", "交通运输", "五级、四级"]]
    browser = sign_in(world.province_manager)
    assert browser.get("/settings/trades/template").mimetype.endswith("sheet")
    preview = browser.post("/settings/trades/import", data=upload(workbook([HEADS, *rows])))
    assert preview.status_code == 200 and "检查无误：新增1个，修改1个，无变化0个。" in preview.text
    assert db.session.scalar(select(func.count(Trade.id))) == before
    held = re.search(r'name="held"[^>]*value="([^"]+)"', preview.text)
    assert held is not None
    assert browser.post("/settings/trades/import/commit", data={"held": held[1]}).location == "/settings/trades"
    page = browser.get("/settings/trades?q=园林").text
    assert "已导入工种：新增1个，修改1个。" in page and "五至三级" in page
    opening = db.session.scalars(select(TradeOpening).join(TradeOpening.trade).where(Trade.code == "01001")).one()
    assert opening.grades == [4, 5] and db.session.scalar(select(func.count(Trade.id))) == before + 1
    assert browser.get("/settings/trades/export").mimetype.endswith("sheet")


AGENCY = {
    "phone": "0371-62181234",
    "address": "人民路1号",
    "first_responsible_name": "梁清和",
    "first_responsible_post": "局长",
    "main_responsible_name": "程远",
    "main_responsible_post": "副局长",
    "direct_responsible_name": "何安",
    "direct_responsible_post": "主任",
}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("phone", "62181234", "请带区号填写"),
        ("address", "路" * 121, "地址最多120个字"),
        ("first_responsible_name", "L", "姓名应为2至30个汉字"),
        ("direct_responsible_post", "长" * 61, "直接责任人职务最多60个字"),
    ],
)
def test_an_agency_keeps_its_contacts_and_responsible_people(
    world: World, sign_in: SignIn, field: str, value: str, message: str
) -> None:
    agency = world.agency("410122")
    browser = sign_in(world.manager)
    address = f"/settings/agencies/{agency.id}"
    answer = browser.post(f"{address}/edit", data={**AGENCY, field: value})
    assert answer.status_code == 422 and error_beside(answer.text, field, message)
    assert f'value="{value}"' in answer.text and agency.address == ""
    assert browser.post(f"{address}/edit", data=AGENCY).location == address
    page = browser.get(address).text
    assert all(text in page for text in AGENCY.values()) and "按需要" in page
    assert sign_in(world.far_manager).get(address).status_code == 404


def test_the_city_hands_the_review_to_a_county_and_takes_it_back(world: World, sign_in: SignIn) -> None:
    county = world.agency("410122")
    city = sign_in(world.account("gl410100"))
    address = f"/settings/agencies/{county.id}"
    assert "改为未承接" in city.get(address).text
    assert "改为未承接" not in sign_in(world.manager).get(address).text
    own = sign_in(world.manager).post(f"{address}/taken-over", data={"taken_over": "no"}, follow_redirects=True)
    assert "由省职业技能等级评价指导中心或所属省辖市的负责人设置" in own.text
    answer = city.post(f"{address}/taken-over", data={"taken_over": "no"}, follow_redirects=True)
    assert "已设为不再承接报名资格审查：3个单位" in answer.text
    assert world.school.agency.code == "410100"
    city.post(f"{address}/taken-over", data={"taken_over": "yes"})
    assert world.school.agency.code == "410122"


def test_an_officers_account_is_issued_used_and_ended(app: Flask, world: World, sign_in: SignIn) -> None:
    manager = sign_in(world.manager)
    sent = {"agency_id": str(world.manager.agency_id), "role": "agency_officer", "name": "梁清和"}
    page = manager.post("/settings/officers/new", data=sent).text
    assert "一次性密码只显示这一次。" in page
    username, password = re.findall(r'<strong class="figure">([^<]+)</strong>', page)
    officer = app.test_client()
    assert officer.post("/sign-in", data={"username": username, "password": password}).status_code == 302
    new = "一句自己好记的话"
    officer.post("/password", data={"current": password, "new": new, "new_again": new})
    assert officer.get("/sheet-desk").status_code == 200
    account = world.account(username)
    address = f"/settings/officers/{account.id}"
    assert username in manager.get("/settings/officers?q=梁清和").text
    refused = manager.post(address, data={"reason": ""})
    assert refused.status_code == 422 and error_beside(refused.text, "reason", "请填写停用原因")
    assert sign_in(world.far_manager).get(address).status_code == 404
    assert manager.post(address, data={"reason": "工作调动"}).location == "/settings/officers"
    assert "工作调动" in manager.get(address).text
    assert officer.get("/sheet-desk").location == "/sign-in?next=/sheet-desk"
    own = manager.post(f"/settings/officers/{world.manager.id}", data={"reason": "工作调动"})
    assert own.status_code == 422 and "不能停用自己的账户" in own.text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "请输入使用人的真实姓名。"),
        ("name", "L", "姓名应为2至30个汉字"),
        ("role", "", "请选择账户的身份。"),
        ("role", "applicant", "不是有效的选择"),
        ("agency_id", "", "请选择机构。"),
        ("agency_id", "far", "不是有效的选择"),
    ],
)
def test_an_account_is_not_issued_on_bad_input(
    world: World, sign_in: SignIn, field: str, value: str, message: str
) -> None:
    before = db.session.scalar(select(func.count(Account.id)))
    sent = {"agency_id": str(world.manager.agency_id), "role": "agency_officer", "name": "梁清和"}
    if value == "far":
        value = str(world.far_manager.agency_id)
    answer = sign_in(world.manager).post("/settings/officers/new", data={**sent, field: value})
    assert answer.status_code == 422 and error_beside(answer.text, field, message)
    assert db.session.scalar(select(func.count(Account.id))) == before


@pytest.fixture
def demonstration(app: Flask, tmp_path: Path) -> Iterator[FlaskClient]:
    """The same app in the demonstration's mode, its day in a file."""
    app.config["GONGKAO"] = Settings(mode="demonstration", instance=tmp_path, secret_key="x" * 40)
    clock.install(clock.DemonstrationClock(tmp_path / "day", date(2025, 3, 11)))
    yield app.test_client()


def test_the_demonstrations_day_is_set_for_everybody(demonstration: FlaskClient, world: World) -> None:
    assert "演示日期 2025年3月11日" in demonstration.get("/").text
    page = demonstration.get("/demonstration/clock").text
    assert "到2025-03-13" in page
    answer = demonstration.post("/demonstration/clock", data={"day": "2025-03-13", "next": "/register"})
    assert answer.location == "/register"
    assert "演示日期 2025年3月13日" in demonstration.application.test_client().get("/register").text
    for day, message in (("", "请填写日期。"), ("13.3.", "日期不正确")):
        refused = demonstration.post("/demonstration/clock", data={"day": day})
        assert refused.status_code == 422 and error_beside(refused.text, "day", message)
    assert demonstration.post("/demonstration/clock", data={"day": "2025-03-14", "next": "//x"}).location == (
        "/demonstration/clock"
    )
    signed_in = demonstration.post("/sign-in", data={"username": "dwschool", "password": PASSWORD})
    assert signed_in.status_code == 302


def test_there_is_no_clock_outside_the_demonstration(client: FlaskClient, world: World) -> None:
    assert client.get("/demonstration/clock").status_code == 404
    assert client.post("/demonstration/clock", data={"day": "2025-03-13"}).status_code == 404
    assert "演示" not in client.get("/").text


def test_health_is_told_to_machines(client: FlaskClient, world: World) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "database": "ok", "storage": "ok"})
