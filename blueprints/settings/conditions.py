"""The cycle's conditions (notice 二（一）): read by whoever sees the settings, changed by the provincial centre."""

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired

from blueprints import held_upload
from blueprints.guard import requires
from blueprints.helpers import account, attachment, attempt, list_export, list_page
from blueprints.settings import blueprint
from blueprints.settings.condition_form import KINDS, GradeForm, from_data, from_typed
from blueprints.settings.views import setting_tabs
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.models import ConditionSet
from gongkao.rules.conditions import InvalidConditions, to_data
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.services import conditions, cycles
from gongkao.services.errors import Conflict, FieldsRefused

PURPOSE = "conditions"
COMMON = "共同条件"


class UploadForm(FlaskForm):
    file = FileField("申报条件文件")


class ConfirmForm(FlaskForm):
    held = HiddenField()
    note = StringField("修改说明", [DataRequired(message="请写明修改的依据或原因，如“按豫人社办〔2024〕19号核对”。")])


def _newest() -> ConditionSet:
    return conditions.current(cycles.current_cycle())


@blueprint.get("/settings/conditions", endpoint="conditions")
@requires(Permission.VIEW_SETTINGS)
def conditions_overview() -> ResponseReturnValue:
    version = _newest()
    return render_template(
        "settings/conditions.html",
        version=version,
        by_whom=conditions.by_whom(version),
        words=conditions.in_words(conditions.rules_of(version)),
        may_edit=may(account(), Permission.EDIT_PROVINCE),
        setting_tabs=setting_tabs("conditions"),
    )


@blueprint.get("/settings/conditions/versions")
@requires(Permission.VIEW_SETTINGS)
def condition_versions() -> ResponseReturnValue:
    page = list_page(
        conditions.versions(),
        link=lambda row: url_for("settings.condition_version", number=row.version),
        export_endpoint="settings.condition_versions_export",
    )
    return render_template("settings/conditions_versions.html", page=page)


@blueprint.get("/settings/conditions/versions/export")
@requires(Permission.VIEW_SETTINGS)
def condition_versions_export() -> Response:
    return list_export(conditions.versions())


@blueprint.get("/settings/conditions/versions/<int:number>")
@requires(Permission.VIEW_SETTINGS)
def condition_version(number: int) -> ResponseReturnValue:
    """One version in words, and what it changed."""
    version = conditions.find(number)
    rules = conditions.rules_of(version)
    changes = conditions.difference(conditions.rules_of(conditions.find(number - 1)), rules) if number > 1 else []
    return render_template(
        "settings/conditions_version.html",
        version=version,
        by_whom=conditions.by_whom(version),
        words=conditions.in_words(rules),
        changes=changes,
        newest=_newest().version,
    )


@blueprint.get("/settings/conditions/versions/<int:number>/file")
@requires(Permission.VIEW_SETTINGS)
def condition_file(number: int) -> Response:
    """A version as a file to edit and upload."""
    rules = conditions.rules_of(conditions.find(number))
    name = f"{rules.year}年度申报条件（第{number}版）.toml"
    return attachment(conditions.toml(rules).encode(), name, "application/toml")


