"""Units: list, tree, editing, import from Excel, and the yearly check of names."""

from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.accounts import blueprint
from blueprints.accounts.unit_forms import (
    ChangeUnitForm,
    CheckDecisionForm,
    CorrectForm,
    TokenForm,
    UnitForm,
)
from blueprints.accounts.unit_tabs import unit_tabs
from blueprints.guard import requires
from blueprints.held_upload import ImportForm, commit_form, committed, judged
from blueprints.helpers import XLSX, account, as_of, attachment, attempt, list_export, list_page, row_id
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.models import Unit, UnitCheckStatus
from gongkao.rules.calendar import period_text
from gongkao.rules.routing import UnitLevel
from gongkao.services import cycles, unit_checks, unit_import, unit_search, units
from gongkao.storage.spreadsheets import MAX_BYTES

PURPOSE = "units"


def _opens(row: Unit) -> str:
    return url_for("accounts.unit", unit_id=row.id)


@blueprint.get("/units", endpoint="units")
@requires(Permission.VIEW_UNITS)
def unit_list() -> ResponseReturnValue:
    person = account()
    page = list_page(units.unit_listing(person), link=_opens, export_endpoint="accounts.units_export")
    return render_template(
        "units/list.html",
        page=page,
        may_manage=may(person, Permission.MANAGE_UNITS),
        unit_tabs=unit_tabs("units"),
    )


@blueprint.get("/units/export")
@requires(Permission.VIEW_UNITS)
def units_export() -> Response:
    return list_export(units.unit_listing(account()))


@blueprint.get("/units/<int:unit_id>")
@requires(Permission.VIEW_UNITS)
def unit(unit_id: int) -> ResponseReturnValue:
    return render_template("units/unit.html", detail=units.detail(account(), unit_id))


@blueprint.get("/units/lookup")
@requires(Permission.MANAGE_UNITS)
def unit_lookup() -> Response:
    """Suggestions for the supervising unit's field."""
    found = unit_search.suggest(request.args.get("q", ""))
    return jsonify([{"id": one.id, "label": one.name, "note": one.credit_code} for one in found])


