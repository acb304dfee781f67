"""Comprehensive review of grade one: panels, the assessors' sheets, opening them."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import DataRequired

from blueprints.exams import blueprint
from blueprints.exams.forms import TokenForm
from blueprints.exams.tabs import exam_tabs
from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import account, attempt, inline, list_page, refusal, row_id
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.documents import panel_papers
from gongkao.rules.errors import RuleError
from gongkao.services import cycles, panels
from gongkao.services.scores import mark_text


class PanelForm(Form):
    name = StringField("评审组名称")
    assessors = TextAreaField("评委")
    criteria = TextAreaField("评审项目")


class OpenForm(Form):
    sure = BooleanField("主任评委在场，确认启封", [DataRequired(message="请在主任评委在场时勾选确认。")])


@blueprint.get("/panels")
@requires(Permission.ENTER_SCORES)
def panel_list() -> ResponseReturnValue:
    return render_template("exams/panels/list.html", panels=panels.panels(account()), tabs=exam_tabs("panels"))


@blueprint.route("/panels/new", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def new_panel() -> ResponseReturnValue:
    form = PanelForm()
    if form.validate_on_submit():
        typed = [form[key].data or "" for key in ("name", "assessors", "criteria")]
        ok, made = attempt(form, lambda: panels.make(account(), *typed))
        if ok and made is not None:
            flash("评审组已建立，请选择参评人员。", "success")
            return redirect(url_for("exams.panel", panel_id=made.id))
    return render_template("exams/panels/form.html", form=form), 422 if form.is_submitted() else 200


@blueprint.get("/panels/<int:panel_id>")
@requires(Permission.ENTER_SCORES)
def panel(panel_id: int) -> ResponseReturnValue:
    return _panel_page(panel_id, OpenForm(formdata=None))


def _panel_page(panel_id: int, form: OpenForm) -> str:
    found = panels.find(account(), panel_id)
    begun = any(one.begun for one in found.assessors)
    return render_template(
        "exams/panels/panel.html",
        panel=found,
        form=form,
        begun=begun,
        conflicts=panels.conflicts(found),
        judged={one.id: len(panels.judged_by(one)) for one in found.assessors},
        unsealed=panels.unsealed(found),
        marks=panels.opened_marks(found),
        limit=cycles.current_cycle().panel_spread,
        text=mark_text,
        page=None if begun or found.opened_at else list_page(panels.free(account())),
        may_open=may(account(), Permission.RELEASE_RESULTS),
        tabs=exam_tabs("panels"),
    )


@blueprint.post("/panels/<int:panel_id>/remove")
@requires(Permission.ENTER_SCORES)
def remove_panel(panel_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, _ = attempt(None, lambda: panels.remove(account(), panel_id))
        if ok:
            flash("评审组已删除。", "success")
            return redirect(url_for("exams.panel_list"))
    return redirect(url_for("exams.panel", panel_id=panel_id))


@blueprint.post("/panels/<int:panel_id>/add")
@requires(Permission.ENTER_SCORES)
def add_to_panel(panel_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ids = [found for text in request.form.getlist("ids") if (found := row_id(text)) is not None]
        ok, count = attempt(None, lambda: panels.add(account(), panel_id, ids))
        if ok:
            flash(f"已编入{count}人。" if count else "没有选择人员。", "success" if count else "info")
    return redirect(url_for("exams.panel", panel_id=panel_id))


@blueprint.post("/panels/candidates/<int:candidate_id>/remove")
@requires(Permission.ENTER_SCORES)
def take_out_of_panel(candidate_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, found = attempt(None, lambda: panels.take_out(account(), candidate_id))
        if ok and found is not None:
            return redirect(url_for("exams.panel", panel_id=found.id))
    return redirect(url_for("exams.panel_list"))


@blueprint.post("/panels/candidates/<int:candidate_id>/absent")
@requires(Permission.ENTER_SCORES)
def panel_absence(candidate_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, found = attempt(None, lambda: panels.set_absent(account(), candidate_id))
        if ok and found is not None:
            return redirect(url_for("exams.panel", panel_id=found.panel_id))
    return redirect(url_for("exams.panel_list"))


@blueprint.route("/panels/assessors/<int:assessor_id>", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def panel_sheet(assessor_id: int) -> ResponseReturnValue:
    """One assessor's sheet; it is always typed as a whole and never shown again before the panel is opened."""
    found = panels.assessor(account(), assessor_id)
    typed: dict[str, str] = {}
    wrong: dict[str, str] = {}
    if request.method == "POST" and TokenForm().validate_on_submit():
        typed = {name: text for name, text in request.form.items() if name.startswith("mark-")}
        try:
            sealed = panels.seal(account(), assessor_id, typed, anew="anew" in request.form)
            done = (
                "的评分已密封，启封前不再显示。" if sealed else "的评分已录入一次，待另一人再录一次；两次一致后密封。"
            )
            flash(f"{found.name}{done}", "success")
            return redirect(url_for("exams.panel", panel_id=found.panel_id))
        except RuleError as error:
            wrong = refusal(error)
    return render_template(
        "exams/panels/sheet.html",
        assessor=found,
        panel=found.panel,
        people=panels.judged_by(found),
        name=panels.field_name,
        text=mark_text,
        typed=typed,
        wrong=wrong,
        second=panels.entered_by_another(account(), found),
    ), 422 if request.method == "POST" else 200


@blueprint.get("/panels/<int:panel_id>/sheets.pdf")
@requires(Permission.ENTER_SCORES)
def panel_sheets(panel_id: int) -> ResponseReturnValue:
    """The blank sheets for the assessors to mark on by hand."""
    found = panels.find(account(), panel_id)
    ok, made = attempt(None, lambda: panels.sheets_paper(found))
    if not ok or made is None:
        return redirect(url_for("exams.panel", panel_id=panel_id))
    return inline(panel_papers.assessor_sheets(made), f"综合评审评分表-{found.name}.pdf", "application/pdf")


@blueprint.post("/panels/<int:panel_id>/open")
@requires(Permission.RELEASE_RESULTS)
def open_panel(panel_id: int) -> ResponseReturnValue:
    """The chair has all sheets opened."""
    form = OpenForm()
    if form.validate_on_submit():
        ok, _ = attempt(form, lambda: panels.open_sheets(account(), panel_id))
        if ok:
            flash("已启封，综合评审成绩已计入。", "success")
            return redirect(url_for("exams.panel", panel_id=panel_id))
    return _panel_page(panel_id, form), 422
