"""Who may enter a route. Every view declares it; a route that declares nothing lets nobody in."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.services import second_factor

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
SIGNED_IN = "signed_in"
_ATTRIBUTE = "gongkao_access"
# What someone who owes the system a step may still reach before it.
_ALWAYS = ("accounts.sign_out", "static")


def public(view: View) -> View:
    """Anybody may enter."""
    setattr(view, _ATTRIBUTE, PUBLIC)
    return view


def signed_in(view: View) -> View:
    """Anybody signed in may enter."""
    setattr(view, _ATTRIBUTE, SIGNED_IN)
    return view


def requires(permission: Permission) -> Callable[[View], View]:
    """Whoever has the permission may enter; what they then see is narrowed by their scope."""

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, permission)
        return view

    return mark


def access_of(app: Flask, endpoint: str) -> str | None:
    """What a route declares: "public", "signed_in", a permission's name, or None where nothing is declared."""
    if endpoint == "static":
        return PUBLIC
    return getattr(app.view_functions[endpoint], _ATTRIBUTE, None)


def check_entry() -> ResponseReturnValue | None:
    """Run before every request."""
    if request.endpoint is None:
        return None
    needed = access_of(current_app, request.endpoint)
    if needed is None:
        abort(403)
    if needed != PUBLIC and not current_user.is_authenticated:
        # Where what was sent is also a page, that page: what was typed there still stands in the browser.
        page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
        wanted = request.full_path.rstrip("?") if page else None
        return redirect(url_for("accounts.sign_in", next=wanted))
    first = owed()
    if first is not None and request.endpoint not in (first, *_ALWAYS):
        return redirect(url_for(first))
    if needed not in (PUBLIC, SIGNED_IN) and not may(current_user._get_current_object(), Permission(needed)):
        abort(403)
    return None


def owed() -> str | None:
    """The page that must come before every other: a new password of one's own, then a second factor."""
    if not current_user.is_authenticated:
        return None
    person = current_user._get_current_object()
    if person.must_change_password:
        return "accounts.change_password"
    if second_factor.required(person, current_app.config["GONGKAO"].agency_second_factor):
        return "accounts.set_up_second_factor"
    return None
