"""The applicant's side of false materials: reading what was raised, giving a statement, the notices."""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField
from wtforms import IntegerField, TextAreaField

from blueprints.accounts.forms import needed
from blueprints.applications import blueprint
from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import account, attempt, inline
from gongkao.access.permissions import Permission
from gongkao.documents import papers
from gongkao.extensions import limiter
from gongkao.models import CaseStatus
from gongkao.services import false_materials, files

PDF = "application/pdf"


class StatementForm(Form):
    version = IntegerField()
    statement = TextAreaField("情况说明", [needed("请写明事实经过，材料的来源，以及您的意见。")])
    file = FileField("证明材料")


@blueprint.context_processor
def own_cases() -> dict[str, Any]:
    """For the first page: what was raised about the person's applications."""
    return {"own_cases": lambda: false_materials.of_person(account())}


@blueprint.route("/application/cases/<int:case_id>", methods=["GET", "POST"])
@requires(Permission.APPLY)
def case(case_id: int) -> ResponseReturnValue:
    found = false_materials.find(account(), case_id)
    form = StatementForm()
    if form.validate_on_submit():
        version, text, sent = form.version.data or 0, form.statement.data or "", request.files.get("file")
        file = (sent.read(), sent.filename) if sent is not None and sent.filename else None
        ok, _ = attempt(form, lambda: false_materials.give_statement(account(), case_id, version, text, file))
        if ok:
            flash("情况说明已提交，作出决定前可以修改。", "success")
            return redirect(url_for("applications.case", case_id=case_id))
    elif not form.is_submitted():
        form.statement.data = found.statement
        form.version.data = found.version
    return render_template(
        "applications/case.html",
        case=found,
        form=form,
        open=found.status is CaseStatus.RAISED,
        entries=false_materials.timeline(found),
        next_step=false_materials.next_step(found),
        notices=[(key, false_materials.NOTICES[key]) for key in false_materials.notice_keys(found)],
        formats=false_materials.FILE_FORMATS,
        max_bytes=false_materials.FILE_BYTES,
    ), 422 if form.is_submitted() else 200


@blueprint.get("/application/cases/<int:case_id>/file")
@requires(Permission.APPLY)
def case_file(case_id: int) -> Response:
    file = false_materials.statement_file(account(), case_id)
    return inline(files.read(file), file.name, file.media_type)


@blueprint.get("/application/cases/<int:case_id>/notices/<notice>.pdf")
@requires(Permission.APPLY)
@limiter.limit("60 per 5 minutes")
def case_notice(case_id: int, notice: str) -> Response:
    paper = false_materials.paper(account(), case_id, notice)
    return inline(papers.case_notice(paper), f"{paper.title}-{paper.name}.pdf", PDF)
