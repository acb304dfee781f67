"""Filling in an application, step by step: what may be changed now, saving a step, and never losing what was typed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.access.scope import narrow
from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import Account, Application, AuditEntry, Role, Trade, Unit, WorkPeriod, YearlyAssessment
from gongkao.rules.application_form import (
    MATERIAL_PREFIX,
    FormFacts,
    FormStep,
    Problem,
    lacking_materials,
    problems,
    step_of_item,
    step_problems,
)
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import RuleError
from gongkao.rules.form_input import Read, read_step
from gongkao.rules.materials import MaterialKind
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import audit, cycles, deferrals, timeline
from gongkao.services.application_form import Line, facts_of, lines, open_grades
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import read_once, transaction
from gongkao.services.workflow import window_key

# The names of FormFacts that each step fills in; where a column of the application has the same name, it is kept there.
_NAMES: dict[FormStep, tuple[str, ...]] = {
    FormStep.PERSON: ("education",),
    FormStep.UNIT: ("unit_id", "department", "post", "staff_kind", "post_kind", "work_started_on", "post_started_on"),
    FormStep.TRADE: ("trade_id", "trade_changed", "trade_change_reason"),
    FormStep.GRADE: ("grade", "grade_one_confirmed", "awards_since", "achievements_since"),
    FormStep.WORK: ("work",),
    FormStep.CERTIFICATE: (
        "has_certificate",
        "certificate_grade",
        "certificate_trade",
        "certificate_number",
        "certificate_issued_on",
        "certificate_issuer",
    ),
    FormStep.ASSESSMENTS: ("assessments", "deferral_pledged"),
    FormStep.PLEDGE: ("pledged", "retirement_acknowledged"),
}
# Steps that are typed into and saved; the others have pages of their own.
TYPED_STEPS = tuple(_NAMES)


class StepChanged(Conflict):
    """The step was changed elsewhere since this page was opened. `stored` is what stands there now."""

    def __init__(self, stored: list[Line], version: str) -> None:
        super().__init__(
            "这一页在其他窗口或设备上改过，您刚才填写的内容还没有保存。请与系统中的内容核对，确认无误后再次保存。"
        )
        self.stored = stored
        self.version = version


@dataclass(frozen=True)
class StepState:
    """How far one step is: done, todo (something is missing) or wrong (something must be corrected)."""

    step: FormStep
    state: str
    problems: tuple[Problem, ...]
    editable: bool


@dataclass(frozen=True)
class Saved:
    """What saving a step led to: the mark of what it holds now, and the next step that may be changed."""

    version: str
    onward: FormStep


@dataclass(frozen=True)
class ToMend:
    """One item that was sent back, in the reviewer's words."""

    key: str
    label: str
    comment: str
    step: FormStep


@dataclass(frozen=True)
class Open:
    """What may be changed now."""

    steps: frozenset[FormStep]
    kinds: frozenset[MaterialKind]


def find_own(actor: Account, *, lock: bool = False) -> Application | None:
    """The applicant's application of the current cycle, if there is one."""
    if actor.role is not Role.APPLICANT:
        return None
    # What every page of the form asks of it comes with it.
    with_it = (joinedload(Application.unit), joinedload(Application.trade), joinedload(Application.deferral))
    query = narrow(select(Application).options(*with_it), Application, actor)
    query = query.where(Application.cycle_id == cycles.current_cycle().id)
    if lock:
        return db.session.scalar(query.with_for_update(of=Application))
    return read_once(("application", actor.id), lambda: db.session.scalar(query))


def own(actor: Account, *, lock: bool = False) -> Application:
    """The same; raises NotFound where there is none."""
    application = find_own(actor, lock=lock)
    if application is None:
        raise NotFound("application")
    return application


# What may be changed


def sent_back(application: Application) -> list[ToMend]:
    """The items to mend of a returned application; empty where it was sent back as a whole, or is not returned."""
    if application.status is not Status.RETURNED:
        return []
    event = next((one for one in reversed(timeline.events(application)) if one.action is Action.SEND_BACK), None)
    found = []
    for item in event.items if event is not None else []:
        if item.get("passed") is False:
            key = str(item["key"])
            found.append(ToMend(key, str(item["label"]), str(item.get("comment") or ""), step_of_item(key)))
    return found