@blueprint.route("/units/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_UNITS)
def new_unit() -> ResponseReturnValue:
    person = account()
    form = UnitForm()
    _offer_regions(form)
    if form.validate_on_submit():
        ok, made = attempt(form, lambda: units.create_unit(person, **_typed(form)))
        if ok and made is not None:
            flash(f"已新增单位“{made.name}”，由{made.agency.name}负责资格审查。", "success")
            return redirect(_opens(made))
    elif not form.is_submitted() and person.agency is not None:
        form.region_code.data = person.agency.region_code
    return render_template("units/form.html", form=form, unit=None), 422 if form.is_submitted() else 200


@blueprint.route("/units/<int:unit_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_UNITS)
def edit_unit(unit_id: int) -> ResponseReturnValue:
    found = units.find(account(), unit_id)
    above = found.supervising_unit
    form = ChangeUnitForm(
        data={
            "name": found.name,
            "credit_code": found.credit_code,
            "level": found.level.value,
            "region_code": found.region_code,
            "supervising_unit": above.credit_code if above else "",
            "contact_phone": found.contact_phone,
            "active": found.active,
        }
    )
    _offer_regions(form)
    if form.validate_on_submit():
        ok, _ = attempt(
            form,
            lambda: units.change_unit(account(), unit_id, **_typed(form), active=bool(form.active.data)),
        )
        if ok:
            flash("单位信息已修改。", "success")
            return redirect(url_for("accounts.unit", unit_id=unit_id))
    return render_template("units/form.html", form=form, unit=found), 422 if form.is_submitted() else 200


def _offer_regions(form: UnitForm) -> None:
    form.region_code.choices = [("", "请选择"), *units.region_choices(account())]


def _typed(form: UnitForm) -> dict[str, Any]:
    return {
        "name": form.name.data or "",
        "credit_code": form.credit_code.data or "",
        "level": UnitLevel(form.level.data),
        "region_code": form.region_code.data or "",
        "supervising_unit_id": units.find_supervising(form.supervising_unit.data or ""),
        "contact_phone": form.contact_phone.data or "",
    }


@blueprint.route("/units/import", methods=["GET", "POST"])
@requires(Permission.MANAGE_UNITS)
def import_units() -> ResponseReturnValue:
    """Upload a table; every row is judged and shown before anything is added."""
    form = ImportForm()
    preview = judged(form, lambda data, name: unit_import.read_import(account(), data, name))
    if preview is not None:
        return _preview(preview)
    return render_template(
        "units/import.html", form=form, levels=[level.label for level in UnitLevel], max_bytes=MAX_BYTES
    ), 422 if form.is_submitted() else 200


def _preview(preview: unit_import.ImportPreview) -> ResponseReturnValue:
    form = commit_form(PURPOSE, preview.digest, preview.filename)
    return render_template("units/preview.html", preview=preview, form=form), 422 if preview.errors else 200


@blueprint.post("/units/import/commit")
@requires(Permission.MANAGE_UNITS)
def commit_units() -> ResponseReturnValue:
    preview = committed(PURPOSE, lambda digest, name: unit_import.commit_import(account(), digest, name))
    if preview is None:
        return redirect(url_for("accounts.import_units"))
    if preview.errors:
        return _preview(preview)
    flash(f"已导入{len(preview.rows)}个单位。", "success")
    return redirect(url_for("accounts.units"))


@blueprint.get("/units/template")
@requires(Permission.MANAGE_UNITS)
def units_template() -> Response:
    return attachment(unit_import.template(), "单位导入模板.xlsx", XLSX)


@blueprint.get("/units/check")
@requires(Permission.CHECK_UNITS)
def check_units() -> ResponseReturnValue:
    """The own unit and all below it, to be confirmed or corrected one by one or confirmed all at once."""
    person = account()
    assert person.unit is not None
    page = list_page(unit_checks.check_listing(person), link=_checks)
    window = cycles.find_window(unit_checks.WINDOW, person.unit)
    return render_template(
        "units/check.html",
        page=page,
        form=TokenForm(),
        counts=unit_checks.progress(person),
        period=period_text(window) if window else "",
        open=cycles.is_open(unit_checks.WINDOW, person.unit),
    )


def _checks(row: Unit) -> str:
    return url_for("accounts.correct_unit", unit_id=row.id)


@blueprint.post("/units/check/<int:unit_id>/confirm")
@requires(Permission.CHECK_UNITS)
def confirm_unit(unit_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, check = attempt(None, lambda: unit_checks.confirm_unit(account(), unit_id))
        if ok and check is not None:
            flash(f"“{check.proposed_name}”已确认无误，待工考管理机构确认。", "success")
    return redirect(url_for("accounts.check_units"))


@blueprint.post("/units/check/confirm-all")
@requires(Permission.CHECK_UNITS)
def confirm_all_units() -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, count = attempt(None, lambda: unit_checks.confirm_all(account()))
        if ok:
            flash(
                f"已确认{count}个单位的名称无误，待工考管理机构确认。" if count else "没有未核对的单位。",
                "success",
            )
    return redirect(url_for("accounts.check_units"))


@blueprint.route("/units/check/<int:unit_id>", methods=["GET", "POST"])
@requires(Permission.CHECK_UNITS)
def correct_unit(unit_id: int) -> ResponseReturnValue:
    """One unit: confirm its name, or write the right one."""
    found = units.find(account(), unit_id)
    check = units.check_of(found, cycles.current_cycle().id)
    form = CorrectForm(data={"name": check.proposed_name if check else found.name})
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: unit_checks.correct_unit(account(), unit_id, form.name.data or ""))
        if ok:
            flash("更正已提交，待工考管理机构确认后生效。", "success")
            return redirect(url_for("accounts.check_units"))
    window = cycles.find_window(unit_checks.WINDOW, found)
    return render_template(
        "units/correct.html",
        form=form,
        unit=found,
        check=check,
        tone=units.CHECK_TONES[check.status] if check else "neutral",
        period=period_text(window) if window else "",
        open=cycles.is_open(unit_checks.WINDOW, found),
        accepted=check is not None and check.status is UnitCheckStatus.ACCEPTED,
    ), 422 if form.is_submitted() else 200


@blueprint.get("/units/check-desk")
@requires(Permission.MANAGE_UNITS)
def unit_check_desk() -> ResponseReturnValue:
    person = account()
    counts = unit_checks.desk_progress(person)
    summary = [
        {
            "label": label,
            "count": counts.value[status.value],
            "href": url_for("accounts.unit_check_desk", status=status.value),
            "current": request.args.get("status") == status.value,
        }
        for status, label in (
            (UnitCheckStatus.CONFIRMED, "名称无变化，待确认"),
            (UnitCheckStatus.CORRECTED, "有更正，待确认"),
            (UnitCheckStatus.REFUSED, "已退回"),
            (UnitCheckStatus.ACCEPTED, "已确认"),
        )
    ]
    page = list_page(
        unit_checks.desk_listing(person),
        link=lambda row: url_for("accounts.unit_check", check_id=row.id),
        export_endpoint="accounts.unit_checks_export",
        summary=[*summary, *as_of(counts)],
    )
    return render_template(
        "units/check_desk.html",
        page=page,
        counts=counts.value,
        ready=any(row.choosable for row in page.rows),
        unit_tabs=unit_tabs("checks"),
    )


@blueprint.get("/units/check-desk/export")
@requires(Permission.MANAGE_UNITS)
def unit_checks_export() -> Response:
    return list_export(unit_checks.desk_listing(account()))


@blueprint.get("/units/check-desk/<int:check_id>")
@requires(Permission.MANAGE_UNITS)
def unit_check(check_id: int) -> ResponseReturnValue:
    return _check_page(check_id, CheckDecisionForm())


def _check_page(check_id: int, form: CheckDecisionForm) -> ResponseReturnValue:
    found = unit_checks.find(account(), check_id)
    return render_template(
        "units/check_decision.html",
        check=found,
        form=form,
        tone=units.CHECK_TONES[found.status],
        changed=found.proposed_name != found.name_before,
        own=found.unit.agency_id == account().agency_id,
        open=found.status in unit_checks.WAITING,
    ), 422 if form.is_submitted() else 200


@blueprint.post("/units/check-desk/<int:check_id>/accept")
@requires(Permission.MANAGE_UNITS)
def accept_check(check_id: int) -> ResponseReturnValue:
    form = CheckDecisionForm()
    if form.validate_on_submit():
        ok, check = attempt(form, lambda: unit_checks.accept_check(account(), check_id, form.version.data or 0))
        if ok and check is not None:
            flash(f"已确认单位名称“{check.proposed_name}”。", "success")
            return redirect(url_for("accounts.unit_check_desk"))
    return _check_page(check_id, form)


@blueprint.post("/units/check-desk/accept")
@requires(Permission.MANAGE_UNITS)
def accept_checks() -> ResponseReturnValue:
    """Accept the chosen unchanged names together."""
    chosen = [one for one in map(row_id, request.form.getlist("ids")) if one is not None]
    if TokenForm().validate_on_submit():
        ok, counts = attempt(None, lambda: unit_checks.accept_confirmed(account(), chosen))
        if ok and counts is not None:
            accepted, left = counts
            rest = f"其余{left}个有更正、已办理或不由本机构确认，请逐个查看。" if left else ""
            flash(f"已确认{accepted}个单位的名称。{rest}", "success" if accepted else "info")
    return redirect(url_for("accounts.unit_check_desk"))


@blueprint.post("/units/check-desk/<int:check_id>/refuse")
@requires(Permission.MANAGE_UNITS)
def refuse_check(check_id: int) -> ResponseReturnValue:
    form = CheckDecisionForm()
    if form.validate_on_submit():
        ok, check = attempt(
            form,
            lambda: unit_checks.refuse_check(account(), check_id, form.version.data or 0, form.reason.data or ""),
        )
        if ok and check is not None:
            flash(f"已退回“{check.unit.name}”的核对结果。", "success")
            return redirect(url_for("accounts.unit_check_desk"))
    return _check_page(check_id, form)
