"""Desks of unit, supervising unit and agency; on-site confirmation; looking up applications."""

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import unmask
from blueprints.guard import requires
from blueprints.helpers import account, as_of, inline, list_export, list_page, query_args, row_id
from blueprints.review import blueprint
from blueprints.review.forms import PREFIX, DecisionForm, verdicts
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.documents import review_papers
from gongkao.extensions import talisman
from gongkao.models import Application, SavedView
from gongkao.rules.calendar import period_text
from gongkao.rules.errors import RuleError
from gongkao.rules.workflow import Action, Status
from gongkao.services import (
    claims,
    files,
    phrases,
    review,
    review_lists,
    review_notes,
    review_page,
    review_results,
    saved_views,
    unit_statements,
)
from gongkao.services.errors import Conflict, FieldsRefused
from gongkao.services.listing import PER_PAGE
from gongkao.services.review import Verdict
from gongkao.services.review_notes import Found
from gongkao.services.review_page import ReviewPage

_DONE = {Action.PASS: "已通过", Action.SEND_BACK: "已退回修改", Action.REFUSE: "已作出不予通过的决定"}
# What of the desk's address goes along to an application and back: the queue as it was filtered and ordered.
_KEPT = ("q", "status", "look", "age", "grade", "unit", "note", "sort", "order")
# The name under which the desk's views are kept.
_DESK = "review.desk"
_NOTHING = Found({}, [], None, "")
# Browsers fit a picture that stands alone into its frame by a style of their own.
_FILE_POLICY = {"default-src": "'self'", "style-src": "'unsafe-inline'", "frame-ancestors": "'self'"}


def _kept() -> dict[str, Any]:
    return {key: request.args[key] for key in _KEPT if request.args.get(key)}


@blueprint.get("/review")
@requires(Permission.REVIEW)
def desk() -> ResponseReturnValue:
    kept, counts = _kept(), review_lists.desk_counts(account())
    page = list_page(
        review_lists.desk_listing(account()),
        link=lambda row: url_for("review.application", application_id=row.id, **kept),
        export_endpoint="review.desk_export",
        summary=[*_desk_summary(counts), {"label": "已等"}, *_age_summary(counts)],
    )
    window, days_left = review_lists.stage(account())
    own_unit = account().unit_id
    return render_template(
        "review/desk.html",
        page=page,
        window=window,
        period=period_text(window) if window is not None else "",
        days_left=days_left,
        returned=counts.returned,
        returned_url=url_for("review.all_applications", status=Status.RETURNED.value, agency=account().agency_id),
        ready=any(row.choosable for row in page.rows),
        kept=kept,
        views=[_as_tab(view) for view in saved_views.of(account(), _DESK)],
        has_statement=own_unit is None or unit_statements.of_unit(own_unit) is not None,
    )


def _as_tab(view: SavedView) -> dict[str, Any]:
    chosen: dict[str, Any] = dict(parse_qsl(view.query))
    return {
        "id": view.id,
        "label": view.name,
        "href": url_for("review.desk", **chosen),
        "current": chosen == _kept(),
    }


def _desk_summary(counts: review_lists.Counts) -> list[dict[str, Any]]:
    """The counts by desk, and by look where two officers look at each; each a filter."""
    cells = _counts("review.desk", counts.by_status, "全部待审查")
    agency = account().agency
    if agency is None or not agency.second_review:
        return cells
    status, look = Status.AGENCY_REVIEW.value, request.args.get("look", "")
    first = counts.by_status[Status.AGENCY_REVIEW] - counts.second
    looks = [("first", "待初审", first), ("second", "待复审", counts.second)]
    cells[1:2] = [
        {
            "label": label,
            "count": count,
            "href": url_for("review.desk", status=status, look=value),
            "current": look == value,
        }
        for value, label, count in looks
    ]
    return cells


def _age_summary(counts: review_lists.Counts) -> list[dict[str, Any]]:
    """The counts by days waited, each a filter on top of the others."""
    chosen = request.args.get("age", "")
    kept: dict[str, Any] = {key: value for key, value in _kept().items() if key != "age"}
    return [
        {
            "label": label,
            "count": counts.by_age[key],
            "href": url_for("review.desk", **{**kept, "age": None if chosen == key else key}),
            "current": chosen == key,
        }
        for key, label, _, _ in review_lists.AGES
    ]


