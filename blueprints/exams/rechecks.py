"""Rechecks: the applicant asks, the agency answers."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField

from blueprints.exams import blueprint
from blueprints.exams.tabs import exam_tabs
from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import account, attempt, list_export, list_page, refusal
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.clock import today
from gongkao.models import RecheckState
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.services import cycles, rechecks


class AskForm(Form):
    reason = TextAreaField("复核理由")


class AnswerForm(Form):
    answer = TextAreaField("复核答复")


@blueprint.route("/application/recheck", methods=["GET", "POST"])
@requires(Permission.APPLY)
def my_recheck() -> ResponseReturnValue:
    """Ask for the own marks to be checked again, and see the answer."""
    result, made = rechecks.own(account())
    form = AskForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: rechecks.ask(account(), form.reason.data or ""))
        if ok:
            flash("成绩复核申请已提交，结果会在这里和消息中告知。", "success")
            return redirect(url_for("exams.my_recheck"))
    return render_template(
        "exams/rechecks/mine.html",
        form=form,
        result=result,
        recheck=made,
        last_day=rechecks.last_day(result),
        open=made is None and today() <= rechecks.last_day(result),
        versions=rechecks.versions(result),
    ), 422 if form.is_submitted() else 200


@blueprint.get("/rechecks")
@requires(Permission.ENTER_SCORES)
def recheck_list() -> ResponseReturnValue:
    page = list_page(
        rechecks.listing(account()),
        link=lambda row: url_for("exams.recheck", recheck_id=row.id),
        export_endpoint="exams.rechecks_export",
    )
    return render_template("exams/rechecks/list.html", page=page, tabs=exam_tabs("rechecks"))


@blueprint.get("/rechecks/export")
@requires(Permission.ENTER_SCORES)
def rechecks_export() -> Response:
    return list_export(rechecks.listing(account()))


@blueprint.route("/rechecks/<int:recheck_id>", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def recheck(recheck_id: int) -> ResponseReturnValue:
    """Check the marks against the record and answer."""
    found = rechecks.find(account(), recheck_id)
    form = AnswerForm()
    application = found.result.application
    subjects = cycles.subjects(application.cycle, application.grade or 0)
    typed = {f"mark-{key}": text for key, text in rechecks.kept_marks(found.result).items()}
    wrong: dict[str, str] = {}
    if form.validate_on_submit():
        typed = {**typed, **{name: text for name, text in request.form.items() if name.startswith("mark-")}}
        try:
            done = rechecks.answer(account(), recheck_id, form.answer.data or "", typed)
            flash(f"已答复：{done.state.label}，已告知申报人员。", "success")
            return redirect(url_for("exams.recheck", recheck_id=recheck_id))
        except RuleError as error:
            wrong = refusal(error)
            if "answer" in wrong:
                form.answer.errors = [*form.answer.errors, wrong["answer"]]
    return render_template(
        "exams/rechecks/answer.html",
        form=form,
        recheck=found,
        result=found.result,
        application=application,
        grade=Grade(application.grade or 0),
        subjects=subjects,
        typed=typed,
        wrong=wrong,
        open=found.state is RecheckState.ASKED,
        may_correct=may(account(), Permission.RELEASE_RESULTS),
        versions=rechecks.versions(found.result),
    ), 422 if form.is_submitted() else 200
