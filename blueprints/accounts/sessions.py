"""Entering and leaving, the mark by which a browser is known again, and the list of where one is signed in."""

import secrets
from typing import Any

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from itsdangerous import BadSignature, URLSafeSerializer

from blueprints.accounts import blueprint
from blueprints.accounts.forms import SignOutForm
from blueprints.guard import signed_in
from blueprints.helpers import account, page_layout
from gongkao.models import Account
from gongkao.services import sessions, sign_in
from gongkao.services.sign_in import Device

# Where Flask-Login keeps what `sessions.account_of` reads.
_TOKEN = "_user_id"
_COOKIE = "device"
_REMEMBERED_SECONDS = 400 * 24 * 3600


def check_password(username: str, password: str) -> Account | None:
    """The account whose name and password came with this request. Raises TooMany."""
    return sign_in.check(
        username,
        password,
        address=request.remote_addr or "",
        browser=request.user_agent.string,
        device=_device(),
    )


def enter(person: Account, target: str) -> ResponseReturnValue:
    """Sign somebody in who has shown who they are: a fresh session, nothing of an earlier one, and on to the target."""
    leave()
    token = sign_in.complete(person, address=request.remote_addr or "", browser=request.user_agent.string)
    login_user(person)
    session[_TOKEN] = token
    session.permanent = True
    answer = redirect(target)
    device = _device().after(person.sign_in_name)
    answer.set_cookie(
        _COOKIE,
        _signer().dumps([device.id, *device.marks]),
        max_age=_REMEMBERED_SECONDS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return answer


def leave() -> None:
    """End the session of this browser, and forget all that it held."""
    token = session.get(_TOKEN)
    if token:
        sessions.sign_out(token)
    logout_user()
    session.clear()


@blueprint.get("/profile/sessions")
@signed_in
def own_sessions() -> ResponseReturnValue:
    """Where one is signed in, and the last times somebody signed in to the account or failed to."""
    return render_template(
        "accounts/sessions.html",
        lines=sessions.of(account(), session[_TOKEN]),
        latest=sign_in.latest(account()),
        layout=page_layout(),
    )


@blueprint.post("/profile/sessions/<int:session_id>/end")
@signed_in
def end_session(session_id: int) -> ResponseReturnValue:
    if SignOutForm().validate_on_submit():
        sessions.end(account(), session_id)
        flash("该设备已退出登录。", "success")
    return redirect(url_for("accounts.own_sessions"))


@blueprint.post("/profile/sessions/end-others")
@signed_in
def end_other_sessions() -> ResponseReturnValue:
    if SignOutForm().validate_on_submit():
        sessions.end_others(account(), session[_TOKEN])
        flash("其他设备已全部退出登录。", "success")
    return redirect(url_for("accounts.own_sessions"))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="device")


def _device() -> Device:
    """The browser of this request; one not seen before gets a fresh id."""
    try:
        held: Any = _signer().loads(request.cookies.get(_COOKIE, ""))
        return Device(held[0], tuple(held[1:]))
    except BadSignature:
        return Device(secrets.token_hex(8))
