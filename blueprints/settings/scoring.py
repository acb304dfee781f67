"""Pass lines, weights and the other figures of scoring: read by whoever sees the settings, changed by the centre."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, StringField

from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import account, attempt, refusal
from blueprints.settings import blueprint
from blueprints.settings.views import setting_tabs
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.services import cycles, pass_lines
from gongkao.services.scores import mark_text


class GradeLinesForm(Form):
    """Only the token: the fields depend on the grade's subjects."""


class ScoringForm(Form):
    recheck_days = StringField("成绩复核申请期限（公布后天数）")
    panel_spread = StringField("综合评审评分差距提示线（分）")
    panel_trims = BooleanField("评委5名以上时去掉一个最高分和一个最低分")


@blueprint.get("/settings/scoring")
@requires(Permission.VIEW_SETTINGS)
def scoring() -> ResponseReturnValue:
    return render_template(
        "settings/scoring.html",
        lines=pass_lines.lines(),
        cycle=cycles.current_cycle(),
        text=mark_text,
        may_edit=may(account(), Permission.EDIT_PROVINCE),
        setting_tabs=setting_tabs("scoring"),
    )


@blueprint.route("/settings/scoring/common", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def common_scoring() -> ResponseReturnValue:
    cycle = cycles.current_cycle()
    form = ScoringForm(
        recheck_days=str(cycle.recheck_days),
        panel_spread=mark_text(cycle.panel_spread, False),
        panel_trims=cycle.panel_trims,
    )
    if form.validate_on_submit():
        ok, _ = attempt(
            form,
            lambda: pass_lines.change_common(
                account(),
                recheck_days=form.recheck_days.data or "",
                panel_spread=form.panel_spread.data or "",
                panel_trims=bool(form.panel_trims.data),
            ),
        )
        if ok:
            flash("已修改，立即生效。", "success")
            return redirect(url_for("settings.scoring"))
    return render_template("settings/scoring_common.html", form=form), 422 if form.is_submitted() else 200


@blueprint.route("/settings/scoring/<int:grade>", methods=["GET", "POST"])
@requires(Permission.EDIT_PROVINCE)
def grade_scoring(grade: int) -> ResponseReturnValue:
    """Full marks, pass marks, weights, and what makes a pass."""
    if grade not in set(Grade):
        abort(404)
    lines = pass_lines.lines_of(grade)
    typed = {"total_line": "" if lines.rule.total_line is None else mark_text(lines.rule.total_line, False)}
    for one in lines.subjects:
        typed[f"full-{one.key}"] = mark_text(one.full_mark, False)
        typed[f"pass-{one.key}"] = mark_text(one.pass_mark, False)
        typed[f"weight-{one.key}"] = mark_text(one.weight, False)
    each, total = lines.rule.each_subject, lines.rule.total_line is not None
    wrong: dict[str, str] = {}
    if request.method == "POST" and GradeLinesForm().validate_on_submit():
        typed = {**typed, **request.form.to_dict()}
        each, total = "each_subject" in request.form, "total" in request.form
        try:
            pass_lines.change(account(), grade, typed, each_subject=each, total=total)
            flash(f"{Grade(grade).label}的合格标准已修改，立即生效。", "success")
            return redirect(url_for("settings.scoring"))
        except RuleError as error:
            wrong = refusal(error)
    return render_template(
        "settings/scoring_grade.html", lines=lines, typed=typed, each=each, total=total, wrong=wrong
    ), 422 if request.method == "POST" else 200
