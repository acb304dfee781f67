"""Whether a decision can be judged anew: oversight and appeals are bound to no window, the desks after them are."""

from gongkao.models import Application
from gongkao.rules import workflow
from gongkao.rules.errors import WindowClosed
from gongkao.rules.workflow import Action, Route
from gongkao.services import cycles


def closed_because(application: Application, action: Action) -> str:
    """Why the desk that an action leads to could not decide today; "" where it could, or where no desk follows.

    Raises NotAllowed where the workflow has no such step.
    """
    route = Route(supervised=application.supervising_unit_id is not None, onsite=bool(application.onsite))
    step = workflow.transition(application.status, action, route=route, returned_to=application.returned_to)
    desk = workflow.desk_of(step.status)
    if desk is None:
        return ""
    if not application.cycle.current:
        return f"{application.cycle.title}已经结束。"
    try:
        cycles.require_open(workflow.window_key(Action.PASS, desk), application.unit, application.grade)
    except WindowClosed as error:
        return error.message
    return ""