def handed_in(application: Application) -> dict[tuple[str, str], str] | None:
    """What was last handed in, by (key, label), put together from the events; None where they do not tell."""
    said: dict[tuple[str, str], str] | None = None
    for event in timeline.events(application):
        if event.action is Action.SUBMIT:
            said = {(str(item["key"]), str(item["label"])): str(item["value"]) for item in event.items} or None
        elif event.action is Action.RESUBMIT and said is not None:
            said.update({(str(item["key"]), str(item["label"])): str(item["after"]) for item in event.items})
    return said


def changes(application: Application) -> list[dict[str, str]] | None:
    """What differs from what was last handed in: {"key", "label", "before", "after"}; None where that is not known."""
    before = handed_in(application)
    if before is None:
        return None
    after = {(line.key, line.label): line.text for line in lines(application)}
    return [
        {"key": key, "label": label, "before": before.get((key, label), ""), "after": after.get((key, label), "")}
        for key, label in dict.fromkeys([*after, *before])
        if before.get((key, label), "") != after.get((key, label), "")
    ]


def open_now(application: Application, facts: FormFacts) -> Open:
    """What may be changed: all of a draft; of a returned one what was sent back, what follows from mending that (a
    grade that the new trade does not have), and what was already changed; nothing of any other.
    """
    everything = Open(frozenset(FormStep), frozenset(MaterialKind))
    if application.status is Status.DRAFT:
        return everything
    if application.status is not Status.RETURNED:
        return Open(frozenset(), frozenset())
    asked = sent_back(application)
    if not asked:
        return everything
    keys = {item.key for item in asked} | {change["key"] for change in changes(application) or []}
    steps = {step_of_item(key) for key in keys} | {problem.step for problem in problems(facts)}
    kinds = {MaterialKind(key.removeprefix(MATERIAL_PREFIX)) for key in keys if key.startswith(MATERIAL_PREFIX)}
    kinds |= {rule.kind for rule in lacking_materials(facts)}
    return Open(frozenset(steps), frozenset(kinds))


def require_window(application: Application) -> None:
    """Raise WindowClosed outside the time for filling in, or for correcting what a desk sent back (notice 三)."""
    cycles.require_open(_window(application), application.unit, application.grade)


def closed_text(application: Application) -> str:
    """Why nothing can be changed today; empty while it can."""
    try:
        require_window(application)
    except RuleError as error:
        return error.message
    return ""


def _window(application: Application) -> WindowKey:
    return window_key(application, Action.RESUBMIT if application.status is Status.RETURNED else Action.SUBMIT)


def require_open(application: Application, step: FormStep, kind: MaterialKind | None = None) -> None:
    """Raise where this step, or this kind of material, may not be changed now; the message says what to do."""
    if application.status not in (Status.DRAFT, Status.RETURNED):
        raise Refused(f"申报现为“{application.status.label}”，不能修改。需要修改的，请先撤回申报，或等待退回。")
    require_window(application)
    may = open_now(application, facts_of(application))
    if step not in may.steps or (kind is not None and kind not in may.kinds):
        what = kind.label if kind is not None else step.label
        raise Refused(f"“{what}”已经审查，没有退回，不能修改。确有错误的，请联系退回申报的单位。")


def states(application: Application) -> list[StepState]:
    """How far each step is."""
    facts = facts_of(application)
    may = open_now(application, facts)
    found = []
    for step in FormStep:
        of_step = step_problems(step, facts)
        state = "done"
        if step is FormStep.PREVIEW and application.status in (Status.DRAFT, Status.RETURNED):
            state = "todo"
        elif of_step:
            state = "todo" if all(problem.missing for problem in of_step) else "wrong"
        found.append(StepState(step, state, of_step, step in may.steps))
    return found


# What the audit trail calls working on the form; all but the first are done on the page of the materials.
_WORK_ON_FORM = ("save_step", "upload_material", "replace_material", "remove_material")


def left_at(application: Application) -> tuple[FormStep, bool] | None:
    """The step that was last worked on, on whatever device, and whether the person had gone on from it.

    None where nothing was saved yet; of a returned application only what was done since counts.
    """
    query = select(AuditEntry).where(
        AuditEntry.subject_type == Application.__name__,
        AuditEntry.subject_id == str(application.id),
        AuditEntry.action.in_(_WORK_ON_FORM),
    )
    if application.status is Status.RETURNED and application.desk_since is not None:
        query = query.where(AuditEntry.at > application.desk_since)
    last = db.session.scalar(query.order_by(AuditEntry.id.desc()).limit(1))
    if last is None:
        return None
    if last.action != "save_step":
        return FormStep.MATERIALS, False
    return FormStep(str(last.detail["step"])), bool(last.detail.get("finished"))


