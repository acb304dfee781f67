"""Reviewing one application: what the reviewer sees, and the decision (notice 二（四）（五）: 逐项审核)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from gongkao.access.permissions import Permission
from gongkao.access.scope import holds, may, narrow
from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, Material
from gongkao.rules import calendar, eligibility, fields, workflow
from gongkao.rules.application_form import Item, review_items
from gongkao.rules.errors import InvalidInput, WindowClosed
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialFacts, MaterialKind, Need, materials_for
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import application_form, audit, cycles, deferrals, timeline
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from gongkao.services.workflow import advance, window_key

COMMENT_LENGTH = 200
REASON_LENGTH = 300
DECISIONS = (Action.PASS, Action.SEND_BACK, Action.REFUSE)
_AUDIT = {
    Action.PASS: "pass_application",
    Action.SEND_BACK: "send_back_application",
    Action.REFUSE: "refuse_application",
}


# What reviewers write most, to choose from while typing.
STEP_PHRASES = ("与人事档案不符，请核对后修改。", "与上传的材料不一致，请核对后修改。", "填写不完整，请补充完整。")
MATERIAL_PHRASES = (
    "照片不清晰，请重新拍摄后上传。",
    "缺页，请补传完整。",
    "缺少单位盖章，请盖章后重新上传。",
    "与填报内容不一致，请核对后重新上传。",
    "材料已过有效期，请上传有效材料。",
)


@dataclass(frozen=True)
class Verdict:
    """What the reviewer found on one item; `passed` None: not looked at yet."""

    passed: bool | None = None
    comment: str = ""


@dataclass(frozen=True)
class Change:
    """One thing that the applicant changed when correcting."""

    key: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class CheckItem:
    """One line of the checklist with the facts and files it is judged by."""

    item: Item
    facts: list[tuple[str, str]]
    files: list[Material]
    last_comment: str = ""
    changes: list[Change] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def label(self) -> str:
        return self.item.label

    @property
    def missing(self) -> bool:
        """A material of the list of which no file was uploaded."""
        return self.item.material is not None and not self.files


@dataclass(frozen=True)
class Agreement:
    """Something that the unit has to agree to in so many words before it passes the application."""

    key: str
    title: str
    text: str
    agreed_at: datetime | None


@dataclass(frozen=True)
class Condition:
    """How one condition of eligibility came out at submission, with the parts of a group."""

    text: str
    result: eligibility.Result
    source: str
    parts: list["Condition"]


@dataclass(frozen=True)
class ReviewPage:
    """All that the page of one application shows. `desk` is set where the account itself may decide now."""

    application: Application
    items: list[CheckItem]
    eligibility: eligibility.Verdict | None
    conditions: list[Condition]
    agreements: list[Agreement]
    changes: list[Change]
    entries: list[dict[str, Any]]
    next_step: str
    desk: Desk | None
    closed: str
    days_left: int | None
    onsite_default: bool

    @property
    def grade_label(self) -> str:
        return Grade(self.application.grade).label if self.application.grade else ""

    @property
    def first_file(self) -> Material | None:
        """What the viewer shows at first."""
        return next((one for row in self.items for one in row.files), None)


def find(actor: Account, application_id: int) -> Application:
    """An application in the person's scope. Raises NotFound."""
    application = db.session.scalar(_visible(actor, application_id))
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
    facts = MaterialFacts(application.grade, bool(application.has_certificate), application.trade_changed)
    uploaded = {material.kind for material in application.materials}
    rules = materials_for(facts)
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


