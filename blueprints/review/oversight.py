"""Oversight: how the review goes, random samples looked at again, decisions overturned, the bans."""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import XLSX, account, attachment, attempt, list_export, list_page, query_args
from blueprints.review import blueprint
from blueprints.review.oversight_forms import SampleForm, SecondLookForm
from blueprints.review.oversight_tabs import oversight_tabs
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.documents import charts
from gongkao.models import Application, SampleMember
from gongkao.rules.grades import Grade
from gongkao.services import bans, dashboard, false_materials, oversight, review_page, samples
from gongkao.services.dashboard import Chart, Office, View

_COLOURS = {
    "审查中": charts.WAITING,
    "退回修改": charts.RETURNED,
    "合格": charts.PASSED,
    "不通过或取消": charts.REFUSED,
    "人数": charts.WAITING,
    "提交": charts.WAITING,
    "办结": charts.PASSED,
}
# Where something is done about a figure.
_FIGURES = {
    "all": "review.all_applications",
    "slow": "review.oversight_slow",
    "samples": "review.sample_list",
    "cases": "review.case_list",
}


@blueprint.context_processor
def links() -> dict[str, Any]:
    """What the page of an application needs to lead to oversight and to false materials."""

    def oversight_of(application: Application) -> dict[str, Any]:
        return {
            "may_raise": false_materials.may_raise(account(), application),
            "may_overturn": application.status in oversight.DECIDED and not oversight.why_not(account(), application),
            "cases": false_materials.of_application(account(), application.id),
        }

    return {"oversight_of": oversight_of}


@blueprint.get("/oversight", endpoint="oversight")
@requires(Permission.VIEW_OVERSIGHT)
def overview() -> ResponseReturnValue:
    seen = dashboard.view(account(), request.args)
    shown = dashboard.dashboard(seen)
    return render_template(
        "oversight/overview.html",
        tabs=oversight_tabs("overview"),
        filters=_filters(seen),
        chosen=_chosen(seen),
        moment=shown.moment,
        figures=[
            {
                "label": one.label,
                "value": one.value,
                "unit": one.unit,
                "note": one.note,
                "tone": one.tone,
                "href": url_for(_FIGURES[one.key]),
            }
            for one in shown.figures
        ],
        charts=[(one, _picture(one)) for one in shown.charts],
    )


def _picture(chart: Chart) -> str:
    labels = [label[5:] for label in chart.labels] if chart.key == "day" else chart.labels
    colours = [_COLOURS[name] for name in chart.series]
    picture = charts.bars(
        labels, chart.series, colours, across=chart.across, stacked=chart.stacked, wide=chart.key == "day"
    )
    return charts.address(picture)


def _chosen(seen: View) -> dict[str, str]:
    """What the address has chosen, to be kept in the links."""
    pairs = {"region": seen.region, "grade": str(seen.grade or "")}
    return {key: value for key, value in pairs.items() if value}


def _filters(seen: View) -> list[dict[str, Any]]:
    grades = [("", "全部等级"), *((str(int(grade)), grade.label) for grade in Grade)]
    found = [{"key": "grade", "label": "等级", "value": str(seen.grade or ""), "choices": grades}]
    if seen.region_choices:
        regions = [("", "全部地区"), *seen.region_choices]
        found.insert(0, {"key": "region", "label": "地区", "value": seen.region, "choices": regions})
    return found


@blueprint.get("/oversight/slow")
@requires(Permission.VIEW_OVERSIGHT)
def oversight_slow() -> ResponseReturnValue:
    seen = dashboard.view(account(), request.args)
    found = dashboard.slow_offices(seen)
    return render_template(
        "oversight/slow.html",
        tabs=oversight_tabs("slow"),
        filters=_filters(seen),
        chosen=_chosen(seen),
        columns=dashboard.OFFICE_COLUMNS,
        offices=[(one, _waiting_at(one)) for one in found.value],
        moment=found.moment,
        limit=dashboard.SLOW,
    )


def _waiting_at(office: Office) -> str:
    """The list of what waits at a desk."""
    return url_for("review.all_applications", q=office.name, status=dashboard.status_at(office).value)


@blueprint.get("/oversight/export")
@requires(Permission.VIEW_OVERSIGHT)
def oversight_export() -> Response:
    title, data = dashboard.export(dashboard.view(account(), request.args), request.args.get("table", ""))
    return attachment(data, f"{title}.xlsx", XLSX)


@blueprint.get("/oversight/samples")
@requires(Permission.VIEW_OVERSIGHT)
def sample_list() -> ResponseReturnValue:
    page = list_page(
        samples.listing(account()),
        link=lambda row: url_for("review.sample", sample_id=row.id),
        export_endpoint="review.sample_list_export",
    )
    return render_template(
        "oversight/samples.html",
        tabs=oversight_tabs("samples"),
        page=page,
        may_draw=may(account(), Permission.OVERSEE),
    )


@blueprint.get("/oversight/samples/export")
@requires(Permission.VIEW_OVERSIGHT)
def sample_list_export() -> Response:
    return list_export(samples.listing(account()))


