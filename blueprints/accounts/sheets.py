"""Registration sheets: filled in by units, decided at the agency's desk; the administrators they make."""

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import unmask
from blueprints.accounts import blueprint
from blueprints.accounts.sheet_forms import FindSheetForm, ScanForm, SheetDecisionForm, SheetForm, SlipForm
from blueprints.accounts.unit_tabs import unit_tabs
from blueprints.guard import public, requires
from blueprints.helpers import account, attachment, attempt, inline, list_export, list_page, row_id, waits
from gongkao.access.permissions import Permission
from gongkao.clock import today
from gongkao.documents import papers
from gongkao.extensions import limiter
from gongkao.models import Account, RegistrationSheet, SheetStatus, Unit
from gongkao.rules.calendar import period_text
from gongkao.services import files, sheets, unit_search
from gongkao.services.errors import NotFound

PDF = "application/pdf"


def _visitor() -> Account | None:
    return account() if current_user.is_authenticated else None


@blueprint.route("/sheets/new", methods=["GET", "POST"])
@public
@limiter.limit("60 per hour", methods=["POST"])
def new_sheet() -> ResponseReturnValue:
    """First choose the unit, then fill in the attachment's cells."""
    text = request.args.get("q", "")
    unit_id = row_id(request.args.get("unit", ""))
    if unit_id is None:
        return render_template("sheets/choose_unit.html", q=text, units=unit_search.suggest(text))
    unit = sheets.active_unit(unit_id)
    form = SheetForm()
    if form.validate_on_submit():
        ok, sheet = attempt(form, lambda: sheets.fill_in(_visitor(), unit.id, **_typed(form)))
        if ok and sheet is not None:
            flash("登记表已保存。", "success")
            return redirect(url_for("accounts.sheet", token=sheet.token))
    elif not form.is_submitted():
        form.filled_on.data = today().isoformat()
    return _sheet_form(form, unit, back=url_for("accounts.new_sheet"))


@blueprint.route("/sheets/<token>/edit", methods=["GET", "POST"])
@public
def edit_sheet(token: str) -> ResponseReturnValue:
    sheet = sheets.by_token(token)
    form = SheetForm(obj=sheet)
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: sheets.change(_visitor(), token, **_typed(form)))
        if ok:
            flash("登记表已修改。", "success")
            return redirect(url_for("accounts.sheet", token=token))
    elif not form.is_submitted():
        form.filled_on.data = sheet.filled_on.isoformat()
    return _sheet_form(form, sheet.unit, back=url_for("accounts.sheet", token=token), sheet=sheet)


def _sheet_form(
    form: SheetForm, unit: Unit, *, back: str, sheet: RegistrationSheet | None = None
) -> ResponseReturnValue:
    window = sheets.find_window(unit, sheet)
    return render_template(
        "sheets/form.html",
        form=form,
        unit=unit,
        sheet=sheet,
        back=back,
        window=window,
        period=period_text(window) if window else "",
        closed=sheets.closed_because(unit, sheet),
    ), 422 if form.is_submitted() else 200


def _typed(form: SheetForm) -> dict[str, str]:
    return {name: str(value or "") for name, value in form.data.items() if name != "csrf_token"}


@blueprint.get("/sheets/<token>")
@public
def sheet(token: str) -> ResponseReturnValue:
    return _sheet_page(token, ScanForm())


def _sheet_page(token: str, form: ScanForm) -> ResponseReturnValue:
    found = sheets.by_token(token)
    return render_template(
        "sheets/sheet.html",
        sheet=found,
        form=form,
        tone=sheets.TONES[found.status],
        closed=sheets.closed_because(found.unit, found),
        can_edit=found.status in (SheetStatus.FILLED, SheetStatus.REFUSED),
        can_hand_in=found.status in (SheetStatus.FILLED, SheetStatus.SUBMITTED),
        formats=sheets.SCAN_FORMATS,
        max_bytes=sheets.SCAN_BYTES,
    ), 422 if form.is_submitted() else 200


@blueprint.get("/sheets/<token>/sheet.pdf")
@public
@limiter.limit("60 per 5 minutes")
def sheet_pdf(token: str) -> Response:
    found = sheets.by_token(token)
    data = papers.registration_sheet(sheets.paper(found))
    return inline(data, f"管理人员信息登记表-{found.number}.pdf", PDF)


@blueprint.post("/sheets/<token>/scan")
@public
@limiter.limit("30 per 5 minutes")
def hand_in_sheet(token: str) -> ResponseReturnValue:
    form = ScanForm()
    if form.validate_on_submit():
        sent = form.scan.data
        data, name = (sent.read(), sent.filename or "") if sent else (b"", "")
        ok, _ = attempt(form, lambda: sheets.hand_in(_visitor(), token, data, name))
        if ok:
            flash("扫描件已上传，登记表已提交同级工考管理机构审核。", "success")
            return redirect(url_for("accounts.sheet", token=token))
    return _sheet_page(token, form)


@blueprint.get("/sheets/<token>/scan")
@public
def own_scan(token: str) -> Response:
    found = sheets.by_token(token)
    if found.scan is None:
        raise NotFound("scan")
    return inline(files.read(found.scan), found.scan.name, found.scan.media_type)


