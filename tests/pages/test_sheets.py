"""The registration sheet through its pages: from choosing the unit to the older administrator's end."""

import io
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pikepdf
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gongkao.documents.papers import RegistrationSheetPaper
from gongkao.extensions import db
from gongkao.models import Account, RegistrationSheet, SheetStatus
from gongkao.services import sheets
from tests import factories
from tests.pages.reading import error_beside, main_of
from tests.world import PASSWORD, World

SignIn = Callable[[Account], FlaskClient]
At = Callable[[date], None]
DAY = date(2025, 3, 11)
TYPED = {
    "filler": "安知行",
    "filled_on": "2025-03-11",
    "name": "卓明远",
    "sex": "女",
    "department": "人事科",
    "position": "科员",
    "office_phone": "0371-62181234",
    "mobile": "13800000001",
}


@pytest.fixture(autouse=True)
def _in_the_three_days(app: Flask, at: At) -> None:
    at(DAY)


def upload(data: bytes, name: str) -> dict[str, Any]:
    return {"scan": (io.BytesIO(data), name)}


@pytest.fixture
def sheet(world: World) -> RegistrationSheet:
    """Filled in for the school, whose administrator is 管二."""
    return sheets.fill_in(None, world.school.id, **TYPED)


@pytest.fixture
def waiting(sheet: RegistrationSheet) -> RegistrationSheet:
    """The same with its scan, at the county's desk."""
    return sheets.hand_in(None, sheet.token, factories.pdf(), "登记表.pdf")


@pytest.fixture
def papers_drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of the sheet's paper; the paper itself is tested with the documents."""
    drawn: list[Any] = []

    def draw(paper: Any) -> bytes:
        drawn.append(paper)
        return factories.pdf()

    monkeypatch.setattr("gongkao.documents.papers.registration_sheet", draw)
    monkeypatch.setattr("gongkao.documents.papers.password_slip", draw)
    return drawn