def page(actor: Account, application_id: int) -> ReviewPage:
    """The application as the reviewer's page shows it. Raises NotFound outside the person's scope."""
    application = find(actor, application_id)
    events = timeline.events(application)
    changes = _last_changes(events)
    comments = _last_comments(events)
    mine = may(actor, Permission.REVIEW) and holds(actor, application)
    desk = workflow.desk_of(application.status) if mine else None
    window = timeline.deadline(application)
    facts = _facts(application, whole=mine)
    judged = application.evaluation or {}
    return ReviewPage(
        application=application,
        items=[
            CheckItem(
                item=item,
                facts=facts.get(item.key, []) if item.material is None else [],
                files=[one for one in application.materials if item.material and one.kind is item.material],
                last_comment=comments.get(item.key, ""),
                changes=[change for change in changes if change.key == item.key],
            )
            for item in checklist(application)
        ],
        eligibility=eligibility.Verdict(str(judged["verdict"])) if judged else None,
        conditions=_conditions(judged),
        agreements=agreements(application),
        changes=changes,
        entries=[timeline.entry(event) for event in events],
        next_step=timeline.next_step(application),
        desk=desk,
        closed=_closed(application, desk),
        days_left=calendar.days_left(window, today()) if window is not None else None,
        onsite_default=application.agency.onsite_by_default if application.agency is not None else True,
    )


def _facts(application: Application, *, whole: bool) -> dict[str, list[tuple[str, str]]]:
    """What the form says, by item; the numbers whole only for whoever has to compare them with the originals."""
    person = application.person
    unmasked = {"身份证号": person.identity_number, "手机号码": person.mobile} if whole else {}
    found: dict[str, list[tuple[str, str]]] = {}
    for line in application_form.lines(application):
        found.setdefault(line.key, []).append((line.label, unmasked.get(line.label, line.text)))
    return found


def _conditions(judged: Mapping[str, Any]) -> list[Condition]:
    """What was judged at submission (rules.eligibility), what everybody needs first, then the ways in."""

    def condition(data: Mapping[str, Any]) -> Condition:
        result = eligibility.Result(data["result"])
        # The sentences were written to the applicant.
        text = str(data["text"]).replace("您", "").removesuffix(f"：{result.label}")
        return Condition(text, result, str(data["source"]), [condition(part) for part in data.get("parts", [])])

    return [condition(data) for data in (*judged.get("common", []), *judged.get("ways", []))]


def _closed(application: Application, desk: Desk | None) -> str:
    """Why nothing can be decided today; empty while the desk's window is open."""
    if desk is None or application.unit is None:
        return ""
    try:
        cycles.require_open(window_key(application, Action.PASS), application.unit, application.grade)
    except WindowClosed as error:
        return error.message
    return ""


def _last_changes(events: list[ApplicationEvent]) -> list[Change]:
    """What the newest correction changed; nothing once a desk has decided on it."""
    for event in reversed(events):
        if event.action is Action.RESUBMIT:
            return [
                Change(*(str(item.get(name) or "") for name in ("key", "label", "before", "after")))
                for item in event.items
            ]
    return []


def _last_comments(events: list[ApplicationEvent]) -> dict[str, str]:
    """By item: what the newest send-back asked for."""
    for event in reversed(events):
        if event.action is Action.SEND_BACK:
            return {str(item.get("key")): str(item.get("comment")) for item in event.items if item.get("comment")}
    return {}


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
    Raises NotFound outside the scope, Refused where somebody else holds it, Conflict where it moved on meanwhile,
    WindowClosed outside the desk's window, FieldsRefused by item key
    (and "reason", "agree-" and the key of an agreement).
    """
    with transaction() as session:
        application = session.scalar(_visible(actor, application_id).with_for_update(of=Application))
        if application is None:
            raise NotFound("application")
        if application.version != version:
            raise Conflict(_moved_on(application))
        if not (may(actor, Permission.REVIEW) and holds(actor, application)):
            raise Refused(f"您现在不能办理该申报，只能查看。{timeline.next_step(application)}")
        if action not in DECISIONS:
            raise Refused("请选择“通过”“退回修改”或“不予通过”。")
        action = Action(action)
        status = application.status
        items = checklist(application)
        text = _check(action, items, verdicts, reason)
        if status is Status.UNIT_REVIEW and action is Action.PASS:
            _agree(actor, application, agreed)
        calls_for = None
        if status is Status.AGENCY_REVIEW and action is Action.PASS:
            calls_for = application.agency.onsite_by_default if onsite is None else onsite
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
    return application


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