@blueprint.route("/sheets/find", methods=["GET", "POST"])
@public
@limiter.limit("20 per 5 minutes", methods=["POST"])
def find_sheet() -> ResponseReturnValue:
    """The way back for whoever lost the link."""
    form = FindSheetForm()
    if form.validate_on_submit():
        ok, found = attempt(form, lambda: sheets.by_number(form.number.data or "", form.mobile.data or ""))
        if ok and found is not None:
            return redirect(url_for("accounts.sheet", token=found.token))
    return render_template("sheets/find.html", form=form), 422 if form.is_submitted() else 200


@blueprint.get("/sheet-desk")
@requires(Permission.DECIDE_SHEETS)
def sheet_desk() -> ResponseReturnValue:
    page = list_page(
        sheets.desk_listing(account()),
        link=lambda row: url_for("accounts.decide_sheet", sheet_id=row.id),
        export_endpoint="accounts.sheets_export",
        summary=[
            {
                "label": "待本机构审核",
                "count": waits().get("sheets", 0),
                "href": url_for("accounts.sheet_desk", status=SheetStatus.SUBMITTED.value),
                "current": request.args.get("status") == SheetStatus.SUBMITTED.value,
            }
        ],
    )
    return render_template("sheets/desk.html", page=page, unit_tabs=unit_tabs("sheets"))


@blueprint.get("/sheet-desk/export")
@requires(Permission.DECIDE_SHEETS)
def sheets_export() -> Response:
    return list_export(sheets.desk_listing(account()))


@blueprint.route("/sheet-desk/<int:sheet_id>", methods=["GET", "POST"])
@requires(Permission.DECIDE_SHEETS)
def decide_sheet(sheet_id: int) -> ResponseReturnValue:
    """The scan beside what was typed; accept or refuse. After accepting the password stands on this page, once."""
    found = sheets.find(account(), sheet_id)
    form = SheetDecisionForm()
    older = [row for row in sheets.working_administrators(found.unit) if row.id != found.account_id]
    if form.validate_on_submit():
        version = form.version.data or 0
        if request.form.get("decision") == "accept":
            ok, issued = attempt(form, lambda: sheets.accept(account(), sheet_id, version))
            if ok and issued is not None:
                return render_template(
                    "sheets/issued.html",
                    sheet=found,
                    issued=issued,
                    ended=older,
                    form=SlipForm(formdata=None, password=issued.password),
                )
        else:
            ok, _ = attempt(form, lambda: sheets.refuse(account(), sheet_id, version, form.reason.data or ""))
            if ok:
                flash(f"已退回{found.unit_name}的登记表。", "success")
                return redirect(url_for("accounts.sheet_desk"))
    return _decide_page(sheet_id, form), 422 if form.is_submitted() else 200


@blueprint.post("/sheet-desk/<int:sheet_id>/numbers")
@requires(Permission.DECIDE_SHEETS)
def sheet_numbers(sheet_id: int) -> ResponseReturnValue:
    """The same page with the whole number, once; a reason written so far stays."""
    return unmask.show(RegistrationSheet, sheet_id, lambda whole: _decide_page(sheet_id, SheetDecisionForm(), whole))


def _decide_page(sheet_id: int, form: SheetDecisionForm, whole: unmask.Whole = unmask.HIDDEN) -> str:
    found = sheets.find(account(), sheet_id)
    return render_template(
        "sheets/decide.html",
        sheet=found,
        form=form,
        whole=whole,
        own=found.agency_id == account().agency_id,
        open=found.status is SheetStatus.SUBMITTED and found.agency_id == account().agency_id,
        tone=sheets.TONES[found.status],
        older=[row for row in sheets.working_administrators(found.unit) if row.id != found.account_id],
    )


@blueprint.get("/sheet-desk/<int:sheet_id>/scan")
@requires(Permission.DECIDE_SHEETS)
def sheet_scan(sheet_id: int) -> Response:
    found = sheets.find(account(), sheet_id)
    if found.scan is None:
        raise NotFound("scan")
    return inline(files.read(found.scan), found.scan.name, found.scan.media_type)


@blueprint.post("/sheet-desk/<int:sheet_id>/slip.pdf")
@requires(Permission.DECIDE_SHEETS)
def password_slip(sheet_id: int) -> Response:
    """The slip to hand over with the account; it can be printed until the password has been used."""
    address = current_app.config["GONGKAO"].public_url
    paper = sheets.slip(account(), sheet_id, SlipForm().password.data or "", address)
    return attachment(papers.password_slip(paper), "账户领取单.pdf", PDF)


@blueprint.get("/administrators")
@requires(Permission.VIEW_UNITS)
def administrators() -> ResponseReturnValue:
    page = list_page(sheets.administrator_listing(account()), export_endpoint="accounts.administrators_export")
    return render_template(
        "sheets/administrators.html", page=page, unit=account().unit, unit_tabs=unit_tabs("administrators")
    )


@blueprint.get("/administrators/export")
@requires(Permission.VIEW_UNITS)
def administrators_export() -> Response:
    return list_export(sheets.administrator_listing(account()))
