"""Filling in the application, a page for each step."""

from typing import Any

from flask import flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoSuchPage

from blueprints.applications import blueprint
from blueprints.applications.forms import FORMS, PeriodForm, StepForm, assessments_form, place_errors
from blueprints.applications.views import step_address, step_items, wants_json
from blueprints.guard import requires
from blueprints.helpers import account
from gongkao.access.permissions import Permission
from gongkao.clock import now
from gongkao.models import Application
from gongkao.rules.application_form import GRADE_ONE_WORDS, NOT_FILED, PLEDGE_WORDS, FormStep, assessed_years
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.rules.retirement import FEMALE
from gongkao.rules.workflow import Status
from gongkao.services import application_form, cycles, drafts, eligibility, unit_search
from gongkao.services.errors import FieldsRefused

SHOWN_ERRORS = 3
_WITH_ADVICE = (FormStep.CERTIFICATE, FormStep.ASSESSMENTS)


@blueprint.route("/application/steps/<step>", methods=["GET", "POST"])
@requires(Permission.APPLY)
def step(step: str) -> ResponseReturnValue:
    """One page of the form: shown, saved, or saving by itself."""
    try:
        place = FormStep(step)
    except ValueError:
        raise NoSuchPage from None
    if place not in drafts.TYPED_STEPS:
        return redirect(step_address(place))
    application = drafts.find_own(account())
    if application is None:
        return redirect(url_for("applications.home"))
    form = _form(place, application)
    if not form.is_submitted():
        return _page(place, form)
    if not form.validate_on_submit():
        flash("页面已过期，请核对后再次保存。", "error")
        return _page(place, form), 422
    if wants_json():
        return _save_by_itself(place, form)
    go = request.form.get("go", "next")
    if go.startswith(("row", "find")):
        return _page(place, form, rows=go, found=_found_units(form) if go == "find" else None)
    return _save(place, form, go)


def _form(place: FormStep, application: Application) -> StepForm:
    """The step's form with what was sent, else with what is stored."""
    years = assessed_years(application.cycle.year)
    made = assessments_form(years) if place is FormStep.ASSESSMENTS else FORMS[place]
    if request.method == "POST":
        form = made()
    else:
        facts = application_form.facts_of(application)
        form = made(data=drafts.stored_fields(application, place, facts))
        form.version.data = drafts.version_of(place, facts)
    if place is FormStep.GRADE:
        opened = application_form.open_grades(application.cycle_id, application.trade_id)
        grades = sorted(opened or frozenset(int(grade) for grade in Grade), reverse=True)
        form.grade.choices = [(str(grade), Grade(grade).label) for grade in grades]
    if place is FormStep.TRADE:
        form.trade_id.choices = []
    return form


def _save(place: FormStep, form: StepForm, go: str) -> ResponseReturnValue:
    later = go == "save"
    try:
        saved = drafts.save_step(account(), place, request.form.to_dict(), form.version.data or "", partly=later)
    except drafts.StepChanged as error:
        form.version.data = error.version
        return _page(place, form, stored=error), 409
    except drafts.PartlySaved as error:
        form.version.data = error.version
        return _refused(place, form, error)
    except FieldsRefused as error:
        return _refused(place, form, error)
    except RuleError as error:
        flash(error.message, "error")
        return _page(place, form), 422
    session["saved"] = request.path
    if later:
        flash("已保存，以后可以接着填写。", "success")
        return redirect(url_for("applications.home"))
    return redirect(step_address(saved.onward))


def _refused(place: FormStep, form: StepForm, error: FieldsRefused) -> ResponseReturnValue:
    for message in place_errors(form, error.fields):
        flash(message, "error")
    found = _found_units(form) if "unit_name" in error.fields and form.unit_name.data else None
    return _page(place, form, found=found), 422


def _save_by_itself(place: FormStep, form: StepForm) -> ResponseReturnValue:
    try:
        saved = drafts.save_step(account(), place, request.form.to_dict(), form.version.data or "", partly=True)
    except drafts.StepChanged as error:
        return jsonify(message=error.message), 409
    except drafts.PartlySaved as error:
        return jsonify(message=_not_saved(place, error), version=error.version), 422
    except RuleError as error:
        return jsonify(message=error.message), 409
    return jsonify(saved=f"{now():%H:%M}", version=saved.version)


def _not_saved(place: FormStep, error: FieldsRefused) -> str:
    if place is FormStep.WORK:
        return "工作经历填写完整后才能保存到系统，现在的内容保存在本机。"
    texts = list(dict.fromkeys(error.fields.values()))
    return f"有内容还不能保存：{'；'.join(text.rstrip('。') for text in texts[:SHOWN_ERRORS])}。"


def _found_units(form: StepForm) -> list[Any]:
    return unit_search.suggest(form.unit_name.data or "")


