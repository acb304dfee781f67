"""The front page, signing in, registering, the first password, the own account."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, Person, Role
from gongkao.services import accounts
from gongkao.services.transaction import transaction
from tests.pages.reading import error_beside, main_of
from tests.world import PASSWORD, World, identity_number

SignIn = Callable[[Account], FlaskClient]
At = Callable[[date], None]
NEW = "白日依山尽黄河入海流"


def registration(**changes: str) -> dict[str, str]:
    return {
        "name": "丁小满",
        "identity_number": identity_number("410122", date(1990, 1, 1), 123),
        "mobile": "13800001234",
        "password": "每天都走六千步路",
        "password_again": changes.get("password", "每天都走六千步路"),
        "truth": "y",
        **changes,
    }


@pytest.mark.parametrize(
    ("day", "stage", "says", "register"),
    [
        (date(2025, 3, 9), "不在集中办理时间内", "未开始", False),
        (date(2025, 3, 12), "单位信息核对", "今天截止", False),
        (date(2025, 3, 20), "网上注册报名", "剩11天", True),
        (date(2025, 4, 2), "单位资格初审", "剩1天", False),
        (date(2026, 1, 1), "不在集中办理时间内", "已结束", False),
    ],
)
def test_the_front_page_tells_the_stage_and_the_calendar(
    client: FlaskClient, world: World, at: At, day: date, stage: str, says: str, register: bool
) -> None:
    at(day)
    page = client.get("/").text
    assert f"今天是{day.year}年{day.month}月{day.day}日" in page
    assert f"<strong>{stage}</strong>" in page and says in page
    assert "豫人社函〔2025〕21号" in page
    assert "2025年3月13日至3月31日" in page and "通知三（二）" in page
    assert ('class="button button-primary" href="/register"' in page) is register
    for way in ("/sign-in", "/sheets/new", "/sheets/find"):
        assert f'href="{way}"' in page


@pytest.mark.parametrize(
    ("username", "home"),
    [
        ("dwschool", "/review"),
        ("DWSCHOOL", "/review"),
        (" gk410122 ", "/review"),
        ("xs410122", "/review/all"),
        ("applicant", "/application"),
    ],
)
def test_everybody_signs_in_to_the_own_first_page(client: FlaskClient, world: World, username: str, home: str) -> None:
    if username == "applicant":
        username = world.applicant.sign_in_name.lower()
    answer = client.post("/sign-in", data={"username": username, "password": PASSWORD})
    assert answer.status_code == 302 and answer.location == "/"
    assert client.get("/").location == home
    assert client.get("/sign-in").status_code == 302


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("", PASSWORD, "请输入管理账户；申报人员请输入身份证号。"),
        ("dwschool", "", "请输入密码。"),
        ("dwschool", "wrong password", "账户或密码不正确。"),
        ("nobody", PASSWORD, "账户或密码不正确。"),
        ("dwended", PASSWORD, "账户或密码不正确。"),
        ("x" * 41, PASSWORD, "账户名最长40个字符。"),
        ("dwschool", "x" * 129, "密码最长128个字符。"),
    ],
)
def test_a_refused_sign_in_says_the_same_for_whatever_is_wrong(
    client: FlaskClient, world: World, username: str, password: str, message: str
) -> None:
    with transaction() as session:
        ended = world.station_administrator
        ended.username = "dwended"
        accounts.end_account(None, ended, "工作调动")
        session.flush()
    answer = client.post("/sign-in", data={"username": username, "password": password})
    assert answer.status_code == 422 and message in answer.text
    assert f'value="{username}"' in answer.text
    assert password == "" or password not in answer.text
    assert client.get("/profile").status_code == 302


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/units?q=晴川", "/units?q=晴川"),
        ("https://example.com/", "/"),
        ("//example.com", "/"),
        ("/\\example.com", "/"),
    ],
)
def test_after_signing_in_one_returns_to_a_page_of_this_site_only(
    client: FlaskClient, world: World, target: str, location: str
) -> None:
    answer = client.post("/sign-in", data={"username": "dwschool", "password": PASSWORD, "next": target})
    with client.application.test_request_context():
        assert answer.location in (location, "/units?q=%E6%99%B4%E5%B7%9D" if "units" in location else location)


def test_signing_out_ends_the_session(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.officer)
    assert browser.get("/profile").status_code == 200
    assert browser.post("/sign-out").location == "/sign-in"
    assert "您已安全退出。" in browser.get("/sign-in").text
    assert browser.get("/profile").location == "/sign-in?next=/profile"


def test_an_applicant_registers_and_is_signed_in(client: FlaskClient, world: World) -> None:
    page = client.get("/register").text
    assert "性别、出生日期按身份证号自动得出" in page and "至少8个字符" in page
    answer = client.post("/register", data=registration(name=" 丁 小满 ", mobile="138 0000 1234"))
    assert answer.status_code == 302 and answer.location == "/application"
    person = world.person("丁小满")
    assert (person.sex, person.birth_date, person.mobile) == ("男", date(1990, 1, 1), "13800001234")
    account = world.account(person.identity_number)
    assert account.role is Role.APPLICANT and not account.must_change_password
    page = client.get("/profile").text
    assert person.masked_identity_number in page and person.identity_number not in page


TAKEN = identity_number("410122", date(1985, 6, 12), 21)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "请输入与身份证一致的真实姓名。"),
        ("name", "丁", "姓名应为2至30个汉字"),
        ("name", "Ding Xiaoman", "姓名应为2至30个汉字"),
        ("name", "丁小满<b>", "姓名应为2至30个汉字"),
        ("identity_number", "", "请输入18位身份证号。"),
        ("identity_number", "41012219900101123", "身份证号应为18位"),
        ("identity_number", "410122199013011230", "出生日期不存在"),
        ("identity_number", "410122199001011230", "身份证号校验未通过"),
        ("identity_number", TAKEN, "该身份证号已注册。"),
        ("mobile", "", "请输入11位手机号码。"),
        ("mobile", "1380000123", "手机号码应为11位数字"),
        ("mobile", "12000001234", "没有这个号段的手机号码"),
        ("password", "", "请设置登录密码。"),
        ("password", "七个字的密码啊", "密码至少8个字符"),
        ("password", "12345678", "太常见"),
        ("password", "我的手机13800001234", "密码不能包含身份证号、手机号码"),
        ("password_again", "不一样的一句话呀", "两次输入的密码不一致"),
        ("truth", "", "请阅读并勾选承诺后再注册。"),
    ],
)
def test_registering_refuses_beside_the_field_and_keeps_what_was_typed(
    client: FlaskClient, world: World, field: str, value: str, message: str
) -> None:
    people = db.session.scalar(select(func.count(Person.id)))
    sent = registration(**{field: value})
    if field == "truth":
        del sent["truth"]
    answer = client.post("/register", data=sent)
    assert answer.status_code == 422
    assert error_beside(answer.text, field, message)
    if field != "mobile":
        assert 'value="13800001234"' in answer.text
    assert sent["password"] == "" or f'value="{sent["password"]}"' not in answer.text
    assert db.session.scalar(select(func.count(Person.id))) == people


def test_nobody_registers_outside_the_window_which_is_named(client: FlaskClient, world: World, at: At) -> None:
    at(date(2025, 4, 1))
    page = main_of(client.get("/register"))
    assert "网上注册报名时间为2025年3月13日至3月31日" in page and "<form" not in page
    answer = client.post("/register", data=registration())
    assert answer.status_code == 422 and "现已截止（通知三（二））" in answer.text and 'value="丁小满"' in answer.text


@pytest.fixture
def issued(world: World) -> accounts.Issued:
    with transaction():
        return accounts.issue_unit_administrator(world.officer, world.station, name="新管员", mobile="13800001234")


def test_the_first_sign_in_leads_nowhere_but_to_a_new_password(
    app: Flask, client: FlaskClient, issued: accounts.Issued
) -> None:
    username = issued.account.username
    client.post("/sign-in", data={"username": username, "password": issued.password})
    for path in ("/", "/units", "/profile", "/register", "/review", "/sheets/new", "/verify/none"):
        assert client.get(path).location == "/password", path
    page = client.get("/password").text
    assert "首次登录，请先设置新密码。" in page and 'class="places' not in page
    sent = {"current": issued.password, "new": NEW, "new_again": NEW}
    assert client.post("/password", data=sent).location == "/"
    assert client.get("/units").status_code == 200
    again = app.test_client()
    assert again.post("/sign-in", data={"username": username, "password": issued.password}).status_code == 422
    assert again.post("/sign-in", data={"username": username, "password": NEW}).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("current", "", "请输入当前密码。"),
        ("current", "wrong password", "密码不正确"),
        ("new", "", "请输入新密码。"),
        ("new", "short", "密码至少8个字符"),
        ("new", PASSWORD, "新密码不能与当前密码相同"),
        ("new", "mydwschool1", "密码不能包含"),
        ("new_again", "不一样的一句话呀", "两次输入的新密码不一致"),
    ],
)
def test_a_new_password_is_refused_beside_the_field(
    world: World, sign_in: SignIn, field: str, value: str, message: str
) -> None:
    account = world.unit_administrator
    before = account.password_hash
    browser = sign_in(account)
    sent = {"current": PASSWORD, "new": NEW, "new_again": NEW} | ({"new_again": value} if field == "new" else {})
    answer = browser.post("/password", data={**sent, field: value})
    assert answer.status_code == 422 and error_beside(answer.text, field, message)
    db.session.refresh(account)
    assert account.password_hash == before


def test_a_new_password_ends_the_other_sessions(world: World, sign_in: SignIn) -> None:
    here, elsewhere = sign_in(world.officer), sign_in(world.officer)
    assert here.post("/password", data={"current": PASSWORD, "new": NEW, "new_again": NEW}).status_code == 302
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("mobile", "138", "手机号码应为11位数字"),
        ("password", "", "请输入密码"),
        ("password", "wrong password", "密码不正确"),
    ],
)
def test_the_mobile_number_changes_only_with_the_password(
    world: World, sign_in: SignIn, field: str, value: str, message: str
) -> None:
    account = world.applicant
    sent: dict[str, Any] = {"mobile": "13900005678", "password": PASSWORD}
    browser = sign_in(account)
    answer = browser.post("/profile", data={**sent, field: value})
    assert answer.status_code == 422 and error_beside(answer.text, field, message)
    assert account.person is not None and account.person.mobile == "13800000000"
    assert browser.post("/profile", data=sent).status_code == 302
    assert "139****5678" in browser.get("/profile").text
    db.session.expire_all()
    assert (account.mobile, account.person.mobile) == ("13900005678", "13900005678")
    # Left empty, the number stays as it is.
    assert browser.post("/profile", data={**sent, "mobile": ""}).status_code == 302
    db.session.expire_all()
    assert account.mobile == "13900005678"


@pytest.mark.parametrize(
    ("who", "path", "current"),
    [
        ("officer", "/units/new", "/units"),
        ("officer", "/units/check-desk", "/units"),
        ("officer", "/administrators", "/units"),
        ("officer", "/sheet-desk", "/units"),
        ("province_manager", "/settings/calendar", "/settings"),
        ("province_manager", "/settings/officers/new", "/settings"),
        ("unit_administrator", "/administrators", "/units"),
        ("unit_administrator", "/units/check", "/units/check"),
        ("inspector", "/review/all", "/review/all"),
        ("officer", "/onsite/slots/new", "/onsite"),
        ("officer", "/profile", None),
    ],
)
def test_the_place_one_is_at_is_marked(world: World, sign_in: SignIn, who: str, path: str, current: str | None) -> None:
    page = sign_in(getattr(world, who)).get(path).text
    places = page.partition('<nav class="places')[2].partition("</nav>")[0]
    assert 1 < places.count("<li>") <= 8
    marked = [part for part in places.split("<a ") if 'aria-current="page"' in part]
    assert [part.startswith(f'href="{current}"') for part in marked] == ([True] if current else [])