# Saving


def version_of(step: FormStep, facts: FormFacts) -> str:
    """A mark of what a step holds; a page that carries another one was opened before it changed."""
    values = [sorted(value.items()) if isinstance(value, dict) else value for value in _values(step, facts)]
    return hashlib.sha256(repr(values).encode()).hexdigest()[:20]


def stored_fields(application: Application, step: FormStep, facts: FormFacts) -> dict[str, Any]:
    """What is stored, as the fields of the step's page show it."""
    if step is FormStep.WORK:
        names = ("started_on", "ended_on", "unit_name", "post", "trade_name")
        return {"work": [{name: _shown(getattr(one, name)) for name in names} for one in facts.work]}
    if step is FormStep.ASSESSMENTS:
        years = {f"year_{year}": facts.assessments.get(year, "") for year in facts.years}
        return {**years, "deferral_pledged": facts.deferral_pledged}
    shown = {name: _shown(getattr(facts, name)) for name in _NAMES[step]}
    if step is FormStep.UNIT:
        shown["unit_name"] = application.unit.name if application.unit else ""
    if step is FormStep.CERTIFICATE:
        shown["has_certificate"] = {True: "yes", False: "no", None: ""}[facts.has_certificate]
    return shown


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return value
    return str(value)


def save_step(actor: Account, step: FormStep, typed: Mapping[str, str], version: str, *, partly: bool = False) -> Saved:
    """Save a step.

    With `partly` (saving by itself, or for later) what is missing is let pass and the fields that are right are kept;
    those that are wrong are still refused with FieldsRefused after the others were saved.
    Raises FieldsRefused, StepChanged where it changed elsewhere, Refused where it is locked, WindowClosed, NotFound.
    """
    with transaction():
        application = own(actor, lock=True)
        require_open(application, step)
        before = facts_of(application)
        read = _read(application, step, typed)
        after = _with(before, read, application)
        found = {problem.field: problem.message for problem in step_problems(step, after) if not problem.missing}
        missing = {problem.field: problem.message for problem in step_problems(step, after) if problem.missing}
        # A period of work is kept whole or not at all.
        if partly:
            missing = {name: text for name, text in missing.items() if step is FormStep.WORK and name}
        wrong = {**missing, **found, **read.wrong}
        current = version_of(step, before)
        if current != version and _values(step, after) != _values(step, before):
            raise StepChanged([line for line in lines(application) if line.step is step], current)
        if wrong and not partly:
            raise FieldsRefused(wrong)
        after = _without(before, after, step, wrong)
        if _values(step, after) != _values(step, before):
            _apply(actor, application, step, after)
        if not partly or _values(step, after) != _values(step, before):
            audit.record(actor, "save_step", application, step=step.value, finished=not partly)
        saved = Saved(version_of(step, after), _onward(application, step, after))
    if wrong:
        raise PartlySaved(wrong, saved.version)
    return saved


def _onward(application: Application, step: FormStep, facts: FormFacts) -> FormStep:
    """The next step; of a returned application the next one that may be changed."""
    order = list(FormStep)
    may = open_now(application, facts).steps
    return next((later for later in order[order.index(step) + 1 :] if later in may), FormStep.PREVIEW)


class PartlySaved(FieldsRefused):
    """The fields named are wrong and were not saved; all others of the step were. `version` is the step's new one."""

    def __init__(self, fields: Mapping[str, str], version: str) -> None:
        super().__init__(fields)
        self.version = version


def _values(step: FormStep, facts: FormFacts) -> list[Any]:
    return [getattr(facts, name) for name in _NAMES[step]]


def _read(application: Application, step: FormStep, typed: Mapping[str, str]) -> Read:
    read = read_step(step, typed, today=today(), year=application.cycle.year)
    if step is FormStep.UNIT:
        _read_unit(application, read, typed)
    elif step is FormStep.TRADE:
        _read_trade(application, read, typed)
    return read


