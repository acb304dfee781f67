"""The one place where an application's status changes. `rules.workflow` says what is allowed; this applies it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent
from gongkao.rules import workflow
from gongkao.rules.workflow import Action, Route
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
) -> ApplicationEvent:
    """Take one step inside the caller's transaction and append its event. Without an actor it happens by itself.

    `onsite` is the agency's word on whether on-site confirmation is called for; it is kept once given.
    Raises NotAllowed where the workflow has no such step, WindowClosed outside the step's window (notice 三).
    """
    # The desk concerned: the one that holds it, or for a corrected application the one it goes back to.
    desk = workflow.desk_of(application.status) or application.returned_to
    if onsite is not None:
        application.onsite = onsite
    route = Route(supervised=application.supervising_unit_id is not None, onsite=bool(application.onsite))
    step = workflow.transition(application.status, action, route=route, returned_to=application.returned_to)
    assert application.unit is not None
    if action not in workflow.UNBOUND:
        key = workflow.window_key(action, desk)
        cycles.require_open(key, application.unit, application.grade)
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
    application.status = step.status
    application.returned_to = step.returned_to
    application.desk_since = moment
    application.updated_at = moment
    news.tell_of_step(application, event, actor)
    return event


def _next_sequence(application: Application) -> int:
    query = select(func.max(ApplicationEvent.sequence)).where(ApplicationEvent.application_id == application.id)
    return (db.session.scalar(query) or 0) + 1
