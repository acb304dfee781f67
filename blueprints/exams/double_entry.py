"""Double entry of scores: the switch, and what two people typed differently."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.exams import blueprint
from blueprints.exams.forms import TokenForm
from blueprints.exams.views import require_grade
from blueprints.guard import requires
from blueprints.helpers import account, attempt, refusal
from gongkao.access.permissions import Permission
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.services import double_entry


@blueprint.post("/scores/double-entry")
@requires(Permission.EDIT_AGENCY)
def switch_double_entry() -> ResponseReturnValue:
    """Whether two people enter every mark."""
    if TokenForm().validate_on_submit():
        on = request.form.get("on") == "yes"
        ok, _ = attempt(None, lambda: double_entry.switch(account(), on))
        if ok:
            flash("手工录入改为两人分别录入、系统比对。" if on else "手工录入改为一人录入。", "success")
    return redirect(url_for("exams.scores_start"))


@blueprint.route("/scores/<int:grade>/differences", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def score_differences(grade: int) -> ResponseReturnValue:
    """Settle the marks that two people typed differently."""
    require_grade(grade)
    typed: dict[str, str] = {}
    wrong: dict[str, str] = {}
    if request.method == "POST" and TokenForm().validate_on_submit():
        typed = {name: text for name, text in request.form.items() if name.startswith("mark-")}
        try:
            settled = double_entry.settle(account(), grade, typed)
            flash(f"已核定{settled}项。" if settled else "没有填写核定的成绩。", "success" if settled else "info")
            return redirect(url_for("exams.score_differences", grade=grade))
        except RuleError as error:
            wrong = refusal(error)
    return render_template(
        "exams/import/differences.html",
        differences=double_entry.differences(account(), grade),
        grade=Grade(grade),
        typed=typed,
        wrong=wrong,
    ), 422 if request.method == "POST" else 200