def _read_unit(application: Application, read: Read, typed: Mapping[str, str]) -> None:
    """The unit that was picked from a list of results, else the one suggested, else the only one of this very name."""
    name = "".join(typed.get("unit_name", "").split())
    picked = _unit(typed.get("unit_pick", ""))
    suggested = _unit(typed.get("unit_id", ""))
    unit = picked
    if unit is None and suggested is not None and suggested.name == name:
        unit = suggested
    if unit is None and name:
        query = select(Unit).where(Unit.active, (Unit.name == name) | (Unit.credit_code == name.upper())).limit(2)
        same = db.session.scalars(query).all()
        unit = same[0] if len(same) == 1 else None
        if unit is None:
            read.wrong["unit_name"] = "没有找到这个单位。请输入单位名称中的几个字查找，并从结果中选择。"
            return
    if unit is not None and unit.id != application.unit_id and application.returned_to not in (None, Desk.UNIT):
        read.wrong["unit_name"] = "原单位已经审核通过，不能直接更换单位。确需更换的，请撤回申报后重新提交。"
        return
    read.values["unit_id"] = unit.id if unit is not None else None


def _unit(text: str) -> Unit | None:
    unit = db.session.get(Unit, int(text)) if text.isdecimal() and len(text) < 10 else None
    return unit if unit is not None and unit.active else None


def _read_trade(application: Application, read: Read, typed: Mapping[str, str]) -> None:
    text = typed.get("trade_id", "")
    trade = db.session.get(Trade, int(text)) if text.isdecimal() and len(text) < 10 else None
    if trade is not None and not open_grades(application.cycle_id, trade.id):
        read.wrong["trade_id"] = f"“{trade.name}”本年度没有开考，请选择其他工种。"
        return
    read.values["trade_id"] = trade.id if trade is not None else None


def _with(before: FormFacts, read: Read, application: Application) -> FormFacts:
    """The facts as they would be with what was read."""
    values = dict(read.values)
    if "unit_id" in values:
        values["unit_active"] = True
    if "trade_id" in values:
        trade = db.session.get(Trade, values["trade_id"]) if values["trade_id"] else None
        values["trade_name"] = trade.name if trade is not None else ""
        values["open_grades"] = open_grades(application.cycle_id, trade.id) if trade is not None else frozenset()
    return replace(before, **values)


def _without(before: FormFacts, after: FormFacts, step: FormStep, wrong: Mapping[str, str]) -> FormFacts:
    """The new facts to be kept: the stored ones for every wrong field (a list with something wrong stays as it was),
    periods of work in order of time.
    """
    back = {"unit_id" if name == "unit_name" else name for name in wrong}
    if wrong and step in (FormStep.WORK, FormStep.ASSESSMENTS):
        back = set(_NAMES[step])
    after = replace(after, work=tuple(sorted(after.work, key=lambda one: (one.started_on is None, one.started_on))))
    return replace(after, **{name: getattr(before, name) for name in _NAMES[step] if name in back})


def _apply(actor: Account, application: Application, step: FormStep, after: FormFacts) -> None:
    touch(application)
    if step is FormStep.WORK:
        application.work_periods = [
            WorkPeriod(
                started_on=one.started_on,
                ended_on=one.ended_on,
                unit_name=one.unit_name,
                post=one.post,
                trade_name=one.trade_name,
            )
            for one in after.work
        ]
    elif step is FormStep.ASSESSMENTS:
        stored = {one.year: one for one in application.assessments}
        for year in {*stored, *after.assessments}:
            outcome = after.assessments.get(year)
            if outcome is None:
                application.assessments.remove(stored[year])
            elif year in stored:
                stored[year].outcome = outcome
            else:
                application.assessments.append(YearlyAssessment(year=year, outcome=outcome))
        if not after.deferral_pledged:
            deferrals.withdraw_pledge(application)
        elif not deferrals.pledged(application):
            deferrals.pledge(actor, application)
    elif step is FormStep.PLEDGE:
        application.pledged_at = (application.pledged_at or now()) if after.pledged else None
        acknowledged = application.retirement_acknowledged_at or now()
        application.retirement_acknowledged_at = acknowledged if after.retirement_acknowledged else None
    else:
        for name in _NAMES[step]:
            setattr(application, name, getattr(after, name))
        # What the numbers stand for follows them.
        db.session.flush()
        db.session.expire(application, ["unit", "trade"])


def touch(application: Application) -> None:
    """Note that something of the application changed; this also raises its version."""
    application.updated_at = now()
