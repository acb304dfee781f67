"""What officials edit: cycle, calendar, trades, agencies; the demonstration's clock; health."""

from typing import Any

from flask import Response, abort, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import public, requires
from blueprints.held_upload import ImportForm, commit_form, committed, judged
from blueprints.helpers import XLSX, account, attachment, attempt, list_export, list_page, safe_next
from blueprints.settings import blueprint
from blueprints.settings.forms import (
    AgencyForm,
    ClockForm,
    EndForm,
    OfficerForm,
    StyleguideForm,
    SwitchForm,
    calendar_form,
)
from gongkao import clock
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.models import Account, Role
from gongkao.services import settings, trades
from gongkao.storage.spreadsheets import MAX_BYTES

PURPOSE = "trades"


def setting_tabs(current: str) -> list[dict[str, Any]]:
    """The tabs above the settings' lists; accounts are only for whoever issues them."""
    places = [
        ("overview", "年度和日程", "settings.overview"),
        ("filings", "本地日程", "settings.filings"),
        ("conditions", "申报条件", "settings.conditions"),
        ("scoring", "合格标准", "settings.scoring"),
        ("trades", "工种目录", "settings.trades"),
        ("agencies", "工考管理机构", "settings.agencies"),
    ]
    if may(account(), Permission.EDIT_AGENCY):
        places.append(("officers", "机构账户", "settings.officers"))
    if may(account(), Permission.VIEW_AUDIT):
        places.append(("audit", "操作记录", "settings.audit"))
    return [{"label": label, "href": url_for(endpoint), "current": key == current} for key, label, endpoint in places]


@blueprint.get("/settings")
@requires(Permission.VIEW_SETTINGS)
def overview() -> ResponseReturnValue:
    person = account()
    return render_template(
        "settings/overview.html",
        overview=settings.overview(),
        may_edit=may(person, Permission.EDIT_PROVINCE),
        setting_tabs=setting_tabs("overview"),
    )


