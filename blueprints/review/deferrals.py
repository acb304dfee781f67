"""What is made up later (容缺后补): the list, and the agency's decision."""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField

from blueprints import unmask
from blueprints.guard import requires
from blueprints.helpers import account, attempt, inline, list_export, list_page, query_args, row_id, waits
from blueprints.review import blueprint
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.clock import today
from gongkao.documents import review_papers
from gongkao.models import Application, Deferral, DeferralStatus
from gongkao.services import cycles, deferrals

_DONE = {"accept": "已通过", "ask": "已要求重新补交", "fail": "已按不符合要求处理，资格审查不通过"}


class DeferralForm(FlaskForm):
    version = HiddenField()
    action = StringField()
    reason = TextAreaField("原因")


@blueprint.get("/deferrals")
@requires(Permission.VIEW_APPLICATIONS)
def deferral_list() -> ResponseReturnValue:
    page = list_page(
        deferrals.listing(account()),
        link=lambda row: url_for("review.deferral", deferral_id=row.id),
        export_endpoint="review.deferral_export",
        summary=_summary(),
    )
    return render_template(
        "review/deferrals.html",
        page=page,
        due=cycles.current_cycle().deferral_due,
        reviews=may(account(), Permission.REVIEW),
        batch_url=url_for("notices.start_batch", name="deferrals", **query_args()),
    )


def _summary() -> list[dict[str, Any]]:
    """For an agency: how many wait for its decision, as a filter."""
    waiting = waits().get("deferrals")
    if waiting is None:
        return []
    status = DeferralStatus.MADE_UP.value
    return [
        {
            "label": "待本机构审核",
            "count": waiting,
            "href": url_for("review.deferral_list", status=status),
            "current": request.args.get("status") == status,
        }
    ]


@blueprint.get("/deferrals/export")
@requires(Permission.VIEW_APPLICATIONS)
def deferral_export() -> Response:
    return list_export(deferrals.listing(account()))


@blueprint.get("/deferrals/<int:deferral_id>")
@requires(Permission.VIEW_APPLICATIONS)
def deferral(deferral_id: int) -> ResponseReturnValue:
    """What was made up beside what it is to prove; to decide on by the agency."""
    found = deferrals.find(account(), deferral_id)
    return _page(found, DeferralForm(formdata=None))


@blueprint.post("/deferrals/<int:deferral_id>")
@requires(Permission.REVIEW)
def decide_deferral(deferral_id: int) -> ResponseReturnValue:
    form = DeferralForm()
    action, version, reason = form.action.data or "", row_id(form.version.data or "") or 0, form.reason.data or ""
    use_cases = {
        "accept": lambda: deferrals.accept(account(), deferral_id, version),
        "ask": lambda: deferrals.ask_again(account(), deferral_id, version, reason),
        "fail": lambda: deferrals.fail(account(), deferral_id, version, reason),
    }
    if form.validate_on_submit() and action in use_cases:
        done, made = attempt(form, use_cases[action])
        if done and made is not None:
            flash(f"{_DONE[action]}：{made.application.person.name}。", "success")
            return redirect(url_for("review.deferral_list"))
    return _page(deferrals.find(account(), deferral_id), form), 422


@blueprint.get("/deferrals/<int:deferral_id>/notice.pdf")
@requires(Permission.VIEW_APPLICATIONS)
def deferral_notice(deferral_id: int) -> Response:
    """What became of it so far, to be handed to the person."""
    paper = deferrals.notice(deferrals.find(account(), deferral_id))
    data = review_papers.deferral_notice(paper)
    return inline(data, f"容缺后补办理结果通知-{paper.name}.pdf", "application/pdf")


@blueprint.post("/deferrals/<int:deferral_id>/numbers")
@requires(Permission.VIEW_APPLICATIONS)
def deferral_numbers(deferral_id: int) -> ResponseReturnValue:
    """The same page with the whole numbers, once."""
    found = deferrals.find(account(), deferral_id)
    return unmask.show(
        Application,
        found.application_id,
        lambda whole: _page(deferrals.find(account(), deferral_id), DeferralForm(), whole),
    )


def _page(found: Deferral, form: DeferralForm, whole: unmask.Whole = unmask.HIDDEN) -> str:
    due = found.application.cycle.deferral_due
    form.version.data = str(found.version)
    stated = {one.year: one.outcome for one in found.application.assessments}
    return render_template(
        "review/deferral.html",
        deferral=found,
        form=form,
        whole=whole,
        due=due,
        late=today() > due,
        decides=deferrals.may_decide(account(), found),
        next_step=deferrals.next_step(found),
        has_notice=deferrals.has_notice(found),
        files=deferrals.made_up_files(found),
        outcomes=[(f"{year}年度考核", stated.get(year, "")) for year in found.years],
    )
