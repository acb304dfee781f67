"""Scores."""

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from blueprints.exams import blueprint
from blueprints.exams.tabs import exam_tabs
from blueprints.guard import requires
from blueprints.helpers import account, list_export, list_page, query_args, refusal
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.services import cycles, double_entry, scores


class MarksForm(FlaskForm):
    """Only the token: the marks' fields depend on the people on the page."""


@blueprint.get("/scores")
@requires(Permission.ENTER_SCORES)
def scores_start() -> ResponseReturnValue:
    """Go on with the first grade that still misses scores."""
    states = scores.grade_states(account())
    wanted = next((state for state in states if state.qualified and state.missing), None)
    wanted = wanted or next((state for state in states if state.qualified), states[0])
    return redirect(url_for("exams.scores_of", grade=int(wanted.grade)))


@blueprint.route("/scores/<int:grade>", methods=["GET", "POST"])
@requires(Permission.ENTER_SCORES)
def scores_of(grade: int) -> ResponseReturnValue:
    """Enter one page of people's marks, in all subjects."""
    require_grade(grade)
    typed: dict[str, str] = {}
    wrong: dict[str, str] = {}
    if request.method == "POST":
        typed = {name: text for name, text in request.form.items() if name.startswith(("mark-", "seen-"))}
        try:
            changed = (double_entry if _twice() else scores).enter(account(), grade, typed)
            flash(f"已保存，{changed}项成绩有变动。" if changed else "成绩没有变动。", "success")
            return redirect(_after_saving(grade))
        except RuleError as error:
            wrong = refusal(error)
    return _page(grade, typed, wrong)


def _twice() -> bool:
    agency = account().agency
    return agency is not None and agency.double_entry


def _after_saving(grade: int) -> str:
    """The same page of the list, or the next one where that was asked for."""
    args: dict[str, Any] = {**query_args(), "grade": grade}
    if request.form.get("next"):
        args["page"] = request.form["next"]
    return url_for("exams.scores_of", **args)


def require_grade(grade: int) -> None:
    """Answer 404 for what is no grade."""
    if grade not in {int(known) for known in Grade}:
        abort(404)


def _page(grade: int, typed: dict[str, str], wrong: dict[str, str]) -> ResponseReturnValue:
    person = account()
    assert person.agency is not None
    twice = _twice()
    subjects = cycles.subjects(cycles.current_cycle(), grade)
    page = list_page(
        scores.entry_listing(person, grade, subjects),
        link=lambda row: url_for("exams.breach", grade=grade, application_id=row.id),
        export_endpoint="exams.scores_export",
    )
    window = cycles.find_window(WindowKey.SCORES, person.agency, grade)
    open_now = cycles.is_open(WindowKey.SCORES, person.agency, grade)
    states = scores.grade_states(person)
    state = next(state for state in states if state.grade == grade)
    return render_template(
        "exams/scores.html",
        page=page,
        form=MarksForm(),
        grade=Grade(grade),
        subjects=subjects,
        entries=double_entry.entry_fields(person, page.rows, subjects, typed)
        if twice
        else scores.entry_fields(page.rows, subjects, typed),
        twice=twice,
        differences=len(double_entry.differences(person, grade)) if twice else 0,
        may_switch=may(person, Permission.EDIT_AGENCY),
        wrong=wrong,
        state=state,
        period=period_text(window) if window else "",
        open=open_now,
        editable=state.release is None and not state.proposed and open_now and bool(page.rows),
        # Whoever is done leaves the list of the unfinished, and the next ones move up.
        next_page=page.number + 1 if page.number < page.pages and request.args.get("entered") != "no" else None,
        places=exam_tabs("scores"),
        tabs=[
            {
                "label": f"{item.grade.level}（{item.scored}/{item.qualified}）",
                "href": url_for("exams.scores_of", grade=int(item.grade)),
                "current": item.grade == grade,
            }
            for item in states
        ],
    ), 422 if wrong else 200


@blueprint.get("/scores/<int:grade>/export")
@requires(Permission.ENTER_SCORES)
def scores_export(grade: int) -> Response:
    require_grade(grade)
    return list_export(scores.entry_listing(account(), grade))
