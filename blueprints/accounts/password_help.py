"""Forgotten passwords: the public request, and the desk that checks who it is and issues a new one."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import unmask
from blueprints.accounts import blueprint
from blueprints.accounts.help_forms import AskForm, IssueForm, RefuseHelpForm
from blueprints.accounts.unit_tabs import unit_tabs
from blueprints.guard import public, requires
from blueprints.helpers import account, attempt, list_export, list_page, row_id
from gongkao.access.permissions import Permission
from gongkao.extensions import limiter
from gongkao.models import HelpStatus, PasswordHelp
from gongkao.services import password_help, sheets, unit_search


@blueprint.route("/password/help", methods=["GET", "POST"])
@public
@limiter.limit("20 per hour", methods=["POST"])
def ask_password_help() -> ResponseReturnValue:
    """First find one's unit, then say who one is. The answer never tells whether an account exists."""
    text = request.args.get("q", "")
    unit_id = row_id(request.args.get("unit", ""))
    if unit_id is None:
        return render_template("help/choose_unit.html", q=text, units=unit_search.suggest(text))
    unit = sheets.active_unit(unit_id)
    form = AskForm()
    if form.validate_on_submit():
        ok, _ = attempt(
            form,
            lambda: password_help.ask(
                unit_id=unit.id,
                name=form.name.data or "",
                identity_number=form.identity_number.data or "",
                mobile=form.mobile.data or "",
            ),
        )
        if ok:
            return render_template("help/asked.html", unit=unit)
    return render_template("help/ask.html", form=form, unit=unit), 422 if form.is_submitted() else 200


@blueprint.get("/help-desk")
@requires(Permission.HELP_ACCOUNTS)
def help_desk() -> ResponseReturnValue:
    page = list_page(
        password_help.listing(account()),
        link=lambda row: url_for("accounts.password_help", help_id=row.id),
        export_endpoint="accounts.help_desk_export",
    )
    return render_template("help/desk.html", page=page, tabs=unit_tabs("help") if account().unit_id is None else [])


@blueprint.get("/help-desk/export")
@requires(Permission.HELP_ACCOUNTS)
def help_desk_export() -> Response:
    return list_export(password_help.listing(account()))


@blueprint.get("/help-desk/<int:help_id>", endpoint="password_help")
@requires(Permission.HELP_ACCOUNTS)
def help_request(help_id: int) -> ResponseReturnValue:
    return _help_page(help_id, IssueForm(), RefuseHelpForm())


@blueprint.post("/help-desk/<int:help_id>/numbers")
@requires(Permission.HELP_ACCOUNTS)
def help_numbers(help_id: int) -> ResponseReturnValue:
    """The same page with the whole numbers, once."""
    empty = IssueForm(formdata=None), RefuseHelpForm(formdata=None)
    return unmask.show(PasswordHelp, help_id, lambda whole: _help_page(help_id, *empty, whole))


def _help_page(
    help_id: int, issue: IssueForm, refuse: RefuseHelpForm, whole: unmask.Whole = unmask.HIDDEN
) -> ResponseReturnValue:
    found = password_help.find(account(), help_id)
    return render_template(
        "help/request.html",
        asked=found,
        whole=whole,
        issue=issue,
        refuse=refuse,
        problem=password_help.problem(found),
        open=found.status is HelpStatus.WAITING,
    ), 422 if issue.is_submitted() else 200


@blueprint.post("/help-desk/<int:help_id>/issue")
@requires(Permission.HELP_ACCOUNTS)
def issue_password(help_id: int) -> ResponseReturnValue:
    """After issuing, the one-time password stands on the answering page, once."""
    form = IssueForm()
    if form.validate_on_submit():
        ok, issued = attempt(
            form,
            lambda: password_help.issue(account(), help_id, form.version.data or 0, form.checks.data or []),
        )
        if ok and issued is not None:
            return render_template("help/issued.html", issued=issued, back=url_for("accounts.help_desk"))
    return _help_page(help_id, form, RefuseHelpForm(formdata=None))


@blueprint.post("/help-desk/<int:help_id>/refuse")
@requires(Permission.HELP_ACCOUNTS)
def refuse_password(help_id: int) -> ResponseReturnValue:
    form = RefuseHelpForm()
    if form.validate_on_submit():
        ok, _ = attempt(
            form,
            lambda: password_help.refuse(account(), help_id, form.version.data or 0, form.reason.data or ""),
        )
        if ok:
            flash("已记录为不予办理。", "success")
            return redirect(url_for("accounts.help_desk"))
    return _help_page(help_id, IssueForm(formdata=None), form)


@blueprint.route("/administrators/<int:account_id>/password", methods=["GET", "POST"])
@requires(Permission.DECIDE_SHEETS)
def renew_administrator(account_id: int) -> ResponseReturnValue:
    """A unit's administrator forgot the password: the agency issues a new one."""
    form = IssueForm()
    found = password_help.administrator(account(), account_id)
    if form.validate_on_submit():
        ok, issued = attempt(
            form, lambda: password_help.renew_administrator(account(), account_id, form.checks.data or [])
        )
        if ok and issued is not None:
            return render_template("help/issued.html", issued=issued, back=url_for("accounts.administrators"))
    return render_template("help/renew.html", form=form, administrator=found), 422 if form.is_submitted() else 200
