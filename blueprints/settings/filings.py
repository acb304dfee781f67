"""A region's own dates: what holds there today, filing them, the centre's desk, extensions."""

from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import account, attempt, list_export, list_page
from blueprints.settings import blueprint
from blueprints.settings.filing_forms import ExtendForm, FileForm, FilingDecisionForm
from blueprints.settings.views import setting_tabs
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.models import FilingStatus
from gongkao.rules.calendar import WindowKey
from gongkao.services import calendar_filings
from gongkao.services.calendar_filings import days_text, filing_period, grades_text, status_label


@blueprint.get("/settings/filings")
@requires(Permission.VIEW_SETTINGS)
def filings() -> ResponseReturnValue:
    """What holds in the own region, and what has been filed; for the centre, its desk of filings."""
    person = account()
    waits = calendar_filings.waiting(person)
    decides = may(person, Permission.EDIT_PROVINCE)
    page = list_page(
        calendar_filings.listing(person),
        link=lambda row: url_for("settings.filing", filing_id=row.id),
        export_endpoint="settings.filings_export",
        summary=[
            {
                "label": "待办理备案",
                "count": waits,
                "href": url_for("settings.filings", status=FilingStatus.FILED.value),
                "current": request.args.get("status") == FilingStatus.FILED.value,
            }
        ]
        if decides
        else None,
    )
    return render_template(
        "settings/filings.html",
        page=page,
        region=person.region_name,
        lines=calendar_filings.lines(person),
        may_file=calendar_filings.may_file(person),
        may_extend=decides,
        grades_text=grades_text,
        days_text=days_text,
        setting_tabs=setting_tabs("filings"),
    )


@blueprint.get("/settings/filings/export")
@requires(Permission.VIEW_SETTINGS)
def filings_export() -> Response:
    return list_export(calendar_filings.listing(account()))


@blueprint.route("/settings/filings/new", methods=["GET", "POST"])
@requires(Permission.EDIT_AGENCY)
def file_dates() -> ResponseReturnValue:
    """A city sets dates of its own inside the province's."""
    person = account()
    form = FileForm()
    form.key.choices = [("", "请选择"), *calendar_filings.window_choices()]
    if form.validate_on_submit():
        ok, made = attempt(
            form,
            lambda: calendar_filings.file(
                person,
                key=WindowKey(form.key.data),
                opens=form.opens.data,  # type: ignore[arg-type]
                closes=form.closes.data,  # type: ignore[arg-type]
                grades=form.grades.data or [],
                reason=form.reason.data or "",
            ),
        )
        if ok and made is not None:
            flash(f"本地日程已执行并报省中心备案：{filing_period(made)}。", "success")
            return redirect(url_for("settings.filing", filing_id=made.id))
    elif not form.is_submitted():
        form.key.data = request.args.get("key", "")
    return render_template(
        "settings/filing_form.html",
        form=form,
        region=person.region_name,
        may_file=calendar_filings.may_file(person),
    ), 422 if form.is_submitted() else 200


@blueprint.route("/settings/filings/extend", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def extend_dates() -> ResponseReturnValue:
    """The centre gives a region more time."""
    form = ExtendForm()
    form.key.choices = [("", "请选择"), *calendar_filings.window_choices()]
    form.region_code.choices = [("", "请选择"), *calendar_filings.region_choices()]
    if form.validate_on_submit():
        ok, made = attempt(
            form,
            lambda: calendar_filings.extend(
                account(),
                region_code=form.region_code.data or "",
                key=WindowKey(form.key.data),
                closes=form.closes.data,  # type: ignore[arg-type]
                grades=form.grades.data or [],
                reason=form.reason.data or "",
            ),
        )
        if ok and made is not None:
            flash(f"已准予{made.region.full_name}延期，即日起执行：{filing_period(made)}。", "success")
            return redirect(url_for("settings.filing", filing_id=made.id))
    return render_template("settings/filing_extend.html", form=form), 422 if form.is_submitted() else 200


@blueprint.get("/settings/filings/<int:filing_id>")
@requires(Permission.VIEW_SETTINGS)
def filing(filing_id: int) -> ResponseReturnValue:
    return _filing_page(filing_id, FilingDecisionForm())


def _filing_page(filing_id: int, form: FilingDecisionForm) -> ResponseReturnValue:
    person = account()
    found = calendar_filings.find(person, filing_id)
    return render_template(
        "settings/filing.html",
        filing=found,
        form=form,
        title=calendar_filings.title_of(found),
        label=status_label(found),
        grades=grades_text(found.grades),
        period=filing_period(found),
        province=calendar_filings.province_period(found),
        may_decide=may(person, Permission.EDIT_PROVINCE) and found.status is FilingStatus.FILED,
        may_withdraw=calendar_filings.may_withdraw(person, found),
    ), 422 if form.is_submitted() else 200


@blueprint.post("/settings/filings/<int:filing_id>/record")
@requires(Permission.EDIT_PROVINCE)
def record_filing(filing_id: int) -> ResponseReturnValue:
    return _decide(
        filing_id, lambda form: calendar_filings.record(account(), filing_id, form.version.data or 0), "已备案"
    )


@blueprint.post("/settings/filings/<int:filing_id>/object")
@requires(Permission.EDIT_PROVINCE)
def object_to_filing(filing_id: int) -> ResponseReturnValue:
    return _decide(
        filing_id,
        lambda form: calendar_filings.object_to(account(), filing_id, form.version.data or 0, form.reason.data or ""),
        "已提出异议，即日起按省的时间办理",
    )


@blueprint.post("/settings/filings/<int:filing_id>/withdraw")
@requires(Permission.EDIT_AGENCY)
def withdraw_filing(filing_id: int) -> ResponseReturnValue:
    return _decide(
        filing_id,
        lambda form: calendar_filings.withdraw(account(), filing_id, form.version.data or 0),
        "已撤回，即日起按省的时间办理",
    )


def _decide(filing_id: int, decide: Callable[[FilingDecisionForm], Any], done: str) -> ResponseReturnValue:
    form = FilingDecisionForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: decide(form))
        if ok:
            flash(f"{done}。", "success")
            return redirect(url_for("settings.filing", filing_id=filing_id))
    return _filing_page(filing_id, form)
