"""Who may enter a route. Every view declares it; a route that declares nothing lets nobody in."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from gongkao.access.permissions import Permission
from gongkao.access.scope import may

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
SIGNED_IN = "signed_in"
_ATTRIBUTE = "gongkao_access"
# What someone with a one-time password may still reach before choosing a new one.
_BEFORE_NEW_PASSWORD = {"accounts.change_password", "accounts.sign_out", "static"}


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
    if needed == PUBLIC:
        if _needs_new_password() and request.endpoint not in _BEFORE_NEW_PASSWORD:
            return redirect(url_for("accounts.change_password"))
        return None
    if needed is None:
        abort(403)
    if not current_user.is_authenticated:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("accounts.sign_in", next=wanted))
    if _needs_new_password() and request.endpoint not in _BEFORE_NEW_PASSWORD:
        return redirect(url_for("accounts.change_password"))
    if needed != SIGNED_IN and not may(current_user._get_current_object(), Permission(needed)):
        abort(403)
    return None


def _needs_new_password() -> bool:
    return current_user.is_authenticated and current_user.must_change_password
