"""The sweep: every route, by everybody who has no business there, in every way that might get past the guard.

Signed out, in a role without the permission, and as a stranger of the right role (other county, other unit, other
person); plainly, by other methods, with headers and fields that claim more, and with every small number as the id.
`value` is how many requests got in where they should not, `n` how many were tried.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from bench import Measurement
from blueprints import guard
from gongkao import clock
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Account, Role
from gongkao.services import sessions
from tests import samples
from tests import world as worlds
from tests.conftest import REGISTRATION_DAY
from tests.security import test_routes as routes

# What a request that stays outside gets: the way to the door, or a refusal.
_REFUSED = frozenset({400, 403, 404, 405, 413, 429})
_SMALL_IDS = range(1, 26)
# Fields and headers by which somebody might claim to be more than they are.
_CLAIMS = {
    "role": "agency_manager",
    "account_id": "1",
    "agency_id": "1",
    "unit_id": "1",
    "person_id": "1",
    "region_code": "410000",
    "status": "qualified",
    "is_admin": "1",
    "_user_id": "1",
    "must_change_password": "",
}


@dataclass(frozen=True)
class Way:
    """One way to ask: a change of the address, the method, the headers or the fields."""

    name: str
    address: Callable[[str], str] = lambda address: address
    method: Callable[[str], str] = lambda method: method
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


WAYS = (
    Way("plain"),
    Way("head", method=lambda method: "HEAD" if method == "GET" else method),
    Way("options", method=lambda _: "OPTIONS"),
    Way("other method", method=lambda method: "PUT" if method == "POST" else "POST"),
    Way(
        "override", headers={"X-HTTP-Method-Override": "GET", "X-Original-URL": "/sign-in", "X-Rewrite-URL": "/sign-in"}
    ),
    Way(
        "claimed place", headers={"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost", "Host": "localhost"}
    ),
    Way(
        "claimed person",
        headers={"Remote-User": "gl410000", "X-Forwarded-User": "gl410000", "Authorization": "Basic eDp4"},
    ),
    Way("claimed fields", fields=_CLAIMS),
    Way("slashes", address=lambda address: f"{address}/"),
    Way("letters", address=lambda address: f"/%2e{address}"),
    Way("embedded", headers={"X-Requested-With": "XMLHttpRequest", "Accept": "application/json"}),
)


def measure() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory(prefix="gongkao-bench-") as name:
        sweep = _Sweep(_app(Path(name)))
        try:
            sweep.signed_out()
            sweep.without_permission()
            sweep.strangers()
            sweep.without_token()
        finally:
            sweep.close()
    for line in sweep.wrong:
        print(line, file=sys.stderr)
    yield Measurement("sweep", len(sweep.wrong), "requests", 0, sweep.tried)


def _app(folder: Path) -> Flask:
    settings = Settings(
        mode="test",
        instance=folder,
        secret_key="a key for measuring only, long enough to be taken",
        clock=REGISTRATION_DAY,
        metrics=True,
    )
    app = create_app(settings)
    # Only `without_token` asks for the form's token: elsewhere it would answer before the guard.
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        worlds.build()
    return app


class _Sweep:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.tried = 0
        self.wrong: list[str] = []
        self._clients: dict[str, FlaskClient] = {}
        with app.app_context():
            self.values = samples.make(worlds.World())

    def close(self) -> None:
        with self.app.app_context():
            db.engine.dispose()
        clock.install(clock.real_time)

    def signed_out(self) -> None:
        with self.app.app_context():
            visits = [one for one in routes._visits(self.app) if one[2] != guard.PUBLIC]
        for rule, method, _ in visits:
            for way in WAYS:
                self._try("signed out", self.app.test_client(), rule, method, way, None)

    def without_permission(self) -> None:
        for who, (account, role) in self._accounts(routes.ACCOUNTS).items():
            client = self._client(account)
            for rule, method in self._forbidden(account):
                for way in WAYS:
                    self._try(who, client, rule, method, way, role)
            self._still_signed_in(client, who)

    def strangers(self) -> None:
        for role, (choose_own, choose_strangers) in routes.STRANGERS.items():
            for choose in choose_strangers:
                with self.app.app_context():
                    world = worlds.World()
                    own, stranger = choose_own(world), choose(world)
                    named = routes._named(self.app, role, own)
                    near = routes._same_city(own, stranger)
                    username = stranger.username
                client = self._client(username)
                for rule, method in named:
                    if near and rule.arguments & samples.OF_A_CITY:
                        continue
                    for way in WAYS:
                        self._try(f"stranger {username}", client, rule, method, way, role)
                    if method == "GET":
                        self._small_ids(username, client, rule, role)
                self._still_signed_in(client, username)

    def without_token(self) -> None:
        """Whatever is posted from somewhere else's page."""
        self.app.config["WTF_CSRF_ENABLED"] = True
        for who, (account, role) in self._accounts(routes.ACCOUNTS).items():
            client = self._client(account)
            for rule in routes._rules(self.app):
                if "POST" in (rule.methods or ()):
                    response = self._ask(client, self._address(rule, role), "POST", Way("no token", fields=_CLAIMS))
                    self._judge(f"{who} without the token", rule, "POST", "plain", response, response.status_code)
            self._still_signed_in(client, who)

    def _accounts(self, chosen: Mapping[str, Callable[[worlds.World], Account]]) -> dict[str, tuple[str, Role]]:
        with self.app.app_context():
            world = worlds.World()
            found = {who: choose(world) for who, choose in chosen.items()}
            return {who: (account.username, account.role) for who, account in found.items()}

    def _forbidden(self, username: str) -> list[tuple[Rule, str]]:
        with self.app.app_context():
            account = worlds.World().account(username)
            return [
                (rule, method)
                for rule, method, access in routes._visits(self.app)
                if access not in (guard.PUBLIC, guard.SIGNED_IN) and not may(account, Permission(str(access)))
            ]

    def _client(self, username: str) -> FlaskClient:
        if username not in self._clients:
            with self.app.app_context():
                token = sessions.begin(worlds.World().account(username))
            client = self.app.test_client()
            with client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = token, True
            self._clients[username] = client
        return self._clients[username]

    def _still_signed_in(self, client: FlaskClient, who: str) -> None:
        """Refusals of somebody signed out would prove nothing."""
        if client.get("/profile").status_code != 200:
            raise RuntimeError(f"the sweep has signed {who} out")

    def _address(self, rule: Rule, role: Role | None) -> str:
        return routes._address(self.app, rule, self.values, role)

    def _ask(self, client: FlaskClient, address: str, method: str, way: Way) -> TestResponse:
        return client.open(
            way.address(address),
            method=way.method(method),
            headers=dict(way.headers),
            query_string=dict(way.fields) if way.method(method) == "GET" else None,
            data=dict(way.fields) if way.method(method) == "POST" else None,
        )

    def _try(self, who: str, client: FlaskClient, rule: Rule, method: str, way: Way, role: Role | None) -> None:
        response = self._ask(client, self._address(rule, role), method, way)
        status = response.status_code
        # Another method or address may be another route, which its own declaration covers; it is judged by what it is.
        asked = way.method(method)
        if way.name == "other method" and asked in (rule.methods or ()):
            status = 405
        self._judge(who, rule, method, way.name, response, status)

    def _judge(self, who: str, rule: Rule, method: str, way: str, response: TestResponse, status: int) -> None:
        self.tried += 1
        to_the_door = status in (302, 308) and response.location.startswith(("/sign-in", "http://localhost/sign-in"))
        moved = status == 308
        # Which methods there are is no secret, and nothing else comes with it.
        only_methods = way == "options" and status == 200 and not response.data
        if status not in _REFUSED and not to_the_door and not moved and not only_methods:
            self.wrong.append(f"{who}: {method} {rule.rule} ({way}) answered {status}")
        response.close()

    def _small_ids(self, username: str, client: FlaskClient, rule: Rule, role: Role) -> None:
        """Counting through the ids shows a stranger what is their own, and nothing of the other county."""
        if rule.arguments & samples.OF_A_CITY:
            return
        chosen = samples.values_for(self.values, rule.endpoint, role)
        scoped = rule.arguments & samples.SCOPED
        for number in _SMALL_IDS:
            with self.app.test_request_context():
                built = rule.build({**chosen, **dict.fromkeys(scoped, number)}, append_unknown=False)
            assert built is not None
            response = client.get(built[1])
            self.tried += 1
            seen = response.status_code == 200 and response.mimetype != "application/pdf"
            words = [word for word in routes.OWN_WORDS if word in routes._text(response)] if seen else []
            if words and username != "dwstation":
                self.wrong.append(f"stranger {username}: {built[1]} shows {', '.join(words)}")
            response.close()
