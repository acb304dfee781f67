"""Desks of unit, supervising unit and agency; on-site confirmation; looking up applications."""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import account, inline, list_export, list_page
from blueprints.review import blueprint
from blueprints.review.forms import PREFIX, DecisionForm, verdicts
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.extensions import talisman
from gongkao.models import Application
from gongkao.rules.calendar import period_text
from gongkao.rules.errors import RuleError
from gongkao.rules.workflow import Action, Status
from gongkao.services import files, review, review_lists
from gongkao.services.errors import Conflict, FieldsRefused
from gongkao.services.review import ReviewPage, Verdict

_DONE = {Action.PASS: "已通过", Action.SEND_BACK: "已退回修改", Action.REFUSE: "已作出不予通过的决定"}
# What of the desk's address goes along to an application and back: the queue as it was filtered and ordered.
_KEPT = ("q", "status", "grade", "unit", "sort", "order")
# Browsers fit a picture that stands alone into its frame by a style of their own.
_FILE_POLICY = {"default-src": "'self'", "style-src": "'unsafe-inline'", "frame-ancestors": "'self'"}


def _kept() -> dict[str, Any]:
    return {key: request.args[key] for key in _KEPT if request.args.get(key)}


@blueprint.get("/review")
@requires(Permission.REVIEW)
def desk() -> ResponseReturnValue:
    kept = _kept()
    page = list_page(
        review_lists.desk_listing(account()),
        link=lambda row: url_for("review.application", application_id=row.id, **kept),
        export_endpoint="review.desk_export",
        summary=_counts("review.desk", review_lists.desk_counts(account()), "全部待审查"),
    )
    window, days_left = review_lists.stage(account())
    return render_template(
        "review/desk.html",
        page=page,
        window=window,
        period=period_text(window) if window is not None else "",
        days_left=days_left,
        returned=review_lists.returned_count(account()),
        returned_url=url_for("review.all_applications", status=Status.RETURNED.value, agency=account().agency_id),
    )


@blueprint.get("/review/export")
@requires(Permission.REVIEW)
def desk_export() -> Response:
    return list_export(review_lists.desk_listing(account()))


@blueprint.get("/review/all")
@requires(Permission.VIEW_APPLICATIONS)
def all_applications() -> ResponseReturnValue:
    page = list_page(
        review_lists.all_listing(account()),
        link=lambda row: url_for("review.application", application_id=row.id),
        export_endpoint="review.all_applications_export",
        summary=_counts("review.all_applications", review_lists.status_counts(account()), "全部申报"),
    )
    return render_template("review/all.html", page=page, may_report=may(account(), Permission.VIEW_REPORTS))


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
    """One application: to decide on where it waits at one's own desk, else to read."""
    page = review.page(account(), application_id)
    return _show(page, DecisionForm(formdata=None, onsite=page.onsite_default), {}, {})


@blueprint.post("/review/<int:application_id>")
@requires(Permission.REVIEW)
def decide(application_id: int) -> ResponseReturnValue:
    """Take the decision and go on to the next application of the queue."""
    form = DecisionForm()
    ticked = verdicts(request.form)
    found = review.find(account(), application_id)
    status = found.status
    _, following = review_lists.neighbours(account(), found, _kept())
    try:
        decided = review.decide(
            account(),
            application_id,
            form.version.data or 0,
            form.action.data or "",
            ticked,
            reason=form.reason.data or "",
            onsite=form.onsite.data,
            agreed=request.form.getlist("agree"),
        )
    except Conflict as error:
        page = review.page(account(), application_id)
        return _show(page, form, ticked, {}, stale=error.message), 409
    except RuleError as error:
        page = review.page(account(), application_id)
        wrong = error.fields if isinstance(error, FieldsRefused) else {"": error.message}
        return _show(page, form, ticked, wrong), 422
    flash(_said(decided, Action(form.action.data or "")), "success")
    following = following or review_lists.first_waiting(account(), status, _kept())
    if following is None:
        return redirect(url_for("review.desk", **_kept()))
    return redirect(url_for("review.application", application_id=following, **_kept()))


def _said(decided: Application, action: Action) -> str:
    return f"{_DONE[action]}：{decided.person.name}（{decided.number}），现为“{decided.status.label}”。"


def _show(
    page: ReviewPage, form: DecisionForm, ticked: dict[str, Verdict], wrong: dict[str, str], stale: str = ""
) -> str:
    before, after = (None, None)
    if page.desk is not None:
        before, after = review_lists.neighbours(account(), page.application, _kept())
    return render_template(
        "review/application.html",
        page=page,
        form=form,
        ticked=ticked,
        wrong=wrong,
        problems=_problems(page, wrong),
        agreed=request.form.getlist("agree"),
        stale=stale,
        prefix=PREFIX,
        phrases={"step": review.STEP_PHRASES, "material": review.MATERIAL_PHRASES},
        before=before,
        after=after,
        kept=_kept(),
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
