"""Sites of the tests: facts, rooms, the checklist and the log of incidents."""

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.exams import blueprint
from blueprints.exams.forms import CheckForm, IncidentForm, RoomForm, SiteForm, TokenForm
from blueprints.exams.tabs import exam_tabs
from blueprints.guard import requires
from blueprints.helpers import account, attempt, inline, list_export, list_page, query_args
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.rules.seating import ExamKind
from gongkao.services import exam_documents, sites

PDF = "application/pdf"
FACTS = ("name", "address", "contact_name", "contact_phone")
ROOM_FACTS = ("number", "location", "rows", "columns", "computers")


@blueprint.get("/sites", endpoint="sites")
@requires(Permission.VIEW_EXAMS)
def site_list() -> ResponseReturnValue:
    page = list_page(
        sites.listing(account()),
        link=lambda row: url_for("exams.site", site_id=row.id),
        export_endpoint="exams.sites_export",
    )
    return render_template(
        "exams/sites/list.html",
        page=page,
        tabs=exam_tabs("sites"),
        args=query_args(),
        may_manage=may(account(), Permission.MANAGE_EXAMS),
    )


@blueprint.get("/sites/export")
@requires(Permission.VIEW_EXAMS)
def sites_export() -> Response:
    return list_export(sites.listing(account()))


@blueprint.route("/sites/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def new_site() -> ResponseReturnValue:
    return _site_form(None)


@blueprint.route("/sites/<int:site_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def edit_site(site_id: int) -> ResponseReturnValue:
    return _site_form(site_id)


def _site_form(site_id: int | None) -> ResponseReturnValue:
    found = sites.find(account(), site_id) if site_id is not None else None
    form = SiteForm(obj=found)
    if form.validate_on_submit():
        ok, made = attempt(
            form, lambda: sites.save(account(), site_id, {name: form[name].data or "" for name in FACTS})
        )
        if ok and made is not None:
            flash("考点已保存。", "success")
            return redirect(url_for("exams.site", site_id=made.id))
    return render_template("exams/sites/form.html", form=form, site=found), 422 if form.is_submitted() else 200


@blueprint.get("/sites/<int:site_id>")
@requires(Permission.VIEW_EXAMS)
def site(site_id: int) -> ResponseReturnValue:
    view = sites.view(account(), site_id)
    return render_template(
        "exams/sites/site.html",
        site=view.site,
        editable=view.editable,
        checklist=exam_documents.checklist(view.site),
        computer=ExamKind.COMPUTER,
        paper=ExamKind.PAPER,
        tabs=exam_tabs("sites"),
        args=query_args(),
    )


@blueprint.route("/sites/<int:site_id>/check", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def check_site(site_id: int) -> ResponseReturnValue:
    """The checklist, with the emergency plan as a file."""
    found = sites.find(account(), site_id)
    form = CheckForm()
    if form.validate_on_submit():
        sent = form.plan.data
        data = sent.read() if sent else b""
        plan = (data, sent.filename or "") if sent and (data or sent.filename) else None
        typed = {name: form[name].data or "" for name in form.data if name not in ("plan", "csrf_token")}
        ok, _ = attempt(form, lambda: sites.check(account(), site_id, typed, plan))
        if ok:
            flash("安全检查情况已保存。", "success")
            return redirect(url_for("exams.site", site_id=site_id))
    elif not form.is_submitted():
        answers = {True: "yes", False: "no", None: ""}
        form.power.data, form.power_note.data = answers[found.power_ready], found.power_note
        form.recording.data, form.recording_note.data = answers[found.recording_ready], found.recording_note
        form.rooms.data, form.rooms_note.data = answers[found.rooms_standard], found.rooms_note
        form.kept_at.data, form.holder.data = found.recordings_kept_at, found.recordings_holder
    return render_template(
        "exams/sites/check.html", form=form, site=found, points=sites.POINTS, max_bytes=sites.PLAN_MAX_BYTES
    ), 422 if form.is_submitted() else 200


@blueprint.get("/sites/<int:site_id>/plan.pdf")
@requires(Permission.VIEW_EXAMS)
def site_plan(site_id: int) -> Response:
    row, data = sites.plan_file(account(), site_id)
    return inline(data, row.name, row.media_type)


@blueprint.route("/sites/<int:site_id>/incidents", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def record_incident(site_id: int) -> ResponseReturnValue:
    found = sites.find(account(), site_id)
    form = IncidentForm()
    if form.validate_on_submit():
        typed = {name: form[name].data or "" for name in ("day", "at", "what", "measures")}
        ok, _ = attempt(form, lambda: sites.record_incident(account(), site_id, **typed))
        if ok:
            flash("已记入突发事件记录。", "success")
            return redirect(url_for("exams.site", site_id=site_id))
    return render_template("exams/sites/incident.html", form=form, site=found), 422 if form.is_submitted() else 200


@blueprint.route("/sites/<int:site_id>/rooms/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def new_room(site_id: int) -> ResponseReturnValue:
    return _room_form(site_id, None)


@blueprint.route("/sites/<int:site_id>/rooms/<int:room_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def edit_room(site_id: int, room_id: int) -> ResponseReturnValue:
    return _room_form(site_id, room_id)


def _room_form(site_id: int, room_id: int | None) -> ResponseReturnValue:
    found = sites.find(account(), site_id)
    room = sites.find_room(account(), site_id, room_id) if room_id is not None else None
    form = RoomForm(obj=room)
    if form.validate_on_submit():
        typed = {name: form[name].data or "" for name in ROOM_FACTS}
        ok, made = attempt(
            form,
            lambda: sites.save_room(account(), site_id, room_id, typed, accessible=bool(form.accessible.data)),
        )
        if ok and made is not None:
            flash(f"{made.label}已保存。", "success")
            return redirect(url_for("exams.site", site_id=site_id))
    return render_template(
        "exams/sites/room.html", form=form, site=found, room=room
    ), 422 if form.is_submitted() else 200


@blueprint.post("/sites/<int:site_id>/rooms/<int:room_id>/remove")
@requires(Permission.MANAGE_EXAMS)
def remove_room(site_id: int, room_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, _ = attempt(None, lambda: sites.remove_room(account(), site_id, room_id))
        if ok:
            flash("考场已删除。", "success")
    return redirect(url_for("exams.site", site_id=site_id))


@blueprint.get("/sites/<int:site_id>/doors.pdf")
@requires(Permission.VIEW_EXAMS)
def door_labels(site_id: int) -> Response:
    return inline(exam_documents.door_labels(account(), site_id), "考场门签.pdf", PDF)


@blueprint.get("/sites/<int:site_id>/summary.pdf")
@requires(Permission.VIEW_EXAMS)
def site_summary(site_id: int) -> Response:
    return inline(exam_documents.site_summary(account(), site_id), "考点考务安排汇总表.pdf", PDF)
