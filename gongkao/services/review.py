"""Reviewing one application: what is to be judged, and the decision (notice 二（四）（五）: 逐项审核)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from gongkao.access.permissions import Permission
from gongkao.access.scope import holds, may, narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, Material, ReviewNote
from gongkao.rules import fields
from gongkao.rules.application_form import Item, review_items
from gongkao.rules.errors import InvalidInput
from gongkao.rules.materials import MaterialKind, Need
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit, claims, deferrals, phrases, timeline, unit_statements
from gongkao.services.application_form import material_rules
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from gongkao.services.workflow import advance

COMMENT_LENGTH = 200
REASON_LENGTH = 300
DECISIONS = (Action.PASS, Action.SEND_BACK, Action.REFUSE)
_AUDIT = {
    Action.PASS: "pass_application",
    Action.FIRST_PASS: "pass_application_first",
    Action.SEND_BACK: "send_back_application",
    Action.REFUSE: "refuse_application",
}


@dataclass(frozen=True)
class Verdict:
    """What the reviewer found on one item; `passed` None: not looked at yet."""

    passed: bool | None = None
    comment: str = ""


@dataclass(frozen=True)
class Agreement:
    """Something that the unit has to agree to in so many words before it passes the application."""

    key: str
    title: str
    text: str
    agreed_at: datetime | None


def find(actor: Account, application_id: int, *, lock: bool = False) -> Application:
    """An application in the person's scope, locked for a use case that changes it. Raises NotFound."""
    query = _visible(actor, application_id)
    application = db.session.scalar(query.with_for_update(of=Application) if lock else query)
    if application is None:
        raise NotFound("application")
    return application


def _visible(actor: Account, application_id: int) -> Any:
    return narrow(select(Application), Application, actor).where(Application.id == application_id)


def find_material(actor: Account, application_id: int, material_id: int) -> Material:
    """An uploaded file of an application in the person's scope. Raises NotFound."""
    application = find(actor, application_id)
    for material in application.materials:
        if material.id == material_id:
            return material
    raise NotFound("material")


def checklist(application: Application) -> tuple[Item, ...]:
    """The items to judge: the reviewed steps, then each kind of material that is needed or was uploaded."""
    uploaded = {material.kind for material in application.materials}
    rules = material_rules(application)
    kinds = [rule.kind for rule in rules if rule.need is not Need.OPTIONAL or rule.kind in uploaded]
    # What was uploaded before an answer changed still deserves a look.
    kinds += [kind for kind in MaterialKind if kind in uploaded and kind not in kinds]
    return review_items(kinds)


def agreements(application: Application) -> list[Agreement]:
    """What the unit agrees to besides the items: retiring this year (notice 一（二）), a deferral (notice 二（四）)."""
    found = []
    if application.retirement_acknowledged_at is not None:
        text = (
            "本年度将办理退休或达到退休年龄，本人已了解岗位空缺、岗位聘用等政策规定，单位同意其申报（通知一（二））。"
        )
        found.append(Agreement("retirement", "同意到龄人员申报", text, application.retirement_agreed_at))
    deferral = application.deferral
    if deferral is not None:
        years, due = "、".join(f"{year}年度" for year in deferral.years), application.cycle.deferral_due
        text = (
            f"{years}考核结果尚未备案，本人已承诺于{due.year}年{due.month}月{due.day}日前补交，"
            "单位同意容缺后补（通知二（四））。"
        )
        found.append(Agreement("deferral", "同意容缺后补", text, deferral.agreed_at))
    return found


def decide(
    actor: Account,
    application_id: int,
    version: int,
    action: str,
    verdicts: Mapping[str, Verdict],
    *,
    reason: str = "",
    onsite: bool | None = None,
    agreed: Collection[str] = (),
) -> Application:
    """Pass, send back or refuse an application that waits at one of the actor's own desks.

    `action` is one of DECISIONS. Passing needs every item passed; sending back at least one with a problem, each with
    its comment; refusing a reason.
    `onsite` is the agency's word on whether on-site confirmation is called for (None: as the agency usually does),
    `agreed` the keys of the agreements that the unit gives.
    Where the agency has set two pairs of eyes, the first pass leaves it at the desk for somebody else's.
    Raises NotFound outside the scope, Refused where somebody else holds it or is reviewing it, Conflict where it moved
    on meanwhile, StatementMissing where the unit has not confirmed its statement, WindowClosed outside the desk's
    window, FieldsRefused by item key
    (and "reason", "agree-" and the key of an agreement).
    """
    with transaction() as session:
        application = locked(actor, application_id, version)
        require_turn(actor, application)
        if action not in DECISIONS:
            raise Refused("请选择“通过”“退回修改”或“不予通过”。")
        action = Action(action)
        status = application.status
        items = checklist(application)
        text = _check(action, items, verdicts, reason)
        if status is Status.UNIT_REVIEW and action is Action.PASS:
            unit_statements.require(application)
            _agree(actor, application, agreed)
        calls_for = None
        if status is Status.AGENCY_REVIEW and action is Action.PASS:
            calls_for = onsite_default(application) if onsite is None else onsite
            action = pass_action(actor, application)
        event = advance(application, action, actor, reason=text, items=_found(items, verdicts), onsite=calls_for)
        audit.record(
            actor,
            _AUDIT[action],
            application,
            number=application.number,
            desk=event.desk,
            status_before=event.status_before,
            status_after=event.status_after,
            reason=text,
        )
        session.execute(delete(ReviewNote).where(ReviewNote.application_id == application.id))
        phrases.remember(actor, [verdicts[item.key].comment for item in items if item.key in verdicts])
    return application


