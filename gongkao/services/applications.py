"""The applicant's application as a whole: begun, submitted, corrected, withdrawn; and where it stands."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from gongkao.clock import now
from gongkao.models import Account, Application, Result
from gongkao.rules import fields, workflow
from gongkao.rules.application_form import FormStep, Problem, problems
from gongkao.rules.calendar import Window, WindowKey, days_left, is_open, period_text
from gongkao.rules.errors import InvalidInput, WindowClosed
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import (
    audit,
    cycles,
    deferrals,
    drafts,
    eligibility,
    false_materials,
    results,
    review,
    roster,
    timeline,
)
from gongkao.services.application_form import facts_of, lines
from gongkao.services.drafts import StepState, ToMend
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from gongkao.services.workflow import advance

NOTE_LENGTH = 200


class NotEligible(Refused):
    """The person cannot apply as things stand; `reasons` says why."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("按现在填报的情况不能申报，原因见页面上的说明；填报有误的，请修改后再提交。")
        self.reasons = reasons


class Incomplete(Refused):
    """Something is still missing or wrong; `problems` says what."""

    def __init__(self, found: tuple[Problem, ...]) -> None:
        super().__init__(f"还有{len(found)}处需要补充或改正，改好后再提交。")
        self.problems = found


@dataclass(frozen=True)
class Standing:
    """Where the applicant stands: what the first page shows.

    `window` is the one that the next own step is bound to, `closed` why that step cannot be taken today. `begin` is the
    step at which to go on, `barred` why the person cannot apply as things stand.
    """

    application: Application | None
    window: Window | None
    period: str
    days_left: int | None
    closed: str
    steps: list[StepState]
    begin: FormStep | None
    to_mend: list[ToMend]
    reason: str
    entries: list[dict[str, Any]]
    next_step: str
    may_withdraw: bool
    has_result: bool
    barred: list[str]


def standing(actor: Account) -> Standing:
    """Where the applicant stands in the current cycle."""
    application = drafts.find_own(actor)
    if application is None:
        window = cycles.find_window(WindowKey.REGISTRATION)
        return Standing(
            application=None,
            window=window,
            period=period_text(window) if window else "",
            days_left=_days_left(window),
            closed=_closed_registration(),
            steps=[],
            begin=None,
            to_mend=[],
            reason="",
            entries=[],
            next_step="",
            may_withdraw=False,
            has_result=False,
            barred=eligibility.before_start(actor.person) if actor.person is not None else [],
        )
    window = timeline.deadline(application)
    own_turn = application.status in (Status.DRAFT, Status.RETURNED)
    steps = drafts.states(application) if own_turn else []
    entries = timeline.entries(application)
    to_mend = drafts.sent_back(application)
    result = _result(actor)
    return Standing(
        application=application,
        window=window,
        period=period_text(window) if window else "",
        days_left=_days_left(window),
        closed=drafts.closed_text(application) if own_turn else "",
        steps=steps,
        begin=_begin(application, steps, to_mend),
        to_mend=to_mend,
        reason=str(entries[-1]["reason"]) if application.status is Status.RETURNED and entries else "",
        entries=entries,
        next_step=timeline.next_step(application) if result is None else _after_release(result),
        may_withdraw=Action.WITHDRAW in workflow.allowed_actions(application.status),
        has_result=result is not None,
        barred=eligibility.obstacles(application) if own_turn else [],
    )


def _closed_registration() -> str:
    try:
        cycles.require_open(WindowKey.REGISTRATION)
    except WindowClosed as error:
        return error.message
    return ""


def registration_text(application: Application) -> str:
    """Until when a withdrawn application could be submitted again; empty where registration is over for it."""
    window = cycles.find_window(WindowKey.REGISTRATION, application.unit, application.grade)
    if window is None or not is_open(window, now().date()):
        return ""
    return f"{window.closes.month}月{window.closes.day}日"


def _days_left(window: Window | None) -> int | None:
    return days_left(window, now().date()) if window is not None else None


def _begin(application: Application, steps: list[StepState], to_mend: list[ToMend]) -> FormStep | None:
    """Where to go on: where the person was, else the first step that is not done; of a returned application the first
    that was sent back.
    """
    left = drafts.left_at(application) if steps else None
    if left is not None:
        step, finished = left
        order = list(FormStep)
        later = [state.step for state in steps if state.editable and order.index(state.step) > order.index(step)]
        if not finished:
            return step
        if later and later[0] is not FormStep.PREVIEW:
            return later[0]
    unfinished = [state.step for state in steps if state.state != "done" and state.step is not FormStep.PREVIEW]
    if unfinished:
        return unfinished[0]
    if to_mend:
        return min((item.step for item in to_mend), key=list(FormStep).index)
    return FormStep.PREVIEW if steps else None


def _result(actor: Account) -> Result | None:
    """The person's released result of this cycle, if there is one."""
    try:
        return results.find_own(actor)
    except NotFound:
        return None


def _after_release(result: Result) -> str:
    if result.application.status is not Status.QUALIFIED:
        return timeline.next_step(result.application)
    if result.passed:
        return "考核结果已公布，考核合格，等级证书由工考管理机构办理，所在单位统一领取。"
    return "考核结果已公布，考核不合格，可以在以后年度重新申报。"


