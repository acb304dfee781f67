"""The one place where an application's status changes. `rules.workflow` says what is allowed; this applies it."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from sqlalchemy import func, select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent
from gongkao.rules import workflow
from gongkao.rules.calendar import WindowKey
from gongkao.rules.workflow import Action, Desk, Route
from gongkao.services import cycles, news

# The office that stands beside what happens by itself.
SYSTEM = "系统自动办理"


def advance(
    application: Application,
    action: Action,
    actor: Account | None,
    *,
    reason: str = "",
    items: Sequence[dict[str, Any]] = (),
    onsite: bool | None = None,
    restart_at: Desk | None = None,
) -> ApplicationEvent:
    """Take one step inside the caller's transaction and append its event. Without an actor it happens by itself.

    `onsite` is the agency's word on whether on-site confirmation is called for; it is kept once given. `restart_at` is
    the desk at which a corrected application starts again, where that is not the one that sent it back.
    Raises NotAllowed where the workflow has no such step, WindowClosed outside the step's window (notice 三).
    """
    if onsite is not None:
        application.onsite = onsite
    route = Route(supervised=application.supervising_unit_id is not None, onsite=bool(application.onsite))
    returned_to = restart_at or application.returned_to
    step = workflow.transition(application.status, action, route=route, returned_to=returned_to)
    assert application.unit is not None
    if action not in workflow.UNBOUND:
        cycles.require_open(window_key(application, action), application.unit, application.grade)
    moment = now()
    event = ApplicationEvent(
        application_id=application.id,
        sequence=_next_sequence(application),
        at=moment,
        account_id=actor.id if actor is not None else None,
        office=actor.office_name if actor is not None else SYSTEM,
        desk=workflow.desk_of(application.status),
        action=action,
        status_before=application.status,
        status_after=step.status,
        reason=reason,
        items=list(items),
    )
    db.session.add(event)
    if step.status is not application.status:
        application.desk_since = moment
    application.status = step.status
    application.returned_to = step.returned_to
    # Whoever had it open is done; of two pairs of eyes the first has looked, or the way goes on.
    application.claimed_by_id = application.claimed_at = None
    first = action is Action.FIRST_PASS and actor is not None
    application.first_reviewed_by_id = actor.id if first and actor is not None else None
    application.first_reviewed_at = moment if first else None
    application.updated_at = moment
    news.tell_of_step(application, event, actor)
    return event


def window_key(application: Application, action: Action, events: Sequence[ApplicationEvent] | None = None) -> WindowKey:
    """The window that an action on the application is bound to (notice 三（二）（三）).

    What the agency has once sent back stays in the agency's window, also where the unit must agree to it anew.
    `events`: all of the application's, in order, where they are at hand.
    """
    # The desk concerned: the one that holds it, or for a corrected application the one it goes back to.
    desk = workflow.desk_of(application.status) or application.returned_to
    if desk in (Desk.UNIT, Desk.SUPERVISING) and _sent_back_by_agency(application, events):
        desk = Desk.AGENCY
    return workflow.window_key(action, desk)


def _sent_back_by_agency(application: Application, events: Sequence[ApplicationEvent] | None) -> bool:
    """Whether the agency has sent it back since it was last submitted."""
    if events is not None:
        later = takewhile(lambda one: one.action is not Action.SUBMIT, reversed(events))
        return any(one.action is Action.SEND_BACK and one.desk in (Desk.AGENCY, Desk.ONSITE) for one in later)
    own = ApplicationEvent.application_id == application.id
    submitted = select(func.max(ApplicationEvent.sequence)).where(own, ApplicationEvent.action == Action.SUBMIT)
    query = select(ApplicationEvent.id).where(
        own,
        ApplicationEvent.action == Action.SEND_BACK,
        ApplicationEvent.desk.in_([Desk.AGENCY, Desk.ONSITE]),
        ApplicationEvent.sequence > submitted.scalar_subquery(),
    )
    return db.session.scalar(query.limit(1)) is not None


def _next_sequence(application: Application) -> int:
    query = select(func.max(ApplicationEvent.sequence)).where(ApplicationEvent.application_id == application.id)
    return (db.session.scalar(query) or 0) + 1