def locked(actor: Account, application_id: int, version: int) -> Application:
    """The application for a use case that changes it. Raises NotFound, Conflict where it moved on meanwhile."""
    application = find(actor, application_id, lock=True)
    if application.version != version:
        raise Conflict(_moved_on(application))
    return application


def require_turn(actor: Account, application: Application) -> None:
    """Raises Refused where the application is not at the actor's own desk, or somebody else is reviewing it now."""
    if not (may(actor, Permission.REVIEW) and holds(actor, application)):
        raise Refused(f"您现在不能办理该申报，只能查看。{timeline.next_step(application)}")
    claims.require_free(actor, application)


def onsite_default(application: Application) -> bool:
    """Whether on-site confirmation is called for: as the first of two reviewers said, else as is usual."""
    if application.first_reviewed_by_id is not None and application.onsite is not None:
        return application.onsite
    return application.agency.onsite_by_default if application.agency is not None else True


def pass_action(actor: Account, application: Application) -> Action:
    """What passing means at the agency's desk: at once, or 初审 and then 复审 by somebody else, as the agency has set.

    Raises Refused where the actor has given the first pass.
    """
    if application.agency is None or not application.agency.second_review:
        return Action.PASS
    if application.first_reviewed_by_id is None:
        return Action.FIRST_PASS
    if application.first_reviewed_by_id == actor.id:
        raise Refused("该申报由您初审通过，复审须由本机构其他人员办理。")
    return Action.PASS


def _moved_on(application: Application) -> str:
    event = timeline.events(application)[-1]
    what = timeline.entry(event)["what"]
    return (
        f"该申报刚刚被更新：{event.at.month}月{event.at.day}日{event.at:%H:%M}，{event.office}已办理“{what}”，现为“{application.status.label}”。"
        "您的操作没有生效，请核对最新内容。"
    )


def _check(action: Action, items: tuple[Item, ...], verdicts: Mapping[str, Verdict], reason: str) -> str:
    """The reason as it will be kept. Raises FieldsRefused, Refused."""
    wrong: dict[str, str] = {}
    found = {item.key: verdicts.get(item.key, Verdict()) for item in items}
    for key, verdict in found.items():
        if len(verdict.comment.strip()) > COMMENT_LENGTH:
            wrong[key] = f"问题和要求不能超过{COMMENT_LENGTH}个字，请精简。"
        elif action is Action.PASS and verdict.passed is None:
            wrong[key] = "这一项还没有审查，请选择“通过”或“有问题”。"
        elif action is Action.PASS and not verdict.passed:
            wrong[key] = "这一项有问题，不能通过。请退回修改，或核对后改为“通过”。"
        elif action is Action.SEND_BACK and verdict.passed is False and not verdict.comment.strip():
            wrong[key] = "请写明问题和要求，申报人按此修改。"
    text = " ".join(reason.split())
    try:
        if action is Action.REFUSE or text:
            label, shortest = ("不予通过的原因", 4) if action is Action.REFUSE else ("说明", 1)
            text = fields.short_text(reason, label, REASON_LENGTH, shortest)
    except InvalidInput as error:
        wrong["reason"] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    if action is Action.SEND_BACK and all(verdict.passed is not False for verdict in found.values()):
        raise Refused("没有标出有问题的项目，无需退回。请把需要修改的项目选为“有问题”并写明要求。")
    return text


def _agree(actor: Account, application: Application, agreed: Collection[str]) -> None:
    asked = agreements(application)
    missing = [agreement for agreement in asked if agreement.key not in agreed]
    if missing:
        raise FieldsRefused(
            {f"agree-{one.key}": "单位同意的，请勾选后通过；不同意的，请退回修改或不予通过。" for one in missing}
        )
    for agreement in asked:
        if agreement.key == "deferral":
            deferrals.agree(actor, application)
        else:
            application.retirement_agreed_at = now()


def _found(items: tuple[Item, ...], verdicts: Mapping[str, Verdict]) -> list[dict[str, Any]]:
    """The reviewed items as the event keeps them."""
    judged = [(item, verdicts[item.key]) for item in items if item.key in verdicts]
    return [
        {"key": item.key, "label": item.label, "passed": verdict.passed, "comment": verdict.comment.strip()}
        for item, verdict in judged
        if verdict.passed is not None
    ]
