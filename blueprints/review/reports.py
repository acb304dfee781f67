"""Reports upward (汇总上报): preview, sending, receiving and returning, the stamped scan."""

from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, TextAreaField
from wtforms.validators import DataRequired

from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import XLSX, account, attachment, attempt, inline, list_export, list_page
from blueprints.review import blueprint
from gongkao.access.permissions import Permission
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.rules.upward_report import HEADINGS
from gongkao.services import cycles, files, reports
from gongkao.services.errors import NotFound, Refused

PDF = "application/pdf"


class SendForm(Form):
    sure = BooleanField("已核对以上数字，确认报送", [DataRequired(message="报送后数字不再变化，请核对后勾选确认。")])


class ReportDecisionForm(Form):
    version = IntegerField()
    reason = TextAreaField("退回原因")


class SignedForm(Form):
    scan = FileField("盖章扫描件")


@blueprint.get("/reports", endpoint="reports")
@requires(Permission.VIEW_REPORTS)
def report_list() -> ResponseReturnValue:
    """The own report, what has come from below and what is missing, and all that was sent."""
    person = account()
    page = list_page(
        reports.listing(person),
        link=lambda row: url_for("review.report", report_id=row.id),
        export_endpoint="review.reports_export",
    )
    window = cycles.find_window(WindowKey.AGENCY_REVIEW, cycles.place_of(person))
    return render_template(
        "reports/list.html",
        page=page,
        overview=reports.overview(person),
        state=reports.state,
        period=period_text(window) if window else "",
    )


@blueprint.get("/reports/export")
@requires(Permission.VIEW_REPORTS)
def reports_export() -> Response:
    return list_export(reports.listing(account()))


@blueprint.get("/reports/preview")
@requires(Permission.VIEW_REPORTS)
def report_preview() -> ResponseReturnValue:
    """The figures as they are now."""
    return _preview(SendForm())


@blueprint.post("/reports/preview")
@requires(Permission.SEND_REPORTS)
def send_report() -> ResponseReturnValue:
    form = SendForm()
    if form.validate_on_submit():
        ok, made = attempt(form, lambda: reports.send(account()))
        if ok and made is not None:
            flash(f"已报送，编号{made.number}。请打印汇总表签字盖章，并上传扫描件。", "success")
            return redirect(url_for("review.report", report_id=made.id))
    return _preview(form)


def _preview(form: SendForm) -> ResponseReturnValue:
    overview = reports.overview(account())
    if overview is None:
        raise Refused("当前汇总由各工考管理机构查看和报送，巡视监督可以查看已报送的汇总。")
    return render_template(
        "reports/preview.html",
        form=form,
        overview=overview,
        # Where sending was refused, the refusal says it.
        held="" if form.is_submitted() and not form.errors else overview.held,
        content=reports.preview(overview.agency),
        headings=list(HEADINGS.values()),
    ), 422 if form.is_submitted() else 200


@blueprint.get("/reports/<int:report_id>")
@requires(Permission.VIEW_REPORTS)
def report(report_id: int) -> ResponseReturnValue:
    return _report(report_id, ReportDecisionForm(), SignedForm())


def _report(report_id: int, form: ReportDecisionForm, scan: SignedForm) -> ResponseReturnValue:
    person = account()
    found = reports.find(person, report_id)
    return render_template(
        "reports/report.html",
        report=found,
        content=reports.content_of(found),
        changed=reports.changed_below(found),
        headings=list(HEADINGS.values()),
        state=reports.state(found),
        form=form,
        scan=scan,
        may_receive=reports.may_receive(person, found),
        may_return=reports.may_return(person, found),
        may_attach=reports.may_attach(person, found),
        formats=reports.SCAN_FORMATS,
        max_bytes=reports.SCAN_BYTES,
    ), 422 if form.is_submitted() else 200


@blueprint.post("/reports/<int:report_id>/receive")
@requires(Permission.SEND_REPORTS)
def receive_report(report_id: int) -> ResponseReturnValue:
    return _decide(
        report_id, lambda form: reports.receive(account(), report_id, form.version.data or 0), "已接收汇总。"
    )


@blueprint.post("/reports/<int:report_id>/return")
@requires(Permission.SEND_REPORTS)
def return_report(report_id: int) -> ResponseReturnValue:
    return _decide(
        report_id,
        lambda form: reports.send_back(account(), report_id, form.version.data or 0, form.reason.data or ""),
        "已退回，等待重新报送。",
    )


def _decide(report_id: int, decide: Callable[[ReportDecisionForm], Any], done: str) -> ResponseReturnValue:
    form = ReportDecisionForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: decide(form))
        if ok:
            flash(done, "success")
            return redirect(url_for("review.report", report_id=report_id))
    return _report(report_id, form, SignedForm(formdata=None))


@blueprint.post("/reports/<int:report_id>/signed")
@requires(Permission.SEND_REPORTS)
def attach_signed_report(report_id: int) -> ResponseReturnValue:
    form = SignedForm()
    if form.validate_on_submit():
        sent = form.scan.data
        data, name = (sent.read(), sent.filename or "") if sent else (b"", "")
        ok, _ = attempt(form, lambda: reports.attach_signed(account(), report_id, data, name))
        if ok:
            flash("盖章扫描件已上传。", "success")
            return redirect(url_for("review.report", report_id=report_id))
    return _report(report_id, ReportDecisionForm(formdata=None), form)


@blueprint.get("/reports/<int:report_id>/sheet.xlsx")
@requires(Permission.VIEW_REPORTS)
def report_sheet(report_id: int) -> Response:
    found = reports.find(account(), report_id)
    return attachment(files.read(found.sheet), found.sheet.name, XLSX)


@blueprint.get("/reports/<int:report_id>/paper.pdf")
@requires(Permission.VIEW_REPORTS)
def report_paper(report_id: int) -> Response:
    found = reports.find(account(), report_id)
    return inline(files.read(found.paper), found.paper.name, PDF)


@blueprint.get("/reports/<int:report_id>/signed")
@requires(Permission.VIEW_REPORTS)
def report_signed(report_id: int) -> Response:
    found = reports.find(account(), report_id)
    if found.signed is None:
        raise NotFound("scan")
    return inline(files.read(found.signed), found.signed.name, found.signed.media_type)
