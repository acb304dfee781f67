"""Batches of papers as background work: start one, watch it, cancel it, take what came out."""

from flask import Response, current_app, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField
from wtforms.validators import InputRequired

from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import account, attachment, attempt, list_page, query_args
from blueprints.notices import blueprint
from gongkao.access.permissions import Permission
from gongkao.jobs import records
from gongkao.jobs.queue import queue
from gongkao.services import batches, files
from gongkao.services.batch_kinds import Kind


class BatchForm(Form):
    form = RadioField("生成方式", [InputRequired(message="请选择文书的生成方式。")])


@blueprint.route("/batches/<name>", methods=["GET", "POST"])
@requires(Permission.VIEW_RESULTS)
def start_batch(name: str) -> ResponseReturnValue:
    """How many papers of what kind there would be, in which form; then a job that makes them."""
    person = account()
    kind = batches.find_kind(person, name)
    args = query_args()
    public_url: str = current_app.config["GONGKAO"].public_url
    form = BatchForm()
    form.form.choices = [(one.value, one.label) for one in kind.forms]
    if form.validate_on_submit():
        ok, job = attempt(
            form, lambda: queue().start(person, batches.plan(person, name, form.form.data, args, public_url))
        )
        if ok and job is not None:
            flash("任务已提交，在后台办理；可以离开本页，稍后在“批量任务”中查看和下载。", "success")
            return redirect(url_for("notices.job", job_id=job.id))
    if not form.is_submitted():
        form.form.data = kind.forms[0].value
    page = render_template(
        "jobs/start.html",
        form=form,
        kind=kind,
        name=name,
        total=len(kind.listed(person, args)),
        back=url_for(_back(kind), **args),
    )
    return page, 422 if form.is_submitted() else 200


def _back(kind: Kind) -> str:
    """The list that the batch was asked for at; units have their own list of seats."""
    return "exams.unit_seats" if kind.back == "exams.seating" and account().unit_id is not None else kind.back


@blueprint.get("/jobs")
@requires(Permission.VIEW_RESULTS)
def job_list() -> ResponseReturnValue:
    page = list_page(records.jobs_listing(account()), link=lambda row: url_for("notices.job", job_id=row.id))
    return render_template("jobs/list.html", page=page)


@blueprint.get("/jobs/<int:job_id>")
@requires(Permission.VIEW_RESULTS)
def job(job_id: int) -> ResponseReturnValue:
    found = records.find(account(), job_id)
    days: int = current_app.config["GONGKAO"].job_days
    return render_template(
        "jobs/job.html",
        job=found,
        time_left=records.time_left_text(found),
        kept_until=records.kept_until(found, days),
    )


@blueprint.get("/jobs/<int:job_id>/state")
@requires(Permission.VIEW_RESULTS)
def job_state(job_id: int) -> Response:
    """How far the job is, for the page that shows it."""
    found = records.find(account(), job_id)
    return jsonify(
        open=found.state.open,
        state=found.state.label,
        done=found.done,
        total=found.total,
        left=records.time_left_text(found),
    )


@blueprint.post("/jobs/<int:job_id>/cancel")
@requires(Permission.VIEW_RESULTS)
def cancel_job(job_id: int) -> ResponseReturnValue:
    ok, _ = attempt(None, lambda: records.cancel(account(), job_id))
    if ok:
        flash("已要求取消，正在办理的一步完成后停止。", "success")
    return redirect(url_for("notices.job", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/files/<int:position>")
@requires(Permission.VIEW_RESULTS)
def job_file(job_id: int, position: int) -> Response:
    kept = records.take_file(account(), job_id, position)
    return attachment(files.read(kept), kept.name, kept.media_type)
