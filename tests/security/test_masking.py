"""Whole numbers: on no page and in no list, shown once to whoever may see the person and says why."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.config import ROOT
from gongkao.extensions import db
from gongkao.models import (
    Account,
    AuditEntry,
    BanEntry,
    PasswordHelp,
    Person,
    RegistrationSheet,
    RosterEntry,
    Visit,
)
from gongkao.services import audit_trail, listing
from gongkao.services.transaction import transaction
from tests import samples
from tests.security.test_routes import STRANGERS, _address, _text, _visits
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
OFFICIALS: dict[str, Callable[[World], Account]] = {
    "unit administrator": lambda world: world.unit_administrator,
    "officer": lambda world: world.officer,
    "manager": lambda world: world.manager,
    "city officer": lambda world: world.city_officer,
    "province manager": lambda world: world.province_manager,
    "inspector": lambda world: world.inspector,
}
# Where a whole number stands all the same, and why.
WHOLE = {
    "exams.training_sheet": "the table that comes back filled in is matched by it; only for the office that holds the "
    "class, and taking it is on record",
    "exams.score_template": "the testing system knows people by it; only for the office that enters the marks, and "
    "taking it is on record",
    "accounts.edit_sheet": "the filler's own form with what was typed there, behind an address that only they have",
    "review.onsite_new": "the own number of whoever fills in the form",
}


@pytest.fixture
def database_url(sqlite_database_url: str) -> str:
    """What pages show is the same on either database."""
    return sqlite_database_url


def _numbers() -> set[str]:
    """Every whole number that the samples hold."""
    found: set[str | None] = set()
    for model in (Person, PasswordHelp, RosterEntry, BanEntry, RegistrationSheet, Visit, Account):
        for name in ("identity_number", "mobile", "bearer_mobile"):
            if hasattr(model, name):
                found |= set(db.session.scalars(select(getattr(model, name))))
    return {number for number in found if number}


def test_no_page_and_no_list_shows_an_official_a_whole_number(app: Flask, world: World, sign_in: SignIn) -> None:
    values = samples.make(world)
    with transaction():
        for choose in OFFICIALS.values():
            choose(world).mobile = "13800007777"
    numbers = _numbers()
    assert len(numbers) > 8
    rules = [
        rule
        for rule, method, _ in _visits(app)
        # Papers bear what their form says; taking those is on record (below).
        if method == "GET" and rule.endpoint not in WHOLE and not rule.rule.endswith(".pdf")
    ]
    for who, choose in OFFICIALS.items():
        account, masked = choose(world), 0
        browser = sign_in(account)
        for rule in rules:
            response = browser.get(_address(app, rule, values, account.role))
            if response.status_code == 200 and not response.mimetype.startswith(("application/pdf", "image/")):
                text = _text(response)
                assert [number for number in numbers if number in text] == [], (who, rule.rule, response.mimetype)
                masked += "****" in text
            response.close()
        assert masked >= 5, who


# The page, the route's name, what its address takes, and how many numbers it hides.
PAGES = [
    ("review.application", "review.application_numbers", 2),
    ("review.deferral", "review.deferral_numbers", 2),
    ("accounts.password_help", "accounts.help_numbers", 2),
    ("accounts.roster_entry", "accounts.roster_numbers", 2),
    ("accounts.decide_sheet", "accounts.sheet_numbers", 1),
    ("review.onsite_visit", "review.onsite_numbers", 1),
]
# The others are shown to agencies.
OF_UNITS = ("accounts.password_help", "accounts.roster_entry")


def _addresses(app: Flask, values: dict[str, Any], *endpoints: str) -> list[str]:
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    return [_address(app, rules[endpoint], values, None) for endpoint in endpoints]


def test_whoever_says_why_sees_them_once_and_it_is_on_record(app: Flask, world: World, sign_in: SignIn) -> None:
    values = samples.make(world)
    secrets = _numbers()
    for page, numbers, count in PAGES:
        looked, asked = _addresses(app, values, page, numbers)
        official = world.unit_administrator if page in OF_UNITS else world.manager
        browser = sign_in(official)
        assert "查看完整号码" in browser.get(looked).text
        before = _entries()
        for sent, message in (
            ({}, "请先选择查看完整号码的原因。"),
            ({"unmask_reason": "curious"}, "请先选择"),
            ({"unmask_reason": "other", "unmask_words": " "}, "请填写查看的原因。"),
            ({"unmask_reason": "other", "unmask_words": "看"}, "至少4个字"),
        ):
            refused = browser.post(asked, data=sent)
            assert refused.status_code == 422 and message in refused.text, (page, sent)
            assert not _in(secrets, refused.text) and _entries() == before
        said = f"与公安部门核对{world.person('孟听雨').identity_number}"
        shown = browser.post(asked, data={"unmask_reason": "other", "unmask_words": said})
        assert shown.status_code == 200 and len(_in(secrets, shown.text)) == count, page
        assert "本次查看已记录" in shown.text and "no-store" in shown.headers["Cache-Control"]
        # Once: the page hides them again.
        assert not _in(secrets, browser.get(looked).text)
        (made,) = _entries()[len(before) :]
        assert made.account_id == official.id
        assert made.detail["fields"] == ("身份证号、手机号码" if count == 2 else "手机号码")
        assert not _in(secrets, str(made.detail))
    row = listing.run(audit_trail.listing(world.province_manager), {"action": "view_whole_number"}).rows[0]
    assert row.cells[2].text == "查看完整号码"
    assert row.cells[4].text == "管二鸣；手机号码；其他：与公安部门核对410122********0218"
    _strangers_see_nothing(app, world, sign_in, values)
    # Inspectors read and are on record as everybody else.
    (asked,) = _addresses(app, values, "review.application_numbers")
    assert _in(secrets, sign_in(world.inspector).post(asked, data={"unmask_reason": "oversight"}).text)
    assert _entries()[-1].account_id == world.inspector.id


def _entries() -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.action == "view_whole_number").order_by(AuditEntry.id)
    return list(db.session.scalars(query))


def _in(numbers: set[str], text: str) -> list[str]:
    return [number for number in numbers if number in text]


def _strangers_see_nothing(app: Flask, world: World, sign_in: SignIn, values: dict[str, Any]) -> None:
    before = _entries()
    for _, strangers in STRANGERS.values():
        for choose in strangers:
            browser = sign_in(choose(world))
            for address in _addresses(app, values, *(numbers for _, numbers, _ in PAGES)):
                assert browser.post(address, data={"unmask_reason": "original"}).status_code in (403, 404), address
    assert _entries() == before


PAPERS = [
    ("exams.seat_ticket", "准考证"),
    ("notices.certificate_pdf", "等级证书"),
    ("notices.sealed_file", "考核档案"),
    ("notices.job_file", "测试"),
    ("exams.training_sheet", "学员名单"),
    ("exams.score_template", "成绩导入模板"),
]


def test_papers_that_carry_whole_numbers_are_taken_on_record(app: Flask, world: World, sign_in: SignIn) -> None:
    values = samples.make(world)
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    for endpoint, paper in PAPERS:
        official = world.city_officer if endpoint == "exams.training_sheet" else world.officer
        answer = sign_in(official).get(_address(app, rules[endpoint], values, official.role))
        assert answer.status_code == 200, endpoint
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None and entry.action == "take_whole_numbers" and entry.account_id == official.id, endpoint
        assert paper in entry.detail["paper"]
        answer.close()


def test_every_action_on_record_has_a_name(app: Flask) -> None:
    """The page of the trail never shows a word of the code."""
    said = re.compile(r"audit\.record\(\s*[^,\"]+,\s*\"(\w+)\"")
    actions = {name for path in (ROOT / "gongkao").rglob("*.py") for name in said.findall(path.read_text("utf-8"))}
    assert len(actions) > 100
    assert [action for action in actions if audit_trail.action_text(action) == action] == []
