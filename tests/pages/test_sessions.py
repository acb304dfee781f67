"""Signing in as the browser sees it: a fresh session each time, known browsers, and the list of one's own sessions."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gongkao.models import Account
from gongkao.rules import throttle
from gongkao.services import accounts
from tests.pages.reading import error_beside, main_of
from tests.world import PASSWORD, World

_TOKEN = re.compile(r'name="(csrf_token|request_key)"[^>]*>')
SignIn = Callable[[Account], FlaskClient]
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/86.0 Safari/537.36 UOS"


def _enter(browser: FlaskClient, username: str, password: str = PASSWORD) -> int:
    sent = {"username": username, "password": password}
    return browser.post("/sign-in", data=sent, headers={"User-Agent": AGENT}).status_code


def _cookie(browser: FlaskClient) -> str:
    found = browser.get_cookie("session")
    return found.value if found is not None else ""


def test_signing_in_makes_a_new_session_and_signing_out_ends_it_on_the_server(app: Flask, world: World) -> None:
    browser = app.test_client()
    assert _enter(browser, world.officer.username) == 302
    first = _cookie(browser)
    assert _enter(browser, world.officer.username) == 302
    second = _cookie(browser)
    stolen = app.test_client()
    stolen.set_cookie("session", first)
    assert stolen.get("/profile").status_code == 302, "the session before signing in again is over"
    stolen.set_cookie("session", second)
    assert stolen.get("/profile").status_code == 200
    browser.post("/sign-out")
    stolen.set_cookie("session", second)
    assert stolen.get("/profile").status_code == 302, "a copy of the cookie opens nothing after signing out"


def test_a_session_given_to_somebody_before_signing_in_is_not_theirs_after(app: Flask, world: World) -> None:
    browser = app.test_client()
    with browser.session_transaction() as session:
        session["planted"] = "by somebody else"
    _enter(browser, world.officer.username)
    with browser.session_transaction() as session:
        assert "planted" not in session


def test_too_many_guesses_get_a_page_that_says_when_to_come_again(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "verify_password", lambda stored, typed: stored is not None and typed == PASSWORD)
    known = app.test_client()
    assert _enter(known, world.officer.username) == 302
    known.post("/sign-out")
    answers = []
    for username in (world.officer.username, "gk999999"):
        browser = app.test_client()
        browser.environ_base["REMOTE_ADDR"] = "203.0.113.9"
        assert [_enter(browser, username, "wrong") for _ in range(throttle.ACCOUNT.free)] == [
            422
        ] * throttle.ACCOUNT.free
        answer = browser.post("/sign-in", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= 60
        assert error_beside(answer.text, "password", "登录失败次数过多，请1分钟后再试。")
        answers.append(_TOKEN.sub("", main_of(answer).replace(username, "")))
    assert answers[0] == answers[1], "the answer is the same whether there is such an account or not"
    assert _enter(known, world.officer.username) == 302, "a browser that has signed in before is not kept out"
    known.set_cookie("device", "forged.AAAA")
    known.post("/sign-out")
    assert _enter(known, world.officer.username) == 429


def test_the_mark_of_a_known_browser_stays_out_of_reach(app: Flask, world: World) -> None:
    browser = app.test_client()
    answer = browser.post("/sign-in", data={"username": world.officer.username, "password": PASSWORD})
    sent = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("device="))
    assert "HttpOnly" in sent and "SameSite=Lax" in sent and world.officer.username not in sent


def test_one_sees_and_ends_ones_own_sessions(app: Flask, world: World, sign_in: SignIn) -> None:
    here, elsewhere = app.test_client(), app.test_client()
    _enter(elsewhere, world.officer.username)
    _enter(app.test_client(), world.officer.username, "wrong")
    _enter(here, world.officer.username)
    assert "/profile/sessions" in here.get("/profile").text
    page = main_of(here.get("/profile/sessions"))
    assert page.count("统信电脑 · 谷歌内核浏览器") == 5 and page.count("本机") == 1 and page.count("失败</span>") == 1
    action = page.partition('action="/profile/sessions/')[2].partition('"')[0]
    foreign = sign_in(world.far_officer)
    assert foreign.post(f"/profile/sessions/{action}").status_code == 404
    assert elsewhere.get("/profile").status_code == 200
    assert here.post(f"/profile/sessions/{action}").location == "/profile/sessions"
    assert elsewhere.get("/profile").status_code == 302
    other = sign_in(world.officer)
    assert here.post("/profile/sessions/end-others").location == "/profile/sessions"
    assert other.get("/profile").status_code == 302 and here.get("/profile").status_code == 200
    assert foreign.get("/profile").status_code == 200