@blueprint.route("/settings/calendar", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def calendar() -> ResponseReturnValue:
    """The windows of the notice's section 三, and the notice's own date."""
    shown = settings.overview()
    rows = list(shown.windows)
    data: dict[str, Any] = {
        "notice_issued_on": shown.cycle.notice_issued_on,
        "notice_issued_on_confirmed": shown.cycle.notice_issued_on_confirmed,
        "deferral_due": shown.cycle.deferral_due,
    }
    for row in rows:
        data[f"opens_{row.entry.id}"] = row.entry.opens
        data[f"closes_{row.entry.id}"] = row.entry.closes
    form = calendar_form(rows)(data=data)
    if form.validate_on_submit():
        typed = form.data
        ids = [row.entry.id for row in rows]
        ok, _ = attempt(
            form,
            lambda: settings.change_calendar(
                account(),
                notice_issued_on=typed["notice_issued_on"],
                notice_issued_on_confirmed=typed["notice_issued_on_confirmed"],
                deferral_due=typed["deferral_due"],
                periods={id: (typed[f"opens_{id}"], typed[f"closes_{id}"]) for id in ids},
            ),
        )
        if ok:
            flash("工作日程已修改，立即生效。", "success")
            return redirect(url_for("settings.overview"))
    pairs = [(row, form[f"opens_{row.entry.id}"], form[f"closes_{row.entry.id}"]) for row in rows]
    return render_template(
        "settings/calendar.html", form=form, pairs=pairs, cycle=shown.cycle
    ), 422 if form.is_submitted() else 200


@blueprint.get("/settings/trades", endpoint="trades")
@requires(Permission.VIEW_SETTINGS)
def trade_list() -> ResponseReturnValue:
    page = list_page(trades.listing(), export_endpoint="settings.trades_export")
    return render_template(
        "settings/trades.html",
        page=page,
        may_edit=may(account(), Permission.EDIT_PROVINCE),
        setting_tabs=setting_tabs("trades"),
    )


@blueprint.get("/settings/trades/export")
@requires(Permission.VIEW_SETTINGS)
def trades_export() -> Response:
    return list_export(trades.listing())


@blueprint.get("/settings/trades/template")
@requires(Permission.EDIT_PROVINCE)
def trades_template() -> Response:
    return attachment(trades.template(), "工种导入模板.xlsx", XLSX)


@blueprint.route("/settings/trades/import", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def import_trades() -> ResponseReturnValue:
    """Upload a table; every row is judged and shown before anything is kept."""
    form = ImportForm()
    preview = judged(form, trades.read_import)
    if preview is not None:
        return _preview(preview)
    return render_template(
        "settings/import_trades.html", form=form, max_bytes=MAX_BYTES
    ), 422 if form.is_submitted() else 200


def _preview(preview: trades.TradePreview) -> ResponseReturnValue:
    form = commit_form(PURPOSE, preview.digest, preview.filename)
    return render_template("settings/preview_trades.html", preview=preview, form=form), 422 if preview.errors else 200


@blueprint.post("/settings/trades/import/commit")
@requires(Permission.EDIT_PROVINCE)
def commit_trades() -> ResponseReturnValue:
    preview = committed(PURPOSE, lambda digest, name: trades.commit_import(account(), digest, name))
    if preview is None:
        return redirect(url_for("settings.import_trades"))
    if preview.errors:
        return _preview(preview)
    flash(f"已导入工种：新增{preview.count('新增')}个，修改{preview.count('修改')}个。", "success")
    return redirect(url_for("settings.trades"))


@blueprint.get("/settings/agencies")
@requires(Permission.VIEW_SETTINGS)
def agencies() -> ResponseReturnValue:
    page = list_page(
        settings.agency_listing(account()),
        link=lambda row: url_for("settings.agency", agency_id=row.id),
        export_endpoint="settings.agencies_export",
    )
    return render_template("settings/agencies.html", page=page, setting_tabs=setting_tabs("agencies"))


@blueprint.get("/settings/agencies/export")
@requires(Permission.VIEW_SETTINGS)
def agencies_export() -> Response:
    return list_export(settings.agency_listing(account()))


@blueprint.get("/settings/agencies/<int:agency_id>")
@requires(Permission.VIEW_SETTINGS)
def agency(agency_id: int) -> ResponseReturnValue:
    return render_template(
        "settings/agency.html", detail=settings.agency_detail(account(), agency_id), form=SwitchForm()
    )


@blueprint.route("/settings/agencies/<int:agency_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_AGENCY)
def edit_agency(agency_id: int) -> ResponseReturnValue:
    """Contacts and the three responsible people (notice 四（一）)."""
    found = settings.find_agency(account(), agency_id)
    form = AgencyForm(obj=found)
    if form.validate_on_submit():
        typed = {name: value for name, value in form.data.items() if name != "csrf_token"}
        ok, _ = attempt(form, lambda: settings.change_agency(account(), agency_id, **typed))
        if ok:
            flash("机构信息已修改。", "success")
            return redirect(url_for("settings.agency", agency_id=agency_id))
    duties = [(title, form[f"{stem}_name"], form[f"{stem}_post"]) for stem, title in settings.DUTIES]
    return render_template(
        "settings/edit_agency.html", form=form, agency=found, duties=duties
    ), 422 if form.is_submitted() else 200


@blueprint.post("/settings/agencies/<int:agency_id>/taken-over")
@requires(Permission.EDIT_AGENCY)
def switch_taken_over(agency_id: int) -> ResponseReturnValue:
    settings.find_agency(account(), agency_id)
    form = SwitchForm()
    if form.validate_on_submit() and form.taken_over.data in ("yes", "no"):
        wanted = form.taken_over.data == "yes"
        ok, moved = attempt(None, lambda: settings.switch_taken_over(account(), agency_id, wanted))
        if ok and moved is not None:
            units, applications = moved
            state = "已承接" if wanted else "不再承接"
            flash(
                f"已设为{state}报名资格审查：{units}个单位、{applications}份未办结的申报已转交相应机构。",
                "success",
            )
    return redirect(url_for("settings.agency", agency_id=agency_id))


@blueprint.get("/settings/officers")
@requires(Permission.EDIT_AGENCY)
def officers() -> ResponseReturnValue:
    page = list_page(
        settings.officer_listing(account()), link=_officer_page, export_endpoint="settings.officers_export"
    )
    return render_template("settings/officers.html", page=page, setting_tabs=setting_tabs("officers"))


def _officer_page(row: Account) -> str:
    return url_for("settings.officer", account_id=row.id)


@blueprint.get("/settings/officers/export")
@requires(Permission.EDIT_AGENCY)
def officers_export() -> Response:
    return list_export(settings.officer_listing(account()))


@blueprint.route("/settings/officers/new", methods=["GET", "POST"])
@requires(Permission.EDIT_AGENCY)
def issue_officer() -> ResponseReturnValue:
    """Issue an account; its one-time password stands on the answering page and nowhere else."""
    form = OfficerForm()
    form.agency_id.choices = [("", "请选择"), *settings.agency_choices(account())]
    form.role.choices = [(role.value, role.label) for role in settings.issuable_roles(account())]
    if not form.is_submitted():
        form.agency_id.data = request.args.get("agency") or str(account().agency_id)
    if form.validate_on_submit():
        ok, issued = attempt(
            form,
            lambda: settings.issue_officer(
                account(),
                agency_id=int(form.agency_id.data),
                role=Role(form.role.data),
                name=form.name.data or "",
            ),
        )
        if ok and issued is not None:
            return render_template("settings/issued.html", issued=issued)
    return render_template("settings/issue.html", form=form), 422 if form.is_submitted() else 200


@blueprint.route("/settings/officers/<int:account_id>", methods=["GET", "POST"])
@requires(Permission.EDIT_AGENCY)
def officer(account_id: int) -> ResponseReturnValue:
    """An account, and ending it."""
    found = settings.find_officer(account(), account_id)
    form = EndForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: settings.end_officer(account(), account_id, form.reason.data or ""))
        if ok:
            flash(f"账户{found.username}已停用。", "success")
            return redirect(url_for("settings.officers"))
    return render_template(
        "settings/officer.html",
        officer=found,
        form=form,
        obstacle=settings.why_not_end(account(), found),
    ), 422 if form.is_submitted() else 200


@blueprint.route("/demonstration/clock", methods=["GET", "POST"], endpoint="clock")
@public
def demonstration_clock() -> ResponseReturnValue:
    """Choose the demonstration's day. There is no such page in production."""
    source = clock.source()
    if not current_app.config["GONGKAO"].demonstration or not isinstance(source, clock.DemonstrationClock):
        abort(404)
    form = ClockForm(data={"day": source.day})
    if form.validate_on_submit():
        day = form.day.data
        assert day is not None
        source.set_day(day)
        flash(f"演示日期已调整为{day.year}年{day.month}月{day.day}日。", "success")
        return redirect(safe_next(request.form.get("next")) or url_for("settings.clock"))
    return render_template(
        "settings/clock.html",
        form=form,
        windows=settings.overview().windows,
        next=safe_next(request.values.get("next")),
    ), 422 if form.is_submitted() else 200


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """For the machine that watches: 200 while database and storage answer, else 503; a replica's state beside them."""
    found = settings.health()
    well = found["database"] == found["storage"] == "ok"
    return jsonify({"status": "ok" if well else "failed", **found}), 200 if well else 503


@blueprint.get("/styleguide")
@requires(Permission.VIEW_UNITS)
def styleguide() -> ResponseReturnValue:
    """Every component in all its states; not in production."""
    if current_app.config["GONGKAO"].mode == "production":
        abort(404)
    return render_template("styleguide.html", form=StyleguideForm.example())