def _page(
    place: FormStep,
    form: StepForm,
    *,
    rows: str = "",
    found: list[Any] | None = None,
    stored: drafts.StepChanged | None = None,
) -> str:
    application = drafts.own(account())
    states = drafts.states(application)
    here = next(state for state in states if state.step is place)
    own_turn = application.status in (Status.DRAFT, Status.RETURNED)
    closed = drafts.closed_text(application) if own_turn else ""
    editable = own_turn and here.editable and not closed
    # What is not to be filled in on the page is read there.
    read = application_form.lines(application) if place is FormStep.PERSON or not editable else []
    _change_rows(form, rows)
    return render_template(
        f"applications/steps/{place.value}.html",
        place=place,
        application=application,
        form=form,
        here=here,
        editable=editable,
        closed=closed,
        own_turn=own_turn,
        lines=[(line.label, line.text) for line in read if line.step is place],
        obstacles=_obstacles(place, application) if own_turn else [],
        advice=eligibility.advice(application) if own_turn and place in _WITH_ADVICE else [],
        comments=[item for item in drafts.sent_back(application) if item.step is place],
        stored=[(line.label, line.text) for line in stored.stored] if stored is not None else None,
        stored_message=stored.message if stored is not None else "",
        step_items=step_items(states, place),
        back=step_address(place.previous) if place.previous else url_for("applications.home"),
        here_address=step_address(place),
        **_extras(place, application, form, found),
    )


def _obstacles(place: FormStep, application: Application) -> list[str]:
    """What stands in the way already; on the page of the grade each grade tells its own."""
    return [] if place is FormStep.GRADE else eligibility.obstacles(application)


def _change_rows(form: StepForm, go: str) -> None:
    """Add or take away a row where there is no script to do it."""
    if go == "row-add":
        form.work.append_entry()
    elif go.startswith("row-remove-"):
        # The list counts its rows anew, so the row is found by its place among the numbers that were sent.
        sent = sorted({int(name.split("-")[1]) for name in request.form if name.startswith("work-")})
        place = go.removeprefix("row-remove-")
        if place.isdecimal() and int(place) in sent:
            del form.work.entries[sent.index(int(place))]


def _extras(place: FormStep, application: Application, form: StepForm, found: list[Any] | None) -> dict[str, Any]:
    """What one step's page shows besides its fields."""
    if place is FormStep.UNIT:
        return {
            "found": found,
            "asks_post_kind": application.person.sex == FEMALE,
            "notices": eligibility.notices(application),
        }
    if place is FormStep.TRADE:
        return _trades(application, form)
    if place is FormStep.GRADE:
        facts = application_form.facts_of(application)
        closed = sorted(set(Grade) - facts.open_grades, reverse=True) if application.trade is not None else []
        return {
            "words": GRADE_ONE_WORDS,
            "trade": application.trade,
            "choices": {str(one.grade): one for one in eligibility.choices(application, sorted(facts.open_grades))},
            "not_open": [Grade(grade).label for grade in closed],
        }
    if place is FormStep.WORK:
        return {"blank": PeriodForm(prefix="work-__index__-"), "started_on": application.work_started_on}
    if place is FormStep.ASSESSMENTS:
        names = [field.name for field in form if field.name.startswith("year_")]
        return {"due": application.cycle.deferral_due, "years": names, "not_filed": NOT_FILED}
    if place is FormStep.PLEDGE:
        return {"words": PLEDGE_WORDS, "notices": eligibility.notices(application)}
    return {}


def _trades(application: Application, form: StepForm) -> dict[str, Any]:
    """The cycle's trades by category; with a search the ones that match, in one group."""
    text = request.args.get("q", "").strip()
    chosen = str(form.trade_id.data or "")
    groups: dict[str, list[Any]] = {}
    for opening in cycles.open_trades():
        trade = opening.trade
        if not text or text in trade.name or text in trade.category or text == trade.code:
            groups.setdefault(trade.category, []).append(trade)
    return {"q": text, "groups": groups, "chosen": chosen, "chosen_name": _trade_name(groups, chosen, application)}


def _trade_name(groups: dict[str, list[Any]], chosen: str, application: Application) -> str:
    for trades in groups.values():
        for trade in trades:
            if str(trade.id) == chosen:
                return str(trade.name)
    return application.trade.name if application.trade is not None and str(application.trade_id) == chosen else ""


@blueprint.get("/application/units")
@requires(Permission.APPLY)
def unit_lookup() -> ResponseReturnValue:
    """Active units by a part of the name or the beginning of the credit code, for the suggestions."""
    units = unit_search.suggest(request.args.get("q", ""))
    return jsonify(
        [{"id": unit.id, "label": unit.name, "note": f"{unit.region.full_name} {unit.credit_code}"} for unit in units]
    )
