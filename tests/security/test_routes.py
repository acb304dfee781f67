"""The sweep: every route, visited signed out, as every role, and as a stranger of the same role."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from blueprints import guard, helpers
from gongkao.access.permissions import PERMISSIONS, Permission
from gongkao.access.scope import may
from gongkao.models import Account, Role
from gongkao.services import accounts
from gongkao.services.transaction import transaction
from gongkao.storage.spreadsheets import read_table
from tests import samples
from tests.security import route_list
from tests.world import World

# Routes outside the app's own pages, which Flask answers from files.
FILES = {"static"}
# Signing out ends the sweep's own session, so it is tried apart.
ALONE = {"accounts.sign_out"}
# What somebody concerned gets: a page, a file, the way to the next page, or words on what to fill in or why not now.
ANSWERED = {200, 302, 409, 422}
# A page of the demonstration, which the tests are not.
DEMONSTRATION = {"settings.clock", "settings.styleguide"}

SignIn = Callable[[Account], FlaskClient]
Choose = Callable[[World], Account]


@pytest.fixture
def database_url(sqlite_database_url: str) -> str:
    """The sweep asks who may enter, which is the same on either database."""
    return sqlite_database_url


def test_every_route_stands_in_the_reviewed_list(app: Flask) -> None:
    assert route_list.routes_of(app) == route_list.listed(), (
        "routes.csv differs from the app: run `python -m tests.security.route_list` and review the change"
    )


def test_no_route_is_undeclared(app: Flask) -> None:
    undeclared = [route.rule for route in route_list.routes_of(app) if route.access == "undeclared"]
    assert undeclared == []


def test_every_argument_is_known_to_be_scoped_or_not(app: Flask, world: World, values: dict[str, Any]) -> None:
    """A new route with an id of its own must come into the sweep."""
    known = {key.rpartition("/")[2] for key in values}
    arguments = {argument for rule in _rules(app) for argument in rule.arguments}
    assert arguments <= known, "add the missing values to tests/samples.py"
    assert {one for one in arguments if one.endswith("_id")} <= samples.SCOPED
    assert known >= samples.SCOPED


def _rules(app: Flask) -> list[Rule]:
    found = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in FILES | ALONE]
    return sorted(found, key=lambda rule: rule.endpoint in samples.LAST)


def _address(app: Flask, rule: Rule, values: dict[str, Any], role: Role | None) -> str:
    chosen = samples.values_for(values, rule.endpoint, role)
    assert rule.arguments <= set(chosen), f"{rule.rule} needs a sample value in tests/samples.py"
    with app.test_request_context():
        built = rule.build(chosen, append_unknown=False)
    assert built is not None, rule.rule
    return built[1]


def _visit(client: FlaskClient, rule: Rule, values: dict[str, Any], method: str, role: Role | None = None) -> int:
    response = client.open(_address(client.application, rule, values, role), method=method)
    status = response.status_code
    response.close()
    return status


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _visits(app: Flask) -> Iterator[tuple[Rule, str, str | None]]:
    """Every route and method with what it declares."""
    for rule in _rules(app):
        for method in _methods(rule):
            yield rule, method, guard.access_of(app, rule.endpoint)


def test_signed_out_people_reach_public_routes_only(app: Flask, world: World, values: dict[str, Any]) -> None:
    for rule, method, access in _visits(app):
        client = app.test_client()
        response = client.open(_address(app, rule, values, None), method=method)
        where = (rule.rule, method, response.status_code)
        if access == guard.PUBLIC:
            assert response.status_code in ANSWERED or rule.endpoint in DEMONSTRATION, where
        else:
            assert response.status_code == 302 and response.location.startswith("/sign-in"), where
            # Nothing of the page goes along with the way to the door.
            assert len(response.data) < 1000, where
        response.close()


ACCOUNTS: dict[str, Choose] = {
    "applicant": lambda world: world.applicant,
    "unit administrator": lambda world: world.unit_administrator,
    "officer": lambda world: world.officer,
    "manager": lambda world: world.manager,
    "province manager": lambda world: world.province_manager,
    "inspector": lambda world: world.inspector,
}


@pytest.mark.parametrize("who", list(ACCOUNTS))
def test_everybody_enters_where_they_may_and_nowhere_else(
    app: Flask, world: World, sign_in: SignIn, who: str, values: dict[str, Any]
) -> None:
    account = ACCOUNTS[who](world)
    for rule, method, access in _visits(app):
        status = _visit(sign_in(account), rule, values, method, account.role)
        where = (rule.rule, method, status)
        if access not in (guard.PUBLIC, guard.SIGNED_IN) and not may(account, Permission(str(access))):
            assert status == 403, where
        elif rule.endpoint in DEMONSTRATION or (account.role, rule.endpoint) in samples.NOT_EVEN_OWN:
            assert status in ANSWERED | {404}, where
        elif rule.arguments & samples.SCOPED:
            # Whether it is in scope, the tests below tell.
            assert status in ANSWERED | {404}, where
        else:
            assert status in ANSWERED, where


STRANGERS: dict[Role, tuple[Choose, list[Choose]]] = {
    Role.APPLICANT: (lambda world: world.applicant, [lambda world: world.other_applicant]),
    Role.UNIT_ADMINISTRATOR: (
        lambda world: world.unit_administrator,
        [lambda world: world.far_unit_administrator, lambda world: world.station_administrator],
    ),
    Role.AGENCY_OFFICER: (
        lambda world: world.officer,
        [lambda world: world.far_officer, lambda world: world.far_city_officer],
    ),
    Role.AGENCY_MANAGER: (
        lambda world: world.manager,
        [lambda world: world.far_manager, lambda world: world.account("gl410200")],
    ),
    Role.INSPECTOR: (lambda world: world.inspector, [lambda world: world.far_inspector]),
}


def _named(app: Flask, role: Role, own: Account) -> list[tuple[Rule, str]]:
    """The routes that name one thing by its id, and that the role may enter."""
    found = []
    for rule, method, access in _visits(app):
        if not rule.arguments & samples.SCOPED or access == guard.PUBLIC:
            continue
        if access == guard.SIGNED_IN or (Permission(str(access)) in PERMISSIONS[role] and may(own, Permission(access))):
            found.append((rule, method))
    return found


def _same_city(one: Account, other: Account) -> bool:
    codes = [who.agency.region_code if who.agency is not None else who.region_code for who in (one, other)]
    return None not in codes and str(codes[0])[:4] == str(codes[1])[:4]


@pytest.mark.parametrize("role", list(Role))
def test_a_stranger_of_the_same_role_finds_nothing(
    app: Flask, world: World, sign_in: SignIn, role: Role, values: dict[str, Any]
) -> None:
    """Whatever route names a thing by id: the one it concerns gets an answer, the same role elsewhere gets 404."""
    choose_own, choose_strangers = STRANGERS[role]
    own, strangers = choose_own(world), [choose(world) for choose in choose_strangers]
    named = _named(app, role, own)
    assert named
    for rule, method in named:
        for stranger in strangers:
            if rule.arguments & samples.OF_A_CITY and _same_city(own, stranger):
                continue
            status = _visit(sign_in(stranger), rule, values, method, role)
            assert status == 404, (stranger.username, rule.rule, method, status)
    for rule, method in named:
        if (role, rule.endpoint) not in samples.NOT_EVEN_OWN:
            status = _visit(sign_in(own), rule, values, method, role)
            assert status in ANSWERED, (rule.rule, method, status)


# What stands on pages about the world's own county, and nowhere on those of the far one.
OWN_WORDS = ("晴川", "云溪", "孟听雨", "范知秋", "卓明远", "牟人社")


def _text(response: Any) -> str:
    if response.mimetype.endswith("spreadsheetml.sheet"):
        return "\n".join("\t".join(row) for row in read_table(response.data, "名单.xlsx"))
    return str(response.data.decode("utf-8", "replace"))


@pytest.mark.parametrize("role", list(Role))
def test_no_list_or_export_shows_a_stranger_anything(
    app: Flask, world: World, sign_in: SignIn, role: Role, values: dict[str, Any]
) -> None:
    choose_own, choose_strangers = STRANGERS[role]
    seen = 0
    for account, own in [(choose_own(world), True), *((choose(world), False) for choose in choose_strangers)]:
        if account.username == world.station_administrator.username:
            continue  # its own unit is one of the words
        for rule, method, _ in _visits(app):
            if method != "GET" or rule.arguments:
                continue
            response = sign_in(account).get(rule.rule, follow_redirects=False)
            if response.status_code == 200 and response.mimetype != "application/pdf":
                words = [word for word in OWN_WORDS if word in _text(response)]
                if own:
                    seen += len(words)
                else:
                    assert not words, (account.username, rule.rule, words)
            response.close()
    assert seen


@pytest.mark.parametrize("role", list(Role))
def test_before_a_new_password_there_is_nothing_else(
    app: Flask, world: World, sign_in: SignIn, role: Role, values: dict[str, Any]
) -> None:
    account = STRANGERS[role][0](world)
    with transaction():
        account.must_change_password = True
    for rule, method, _ in _visits(app):
        if rule.endpoint == "accounts.change_password":
            continue
        response = sign_in(account).open(_address(app, rule, values, role), method=method)
        assert (response.status_code, response.location) == (302, "/password"), (rule.rule, method)
        response.close()
    assert sign_in(account).get("/password").status_code == 200


def test_signing_out_needs_a_post(app: Flask, world: World, sign_in: SignIn) -> None:
    client = sign_in(world.officer)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 302
    assert client.get("/review").status_code == 302


def test_posts_without_the_token_are_refused(app: Flask, world: World, sign_in: SignIn, values: dict[str, Any]) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    chosen = (world.applicant, world.unit_administrator, world.manager, world.province_manager)
    for rule, method, _ in _visits(app):
        if method == "GET":
            continue
        for account in chosen:
            status = _visit(sign_in(account), rule, values, method, account.role)
            assert status in (400, 403), (rule.rule, account.username, status)
        assert _visit(app.test_client(), rule, values, method) == 400, rule.rule


def test_nothing_is_changed_by_looking(app: Flask) -> None:
    """Whatever is not a GET is a POST, and every view of both kinds changes something on POST only."""
    for rule, method, _ in _visits(app):
        assert method in ("GET", "POST"), (rule.rule, method)


def test_ended_accounts_and_old_sessions_are_out(app: Flask, world: World, sign_in: SignIn) -> None:
    client = sign_in(world.unit_administrator)
    assert client.get("/review").status_code == 200
    with transaction():
        accounts.end_account(None, world.unit_administrator, "测试")
    assert client.get("/review").status_code == 302


def test_a_forged_session_is_nobodys(app: Flask, world: World) -> None:
    client = app.test_client()
    client.set_cookie("session", "eyJfdXNlcl9pZCI6IjEuMSJ9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get("/review").status_code == 302


def test_pages_carry_the_security_headers(app: Flask, world: World, sign_in: SignIn) -> None:
    for response in (app.test_client().get("/sign-in"), sign_in(world.officer).get("/review")):
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'self'" in policy and "form-action 'self'" in policy
        assert "unsafe-inline" not in policy and "unsafe-eval" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert response.headers["Referrer-Policy"] == "same-origin"
        # Computers in offices are shared, and so are the caches between.
        assert "private" in response.headers["Cache-Control"]


def test_the_session_cookie_is_out_of_reach(app: Flask, world: World) -> None:
    client = app.test_client()
    sent = client.post("/sign-in", data={"username": "gk410122", "password": "Plain-Steps-2025"})
    assert sent.status_code == 302
    cookie = sent.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ("/review?page=2", True),
        ("/", True),
        (None, False),
        ("", False),
        ("review", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("\\\\evil.example", False),
        ("https://evil.example/", False),
        ("javascript:alert(1)", False),
        (" /review", False),
        ("/\t/evil.example", False),
        ("/\n/evil.example", False),
    ],
)
def test_after_signing_in_one_stays_here(target: str | None, taken: bool) -> None:
    assert helpers.safe_next(target) == (target if taken else None)


def test_no_file_of_the_house_is_served(app: Flask) -> None:
    client = app.test_client()
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"):
        assert client.get(path).status_code in (301, 302, 308, 404), path
    assert Path(app.root_path, "app.py").exists()
