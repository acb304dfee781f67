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
from gongkao.services import certificates, cycles, notices, rechecks, results, scores
from gongkao.services import release as releasing
from gongkao.services.errors import NotFound

PDF = "application/pdf"


class ReleaseForm(FlaskForm):
    document_number = StringField(
        "合格人员通知文号", [DataRequired(message="请输入合格人员通知的文号，如“牟人社〔2025〕12号”。")]
    )
    sure = BooleanField("已核对全部成绩，可以公布", [DataRequired(message="请核对全部成绩后勾选。")])


class ConfirmForm(FlaskForm):
    sure = BooleanField(
        "已核对全部成绩和文号，确认公布。公布后成绩不能再修改",
        [DataRequired(message="公布后不能撤回，请核对后勾选确认。")],
    )


class ReturnForm(FlaskForm):
    reason = StringField("退回原因")


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
        may_propose=may(person, Permission.ENTER_SCORES),
        oversees=person.unit is None,
        notices_url=url_for("notices.start_batch", name="notices", **query_args()),
    )


@blueprint.get("/results/export")
@requires(Permission.VIEW_RESULTS)
def results_export() -> Response:
    return list_export(results.result_listing(account()))


@blueprint.route("/results/release/<int:grade>", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def release(grade: int) -> ResponseReturnValue:
    """Propose to release one grade: the counts, the notice's number, a deliberate yes; then it waits for another."""
    state = _state(grade)
    form = ReleaseForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: releasing.propose(account(), grade, form.document_number.data or ""))
        if ok:
            flash(f"{Grade(grade).label}考核结果已提请公布，等待负责人确认。确认前不对外显示。", "success")
            return redirect(url_for("notices.result_list"))
    return _release_page(state, form), 422 if form.is_submitted() else 200


@blueprint.post("/results/release/<int:grade>/confirm")
@requires(Permission.RELEASE_RESULTS)
def confirm_release(grade: int) -> ResponseReturnValue:
    """The second person releases what the first has proposed."""
    state = _state(grade)
    form = ConfirmForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: releasing.confirm(account(), grade))
        if ok:
            flash(f"{Grade(grade).label}考核结果已公布，申报人员和单位可以下载结果通知。", "success")
            return redirect(url_for("notices.result_list"))
    return _release_page(state, ReleaseForm(formdata=None), confirm=form), 422


@blueprint.post("/results/release/<int:grade>/return")
@requires(Permission.ENTER_SCORES)
def return_release(grade: int) -> ResponseReturnValue:
    """Return what is proposed, with the reason; the proposer may take it back."""
    state = _state(grade)
    form = ReturnForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: releasing.send_back(account(), grade, form.reason.data or ""))
        if ok:
            flash("已退回，成绩可以修改；改好后重新提请公布。", "success")
            return redirect(url_for("notices.release", grade=grade))
    return _release_page(state, ReleaseForm(formdata=None), back=form), 422


def _state(grade: int) -> scores.GradeState:
    state = next((state for state in scores.grade_states(account()) if state.grade == grade), None)
    if state is None or account().agency is None:
        raise NotFound("grade")
    return state


def _release_page(
    state: scores.GradeState, form: ReleaseForm, confirm: ConfirmForm | None = None, back: ReturnForm | None = None
) -> str:
    person, grade = account(), int(state.grade)
    window = cycles.find_window(WindowKey.RESULTS, person.agency, grade)
    proposal = releasing.open_proposal(person, grade)
    return render_template(
        "notices/release.html",
        form=form,
        confirm=confirm or ConfirmForm(formdata=None),
        back=back or ReturnForm(formdata=None),
        state=state,
        proposal=proposal,
        returned=releasing.last_returned(person, grade),
        own=proposal is not None and proposal.proposed_by_id == person.id,
        may_release=may(person, Permission.RELEASE_RESULTS),
        missing=scores.incomplete(person, grade, 10) if state.missing else [],
        period=period_text(window) if window else "",
        open=cycles.is_open(WindowKey.RESULTS, person.agency, grade),
    )


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
        earlier = rechecks.replaced(code)
        return render_template("notices/verify.html", facts=[], earlier=earlier), 200 if earlier is not None else 404
    return render_template("notices/verify.html", facts=notices.verification_facts(found))


def _notice(found: Result) -> Response:
    return inline(notices.result_notice(found, _public_url()), f"考核结果通知-{found.number}.pdf", PDF)


def _public_url() -> str:
    address: str = current_app.config["GONGKAO"].public_url
    return address