@blueprint.post("/review/views")
@requires(Permission.REVIEW)
def save_view() -> ResponseReturnValue:
    """Keep the list as it is filtered and ordered under a name."""
    chosen = _kept()
    try:
        view = saved_views.save(account(), _DESK, request.form.get("name", ""), chosen)
    except RuleError as error:
        flash(error.message, "error")
    else:
        flash(f"已保存视图“{view.name}”。", "success")
    return redirect(url_for("review.desk", **chosen))


@blueprint.post("/review/views/<int:view_id>/delete")
@requires(Permission.REVIEW)
def delete_view(view_id: int) -> ResponseReturnValue:
    flash(f"已删除视图“{saved_views.delete(account(), view_id)}”。", "success")
    return redirect(url_for("review.desk"))


@blueprint.post("/review/pass-ready")
@requires(Permission.REVIEW)
def pass_ready() -> ResponseReturnValue:
    """Pass what was checked item by item and saved; what became of each stands on a page of its own."""
    ids = [found for text in request.form.getlist("ids") if (found := row_id(text)) is not None]
    if not ids:
        flash("没有勾选申报。请勾选“可批量通过”的申报后再办理。", "error")
        return redirect(url_for("review.desk", **_kept()))
    outcomes = review_notes.pass_ready(account(), ids[:PER_PAGE])
    return render_template("review/passed.html", outcomes=outcomes, kept=_kept())


@blueprint.get("/review/export")
@requires(Permission.REVIEW)
def desk_export() -> Response:
    return list_export(review_lists.desk_listing(account()))


@blueprint.get("/review/all")
@requires(Permission.VIEW_APPLICATIONS)
def all_applications() -> ResponseReturnValue:
    counts = review_lists.status_counts(account())
    summary = [*_counts("review.all_applications", counts.value, "全部申报"), *as_of(counts)]
    page = list_page(
        review_lists.all_listing(account()),
        link=lambda row: url_for("review.application", application_id=row.id),
        export_endpoint="review.all_applications_export",
        summary=summary,
    )
    return render_template(
        "review/all.html",
        page=page,
        may_report=may(account(), Permission.VIEW_REPORTS),
        # Whoever oversees finds them there.
        may_see_cases=may(account(), Permission.VIEW_CASES) and not may(account(), Permission.VIEW_OVERSIGHT),
        results_url=url_for("notices.start_batch", name="reviews", **query_args()),
        forms_url=url_for("notices.start_batch", name="forms", **query_args())
        if may(account(), Permission.REVIEW)
        else "",
    )


@blueprint.get("/review/all/export")
@requires(Permission.VIEW_APPLICATIONS)
def all_applications_export() -> Response:
    return list_export(review_lists.all_listing(account()))


def _counts(endpoint: str, counts: dict[Status, int], everything: str) -> list[dict[str, Any]]:
    """The counts by state above a list, each a filter."""
    chosen = request.args.get("status", "")
    parts = [("", everything, sum(counts.values()))]
    parts += [(status.value, status.label, counts[status]) for status in Status if status in counts]
    return [
        {"label": label, "count": count, "href": url_for(endpoint, status=value or None), "current": chosen == value}
        for value, label, count in parts
    ]


@blueprint.get("/review/<int:application_id>")
@requires(Permission.VIEW_APPLICATIONS)
def application(application_id: int) -> ResponseReturnValue:
    """One application: to decide on where it waits at one's own desk, else to read. Opening it claims it."""
    if may(account(), Permission.REVIEW):
        claims.claim(account(), application_id)
    page = review_page.page(account(), application_id)
    found = review_notes.read(page.note) if page.note is not None and page.note_is_current else _NOTHING
    onsite = page.onsite_default if found.onsite is None else found.onsite
    form = DecisionForm(formdata=None, onsite=onsite, reason=found.reason)
    return _show(page, form, found.verdicts, {}, agreed=found.agreed)


