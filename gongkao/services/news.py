"""Telling the applicant and the desks of a step that an application has taken."""

from gongkao.models import Account, Application, ApplicationEvent
from gongkao.rules.grades import Grade
from gongkao.rules.workflow import Action, Desk, Status, desk_of
from gongkao.services import messages

_KIND = "application"
_FROM_ABOVE = (Action.OVERTURN, Action.CANCEL, Action.RESTORE)


def tell_of_step(application: Application, event: ApplicationEvent, actor: Account | None) -> None:
    """Tell whoever is concerned, inside the caller's use case; nobody is told of what they did themselves."""
    # Of two looks at the agency's desk the first is the agency's own affair.
    if event.action is not Action.FIRST_PASS and (actor is None or actor.person_id != application.person_id):
        title, body = _for_applicant(event)
        messages.tell_person(application.person_id, _KIND, title, body, "own")
    about = f"application {application.id}"
    subject = _subject(application)
    held_by = desk_of(event.status_after)
    if event.action is Action.WITHDRAW:
        left = desk_of(event.status_before) or application.returned_to
        if left is not None:
            _tell_desk(application, left, f"申报已撤回：{subject}", event.reason, about)
    elif event.action in _FROM_ABOVE:
        # What the desks had decided, or were deciding, was changed by others: whoever passed it hears of it.
        body = f"{event.office}：{event.reason} 现为“{event.status_after.label}”。"
        concerned = [Desk.UNIT, Desk.SUPERVISING] if held_by is Desk.SUPERVISING else [Desk.UNIT]
        if actor is None or actor.agency_id != application.agency_id:
            concerned.append(Desk.AGENCY)
        for desk in concerned:
            _tell_desk(application, desk, f"{event.action.label}：{subject}", body, about)
    elif held_by is not None:
        again = {Action.RESUBMIT: "修改后重新提交", Action.FIRST_PASS: "待复审"}.get(event.action, "待办理")
        _tell_desk(application, held_by, f"申报{again}：{subject}", f"现在{held_by.label}。", about)


def _for_applicant(event: ApplicationEvent) -> tuple[str, str]:
    if event.action is Action.SEND_BACK:
        return "申报被退回，请修改", f"{event.office}：{event.reason}"
    if event.action in (Action.REFUSE, Action.EXPIRE):
        return "资格审查不通过", f"{event.office}：{event.reason}"
    if event.action in _FROM_ABOVE:
        return f"{event.action.label}，现为“{event.status_after.label}”", f"{event.office}：{event.reason}"
    if event.status_after is Status.QUALIFIED:
        return "资格审查合格", "请留意培训和考试安排。"
    done = event.desk.label if event.desk else ""
    after = desk_of(event.status_after)
    return f"{done}已通过", f"现在由下一环节办理：{after.label}。" if after else ""


def _subject(application: Application) -> str:
    trade = application.trade.name if application.trade else ""
    level = Grade(application.grade).level if application.grade else ""
    return f"{application.person.name}（{trade} {level}）"


def _tell_desk(application: Application, desk: Desk, title: str, body: str, about: str) -> None:
    if desk is Desk.UNIT:
        messages.tell(_KIND, title, body, about, unit_id=application.unit_id)
    elif desk is Desk.SUPERVISING and application.supervising_unit_id is not None:
        messages.tell(_KIND, title, body, about, unit_id=application.supervising_unit_id)
    elif application.agency_id is not None:
        messages.tell(_KIND, title, body, about, agency_id=application.agency_id)