def start(actor: Account) -> Application:
    """Begin this cycle's application; where it has begun already, that one. Raises WindowClosed (notice 三（二）)."""
    found = drafts.find_own(actor)
    if found is not None:
        return found
    if actor.person_id is None:
        raise NotFound("person")
    try:
        with transaction() as session:
            cycles.require_open(WindowKey.REGISTRATION)
            assert actor.person is not None
            barred = eligibility.before_start(actor.person)
            if barred:
                raise Refused(barred[0])
            application = Application(cycle_id=cycles.current_cycle().id, person_id=actor.person_id)
            session.add(application)
            session.flush()
            _prefill(application)
            audit.record(actor, "start_application", application)
    except IntegrityError:
        # Begun in another window at the same moment.
        return drafts.own(actor)
    return application


# What a unit's list says of a person, by the same names as the application.
_LISTED = (
    "education",
    "department",
    "post",
    "post_kind",
    "staff_kind",
    "work_started_on",
    "post_started_on",
    "certificate_grade",
    "certificate_trade",
    "certificate_number",
    "certificate_issued_on",
)


def _prefill(application: Application) -> None:
    """Put in what the unit has listed of the person; they check it as if they had typed it."""
    entry = roster.entry_of(application.person.identity_number, application.cycle_id)
    if entry is None:
        return
    application.unit_id = entry.unit_id
    for name in _LISTED:
        setattr(application, name, getattr(entry, name) or None)
    application.has_certificate = True if entry.certificate_grade else None


def submit(actor: Account, version: int, note: str = "") -> Application:
    """Hand in a draft, or a returned application after correction; `version` is the one that was looked at.

    The first time the route is fixed: who reviews after the unit, and which agency decides (notice 二（五）). What was
    handed in, and later what was changed, stays on the event. Raises Incomplete, Conflict, Refused, FieldsRefused,
    WindowClosed, NotFound.
    """
    with transaction() as session:
        application = drafts.own(actor, lock=True)
        if application.status not in (Status.DRAFT, Status.RETURNED):
            raise Refused(f"申报现为“{application.status.label}”，不需要再次提交。")
        if application.version != version:
            raise Conflict("申报内容在您核对之后又有改动，没有提交。请重新核对下面的内容，确认无误后再提交。")
        drafts.require_window(application)
        found = problems(facts_of(application))
        if found:
            raise Incomplete(found)
        reasons = eligibility.obstacles(application)
        if reasons:
            raise NotEligible(reasons)
        eligibility.freeze(application)
        assert application.unit is not None
        if application.status is Status.DRAFT or _unit_changed(application):
            application.supervising_unit_id = application.unit.supervising_unit_id
            application.agency_id = application.unit.agency_id
            deferrals.follow(application)
            false_materials.follow(application, application.unit_id)
        if application.number is None:
            application.number = f"{application.cycle.year}{application.id:07d}"
        if application.status is Status.DRAFT:
            application.submitted_at = now()
            items = [{"key": line.key, "label": line.label, "value": line.text} for line in lines(application)]
            advance(application, Action.SUBMIT, actor, items=items)
            audit.record(actor, "submit_application", application, number=application.number)
        else:
            reason, changed = _correction(application, note)
            # What the unit has not yet agreed to in so many words goes to the unit first, whoever sent it back.
            unheard = any(agreement.agreed_at is None for agreement in review.agreements(application))
            restart = Desk.UNIT if unheard else None
            advance(application, Action.RESUBMIT, actor, reason=reason, items=changed, restart_at=restart)
            audit.record(actor, "resubmit_application", application, changed=[item["label"] for item in changed])
        session.flush()
    return application


def _unit_changed(application: Application) -> bool:
    return any(change["label"] == "所在单位" for change in drafts.changes(application) or [])


def _correction(application: Application, note: str) -> tuple[str, list[dict[str, str]]]:
    """What the applicant says about the correction, and what they changed; one of the two there must be."""
    reason = ""
    if note.strip():
        try:
            reason = fields.short_text(note, "修改说明", NOTE_LENGTH)
        except InvalidInput as error:
            raise FieldsRefused({"note": error.message}) from error
    changed = drafts.changes(application)
    if changed == [] and not reason:
        raise FieldsRefused({"note": "还没有修改任何一项。请先按退回意见修改；认为无需修改的，请在这里写明理由。"})
    return reason, changed or []


def withdraw(actor: Account, version: int) -> Application:
    """Take an application back before it is decided: it is a draft again, and no desk sees it.

    Raises Conflict where it moved on in the meantime, NotAllowed once decided, WindowClosed, NotFound.
    """
    with transaction():
        application = drafts.own(actor, lock=True)
        if application.version != version:
            raise Conflict("申报刚刚有了新的进展，没有撤回。请查看最新情况后再决定。")
        if false_materials.is_open(application):
            raise Refused("申报材料被反映可能不实，正在认定，认定前不能撤回。请先说明情况。")
        advance(application, Action.WITHDRAW, actor)
        application.submitted_at = None
        application.supervising_unit_id = None
        application.agency_id = None
        application.retirement_agreed_at = None
        deferrals.follow(application)
        false_materials.follow(application, None)
        deferrals.take_back_agreement(application)
        eligibility.thaw(application)
        audit.record(actor, "withdraw_application", application)
    return application