@blueprint.post("/review/<int:application_id>")
@requires(Permission.REVIEW)
def decide(application_id: int) -> ResponseReturnValue:
    """Decide, or only save, and go on to the next application of the queue; or take it over and stay."""
    form = DecisionForm()
    ticked, agreed, action = verdicts(request.form), request.form.getlist("agree"), form.action.data or ""
    found = review.find(account(), application_id)
    status = found.status
    _, following = review_lists.neighbours(account(), found, _kept())
    given: dict[str, Any] = {"reason": form.reason.data or "", "onsite": form.onsite.data, "agreed": agreed}
    try:
        if action == "take_over":
            claims.take_over(account(), application_id)
            return _show(review_page.page(account(), application_id), form, ticked, {}, agreed=agreed)
        if action == "save":
            note = review_notes.save(account(), application_id, form.version.data or 0, ticked, **given)
            flash(f"已保存审查意见：{note.application.person.name}，暂不作出决定。", "success")
        else:
            decided = review.decide(account(), application_id, form.version.data or 0, action, ticked, **given)
            flash(_said(decided, Action(action)), "success")
    except Conflict as error:
        page = review_page.page(account(), application_id)
        return _show(page, form, ticked, {}, agreed=agreed, stale=error.message), 409
    except RuleError as error:
        page = review_page.page(account(), application_id)
        wrong = error.fields if isinstance(error, FieldsRefused) else {"": error.message}
        return _show(page, form, ticked, wrong, agreed=agreed), 422
    if following is None and action != "save":
        following = review_lists.first_waiting(account(), status, _kept())
    if following is None:
        return redirect(url_for("review.desk", **_kept()))
    return redirect(url_for("review.application", application_id=following, **_kept()))


@blueprint.post("/review/<int:application_id>/numbers")
@requires(Permission.VIEW_APPLICATIONS)
def application_numbers(application_id: int) -> ResponseReturnValue:
    """The same page with the whole numbers, once; what was ticked and written so far stays."""

    def page(whole: unmask.Whole) -> str:
        shown, agreed = review_page.page(account(), application_id, whole.numbers), request.form.getlist("agree")
        return _show(shown, DecisionForm(), verdicts(request.form), {}, agreed=agreed, whole=whole)

    return unmask.show(Application, application_id, page)


def _said(decided: Application, action: Action) -> str:
    again = action is Action.PASS and decided.first_reviewed_by_id is not None
    now = "待本机构其他人员复审" if again else f"现为“{decided.status.label}”"
    return f"{'初审通过' if again else _DONE[action]}：{decided.person.name}（{decided.number}），{now}。"


def _show(
    page: ReviewPage,
    form: DecisionForm,
    ticked: dict[str, Verdict],
    wrong: dict[str, str],
    *,
    agreed: Collection[str] = (),
    stale: str = "",
    whole: unmask.Whole = unmask.HIDDEN,
) -> str:
    before, after = (None, None)
    if page.desk is not None:
        before, after = review_lists.neighbours(account(), page.application, _kept())
    own = phrases.own(account()) if page.desk is not None else []
    return render_template(
        "review/application.html",
        page=page,
        whole=whole,
        form=form,
        ticked=ticked,
        wrong=wrong,
        problems=_problems(page, wrong),
        agreed=agreed,
        stale=stale,
        prefix=PREFIX,
        phrases={"step": [*own, *phrases.STEP_PHRASES], "material": [*own, *phrases.MATERIAL_PHRASES]},
        posts=unit_statements.lines(page.statement) if page.statement is not None else [],
        earlier=review_notes.read(page.note) if page.note is not None and not page.note_is_current else None,
        before=before,
        after=after,
        kept=_kept(),
        has_result=page.application.status in review_results.DECIDED,
    )


def _problems(page: ReviewPage, wrong: dict[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each message once, with the (id, label) of every place that it concerns."""
    places = [(row.key, f"{PREFIX}-{row.key}", row.label) for row in page.items]
    places += [(f"agree-{one.key}", f"agree-{one.key}", one.title) for one in page.agreements]
    places.append(("reason", "reason", "原因"))
    found: dict[str, list[tuple[str, str]]] = {}
    for key, anchor, label in places:
        if key in wrong:
            found.setdefault(wrong[key], []).append((anchor, label))
    return list(found.items())


@blueprint.get("/review/<int:application_id>/materials/<int:material_id>")
@requires(Permission.VIEW_APPLICATIONS)
@talisman(content_security_policy=_FILE_POLICY)
def material(application_id: int, material_id: int) -> Response:
    """An uploaded file of an application in one's scope, shown in the page's viewer."""
    found = review.find_material(account(), application_id, material_id)
    return inline(files.read(found.file), found.file.name, found.file.media_type)


@blueprint.get("/review/<int:application_id>/result.pdf")
@requires(Permission.VIEW_APPLICATIONS)
def review_result(application_id: int) -> Response:
    """The notice of what the review came to, to be handed to the person."""
    paper = review_results.find(account(), application_id)
    data = review_papers.review_result(paper)
    return inline(data, f"资格审查结果通知-{paper.name}.pdf", "application/pdf")
