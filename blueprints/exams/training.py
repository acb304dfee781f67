"""Training: classes, who is in them, attendance and completion."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.exams import blueprint
from blueprints.exams.forms import ClassForm, TokenForm
from blueprints.exams.tabs import exam_tabs
from blueprints.guard import requires
from blueprints.held_upload import ImportForm, commit_form, committed, judged
from blueprints.helpers import XLSX, account, attachment, attempt, list_export, list_page, query_args, refusal, row_id
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.services import cycles, training
from gongkao.storage.spreadsheets import MAX_BYTES

PURPOSE = "training"
FIELDS = ("name", "trade", "grade", "starts", "ends", "place", "hours", "capacity")


@blueprint.get("/training", endpoint="training")
@requires(Permission.VIEW_EXAMS)
def class_list() -> ResponseReturnValue:
    page = list_page(
        training.listing(account()),
        link=lambda row: url_for("exams.training_class", class_id=row.id),
        export_endpoint="exams.training_export",
    )
    return render_template(
        "exams/training/list.html",
        page=page,
        tabs=exam_tabs("training"),
        may_manage=may(account(), Permission.MANAGE_EXAMS),
    )


@blueprint.get("/training/export")
@requires(Permission.VIEW_EXAMS)
def training_export() -> Response:
    return list_export(training.listing(account()))


@blueprint.route("/training/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def new_training() -> ResponseReturnValue:
    return _class_form(None)


@blueprint.route("/training/<int:class_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def edit_training(class_id: int) -> ResponseReturnValue:
    return _class_form(class_id)


def _class_form(class_id: int | None) -> ResponseReturnValue:
    found = training.find(account(), class_id) if class_id is not None else None
    form = ClassForm()
    form.trade.choices = [
        ("", "请选择"),
        *((opening.trade.code, opening.trade.name) for opening in cycles.open_trades()),
    ]
    if form.validate_on_submit():
        typed = {name: form[name].data or "" for name in FIELDS}
        ok, made = attempt(form, lambda: training.save(account(), class_id, typed))
        if ok and made is not None:
            flash("班次已保存。", "success")
            return redirect(url_for("exams.training_class", class_id=made.id))
    elif found is not None and not form.is_submitted():
        form.name.data, form.place.data = found.name, found.place
        form.trade.data, form.grade.data = found.trade.code, str(found.grade)
        form.starts.data, form.ends.data = found.starts_on.isoformat(), found.ends_on.isoformat()
        form.hours.data, form.capacity.data = str(found.hours), str(found.capacity)
    return render_template("exams/training/form.html", form=form, training=found), 422 if form.is_submitted() else 200


@blueprint.route("/training/<int:class_id>", methods=["GET", "POST"])
@requires(Permission.VIEW_EXAMS)
def training_class(class_id: int) -> ResponseReturnValue:
    """One class; its office records attendance and completion a page at a time."""
    found = training.find(account(), class_id)
    typed: dict[str, str] = {}
    wrong: dict[str, str] = {}
    if request.method == "POST":
        typed = {key: text for key, text in request.form.items() if key.partition("-")[2].isdigit()}
        try:
            changed = training.record(account(), class_id, typed)
            flash(f"已保存，{changed}人有变动。" if changed else "没有变动。", "success")
            return redirect(url_for("exams.training_class", **{**query_args(), "class_id": class_id}))
        except RuleError as error:
            wrong = refusal(error)
    page = list_page(training.members_listing(account(), found), export_endpoint="exams.training_members_export")
    return render_template(
        "exams/training/class.html",
        training=found,
        grade=Grade(found.grade),
        page=page,
        typed=typed,
        wrong=wrong,
        name=training.field_name,
        editable=training.editable(account(), found),
        recording=training.recording(account(), found),
        period=training.period(found),
        outcomes=list(training.OUTCOMES),
        tabs=exam_tabs("training"),
    ), 422 if wrong else 200


@blueprint.get("/training/<int:class_id>/export")
@requires(Permission.VIEW_EXAMS)
def training_members_export(class_id: int) -> Response:
    return list_export(training.members_listing(account(), training.find(account(), class_id)))


@blueprint.post("/training/<int:class_id>/remove")
@requires(Permission.MANAGE_EXAMS)
def remove_training(class_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, _ = attempt(None, lambda: training.remove(account(), class_id))
        if ok:
            flash("班次已删除。", "success")
            return redirect(url_for("exams.training"))
    return redirect(url_for("exams.training_class", class_id=class_id))


@blueprint.get("/training/<int:class_id>/enrol")
@requires(Permission.MANAGE_EXAMS)
def training_candidates(class_id: int) -> ResponseReturnValue:
    found = training.find(account(), class_id)
    page = list_page(training.candidates_listing(account(), found))
    return render_template("exams/training/enrol.html", training=found, grade=Grade(found.grade), page=page)


@blueprint.post("/training/<int:class_id>/enrol")
@requires(Permission.MANAGE_EXAMS)
def enrol(class_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, count = attempt(None, lambda: training.enrol(account(), class_id, _chosen()))
        if ok:
            flash(f"已将{count}人编入班次。" if count else "没有选择人员。", "success" if count else "info")
            return redirect(url_for("exams.training_class", class_id=class_id))
    return redirect(url_for("exams.training_candidates", class_id=class_id))


@blueprint.post("/training/<int:class_id>/expel")
@requires(Permission.MANAGE_EXAMS)
def expel(class_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, count = attempt(None, lambda: training.expel(account(), class_id, _chosen()))
        if ok:
            flash(f"已将{count}人移出班次。" if count else "没有选择人员。", "success" if count else "info")
    return redirect(url_for("exams.training_class", class_id=class_id))


def _chosen() -> list[int]:
    return [found for text in request.form.getlist("ids") if (found := row_id(text)) is not None]


@blueprint.get("/training/<int:class_id>/members.xlsx")
@requires(Permission.MANAGE_EXAMS)
def training_sheet(class_id: int) -> ResponseReturnValue:
    """The class as the table that can be filled in and imported again."""
    ok, found = attempt(None, lambda: training.members_sheet(account(), class_id))
    if not ok or found is None:
        return redirect(url_for("exams.training_class", class_id=class_id))
    return attachment(found[1], f"{found[0].name}学员名单.xlsx", XLSX)


@blueprint.route("/training/<int:class_id>/import", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def import_training(class_id: int) -> ResponseReturnValue:
    """Upload a table; every row is judged and shown before anything is kept."""
    found = training.find(account(), class_id)
    form = ImportForm()
    preview = judged(form, lambda data, name: training.read_import(account(), class_id, data, name))
    if preview is not None:
        return _preview(class_id, preview)
    return render_template(
        "exams/training/import.html", form=form, training=found, max_bytes=MAX_BYTES
    ), 422 if form.is_submitted() else 200


def _preview(class_id: int, preview: training.TrainingPreview) -> ResponseReturnValue:
    return render_template(
        "exams/training/preview.html",
        preview=preview,
        form=commit_form(f"{PURPOSE}-{class_id}", preview.digest, preview.filename),
        training=training.find(account(), class_id),
        outcome=training.outcome_text,
    ), 422 if preview.errors else 200


@blueprint.post("/training/<int:class_id>/import/commit")
@requires(Permission.MANAGE_EXAMS)
def commit_training(class_id: int) -> ResponseReturnValue:
    preview = committed(
        f"{PURPOSE}-{class_id}",
        lambda digest, name: training.commit_import(account(), class_id, digest, name),
    )
    if preview is None:
        return redirect(url_for("exams.import_training", class_id=class_id))
    if preview.errors:
        return _preview(class_id, preview)
    flash(f"名单已更新：新增{preview.count('新增')}人，修改{preview.count('修改')}人。", "success")
    return redirect(url_for("exams.training_class", class_id=class_id))