def test_one_finds_the_unit_fills_in_prints_and_hands_in(
    client: FlaskClient, world: World, papers_drawn: list[Any]
) -> None:
    assert "没有找到名称含“无此单位”的单位" in client.get("/sheets/new?q=无此单位").text
    assert "请至少输入两个字" in client.get("/sheets/new?q=晴").text
    page = client.get("/sheets/new?q=晴川").text
    assert "中牟县晴川学校" in page and "远山" not in page
    address = f"/sheets/new?unit={world.school.id}"
    assert f'href="{address}"' in page
    form = main_of(client.get(address))
    labels = [form.index(f">{label}") for label in ("单位名称", "填表人", "填表日期", "姓名", "性别", "工作部门")]
    assert labels == sorted(labels) and 'value="2025-03-11"' in form
    answer = client.post(address, data=TYPED)
    assert answer.status_code == 302
    page = client.get(answer.location).text
    sheet = db.session.scalars(select(RegistrationSheet)).one()
    assert "还没有提交。" in page and sheet.number in page and f"http://localhost{answer.location}" in page
    pdf = client.get(f"{answer.location}/sheet.pdf")
    assert pdf.mimetype == "application/pdf" and "attachment" not in pdf.headers["Content-Disposition"]
    assert papers_drawn == [
        RegistrationSheetPaper(
            "中牟县晴川学校", "安知行", DAY, "卓明远", "女", "人事科", "科员", "0371-62181234", "13800000001",
            sheet.number,
        )
    ]  # fmt: skip
    sent = client.post(f"{answer.location}/scan", data=upload(factories.jpeg(900, 1200), "手机照片.jpg"))
    assert sent.status_code == 302
    page = client.get(answer.location).text
    assert "已提交中牟县工考管理机构审核。" in page and "重新上传扫描件" in page and "/edit" not in page
    assert client.get(f"{answer.location}/scan").mimetype == "image/jpeg"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("filler", "", "请输入填表人姓名。"),
        ("filler", "A", "姓名应为2至30个汉字"),
        ("filled_on", "", "请输入填表日期"),
        ("filled_on", "3月11日", "填表日期不正确，请按“2025-03-11”的格式填写。"),
        ("filled_on", "2025-02-30", "填表日期不正确"),
        ("filled_on", "2025-03-12", "填表日期不能晚于今天"),
        ("filled_on", "2024-12-31", "填表日期应在2025年内"),
        ("name", "", "请输入管理人员姓名。"),
        ("name", "卓", "姓名应为2至30个汉字"),
        ("sex", "", "请选择性别。"),
        ("sex", "其他", "不是有效的选择"),
        ("department", "", "请输入工作部门"),
        ("department", "部" * 41, "工作部门最多40个字，现为41个字"),
        ("position", "", "请输入职务"),
        ("position", "职" * 41, "职务最多40个字"),
        ("office_phone", "", "请输入办公电话"),
        ("office_phone", "62181234", "办公电话请带区号填写"),
        ("mobile", "", "请输入11位手机号码。"),
        ("mobile", "0371-62181234", "手机号码应为11位数字"),
    ],
)
def test_each_cell_is_refused_beside_it_and_keeps_the_others(
    client: FlaskClient, world: World, sheet: RegistrationSheet, field: str, value: str, message: str
) -> None:
    version = sheet.version
    for address in (f"/sheets/new?unit={world.bureau.id}", f"/sheets/{sheet.token}/edit"):
        answer = client.post(address, data={**TYPED, field: value})
        assert answer.status_code == 422 and error_beside(answer.text, field, message)
        kept = {name: text for name, text in TYPED.items() if name not in (field, "sex")}
        assert all(f'value="{text}"' in answer.text for text in kept.values())
        assert not value or field == "sex" or f'value="{value}"' in answer.text
    assert db.session.scalar(select(func.count(RegistrationSheet.id))) == 1
    db.session.refresh(sheet)
    assert sheet.version == version


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "登记表.pdf", "是空文件"),
        (b"", "", "请选择要上传的盖章扫描件文件"),
        (b"MZ\x90\x00" + b"\x00" * 200, "登记表.pdf", "的扩展名是 .pdf，实际内容"),
        (b"MZ\x90\x00" + b"\x00" * 200, "登记表.exe", "不能上传"),
        (b"%PDF-1.7 cut", "登记表.pdf", "无法打开，PDF 文件可能已损坏"),
        (factories.jpeg()[:900], "登记表.jpg", "图片可能已损坏"),
        (b"PK\x03\x04" + b"\x00" * 200, "登记表.docx", "不能上传"),
        (b"%PDF-" + b"0" * (10 * 1024 * 1024), "登记表.pdf", "超过盖章扫描件的上限 10 MB"),
    ],
    ids=["empty", "none", "renamed", "program", "broken", "cut", "document", "large"],
)
def test_a_scan_that_cannot_be_taken_is_refused_and_the_sheet_stays(
    client: FlaskClient, sheet: RegistrationSheet, data: bytes, name: str, message: str
) -> None:
    answer = client.post(f"/sheets/{sheet.token}/scan", data=upload(data, name))
    assert answer.status_code == 422 and error_beside(answer.text, "scan", message)
    db.session.refresh(sheet)
    assert (sheet.status, sheet.scan_id) == (SheetStatus.FILLED, None)


def test_outside_the_window_the_pages_say_so_and_nothing_is_taken(
    client: FlaskClient, world: World, sheet: RegistrationSheet, at: At
) -> None:
    first = world.unit("郑州市长河中心")
    at(date(2025, 3, 13))
    for answer in (client.get(f"/sheets/new?unit={first.id}"), client.post(f"/sheets/new?unit={first.id}", data=TYPED)):
        assert "网上报名管理人员登记时间为2025年3月10日至3月12日，现已截止（通知三（一）" in answer.text
    at(date(2026, 1, 1))
    page = main_of(client.get(f"/sheets/{sheet.token}"))
    assert "现在不能修改或上传。" in page and "<form" not in page
    answer = client.post(f"/sheets/{sheet.token}/scan", data=upload(factories.pdf(), "登记表.pdf"))
    assert answer.status_code == 422 and "现已截止" in answer.text
    assert db.session.scalars(select(RegistrationSheet.status)).all() == [SheetStatus.FILLED]


