"""An application's way so far, and who has it now: what applicant and reviewers read alike."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import Application, ApplicationEvent
from gongkao.rules import workflow
from gongkao.rules.calendar import Window, WindowKey
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import cycles
from gongkao.services.workflow import window_key


def events(application: Application) -> list[ApplicationEvent]:
    """Every step of the application, newest last."""
    query = select(ApplicationEvent).where(ApplicationEvent.application_id == application.id)
    return list(db.session.scalars(query.order_by(ApplicationEvent.sequence)))


def entries(application: Application) -> list[dict[str, Any]]:
    """The steps as the timeline shows them, newest last: at, office, what, tone, reason, items [(label, text)]."""
    return [entry(event) for event in events(application)]


def entry(event: ApplicationEvent) -> dict[str, Any]:
    """One step as the timeline shows it."""
    return {
        "at": event.at,
        "office": event.office,
        "what": _what(event),
        "tone": event.action.tone,
        "reason": event.reason or _note(event),
        "items": _items(event),
    }


def _what(event: ApplicationEvent) -> str:
    if event.action is Action.PASS and event.desk is not None:
        return f"{event.desk.label}通过"
    return event.action.label


def _note(event: ApplicationEvent) -> str:
    if event.action is Action.PASS and event.desk is Desk.AGENCY:
        return "需要现场审查确认。" if event.status_after is Status.ONSITE_CONFIRMATION else "无需现场审查确认。"
    return ""


def _items(event: ApplicationEvent) -> list[tuple[str, str]]:
    """What was found wrong, or what was changed; items that simply passed are not worth a line."""
    found = []
    for item in event.items:
        label = str(item.get("label", ""))
        if "before" in item or "after" in item:
            before, after = item.get("before") or "（空）", item.get("after") or "（空）"
            found.append((label, f"由“{before}”改为“{after}”"))
        elif item.get("comment"):
            found.append((label, str(item["comment"])))
    return found


def deadline(application: Application, events: Sequence[ApplicationEvent] | None = None) -> Window | None:
    """The window of the stage that the application is in (notice 三); None once it is decided.

    `events`: all of the application's, in order, where they are at hand.
    """
    if application.status in workflow.FINAL:
        return None
    action = Action.SUBMIT if application.status is Status.DRAFT else Action.PASS
    return cycles.find_window(window_key(application, action, events), application.unit, application.grade)


def office_of(application: Application, desk: Desk) -> str:
    """The name of the office that a desk belongs to on this application's way."""
    if desk is Desk.UNIT:
        return application.unit.name if application.unit is not None else "所在单位"
    if desk is Desk.SUPERVISING:
        return application.supervising_unit.name if application.supervising_unit is not None else "主管单位"
    return application.agency.name if application.agency is not None else "工考管理机构"


def next_step(application: Application, window: Window | None = None) -> str:
    """One sentence: who has the application now, until when, and what comes next; `window`: its deadline, if known."""
    status = application.status
    if status is Status.DRAFT:
        return _own_turn(application, "申报尚未提交", "填写完整并提交", Desk.UNIT)
    if status is Status.RETURNED:
        return _own_turn(application, "申报已退回", "按退回意见修改并重新提交", application.returned_to or Desk.UNIT)
    if status is Status.QUALIFIED:
        window = cycles.find_window(WindowKey.TRAINING, application.unit, application.grade)
        when = f"{window.opens.month}月至{window.closes.month}月" if window is not None else "之后"
        return f"资格审查合格，{when}组织培训，考试时间以准考证为准。"
    if status is Status.CANCELLED:
        return "因填报虚假信息材料，已取消本年度申报资格。对处理有异议的，可以向省职业技能等级评价指导中心申诉。"
    if status is Status.REFUSED:
        return "资格审查不通过，本年度申报到此结束。有疑问请联系作出决定的单位。"
    return _waiting(application, window or deadline(application))


def _own_turn(application: Application, state: str, task: str, desk: Desk) -> str:
    window = deadline(application)
    if window is not None and today() > window.closes:
        return f"{state}，{window.title}已于{_long(window.closes)}截止，不能再提交。"
    until = f"于{_long(window.closes)}前" if window is not None else ""
    return f"{state}，请本人{until}{task}，由{office_of(application, desk)}审查。"


def _waiting(application: Application, window: Window | None) -> str:
    if window is None:
        by = "请尽快完成"
    elif today() > window.closes:
        by = f"{window.title}已于{_long(window.closes)}截止"
    else:
        by = f"应于{_long(window.closes)}前完成"
    unit, agency = office_of(application, Desk.UNIT), office_of(application, Desk.AGENCY)
    supervising = f"{office_of(application, Desk.SUPERVISING)}（主管单位）"
    if application.status is Status.UNIT_REVIEW:
        then = f"{supervising}审核" if application.supervising_unit_id else f"{agency}网上资格审查"
        return f"由{unit}（所在单位）审核，{by}；通过后由{then}。"
    if application.status is Status.SUPERVISING_REVIEW:
        return f"由{supervising}审核，{by}；通过后由{agency}网上资格审查。"
    if application.status is Status.AGENCY_REVIEW:
        return f"由{agency}网上资格审查，{by}；通过后按需要办理现场审查确认，无需现场确认的即为合格。"
    return f"由{unit}人事部门将材料原件集中报{agency}现场审查确认，{by}；确认后资格审查合格。"


def _long(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
