"""The list of routes that people review, `routes.csv`: every route, its methods, and who may enter.

`python -m tests.security.route_list` writes it anew from the app; a change shows in the diff and is reviewed there.
"""

import csv
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

from flask import Flask

from blueprints import guard
from gongkao.access.permissions import PERMISSIONS, Permission
from gongkao.models import Role

PATH = Path(__file__).with_name("routes.csv")
HEADER = ("rule", "methods", "endpoint", "access", "roles")


@dataclass(frozen=True, order=True)
class Route:
    rule: str
    methods: str
    endpoint: str
    access: str
    roles: str


def routes_of(app: Flask) -> list[Route]:
    """The app's routes as they are."""
    found = []
    for rule in app.url_map.iter_rules():
        access = guard.access_of(app, rule.endpoint) or "undeclared"
        methods = " ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        found.append(Route(rule.rule, methods, rule.endpoint, str(access), roles_of(str(access))))
    return sorted(found)


def roles_of(access: str) -> str:
    """Who may enter, in words: everybody, everybody signed in, or the roles with the permission."""
    if access in (guard.PUBLIC, guard.SIGNED_IN):
        return "everybody" if access == guard.PUBLIC else "everybody signed in"
    if access == "undeclared":
        return "nobody"
    return " ".join(role for role in Role if Permission(access) in PERMISSIONS[role])


def listed() -> list[Route]:
    """The routes as the list has them."""
    with PATH.open(encoding="utf-8", newline="") as file:
        return [Route(*(row[name] for name in HEADER)) for row in csv.DictReader(file)]


def write(app: Flask) -> None:
    with PATH.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(astuple(route) for route in routes_of(app))


if __name__ == "__main__":
    import tempfile

    from app import create_app
    from gongkao.config import Settings

    with tempfile.TemporaryDirectory() as folder:
        write(create_app(Settings(mode="test", instance=Path(folder), database_url="sqlite://")))
    sys.stdout.write(f"{PATH.name}: {len(listed())} routes\n")
