"""The applicant's pledge to make up a yearly assessment (容缺后补), and making it up."""

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from blueprints.applications import blueprint
from blueprints.applications.forms import make_up_form, place_errors
from blueprints.guard import requires
from blueprints.helpers import account, inline
from gongkao.access.permissions import Permission
from gongkao.documents import papers, review_papers
from gongkao.extensions import limiter
from gongkao.rules.errors import RuleError
from gongkao.services import deferrals
from gongkao.services.errors import FieldsRefused

PDF = "application/pdf"


@blueprint.route("/application/deferral", methods=["GET", "POST"])
@requires(Permission.APPLY)
def deferral() -> ResponseReturnValue:
    """The pledge and where it stands; what was missing is handed in here until the cycle's day."""
    found = deferrals.find_own(account())
    if found is None:
        return redirect(url_for("applications.home"))
    form = make_up_form(tuple(found.years))()
    if not form.validate_on_submit():
        return _page(form), 422 if form.is_submitted() else 200
    sent = form.file.data
    typed = {name: str(value) for name, value in form.data.items() if name.startswith("year_") and value}
    data, name = (sent.read(), sent.filename or "") if sent else (b"", "")
    try:
        deferrals.make_up(account(), typed, data, name)
    except FieldsRefused as error:
        for message in place_errors(form, error.fields):
            flash(message, "error")
        return _page(form), 422
    except RuleError as error:
        flash(error.message, "error")
    else:
        flash("已补交，等待工考管理机构审核。", "success")
    return redirect(url_for("applications.deferral"))


def _page(form: FlaskForm) -> str:
    shown = deferrals.own_page(account())
    return render_template(
        "applications/deferral.html",
        form=form,
        deferral=shown.deferral,
        cycle=shown.deferral.application.cycle,
        years=deferrals.years_text(shown.deferral),
        year_names=[f"year_{year}" for year in shown.deferral.years],
        files=shown.files,
        next_step=shown.next_step,
        has_notice=deferrals.has_notice(shown.deferral),
        open=shown.open,
        closed=shown.closed,
        days_left=shown.days_left,
        formats=deferrals.FORMATS,
        max_bytes=deferrals.MAX_BYTES,
    )


@blueprint.get("/application/deferral/pledge.pdf")
@requires(Permission.APPLY)
@limiter.limit("60 per 5 minutes")
def deferral_pledge() -> Response:
    """The pledge to print, sign and have stamped."""
    application = deferrals.own_page(account()).deferral.application
    data = papers.deferral_pledge(deferrals.paper(application))
    return inline(data, f"容缺后补承诺书-{application.person.name}.pdf", PDF)


@blueprint.get("/application/deferral/notice.pdf")
@requires(Permission.APPLY)
@limiter.limit("60 per 5 minutes")
def deferral_notice() -> Response:
    """What became of the deferral so far."""
    paper = deferrals.notice(deferrals.own_page(account()).deferral)
    return inline(review_papers.deferral_notice(paper), f"容缺后补办理结果通知-{paper.name}.pdf", PDF)
