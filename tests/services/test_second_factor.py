"""The second factor (TOTP): set up with a code, asked after the password, each code once."""

from collections.abc import Callable

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from gongkao.clock import real_time
from gongkao.models import Account
from gongkao.services import second_factor, sessions
from gongkao.services.errors import FieldsRefused
from gongkao.services.transaction import transaction
from tests.world import PASSWORD, World


def _code(account: Account, shift: int = 0) -> str:
    assert account.totp_secret is not None
    return pyotp.TOTP(account.totp_secret).at(real_time(), counter_offset=shift)


def _enable(account: Account) -> None:
    second_factor.begin(account)
    second_factor.enable(account, _code(account, -1))


def test_it_counts_only_once_proved_and_each_code_once(world: World) -> None:
    officer = world.officer
    second_factor.begin(officer)
    with pytest.raises(FieldsRefused):
        second_factor.enable(officer, "000000" if _code(officer) != "000000" else "111111")
    assert officer.totp_enabled_at is None
    second_factor.enable(officer, _code(officer, -1))
    assert not second_factor.verify(officer, _code(officer, -1)), "used already"
    assert second_factor.verify(officer, _code(officer, 1))
    assert not second_factor.verify(officer, _code(officer, 1)), "used already"
    with pytest.raises(FieldsRefused):
        second_factor.disable(officer, "wrong")
    second_factor.disable(officer, PASSWORD)
    assert officer.totp_secret is None


def test_losing_the_phone(world: World) -> None:
    _enable(world.officer)
    old = sessions.begin(world.officer)
    with transaction():
        second_factor.reset(world.manager, world.officer)
    assert world.officer.totp_enabled_at is None and sessions.account_of(old) is None


def test_signing_in_asks_for_the_code_after_the_password(app: Flask, world: World) -> None:
    _enable(world.officer)
    browser = app.test_client()
    answer = browser.post("/sign-in", data={"username": world.officer.username, "password": PASSWORD})
    assert answer.location.endswith("/sign-in/code")
    assert browser.get("/units").status_code == 302, "the password alone opens nothing"
    assert browser.post("/sign-in/code", data={"code": "12"}).status_code == 422
    assert browser.post("/sign-in/code", data={"code": _code(world.officer, 1)}).status_code == 302
    assert browser.get("/inbox").status_code == 200


def test_nobody_reaches_the_code_without_the_password(app: Flask, world: World) -> None:
    assert app.test_client().get("/sign-in/code").location.endswith("/sign-in")


def test_agencies_must_set_it_up_where_the_setting_says_so(
    app: Flask, world: World, sign_in: Callable[[Account], FlaskClient]
) -> None:
    app.config["GONGKAO"].agency_second_factor = True
    browser = sign_in(world.officer)
    assert browser.get("/units").location.endswith("/profile/second-factor")
    page = browser.get("/profile/second-factor")
    assert "须启用动态码" in page.text and "data:image/svg" in page.text
    assert sign_in(world.unit_administrator).get("/inbox").status_code == 200
    _enable(world.officer)
    assert browser.get("/inbox").status_code == 200
