"""Results, result notices and notices of passes."""

from contextlib import suppress

from flask import Response, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired

from blueprints.guard import public, requires
from blueprints.helpers import account, attempt, inline, list_export, list_page, query_args
from blueprints.notices import blueprint
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.extensions import limiter
from gongkao.models import Result
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.rules.grades import Grade
from gongkao.services import certificates, cycles, notices, results, scores
from gongkao.services.errors import NotFound

PDF = "application/pdf"


class ReleaseForm(FlaskForm):
    document_number = StringField(
        "合格人员通知文号", [DataRequired(message="请输入合格人员通知的文号，如“牟人社〔2025〕12号”。")]
    )
    sure = BooleanField(
        "已核对全部成绩，确认公布。公布后成绩不能再修改",
        [DataRequired(message="公布后不能撤回，请核对后勾选确认。")],
    )


@blueprint.get("/results")
@requires(Permission.VIEW_RESULTS)
def result_list() -> ResponseReturnValue:
    """Released results in one's scope; an agency sees how far each grade is and what it has released."""
    person = account()
    page = list_page(
        results.result_listing(person),
        link=lambda row: url_for("notices.result_notice", result_id=row.id),
        export_endpoint="notices.results_export",
    )
    return render_template(
        "notices/results.html",
        page=page,
        states=scores.grade_states(person) if person.agency is not None else [],
        may_release=may(person, Permission.RELEASE_RESULTS),
        oversees=person.unit is None,
        notices_url=url_for("notices.start_batch", name="notices", **query_args()),
    )


@blueprint.get("/results/export")
@requires(Permission.VIEW_RESULTS)
def results_export() -> Response:
    return list_export(results.result_listing(account()))


@blueprint.route("/results/release/<int:grade>", methods=["GET", "POST"])
@requires(Permission.RELEASE_RESULTS)
def release(grade: int) -> ResponseReturnValue:
    """Release one grade: the counts, the notice's number, a deliberate yes."""
    person = account()
    state = next((state for state in scores.grade_states(person) if state.grade == grade), None)
    if state is None or person.agency is None:
        raise NotFound("grade")
    form = ReleaseForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: results.release(person, grade, form.document_number.data or ""))
        if ok:
            flash(f"{Grade(grade).label}考核结果已公布，申报人员和单位可以下载结果通知。", "success")
            return redirect(url_for("notices.result_list"))
    window = cycles.find_window(WindowKey.RESULTS, person.agency, grade)
    return render_template(
        "notices/release.html",
        form=form,
        state=state,
        missing=scores.incomplete(person, grade, 10) if state.missing else [],
        period=period_text(window) if window else "",
        open=cycles.is_open(WindowKey.RESULTS, person.agency, grade),
    ), 422 if form.is_submitted() else 200


@blueprint.get("/results/<int:result_id>/notice.pdf")
@requires(Permission.VIEW_RESULTS)
def result_notice(result_id: int) -> Response:
    return _notice(results.find(account(), result_id))


@blueprint.get("/results/releases")
@requires(Permission.VIEW_RESULTS)
def releases() -> ResponseReturnValue:
    """What the agencies in one's scope have released, each with its notice of passes."""
    page = list_page(
        results.release_listing(account()),
        link=lambda row: url_for("notices.passes", release_id=row.id),
        export_endpoint="notices.releases_export",
    )
    return render_template(
        "notices/releases.html", page=page, batch_url=url_for("notices.start_batch", name="passes", **query_args())
    )


@blueprint.get("/results/releases/export")
@requires(Permission.VIEW_RESULTS)
def releases_export() -> Response:
    return list_export(results.release_listing(account()))


@blueprint.get("/results/releases/<int:release_id>/passes.pdf")
@requires(Permission.VIEW_RESULTS)
def passes(release_id: int) -> Response:
    made, passed = results.find_release(account(), release_id)
    return inline(notices.notice_of_passes(made, passed), f"合格人员通知-{Grade(made.grade).level}.pdf", PDF)


@blueprint.get("/application/result.pdf")
@requires(Permission.APPLY)
def my_result() -> Response:
    return _notice(results.find_own(account()))


@blueprint.get("/verify/<code>")
@public
@limiter.limit("60 per minute")
def verify(code: str) -> ResponseReturnValue:
    """What a code on a notice or a certificate stands for, name and number masked, to check the paper by."""
    with suppress(NotFound):
        certificate = certificates.by_code(code)
        facts = certificates.verification_facts(certificate)
        return render_template("certificates/verify.html", facts=facts, certificate=certificate)
    try:
        found = results.by_code(code)
    except NotFound:
        return render_template("notices/verify.html", facts=[]), 404
    return render_template("notices/verify.html", facts=notices.verification_facts(found))


def _notice(found: Result) -> Response:
    return inline(notices.result_notice(found, _public_url()), f"考核结果通知-{found.number}.pdf", PDF)


def _public_url() -> str:
    address: str = current_app.config["GONGKAO"].public_url
    return address
