"""Home, signing in and out, registering, the own password and mobile."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints.accounts import blueprint
from blueprints.accounts.forms import ContactForm, PasswordForm, RegisterForm, SignInForm, SignOutForm
from blueprints.accounts.second_factor import ask_for_code
from blueprints.accounts.sessions import check_password, enter, leave
from blueprints.guard import public, signed_in
from blueprints.helpers import account, attempt, page_layout, safe_next
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.extensions import limiter
from gongkao.models import Role
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.services import accounts, cycles, settings
from gongkao.services.sign_in import TooMany

_HOMES = {
    Role.APPLICANT: "applications.home",
    Role.UNIT_ADMINISTRATOR: "review.desk",
    Role.AGENCY_OFFICER: "review.desk",
    Role.AGENCY_MANAGER: "review.desk",
    Role.INSPECTOR: "review.all_applications",
}


@blueprint.get("/")
@public
def home() -> ResponseReturnValue:
    """Whoever is signed in goes to their own first page; others see what the system is for and the calendar."""
    if current_user.is_authenticated:
        return redirect(url_for(_HOMES[account().role]))
    cycle = cycles.current_cycle()
    stage, day = cycles.stage()
    return render_template(
        "accounts/home.html",
        cycle=cycle,
        stage=stage,
        stage_period=period_text(stage) if stage else "",
        today=day,
        windows=settings.calendar_rows(),
        registration_open=cycles.is_open(WindowKey.REGISTRATION),
    )


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
@limiter.limit("300 per 5 minutes", methods=["POST"])
def sign_in() -> ResponseReturnValue:
    form = SignInForm()
    if form.validate_on_submit():
        try:
            found = check_password(form.username.data or "", form.password.data or "")
        except TooMany as error:
            form.password.errors = [error.message]
            return render_template("accounts/sign_in.html", form=form), 429, {"Retry-After": str(error.seconds)}
        if found is not None and found.totp_enabled_at is not None:
            return ask_for_code(found, safe_next(form.next.data))
        if found is not None:
            return enter(found, safe_next(form.next.data) or url_for("accounts.home"))
        form.password.errors = ["账户或密码不正确。请核对后重试；忘记密码请看下方说明。"]
    elif not form.is_submitted():
        if current_user.is_authenticated:
            return redirect(url_for("accounts.home"))
        form.next.data = safe_next(request.args.get("next"))
    return render_template("accounts/sign_in.html", form=form), 422 if form.is_submitted() else 200


@blueprint.post("/sign-out")
@signed_in
def sign_out() -> ResponseReturnValue:
    if SignOutForm().validate_on_submit():
        leave()
        flash("您已安全退出。", "success")
    return redirect(url_for("accounts.sign_in"))


@blueprint.route("/register", methods=["GET", "POST"])
@public
@limiter.limit("30 per hour", methods=["POST"])
def register() -> ResponseReturnValue:
    form = RegisterForm()
    if form.validate_on_submit():
        ok, made = attempt(
            form,
            lambda: accounts.register_applicant(
                name=form.name.data or "",
                identity_number=form.identity_number.data or "",
                mobile=form.mobile.data or "",
                password=form.password.data or "",
            ),
        )
        if ok and made is not None:
            answer = enter(made, url_for("applications.home"))
            flash("注册成功。今后请用身份证号和密码登录。", "success")
            return answer
    window = cycles.find_window(WindowKey.REGISTRATION)
    return render_template(
        "accounts/register.html",
        form=form,
        window=window,
        period=period_text(window) if window else "",
        open=cycles.is_open(WindowKey.REGISTRATION),
    ), 422 if form.is_submitted() else 200


@blueprint.route("/password", methods=["GET", "POST"])
@signed_in
def change_password() -> ResponseReturnValue:
    form = PasswordForm()
    person = account()
    if form.validate_on_submit():
        ok, _ = attempt(
            form,
            lambda: accounts.change_password(person, current=form.current.data or "", new=form.new.data or ""),
        )
        if ok:
            answer = enter(person, url_for("accounts.home"))
            flash("密码已修改，请牢记新密码。", "success")
            return answer
    return render_template(
        "accounts/password.html", form=form, first=person.must_change_password, layout=page_layout()
    ), 422 if form.is_submitted() else 200


@blueprint.route("/profile", methods=["GET", "POST"])
@signed_in
def profile() -> ResponseReturnValue:
    """The own account: who one is here, the mobile number and the email address."""
    form = ContactForm(email=account().email)
    if form.validate_on_submit():
        ok, _ = attempt(
            form,
            lambda: accounts.change_contact(
                account(),
                mobile=form.mobile.data or "",
                email=form.email.data or "",
                password=form.password.data or "",
            ),
        )
        if ok:
            flash("联系方式已保存。", "success")
            return redirect(url_for("accounts.profile"))
    return render_template(
        "accounts/profile.html",
        form=form,
        facts=accounts.facts(account()),
        reviews=may(account(), Permission.REVIEW),
        layout=page_layout(),
    ), 422 if form.is_submitted() else 200
