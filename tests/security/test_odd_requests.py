"""What no browser of ours sends: whatever it is, the answer is a page, never a breakdown. On both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from gongkao.extensions import db
from gongkao.models import Account, PasswordHelp
from gongkao.services import password_help
from gongkao.services.errors import Refused
from tests import factories, samples
from tests.security.test_routes import FILES
from tests.world import World

SignIn = Callable[[Account], FlaskClient]

NUMBERS = (0, 2**31 - 1, 2**31, 2**63, 10**40)
# The long one: with all names together it is four times what nginx and gunicorn take as an address.
TEXTS = ("\0", "中" * 300, "%", "²", "-1")
NAMES = ("q", "page", "sort", "order", "status", "unit", "agency", "region", "level", "state", "next", "grade", "check")
# fmt: off
FIELDS = (
    "name", "version", "reason", "decision", "ids", "held", "agency_id", "role", "level", "region_code",
    "supervising_unit", "credit_code", "username", "password", "number", "mobile", "identity_number", "taken_over",
    "action", "onsite", "agree", "checks", "code", "file", "files", "scan", "grade", "day",
)
# fmt: on


def _people(world: World) -> list[Account]:
    return [world.applicant, world.unit_administrator, world.province_manager]


def _rules(app: Flask) -> list[Any]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in FILES | {"accounts.sign_out"}]


def _address(app: Flask, rule: Any, values: dict[str, Any]) -> str:
    address: str = rule.rule
    for argument in rule.arguments:
        for kind in (f"<int:{argument}>", f"<{argument}>"):
            address = address.replace(kind, str(values[argument]))
    return address


def test_numbers_that_no_row_has(app: Flask, world: World, sign_in: SignIn) -> None:
    for account in _people(world):
        client = sign_in(account)
        for rule in _rules(app):
            if not any(argument.endswith("_id") or argument == "grade" for argument in rule.arguments):
                continue
            for number in NUMBERS:
                address = _address(app, rule, dict.fromkeys(rule.arguments, number))
                for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                    response = client.open(address, method=method)
                    assert response.status_code in (302, 403, 404, 405), (address, method, response.status_code)
                    response.close()


def test_texts_that_nobody_types_in_an_address(
    app: Flask, world: World, sign_in: SignIn, values: dict[str, Any]
) -> None:
    for account in _people(world):
        client = sign_in(account)
        for rule in _rules(app):
            if "GET" not in rule.methods or rule.arguments & {"token", "code"} or rule.rule.endswith(".pdf"):
                continue
            chosen = samples.values_for(values, rule.endpoint, account.role)
            for text in TEXTS:
                response = client.get(_address(app, rule, chosen), query_string=dict.fromkeys(NAMES, text))
                assert response.status_code < 500, (rule.rule, text[:9], response.status_code)
                assert ("\0" not in text) or response.status_code in (302, 400, 403, 404), (rule.rule, text[:9])
                response.close()


def test_texts_that_nobody_types_in_a_secret(app: Flask, world: World) -> None:
    client = app.test_client()
    for rule in _rules(app):
        for argument in rule.arguments & {"token", "code", "kind", "step"}:
            for text in ("%00", "a%00b", "x" * 5000, "%27%3B--", "%C2%B2", "%ED%A0%80", "%25"):
                for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                    response = client.open(_address(app, rule, {argument: text}), method=method)
                    assert response.status_code < 500, (rule.rule, text[:9], response.status_code)
                    response.close()


@pytest.mark.parametrize("text", ["\0", "中" * 3000, str(10**40), "\ud800²"])
def test_texts_that_nobody_types_in_a_form(
    app: Flask, world: World, sign_in: SignIn, text: str, values: dict[str, Any]
) -> None:
    # Put together once: a client would quote the fields, and the app read them, letter by letter for every route.
    part = '--end\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = ("".join(part.format(name, text) for name in FIELDS) + "--end--\r\n").encode("utf-8", "surrogatepass")
    for account in [*_people(world), None]:
        client = sign_in(account) if account is not None else app.test_client()
        for rule in _rules(app):
            if "POST" not in rule.methods:
                continue
            role = account.role if account is not None else None
            address = _address(app, rule, samples.values_for(values, rule.endpoint, role))
            response = client.post(address, data=body, content_type="multipart/form-data; boundary=end")
            assert response.status_code < 500, (rule.rule, response.status_code)
            response.close()


def test_what_is_sent_in_another_form(app: Flask, world: World, sign_in: SignIn) -> None:
    client = sign_in(world.manager)
    for kind, body in (
        ("application/json", b"{"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"),
    ):
        for address in ("/units/new", "/units/import", "/sign-in", "/sheets/find"):
            assert client.post(address, data=body, content_type=kind).status_code in (200, 302, 400, 422), (
                address,
                kind,
            )


def test_too_much_is_refused_with_a_page(app: Flask, world: World, sign_in: SignIn) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1000
    response = sign_in(world.manager).post("/units/import", data={"name": "x" * 5000})
    assert response.status_code == 413 and "文件过大" in response.text


def test_without_the_database_there_is_still_a_page(
    app: Flask, world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(world.officer)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(db.session, "scalar", gone)
    monkeypatch.setattr(db.session, "get", gone)
    monkeypatch.setattr(db.session, "execute", gone)
    for address in ("/", "/review", "/nowhere"):
        response = client.get(address)
        assert response.status_code == 503 and "连接不上数据库" in response.text and "Traceback" not in response.text
    health = client.get("/healthz")
    assert health.status_code == 503


def test_no_other_unit_gets_into_somebodys_account(app: Flask, world: World) -> None:
    """Anybody may ask for a password and name any unit; only the one where the person applies can issue it."""
    person = world.applicant.person
    assert person is not None
    factories.application(person, world.school)
    typed = {"name": person.name, "identity_number": person.identity_number, "mobile": "13800000009"}
    before = world.applicant.password_hash
    password_help.ask(unit_id=world.station.id, **typed)
    request = db.session.scalars(select(PasswordHelp)).one()
    for actor in (world.station_administrator, world.officer):
        with pytest.raises(Refused) as caught:
            password_help.issue(actor, request.id, request.version, [key for key, _ in password_help.CHECKS])
        assert "其他单位" in caught.value.message and "晴川" not in caught.value.message
    assert world.applicant.password_hash == before
    password_help.ask(unit_id=world.school.id, **typed)
    issued = password_help.issue(
        world.unit_administrator, request.id, request.version, [key for key, _ in password_help.CHECKS]
    )
    assert issued.account.id == world.applicant.id