@blueprint.route("/oversight/samples/new", methods=["GET", "POST"])
@requires(Permission.OVERSEE)
def sample_new() -> ResponseReturnValue:
    form = SampleForm()
    form.region.choices = [("", "全部地区"), *samples.region_choices(account())]
    if form.validate_on_submit():
        typed = {name: str(value or "") for name, value in form.data.items() if name != "csrf_token"}
        ok, made = attempt(form, lambda: samples.draw(account(), typed))
        if ok and made is not None:
            flash(f"已从{made.population:,}人中抽取{made.size:,}人，随机种子{made.seed}已记录。", "success")
            return redirect(url_for("review.sample", sample_id=made.id))
    return render_template("oversight/new_sample.html", form=form), 422 if form.is_submitted() else 200


@blueprint.get("/oversight/samples/<int:sample_id>")
@requires(Permission.VIEW_OVERSIGHT)
def sample(sample_id: int) -> ResponseReturnValue:
    """The people drawn, how far they are looked at, and on request the draw once more."""
    found = samples.find(account(), sample_id)
    page = list_page(
        samples.member_listing(account(), sample_id),
        link=lambda row: url_for("review.sample_member", member_id=row.id),
        export_endpoint="review.sample_export",
    )
    return render_template(
        "oversight/sample.html",
        sample=found,
        lines=samples.criteria_lines(found),
        progress=samples.progress(account(), [found.id])[found.id],
        page=page,
        redraw=samples.redraw(account(), sample_id) if query_args().get("check") == "1" else None,
        following=samples.next_open(account(), sample_id),
        may_judge=found.agency_id == account().agency_id and may(account(), Permission.OVERSEE),
    )


@blueprint.get("/oversight/samples/<int:sample_id>/export")
@requires(Permission.VIEW_OVERSIGHT)
def sample_export(sample_id: int) -> Response:
    return list_export(samples.member_listing(account(), sample_id))


@blueprint.get("/oversight/members/<int:member_id>")
@requires(Permission.VIEW_OVERSIGHT)
def sample_member(member_id: int) -> ResponseReturnValue:
    return _member_page(samples.member(account(), member_id), SecondLookForm(formdata=None))


@blueprint.post("/oversight/members/<int:member_id>")
@requires(Permission.OVERSEE)
def judge_member(member_id: int) -> ResponseReturnValue:
    """Uphold or overturn, and go on to the next one of the sample."""
    one = samples.member(account(), member_id)
    form = SecondLookForm()
    decision = form.decision.data
    if form.validate_on_submit() and decision in ("uphold", "overturn"):
        ok, judged = attempt(
            form, lambda: samples.judge(account(), member_id, decision == "uphold", form.reason.data or "")
        )
        if ok and judged is not None:
            name = judged.application.person.name
            flash(f"{name}：{samples.outcome_word(judged)}。", "success")
            following = samples.next_open(account(), judged.sample_id, after=judged.id)
            if following is None:
                return redirect(url_for("review.sample", sample_id=judged.sample_id))
            return redirect(url_for("review.sample_member", member_id=following))
    return _member_page(one, form), 422


def _member_page(one: SampleMember, form: SecondLookForm) -> str:
    return render_template(
        "oversight/second_look.html",
        page=review_page.page(account(), one.application_id),
        form=form,
        member=one,
        outcome=samples.outcome_word(one),
        may_judge=samples.may_judge(account(), one),
        obstacle=oversight.why_not(account(), one.application),
        leads_to=oversight.LEADS_TO.get(one.application.status, ""),
    )


@blueprint.route("/oversight/applications/<int:application_id>", methods=["GET", "POST"])
@requires(Permission.OVERSEE)
def overturn(application_id: int) -> ResponseReturnValue:
    """The second look at a decided application that no sample has drawn."""
    page = review_page.page(account(), application_id)
    form = SecondLookForm()
    if form.validate_on_submit():
        version, reason = form.version.data or 0, form.reason.data or ""
        ok, changed = attempt(form, lambda: oversight.overturn(account(), application_id, version, reason))
        if ok and changed is not None:
            flash(f"已改变结论：{changed.person.name}，现为“{changed.status.label}”。", "success")
            return redirect(url_for("review.application", application_id=application_id))
        page = review_page.page(account(), application_id)
    return render_template(
        "oversight/second_look.html",
        page=page,
        form=form,
        member=None,
        outcome="",
        may_judge=True,
        obstacle=oversight.why_not(account(), page.application),
        leads_to=oversight.LEADS_TO.get(page.application.status, ""),
    ), 422 if form.is_submitted() else 200


@blueprint.get("/oversight/bans", endpoint="bans")
@requires(Permission.VIEW_OVERSIGHT)
def bans_list() -> ResponseReturnValue:
    page = list_page(bans.listing(account()), export_endpoint="review.bans_export")
    return render_template("oversight/bans.html", tabs=oversight_tabs("bans"), page=page)


@blueprint.get("/oversight/bans/export")
@requires(Permission.VIEW_OVERSIGHT)
def bans_export() -> Response:
    return list_export(bans.listing(account()))
