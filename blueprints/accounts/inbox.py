"""The inbox: messages to the person and to the desk they work at."""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.accounts import blueprint
from blueprints.accounts.unit_forms import TokenForm
from blueprints.guard import signed_in
from blueprints.helpers import account, list_export, list_page, page_layout
from gongkao.models import Message
from gongkao.services import messages

# What a message is about, and the page on which one sees it: (endpoint, name of the id in its address).
_PAGES = {
    "application": ("review.application", "application_id"),
    "own": ("applications.home", ""),
    "own_case": ("applications.case", "case_id"),
    "case": ("review.case", "case_id"),
    "visit": ("review.onsite_visit", "visit_id"),
    "originals": ("review.onsite_originals", ""),
    "result": ("notices.result_list", ""),
    "own_certificate": ("notices.my_certificate", ""),
    "own_exam": ("exams.my_exam", ""),
    "own_recheck": ("exams.my_recheck", ""),
    "recheck": ("exams.recheck", "recheck_id"),
    "sheet": ("accounts.decide_sheet", "sheet_id"),
    "unit": ("accounts.unit", "unit_id"),
    "units": ("accounts.units", ""),
    "check": ("accounts.check_units", ""),
    "help": ("accounts.password_help", "help_id"),
    "profile": ("accounts.profile", ""),
    "deferral": ("review.deferral", "deferral_id"),
    "own_deferral": ("applications.deferral", ""),
    "administrators": ("accounts.administrators", ""),
    "filing": ("settings.filing", "filing_id"),
    "calendar": ("settings.filings", ""),
    "report": ("review.report", "report_id"),
}


def _page_of(message: Message) -> str:
    name, _, number = message.about.partition(" ")
    endpoint, argument = _PAGES.get(name, ("accounts.inbox", ""))
    values: dict[str, Any] = {argument: int(number)} if argument else {}
    return url_for(endpoint, **values)


@blueprint.get("/inbox")
@signed_in
def inbox() -> ResponseReturnValue:
    person = account()
    page = list_page(
        messages.listing(person),
        link=lambda row: url_for("accounts.open_message", message_id=row.id),
        export_endpoint="accounts.inbox_export",
        summary=[
            {
                "label": "未读",
                "count": messages.unread(person),
                "href": url_for("accounts.inbox", state="unread"),
                "current": request.args.get("state") == "unread",
            }
        ],
    )
    return render_template("inbox/list.html", page=page, form=TokenForm(), layout=page_layout())


@blueprint.get("/inbox/export")
@signed_in
def inbox_export() -> Response:
    return list_export(messages.listing(account()))


@blueprint.get("/inbox/<int:message_id>")
@signed_in
def open_message(message_id: int) -> ResponseReturnValue:
    """Read it, and go where the matter is."""
    return redirect(_page_of(messages.open_message(account(), message_id)))


@blueprint.post("/inbox/read-all")
@signed_in
def read_all_messages() -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        count = messages.read_all(account())
        flash(f"已将{count}条消息标为已读。" if count else "没有未读消息。", "success")
    return redirect(url_for("accounts.inbox"))
