"""False materials: raised from the page of an application, decided by the agency, lifted on appeal by the province."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import account, attempt, inline, list_export, list_page, query_args
from blueprints.review import blueprint
from blueprints.review.case_forms import DecisionForm, LiftForm, RaiseForm, WaiverForm
from blueprints.review.oversight_tabs import oversight_tabs
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.documents import papers
from gongkao.extensions import limiter
from gongkao.models import CaseStatus, FalseMaterialsCase
from gongkao.rules.grades import Grade
from gongkao.services import false_materials, files, review

PDF = "application/pdf"


@blueprint.get("/cases")
@requires(Permission.VIEW_CASES)
def case_list() -> ResponseReturnValue:
    counts = false_materials.status_counts(account())
    chosen = request.args.get("status", "")
    parts = [("", "全部", sum(counts.values())), *((one.value, one.label, counts.get(one, 0)) for one in CaseStatus)]
    page = list_page(
        false_materials.listing(account()),
        link=lambda row: url_for("review.case", case_id=row.id),
        export_endpoint="review.case_list_export",
        summary=[
            {
                "label": label,
                "count": count,
                "href": url_for("review.case_list", status=value or None),
                "current": chosen == value,
            }
            for value, label, count in parts
        ],
    )
    batch_url = url_for("notices.start_batch", name="cases", **query_args())
    return render_template("cases/list.html", tabs=oversight_tabs("cases"), page=page, batch_url=batch_url)


@blueprint.get("/cases/export")
@requires(Permission.VIEW_CASES)
def case_list_export() -> Response:
    return list_export(false_materials.listing(account()))


@blueprint.route("/review/<int:application_id>/false-materials", methods=["GET", "POST"])
@requires(Permission.REVIEW)
def case_new(application_id: int) -> ResponseReturnValue:
    application = review.find(account(), application_id)
    form = RaiseForm()
    if form.validate_on_submit():
        ok, made = attempt(
            form, lambda: false_materials.raise_case(account(), application_id, form.description.data or "")
        )
        if ok and made is not None:
            flash(f"已反映，编号{made.number}。已通知申报人说明情况，并告知{made.agency.name}。", "success")
            return redirect(url_for("review.case", case_id=made.id))
    return render_template(
        "cases/new.html",
        form=form,
        application=application,
        grade=Grade(application.grade).label if application.grade else "",
        longest=false_materials.DESCRIPTION_LENGTH,
    ), 422 if form.is_submitted() else 200


@blueprint.get("/cases/<int:case_id>")
@requires(Permission.VIEW_CASES)
def case(case_id: int) -> ResponseReturnValue:
    return _page(false_materials.find(account(), case_id))


def _page(
    found: FalseMaterialsCase,
    waiver: WaiverForm | None = None,
    decision: DecisionForm | None = None,
    lifting: LiftForm | None = None,
) -> str:
    """The case with what the person may do about it now; a refused form keeps what was typed."""
    person = account()
    own = found.agency_id == person.agency_id
    waits = found.status is CaseStatus.RAISED
    answered = bool(found.statement or found.statement_waived)
    return render_template(
        "cases/case.html",
        tabs=oversight_tabs("cases"),
        case=found,
        application=found.application,
        grade=Grade(found.application.grade).label if found.application.grade else "",
        entries=false_materials.timeline(found),
        next_step=false_materials.next_step(found),
        notices=[(key, false_materials.NOTICES[key]) for key in false_materials.notice_keys(found)],
        answered=answered,
        may_waive=waits and own and not answered and may(person, Permission.REVIEW),
        may_decide=waits and own and may(person, Permission.DECIDE_CASES),
        may_lift=found.status is CaseStatus.CONFIRMED and may(person, Permission.LIFT_CASES),
        waiver=waiver or WaiverForm(formdata=None, version=found.version),
        decision=decision or DecisionForm(formdata=None, version=found.version),
        lifting=lifting or LiftForm(formdata=None, version=found.version),
    )


@blueprint.post("/cases/<int:case_id>/waive")
@requires(Permission.REVIEW)
def waive_statement(case_id: int) -> ResponseReturnValue:
    found = false_materials.find(account(), case_id)
    form = WaiverForm()
    if form.validate_on_submit():
        version, reason = form.version.data or 0, form.waiver.data or ""
        ok, _ = attempt(form, lambda: false_materials.waive_statement(account(), case_id, version, reason))
        if ok:
            flash("已记录申报人未提交说明的原因，并告知其本人。", "success")
            return redirect(url_for("review.case", case_id=case_id))
    return _page(found, waiver=form), 422


@blueprint.post("/cases/<int:case_id>/decide")
@requires(Permission.DECIDE_CASES)
def decide_case(case_id: int) -> ResponseReturnValue:
    found = false_materials.find(account(), case_id)
    form = DecisionForm()
    if form.validate_on_submit():
        version, outcome, text = form.version.data or 0, form.outcome.data or "", form.decision.data or ""
        ok, decided = attempt(form, lambda: false_materials.decide(account(), case_id, version, outcome, text))
        if ok and decided is not None:
            flash(f"已认定：{decided.status.label}。{false_materials.next_step(decided)}", "success")
            return redirect(url_for("review.case", case_id=case_id))
    return _page(found, decision=form), 422


@blueprint.post("/cases/<int:case_id>/lift")
@requires(Permission.LIFT_CASES)
def lift_case(case_id: int) -> ResponseReturnValue:
    found = false_materials.find(account(), case_id)
    form = LiftForm()
    if form.validate_on_submit():
        version, text = form.version.data or 0, form.appeal.data or ""
        ok, lifted = attempt(form, lambda: false_materials.lift(account(), case_id, version, text))
        if ok and lifted is not None:
            flash(f"已撤销处理决定，禁考解除。申报现为“{lifted.application.status.label}”。", "success")
            return redirect(url_for("review.case", case_id=case_id))
    return _page(found, lifting=form), 422


@blueprint.get("/cases/<int:case_id>/file")
@requires(Permission.VIEW_CASES)
def case_file(case_id: int) -> Response:
    """The file that the applicant added to the statement."""
    file = false_materials.statement_file(account(), case_id)
    return inline(files.read(file), file.name, file.media_type)


@blueprint.get("/cases/<int:case_id>/notices/<notice>.pdf")
@requires(Permission.VIEW_CASES)
@limiter.limit("60 per 5 minutes")
def case_notice(case_id: int, notice: str) -> Response:
    paper = false_materials.paper(account(), case_id, notice)
    return inline(papers.case_notice(paper), f"{paper.title}-{paper.name}.pdf", PDF)
