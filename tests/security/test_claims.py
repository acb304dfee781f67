"""Claiming to be more than one is: by fields that no form has, by other methods, by headers. And asking who exists."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Application, Person, Role
from tests.security.test_routes import _address, _rules
from tests.world import PASSWORD, World, identity_number

SignIn = Callable[[Account], FlaskClient]

# What decides who somebody is and whose something is: no page changes any of it for the asking.
FIXED: dict[Any, tuple[str, ...]] = {
    Account: ("username", "role", "person_id", "unit_id", "agency_id", "region_code"),
    Application: ("number", "person_id", "cycle_id", "unit_id", "agency_id"),
    Person: ("identity_number", "name"),
}
CLAIMS = {
    "role": "agency_manager",
    "username": "gl999999",
    "password_hash": "!",
    "person_id": "1",
    "unit_id": "1",
    "agency_id": "1",
    "region_code": "410000",
    "cycle_id": "1",
    "account_id": "1",
    "identity_number": identity_number("410122", date(1970, 1, 1), 1),
    "name": "冒名",
    "number": "1",
    "id": "1",
    "must_change_password": "",
    "totp_secret": "",
}


@pytest.fixture
def database_url(sqlite_database_url: str) -> str:
    """Who may do what is the same on either database."""
    return sqlite_database_url


def _fixed() -> dict[str, Any]:
    db.session.rollback()
    return {
        f"{model.__name__} {row.id}": [getattr(row, name) for name in names]
        for model, names in FIXED.items()
        for row in db.session.scalars(select(model))
    }


@pytest.mark.parametrize("who", ["applicant", "unit_administrator", "officer", "inspector"])
def test_fields_that_no_form_has_change_nothing(
    app: Flask, world: World, sign_in: SignIn, who: str, values: dict[str, Any]
) -> None:
    account: Account = getattr(world, who)
    role, before = account.role, _fixed()
    for rule in _rules(app):
        if "POST" in (rule.methods or ()):
            sign_in(getattr(world, who)).post(_address(app, rule, values, role), data=CLAIMS).close()
            now = _fixed()
            assert {key: now[key] for key in before} == before, rule.rule


def test_the_own_account_takes_what_its_form_has_and_nothing_else(world: World, sign_in: SignIn) -> None:
    columns = set(Account.__table__.columns.keys())
    before = {name: getattr(world.applicant, name) for name in columns}
    sent = {**CLAIMS, "email": "ting.yu@example.cn", "mobile": "13800000009", "password": PASSWORD}
    assert sign_in(world.applicant).post("/profile", data=sent).status_code == 302
    db.session.expire_all()
    changed = {name for name in columns if getattr(world.applicant, name) != before[name]}
    assert changed == {"email", "mobile"}


def test_whoever_registers_is_an_applicant_whatever_else_is_sent(app: Flask, world: World) -> None:
    number = identity_number("410122", date(1990, 1, 1), 77)
    sent = {
        **CLAIMS,
        "name": "丁小满",
        "identity_number": number,
        "mobile": "13800001234",
        "password": "清晨 walking 2025",
        "password_again": "清晨 walking 2025",
        "truth": "y",
    }
    assert app.test_client().post("/register", data=sent).location == "/application"
    made = world.account(number)
    assert (made.role, made.unit_id, made.agency_id, made.region_code) == (Role.APPLICANT, None, None, None)


def test_no_header_or_field_changes_the_method_or_the_place(app: Flask, world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.officer)
    for headers in (
        {"X-HTTP-Method-Override": "POST"},
        {"X-HTTP-Method": "POST"},
        {"X-Original-URL": "/sign-in"},
        {"X-Rewrite-URL": "/sign-in"},
    ):
        assert browser.get("/sign-out?_method=POST", headers=headers).status_code == 405
        assert app.test_client().get("/review", headers=headers).location.startswith("/sign-in")
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
        assert browser.open("/profile", method=method).status_code == 405
    for name in ("Remote-User", "X-Forwarded-User", "Authorization"):
        assert app.test_client().get("/review", headers={name: "gl410000"}).status_code == 302
    head = app.test_client().head("/review")
    assert head.status_code == 302 and not head.data
    assert browser.get("/review").status_code == 200


def test_the_host_of_a_request_leads_nobody_away(app: Flask, world: World) -> None:
    sent = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    for answer in (
        app.test_client().get("/review", headers=sent),
        app.test_client().post("/sign-in", data={"username": "gk410122", "password": PASSWORD}, headers=sent),
    ):
        assert answer.status_code == 302 and answer.location.startswith("/") and "evil" not in answer.text


def test_nobody_learns_who_is_registered(app: Flask, world: World) -> None:
    """By signing in or by asking for a new password; whoever registers must learn it, and that is counted and slow."""
    client = app.test_client()
    absent = identity_number("410122", date(1971, 1, 1), 5)
    for address, fields in (
        ("/sign-in", {"password": "wrong"}),
        (f"/password/help?unit={world.school.id}", {"name": "孟听雨", "mobile": "13800000000"}),
    ):
        answers = []
        for number in (world.applicant.sign_in_name, absent):
            named = {"username": number, "identity_number": number}
            answer = client.post(address, data={**fields, **named})
            plain = re.sub(r'name="(csrf_token|request_key)"[^>]*>', "", answer.text)
            answers.append((answer.status_code, plain.replace(number, ""), sorted(answer.headers.keys())))
        assert answers[0] == answers[1], address
