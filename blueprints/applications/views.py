"""Where the applicant stands: beginning, looking over, submitting, withdrawing, printing."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.applications import blueprint
from blueprints.applications.forms import SubmitForm, TokenForm, place_errors
from blueprints.guard import requires
from blueprints.helpers import account, inline
from gongkao.access.permissions import Permission
from gongkao.documents import papers, review_papers
from gongkao.extensions import limiter
from gongkao.models import Application
from gongkao.rules.application_form import FormStep, Problem
from gongkao.rules.eligibility import Evaluation, Outcome, Result
from gongkao.rules.errors import RuleError
from gongkao.rules.workflow import Status
from gongkao.services import (
    application_form,
    applications,
    certificates,
    deferrals,
    drafts,
    eligibility,
    review_results,
    seats,
    unit_statements,
)
from gongkao.services.errors import Conflict, FieldsRefused

PDF = "application/pdf"


@blueprint.get("/application")
@requires(Permission.APPLY)
def home() -> ResponseReturnValue:
    standing = applications.standing(account())
    deferral = deferrals.find_own(account())
    made = standing.application
    unit_id = made.unit_id if made is not None and made.submitted_at is not None else None
    statement = unit_statements.of_unit(unit_id) if unit_id is not None else None
    return render_template(
        "applications/home.html",
        statement=statement,
        posts=unit_statements.lines(statement) if statement is not None else [],
        standing=standing,
        deferral=deferral,
        deferral_next=deferrals.next_step(deferral) if deferral is not None else "",
        application=standing.application,
        has_seat=seats.own_seat(account()) is not None,
        has_certificate=bool(certificates.of_person(account())),
        has_review_result=made is not None and made.status in review_results.DECIDED,
        form=TokenForm(),
        grade_label=application_form.grade_text(standing.application.grade) if standing.application else "",
        address=step_address,
    )


@blueprint.post("/application/start")
@requires(Permission.APPLY)
def start() -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        try:
            made = applications.start(account())
        except RuleError as error:
            flash(error.message, "error")
            return redirect(url_for("applications.home"))
        if made.status is not Status.DRAFT:
            flash("本年度已经申报过。一个考核年度只能申报一次。", "error")
            return redirect(url_for("applications.home"))
    return redirect(step_address(FormStep.PERSON))


@blueprint.route("/application/preview", methods=["GET", "POST"])
@requires(Permission.APPLY)
def preview() -> ResponseReturnValue:
    """Everything once more, with what is still to mend; submitting from here."""
    application = drafts.find_own(account())
    if application is None:
        return redirect(url_for("applications.home"))
    form = SubmitForm()
    found: tuple[Problem, ...] = ()
    code = 200
    if form.validate_on_submit():
        try:
            made = applications.submit(account(), _number(form.version.data), form.note.data or "")
        except FieldsRefused as error:
            code = 422
            for message in place_errors(form, error.fields):
                flash(message, "error")
        except Conflict as error:
            code = 409
            flash(error.message, "error")
        except applications.Incomplete as error:
            code = 422
            found = error.problems
        except RuleError as error:
            code = 422
            flash(error.message, "error")
        else:
            flash(f"申报已提交，编号{made.number}。审核进展会显示在这里，请留意。", "success")
            return redirect(url_for("applications.home"))
    return _preview_page(drafts.own(account()), form, found), code


def _preview_page(application: Application, form: SubmitForm, found: tuple[Problem, ...]) -> str:
    states = drafts.states(application)
    form.version.data = str(application.version)
    lines = application_form.lines(application)
    evaluation = eligibility.evaluate(application)
    found = found or tuple(problem for state in states for problem in state.problems)
    return render_template(
        "applications/preview.html",
        application=application,
        form=form,
        own_turn=application.status in (Status.DRAFT, Status.RETURNED),
        returned=application.status is Status.RETURNED,
        closed=drafts.closed_text(application) if application.status in (Status.DRAFT, Status.RETURNED) else "",
        problems=found,
        open_points=_open_points(found),
        obstacles=eligibility.obstacles(application),
        evaluation=evaluation,
        conditions=_conditions(evaluation),
        notices=eligibility.notices(application),
        changes=drafts.changes(application) if application.status is Status.RETURNED else None,
        sections=[
            (state, [(line.label, line.text) for line in lines if line.step is state.step])
            for state in states
            if state.step is not FormStep.PREVIEW
        ],
        step_items=step_items(states, FormStep.PREVIEW),
        address=step_address,
    )


def _conditions(evaluation: Evaluation | None) -> list[tuple[Result, str, list[tuple[Result, str]]]]:
    """How each condition came out, with the single ones of a group; the result stands in its chip, not in the words."""

    def words(outcome: Outcome) -> str:
        return outcome.text.removesuffix(f"：{outcome.result.label}")

    if evaluation is None:
        return []
    return [
        (one.result, words(one), [(leaf.result, words(leaf)) for leaf in one.leaves()] if one.parts else [])
        for one in (*evaluation.common, *evaluation.ways)
    ]


def _open_points(found: tuple[Problem, ...]) -> list[tuple[FormStep, str, str]]:
    """What is still to do, (step, field, words): every mistake, and for what is missing one line a step."""
    points: list[tuple[FormStep, str, str]] = []
    for step in FormStep:
        of_step = [problem for problem in found if problem.step is step]
        points += [(step, problem.field, problem.message) for problem in of_step if not problem.missing]
        missing = [problem for problem in of_step if problem.missing]
        if len(missing) == 1:
            points.append((step, missing[0].field, missing[0].message))
        elif missing:
            points.append((step, missing[0].field, f"还有{len(missing)}处没有填写。"))
    return points


@blueprint.route("/application/withdraw", methods=["GET", "POST"])
@requires(Permission.APPLY)
def withdraw() -> ResponseReturnValue:
    """Take the application back, after a page that says what that means."""
    application = drafts.find_own(account())
    if application is None:
        return redirect(url_for("applications.home"))
    form = SubmitForm()
    if form.validate_on_submit():
        try:
            applications.withdraw(account(), _number(form.version.data))
        except RuleError as error:
            flash(error.message, "error")
        else:
            flash("申报已撤回，现在可以修改；改好后请重新提交。", "success")
        return redirect(url_for("applications.home"))
    standing = applications.standing(account())
    if not standing.may_withdraw:
        return redirect(url_for("applications.home"))
    form.version.data = str(application.version)
    return render_template(
        "applications/withdraw.html", form=form, standing=standing, reopen=applications.registration_text(application)
    )


@blueprint.get("/application/form.pdf")
@requires(Permission.APPLY)
@limiter.limit("60 per 5 minutes")
def form_pdf() -> ResponseReturnValue:
    """The application form to print; a draft says so."""
    application = drafts.own(account())
    data = papers.application_form(application_form.paper(application))
    return inline(data, f"申报表-{application.person.name}.pdf", PDF)


@blueprint.get("/application/review-result.pdf")
@requires(Permission.APPLY)
@limiter.limit("60 per 5 minutes")
def review_result() -> ResponseReturnValue:
    """The notice of what the review came to."""
    paper = review_results.find_own(account())
    return inline(review_papers.review_result(paper), f"资格审查结果通知-{paper.name}.pdf", PDF)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else -1


def step_address(step: FormStep, field: str = "") -> str:
    """The page on which a step is filled in, at the field concerned."""
    anchor = field or None
    if step is FormStep.PREVIEW:
        return url_for("applications.preview", _anchor=anchor)
    if step is FormStep.MATERIALS:
        return url_for("applications.materials", _anchor=anchor)
    return url_for("applications.step", step=step.value, _anchor=anchor)


def step_items(states: list[drafts.StepState], current: FormStep) -> list[dict[str, str]]:
    """The step list beside the page."""
    return [
        {
            "key": state.step.value,
            "label": state.step.label,
            "href": step_address(state.step),
            "state": "current" if state.step is current else state.state,
        }
        for state in states
    ]


def wants_json() -> bool:
    """Whether the request is the page saving by itself."""
    return request.headers.get("X-Autosave") == "1"
