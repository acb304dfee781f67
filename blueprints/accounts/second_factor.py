"""The second factor: setting it up in the own account, and the code after the password."""

from flask import current_app, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from blueprints.accounts import blueprint
from blueprints.accounts.help_forms import CodeForm, DisableForm
from blueprints.accounts.sessions import enter
from blueprints.guard import public, signed_in
from blueprints.helpers import account, attempt, page_layout, safe_next
from gongkao.clock import real_time
from gongkao.extensions import limiter
from gongkao.models import Account
from gongkao.services import second_factor, sign_in

# The password was right; the code must follow within this time.
WAIT_SECONDS = 300
_KEY = "second_factor"


def ask_for_code(found: Account, target: str | None) -> ResponseReturnValue:
    """After the right password of an account with a second factor."""
    session[_KEY] = [sign_in.half_way(found), int(real_time().timestamp()), target or ""]
    return redirect(url_for("accounts.enter_code"))


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@public
@limiter.limit("10 per 5 minutes", methods=["POST"])
def enter_code() -> ResponseReturnValue:
    note, since, target = session.get(_KEY) or ("", 0, "")
    found = sign_in.found_half_way(note)
    if found is None or real_time().timestamp() - since > WAIT_SECONDS:
        session.pop(_KEY, None)
        flash("请先输入账户和密码。", "info")
        return redirect(url_for("accounts.sign_in"))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            if sign_in.check_code(found, form.code.data or ""):
                return enter(found, safe_next(target) or url_for("accounts.home"))
            form.code.errors = ["动态码不正确、已过期或已用过。请等待下一个动态码后重试。"]
        except sign_in.TooMany as error:
            form.code.errors = [error.message]
    return render_template("accounts/enter_code.html", form=form), 422 if form.is_submitted() else 200


@blueprint.route("/profile/second-factor", methods=["GET", "POST"])
@signed_in
def set_up_second_factor() -> ResponseReturnValue:
    """Scan the picture with an app on the phone, then prove it with a code."""
    person = account()
    if person.totp_enabled_at is not None:
        return render_template("accounts/second_factor_on.html", form=DisableForm(), layout=page_layout())
    second_factor.begin(person)
    form = CodeForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: second_factor.enable(person, form.code.data or ""))
        if ok:
            flash("动态码已启用，今后登录时除密码外还需输入动态码。", "success")
            return redirect(url_for("accounts.profile"))
    return render_template(
        "accounts/second_factor.html",
        form=form,
        picture=second_factor.picture(person),
        secret=person.totp_secret,
        needed=second_factor.required(person, current_app.config["GONGKAO"].agency_second_factor),
        layout=page_layout(),
    ), 422 if form.is_submitted() else 200


@blueprint.post("/profile/second-factor/disable")
@signed_in
def disable_second_factor() -> ResponseReturnValue:
    form = DisableForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: second_factor.disable(account(), form.password.data or ""))
        if ok:
            flash("动态码已停用。", "success")
            return redirect(url_for("accounts.profile"))
    return render_template("accounts/second_factor_on.html", form=form, layout=page_layout()), 422