@blueprint.route("/settings/conditions/import", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def import_conditions() -> ResponseReturnValue:
    """Upload an edited file; what would change is shown before anything is kept."""
    form = UploadForm()
    problems: tuple[str, ...] = ()
    if form.validate_on_submit():
        sent = form.file.data
        try:
            return _preview(conditions.plan(conditions.read_toml(sent.read() if sent else b"")), "file")
        except InvalidConditions as error:
            problems = error.problems
        except FieldsRefused as error:
            form.file.errors = [*form.file.errors, *error.fields.values()]
        except RuleError as error:
            flash(error.message, "info")
    return render_template(
        "settings/conditions_import.html",
        form=form,
        problems=[problem.partition("：")[::2] for problem in problems],
        version=_newest(),
        max_bytes=conditions.MAX_BYTES,
    ), 422 if form.is_submitted() else 200


def _preview(planned: conditions.Plan, origin: str, form: ConfirmForm | None = None) -> ResponseReturnValue:
    """What would change; `origin` is "file" or the grade whose form it comes from, "0" for what is common."""
    held = held_upload.sign(PURPOSE, planned.digest, f"{planned.based_on}:{origin}")
    shown = form or ConfirmForm(formdata=None)
    shown.held.data = held
    back = {"file": "settings.import_conditions", "0": "settings.edit_common_conditions"}
    return render_template(
        "settings/conditions_preview.html",
        form=shown,
        changes=planned.changes,
        back=url_for(back[origin]) if origin in back else url_for("settings.edit_grade_conditions", grade=int(origin)),
        typed=origin != "file",
    ), 422 if form is not None else 200


def _read_held(token: str) -> tuple[str, int, str]:
    """(digest, the version it was based on, origin). Raises FieldsRefused."""
    digest, note = held_upload.read(PURPOSE, token)
    based_on, _, origin = note.partition(":")
    return digest, int(based_on), origin


@blueprint.post("/settings/conditions/commit")
@requires(Permission.EDIT_PROVINCE)
def commit_conditions() -> ResponseReturnValue:
    form = ConfirmForm()
    try:
        digest, based_on, origin = _read_held(form.held.data or "")
        data = conditions.held(digest)
        if form.validate_on_submit():
            ok, made = attempt(
                form, lambda: conditions.change(account(), data, form.note.data or "", based_on=based_on)
            )
            if ok and made is not None:
                flash(f"申报条件已改为第{made.version}版，立即生效；已提交的申报仍按当时的条件。", "success")
                return redirect(url_for("settings.conditions"))
        return _preview(conditions.plan(data, based_on), origin, form)
    except RuleError as error:
        flash(error.message, "error")
        return redirect(url_for("settings.conditions"))


@blueprint.route("/settings/conditions/grades/<int:grade>", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def edit_grade_conditions(grade: int) -> ResponseReturnValue:
    """The ways into one grade, and what every way also needs."""
    if grade not in set(Grade):
        abort(404)
    return _edit(grade)


@blueprint.route("/settings/conditions/common", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def edit_common_conditions() -> ResponseReturnValue:
    """What every grade needs, and how years are counted."""
    return _edit(0)


def _edit(grade: int) -> ResponseReturnValue:
    """One step of the form: shown, grown, shrunk, or checked and shown as changes. `grade` 0: what is common."""
    newest = _newest()
    data = to_data(conditions.rules_of(newest))
    name = Grade(grade).label if grade else COMMON
    step = request.form.get("step", "")
    if request.method == "GET":
        return _form(_stored(data, grade, name), data, grade, newest.version)
    if step == "reopen":
        try:
            data = conditions.held(_read_held(request.form.get("held", ""))[0])
        except FieldsRefused as error:
            flash(error.message, "error")
        return _form(_stored(data, grade, name), data, grade, newest.version, changed=True)
    form = from_typed(name, request.form)
    _take(data, form, grade)
    if step != "review":
        anchor = form.take_step(step, request.form)
        form.place_all()
        return _form(form, data, grade, newest.version, changed=True, anchor=anchor)
    based_on = request.form.get("based_on", "")
    try:
        planned = conditions.plan(data, int(based_on) if based_on.isdecimal() and len(based_on) < 9 else None)
    except InvalidConditions as error:
        form.place_all(error.problems)
    except Conflict as error:
        flash(error.message, "error")
        form.place_all()
    except RuleError as error:
        flash(error.message, "info")
        form.place_all()
    else:
        return _preview(planned, str(grade))
    return _form(form, data, grade, newest.version, changed=True, refused=True)


def _stored(data: dict[str, Any], grade: int, name: str) -> GradeForm:
    if not grade:
        return from_data(name, [], data["everyone"])
    entry: dict[str, Any] = next((entry for entry in data["grades"] if entry["grade"] == grade), {})
    return from_data(name, entry.get("ways", []), entry.get("also", []))


def _take(data: dict[str, Any], form: GradeForm, grade: int) -> None:
    """Put what the form says in the place of what the conditions say."""
    ways, also = [way.data() for way in form.ways], [entry.data() for entry in form.also]
    if grade:
        entry: dict[str, Any] = next((entry for entry in data["grades"] if entry["grade"] == grade), {})
        if not entry:
            entry["grade"] = grade
            data["grades"].append(entry)
        entry["ways"], entry["also"] = ways, also
        return
    data["everyone"] = also
    data["source"] = request.form.get("source", "").strip()
    data["counted_to"] = request.form.get("counted_to", "").strip()
    for name in ("calendar_years", "changed_trade_counts"):
        data[name] = request.form.get(name) == "yes"


def _form(
    form: GradeForm,
    data: dict[str, Any],
    grade: int,
    version: int,
    *,
    changed: bool = False,
    refused: bool = False,
    anchor: str = "",
) -> ResponseReturnValue:
    return render_template(
        "settings/conditions_form.html",
        form=form,
        data=data,
        grade=grade,
        version=version,
        changed=changed,
        anchor=anchor,
        kinds=KINDS,
    ), 422 if refused else 200
