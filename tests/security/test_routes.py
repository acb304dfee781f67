"""The sweep: every route, visited signed out, as every role, and as a stranger of the same role."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from blueprints import guard
from gongkao.access.permissions import PERMISSIONS, Permission
from gongkao.access.scope import may
from gongkao.models import Account, Role
from tests import samples
from tests.security import route_list
from tests.world import World

# Routes outside the app's own pages, which Flask answers from files.
FILES = {"static"}
# Signing out ends the sweep's own session, so it is tried apart.
ALONE = {"accounts.sign_out"}


def test_every_route_stands_in_the_reviewed_list(app: Flask) -> None:
    assert route_list.routes_of(app) == route_list.listed(), (
        "routes.csv differs from the app: run `python -m tests.security.route_list` and review the change"
    )


def test_no_route_is_undeclared(app: Flask) -> None:
    undeclared = [route.rule for route in route_list.routes_of(app) if route.access == "undeclared"]
    assert undeclared == []


def _rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in FILES | ALONE]


def _visit(client: FlaskClient, rule: Rule, values: dict[str, Any], method: str) -> int:
    with client.application.test_request_context():
        address = rule.build(values, append_unknown=False)
    assert address is not None, f"{rule.rule} needs a sample value in tests/samples.py"
    response = client.open(address[1], method=method)
    status = response.status_code
    response.close()
    return status


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def test_signed_out_people_reach_public_routes_only(app: Flask, world: World) -> None:
    values = samples.make(world)
    for rule in _rules(app):
        for method in _methods(rule):
            client = app.test_client()
            status = _visit(client, rule, values, method)
            if guard.access_of(app, rule.endpoint) == guard.PUBLIC:
                assert status not in (401, 403, 500), (rule.rule, method, status)
            else:
                assert status == 302, (rule.rule, method, status)


ROLE_ACCOUNTS: dict[Role, Callable[[World], Account]] = {
    Role.APPLICANT: lambda world: world.applicant,
    Role.UNIT_ADMINISTRATOR: lambda world: world.unit_administrator,
    Role.AGENCY_OFFICER: lambda world: world.officer,
    Role.AGENCY_MANAGER: lambda world: world.manager,
    Role.INSPECTOR: lambda world: world.inspector,
}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_enters_where_it_may_and_nowhere_else(
    app: Flask, world: World, sign_in: Callable[[Account], FlaskClient], role: Role
) -> None:
    values = samples.make(world)
    account = ROLE_ACCOUNTS[role](world)
    for rule in _rules(app):
        access = guard.access_of(app, rule.endpoint)
        for method in _methods(rule):
            status = _visit(sign_in(account), rule, values, method)
            assert status != 500, (rule.rule, method, status)
            if access in (guard.PUBLIC, guard.SIGNED_IN):
                assert status != 403, (rule.rule, method, status)
            elif not may(account, Permission(str(access))):
                assert status == 403, (rule.rule, method, status)


STRANGERS: dict[Role, tuple[Callable[[World], Account], Callable[[World], Account]]] = {
    Role.APPLICANT: (lambda world: world.applicant, lambda world: world.other_applicant),
    Role.UNIT_ADMINISTRATOR: (lambda world: world.unit_administrator, lambda world: world.far_unit_administrator),
    Role.AGENCY_OFFICER: (lambda world: world.officer, lambda world: world.far_officer),
    Role.AGENCY_MANAGER: (lambda world: world.manager, lambda world: world.far_manager),
    Role.INSPECTOR: (lambda world: world.inspector, lambda world: world.far_inspector),
}


@pytest.mark.parametrize("role", list(Role))
def test_a_stranger_of_the_same_role_sees_nothing(
    app: Flask, world: World, sign_in: Callable[[Account], FlaskClient], role: Role
) -> None:
    """Whatever route names a thing by id: the one it concerns gets an answer, the same role elsewhere gets 404."""
    values = samples.make(world)
    own, stranger = (choose(world) for choose in STRANGERS[role])
    named = [
        rule
        for rule in _rules(app)
        if rule.arguments & samples.SCOPED
        and guard.access_of(app, rule.endpoint) not in (guard.PUBLIC, guard.SIGNED_IN)
        and Permission(str(guard.access_of(app, rule.endpoint))) in PERMISSIONS[role]
        and may(own, Permission(str(guard.access_of(app, rule.endpoint))))
    ]
    tried = 0
    for rule in named:
        for method in _methods(rule):
            stranger_status = _visit(sign_in(stranger), rule, values, method)
            assert stranger_status == 404, (rule.rule, method, stranger_status)
            own_status = _visit(sign_in(own), rule, values, method)
            if (role, rule.endpoint) not in samples.NOT_EVEN_OWN:
                assert own_status not in (403, 404, 500), (rule.rule, method, own_status)
            tried += 1
    assert tried or role is Role.APPLICANT


def test_signing_out_needs_a_post(app: Flask, world: World, sign_in: Callable[[Account], FlaskClient]) -> None:
    client = sign_in(world.officer)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 302
    assert client.get("/review").status_code == 302


def test_posts_without_the_token_are_refused(
    app: Flask, world: World, sign_in: Callable[[Account], FlaskClient]
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    values = samples.make(world)
    for rule in _rules(app):
        if "POST" in (rule.methods or set()):
            for account in (world.applicant, world.unit_administrator, world.manager, world.province_manager):
                status = _visit(sign_in(account), rule, values, "POST")
                assert status in (400, 403), (rule.rule, account.username, status)


def test_ended_accounts_and_old_sessions_are_out(
    app: Flask, world: World, sign_in: Callable[[Account], FlaskClient]
) -> None:
    from gongkao.services import accounts
    from gongkao.services.transaction import transaction

    client = sign_in(world.unit_administrator)
    assert client.get("/review").status_code == 200
    with transaction():
        accounts.end_account(None, world.unit_administrator, "测试")
    assert client.get("/review").status_code == 302


def test_pages_carry_the_security_headers(app: Flask, world: World) -> None:
    headers = app.test_client().get("/sign-in").headers
    assert (
        "script-src" in headers["Content-Security-Policy"] or "default-src 'self'" in headers["Content-Security-Policy"]
    )
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
