"""Scores from the testing system's tables, and breaches of discipline."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField, TextAreaField

from blueprints.exams import blueprint
from blueprints.exams.forms import TokenForm
from blueprints.exams.views import require_grade
from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.held_upload import ImportForm, commit_form, committed, judged
from blueprints.helpers import XLSX, account, attachment, attempt
from gongkao.access.permissions import Permission
from gongkao.rules.grades import Grade
from gongkao.services import cycles, score_import, scores
from gongkao.storage.spreadsheets import MAX_BYTES


class BreachForm(Form):
    subject = SelectField("违纪科目", validate_choice=False)
    note = TextAreaField("违纪情况")


def _purpose(grade: int) -> str:
    return f"scores-{grade}"


def _mapping() -> dict[str, str]:
    """Which heading was chosen for what."""
    return {key[4:]: text for key, text in request.form.items() if key.startswith("map-") and text}


@blueprint.get("/scores/<int:grade>/template.xlsx")
@requires(Permission.ENTER_SCORES)
def score_template(grade: int) -> Response:
    require_grade(grade)
    return attachment(score_import.template(account(), grade), f"{Grade(grade).level}成绩导入模板.xlsx", XLSX)


@blueprint.route("/scores/<int:grade>/import", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def import_scores(grade: int) -> ResponseReturnValue:
    """Upload a table; every row is judged and shown before anything is kept."""
    require_grade(grade)
    form = ImportForm()
    preview = judged(form, lambda data, name: score_import.read(account(), grade, data, name))
    if preview is not None:
        return _preview(grade, preview)
    return render_template(
        "exams/import/upload.html",
        form=form,
        grade=Grade(grade),
        subjects=[one for one in cycles.subjects(cycles.current_cycle(), grade) if one.kind != scores.REVIEW],
        imports=score_import.imports(account(), grade),
        max_bytes=MAX_BYTES,
    ), 422 if form.is_submitted() else 200


def _preview(grade: int, preview: score_import.ScorePreview) -> ResponseReturnValue:
    subjects = [name for key, name in preview.fields if key in preview.mapping and key not in score_import.STANDARD]
    return render_template(
        "exams/import/preview.html",
        preview=preview,
        form=commit_form(_purpose(grade), preview.digest, preview.filename),
        grade=Grade(grade),
        subjects=subjects,
    ), 422 if preview.errors or preview.problem else 200


@blueprint.post("/scores/<int:grade>/import/map")
@requires(Permission.ENTER_SCORES)
def map_scores(grade: int) -> ResponseReturnValue:
    """The same file again, with other columns for what."""
    require_grade(grade)
    preview = committed(
        _purpose(grade),
        lambda digest, name: score_import.read(account(), grade, score_import.held(digest), name, _mapping()),
    )
    return redirect(url_for("exams.import_scores", grade=grade)) if preview is None else _preview(grade, preview)


@blueprint.post("/scores/<int:grade>/import/commit")
@requires(Permission.ENTER_SCORES)
def commit_scores(grade: int) -> ResponseReturnValue:
    require_grade(grade)
    preview = committed(
        _purpose(grade), lambda digest, name: score_import.commit(account(), grade, digest, name, _mapping())
    )
    if preview is None:
        return redirect(url_for("exams.import_scores", grade=grade))
    if preview.errors or preview.problem:
        return _preview(grade, preview)
    flash(f"已导入{len(preview.rows)}人的成绩。公布前发现有误，可以在导入页面撤销。", "success")
    return redirect(url_for("exams.scores_of", grade=grade))


@blueprint.post("/scores/imports/<int:import_id>/undo")
@requires(Permission.ENTER_SCORES)
def undo_import(import_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, counts = attempt(None, lambda: score_import.undo(account(), import_id))
        if ok and counts is not None:
            left = f"；另有{counts[1]}项导入后又改过，没有动，请核对" if counts[1] else ""
            flash(f"已撤销导入，恢复{counts[0]}项成绩{left}。", "success")
    return redirect(request.referrer if _own(request.referrer) else url_for("exams.scores_start"))


def _own(address: str | None) -> bool:
    return bool(address) and str(address).startswith(request.host_url)


@blueprint.route("/scores/<int:grade>/breach/<int:application_id>", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def breach(grade: int, application_id: int) -> ResponseReturnValue:
    """Put a breach of discipline on record for one person."""
    require_grade(grade)
    found = scores.find_qualified(account(), grade, application_id)
    form = BreachForm()
    subjects = cycles.subjects(cycles.current_cycle(), grade)
    form.subject.choices = [("", "请选择"), *((one.key, one.name) for one in subjects)]
    if form.validate_on_submit():
        subject, note = form.subject.data or "", form.note.data or ""
        ok, _ = attempt(form, lambda: scores.mark_breach(account(), grade, application_id, subject, note))
        if ok:
            flash(f"已登记{found.person.name}违纪，该科目成绩无效，考核结论为不合格。", "success")
            return redirect(url_for("exams.scores_of", grade=grade))
    return render_template(
        "exams/import/breach.html",
        form=form,
        application=found,
        grade=Grade(grade),
        marks=scores.marks_of(found),
        notes={one.subject_key: one.note for one in found.scores if one.note},
        subjects=subjects,
    ), 422 if form.is_submitted() else 200