@pytest.mark.parametrize(
    ("number", "mobile", "field", "message"),
    [
        ("", "13800000001", "number", "请输入登记表编号"),
        ("right", "", "mobile", "请输入登记表上管理人员的手机号码"),
        ("right", "13800000002", "mobile", "没有找到与登记表编号和手机号码都相符的登记表"),
        ("DJ2025999999", "13800000001", "mobile", "没有找到"),
    ],
)
def test_a_sheet_is_found_again_by_number_and_mobile_together(
    client: FlaskClient, sheet: RegistrationSheet, number: str, mobile: str, field: str, message: str
) -> None:
    number = number.replace("right", sheet.number)
    answer = client.post("/sheets/find", data={"number": number, "mobile": mobile})
    assert answer.status_code == 422 and error_beside(answer.text, field, message)
    assert f'value="{number}"' in answer.text and sheet.token not in answer.text
    found = client.post("/sheets/find", data={"number": sheet.number.lower(), "mobile": "138 0000 0001"})
    assert found.location == f"/sheets/{sheet.token}"


@pytest.mark.parametrize(
    "address", ["/sheets/none", "/sheets/none/edit", "/sheets/none/sheet.pdf", "/sheets/new?unit=0"]
)
def test_a_wrong_link_finds_nothing(client: FlaskClient, world: World, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404 and "没有找到" in answer.text


@pytest.mark.parametrize("text", ["99999999999999999999", "²", "-1", "x"])
def test_a_broken_unit_in_the_address_leads_to_choosing_one(client: FlaskClient, world: World, text: str) -> None:
    answer = client.get("/sheets/new", query_string={"unit": text})
    assert answer.status_code == 200 and "查找单位" in answer.text


def test_the_desk_lists_what_waits_and_the_page_puts_scan_beside_facts(
    world: World, sign_in: SignIn, waiting: RegistrationSheet
) -> None:
    officer = sign_in(world.officer)
    desk = officer.get("/sheet-desk").text
    assert waiting.number in desk and "138****0001" in desk and "13800000001" not in desk
    assert re.search(r"待本机构审核</span> <strong[^>]*>1<", desk)
    assert "没有符合条件的内容。请更换或清除条件。" in officer.get("/sheet-desk?status=refused").text
    assert "还没有登记表" in sign_in(world.far_officer).get("/sheet-desk").text
    assert officer.get("/sheet-desk/export").mimetype.endswith("sheet")
    page = officer.get(f"/sheet-desk/{waiting.id}").text
    assert all(text in page for text in ("中牟县晴川学校", "卓明远", "138****0001", "2025年3月11日"))
    assert "13800000001" not in page
    assert f'src="/sheet-desk/{waiting.id}/scan"' in page and "管二（dwschool）的账户同时停用" in page
    scan = officer.get(f"/sheet-desk/{waiting.id}/scan")
    with pikepdf.open(io.BytesIO(scan.data)) as opened:
        assert len(opened.pages) == 1
    city = sign_in(world.city_officer).get(f"/sheet-desk/{waiting.id}").text
    assert "由中牟县工考管理机构审核，本机构可以查看" in city and "decision-bar" not in city
    stranger = sign_in(world.far_officer)
    assert stranger.get(f"/sheet-desk/{waiting.id}").status_code == 404
    assert stranger.get(f"/sheet-desk/{waiting.id}/scan").status_code == 404
    assert waiting.number not in stranger.get("/sheet-desk").text


@pytest.mark.parametrize(
    ("reason", "message"), [("", "请填写不通过的原因"), ("不行", "至少4个字"), ("长" * 301, "最多300个字")]
)
def test_refusing_needs_a_reason(
    world: World, sign_in: SignIn, waiting: RegistrationSheet, reason: str, message: str
) -> None:
    sent = {"decision": "refuse", "version": waiting.version, "reason": reason}
    answer = sign_in(world.officer).post(f"/sheet-desk/{waiting.id}", data=sent)
    assert answer.status_code == 422 and error_beside(answer.text, "reason", message) and reason in answer.text
    db.session.refresh(waiting)
    assert waiting.status is SheetStatus.SUBMITTED


def test_a_refused_sheet_shows_the_reason_and_goes_round_again(
    client: FlaskClient, world: World, sign_in: SignIn, waiting: RegistrationSheet
) -> None:
    officer = sign_in(world.officer)
    address = f"/sheet-desk/{waiting.id}"
    sent = {"decision": "refuse", "version": waiting.version, "reason": "公章不清晰，请重新盖章后扫描。"}
    assert officer.post(address, data=sent).location == "/sheet-desk"
    own = f"/sheets/{waiting.token}"
    assert "未通过：公章不清晰，请重新盖章后扫描。" in client.get(own).text
    late = officer.post(address, data={"decision": "accept", "version": waiting.version})
    assert late.status_code == 422 and "您的操作没有生效" in late.text
    assert client.post(f"{own}/scan", data=upload(factories.pdf(), "登记表.pdf")).status_code == 422
    assert client.post(f"{own}/edit", data={**TYPED, "position": "副科长"}).location == own
    assert client.post(f"{own}/scan", data=upload(factories.pdf(), "登记表.pdf")).status_code == 302
    assert "副科长" in officer.get(address).text


def test_accepting_shows_the_password_once_and_ends_the_older_account_and_its_session(
    app: Flask,
    client: FlaskClient,
    world: World,
    sign_in: SignIn,
    waiting: RegistrationSheet,
    papers_drawn: list[Any],
) -> None:
    older = sign_in(world.unit_administrator)
    assert older.get("/units").status_code == 200
    officer = sign_in(world.officer)
    address = f"/sheet-desk/{waiting.id}"
    page = officer.post(address, data={"decision": "accept", "version": waiting.version})
    assert page.status_code == 200 and "一次性密码只显示这一次" in page.text
    assert "管二（账户" in page.text and "已停用并退出登录" in page.text
    username, password = re.findall(r'<strong class="mono">([^<]+)</strong>', page.text)
    assert password not in officer.get(address).text
    slip = officer.post(f"{address}/slip.pdf", data={"password": password})
    assert slip.mimetype == "application/pdf"
    assert (papers_drawn[-1].account_name, papers_drawn[-1].one_time_password) == (username, password)
    assert officer.post(f"{address}/slip.pdf", data={"password": "wrong"}).status_code == 404
    assert older.get("/units").location == "/sign-in?next=/units"
    assert client.post("/sign-in", data={"username": "dwschool", "password": PASSWORD}).status_code == 422
    fresh = app.test_client()
    assert fresh.post("/sign-in", data={"username": username, "password": password}).status_code == 302
    new = "一句自己好记的话"
    fresh.post("/password", data={"current": password, "new": new, "new_again": new})
    listed = fresh.get("/administrators").text
    assert username in listed and "dwschool" in listed and "已停用" in listed
    assert f'href="/sheets/new?unit={world.school.id}"' in listed
    assert officer.post(f"{address}/slip.pdf", data={"password": password}).status_code == 404
    assert "审核通过，账户已发放。" in client.get(f"/sheets/{waiting.token}").text


def test_two_decisions_at_once_leave_one_account(world: World, sign_in: SignIn, waiting: RegistrationSheet) -> None:
    sent = {"decision": "accept", "version": waiting.version}
    browser = sign_in(world.officer)
    assert browser.post(f"/sheet-desk/{waiting.id}", data=sent).status_code == 200
    again = browser.post(f"/sheet-desk/{waiting.id}", data=sent)
    assert again.status_code == 422 and "您的操作没有生效" in again.text
    working = sheets.working_administrators(world.school)
    assert len(working) == 1 and working[0].display_name == "卓明远"
