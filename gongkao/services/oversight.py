"""Oversight (事中事后监管, notice 二（五）): the agency above looks again at what was decided, and may overturn it."""

from sqlalchemy import select

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, Result
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.rules.routing import RegionLevel
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit, reopening
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from gongkao.services.workflow import advance

REASON_LENGTH = 300
DECIDED = (Status.QUALIFIED, Status.REFUSED)
# What overturning makes of a decision, in words for the page.
LEADS_TO = {
    Status.QUALIFIED: "改为资格审查不通过",
    Status.REFUSED: "退回原环节重新审查",
}


def why_not(actor: Account, application: Application) -> str:
    """Why the actor may not overturn the decision on an application in sight; "" where nothing stands in the way.

    A city oversees its counties, the province everyone (domain rule 1). Nobody stands above the provincial centre, so
    what it decided itself is looked at there by somebody else than who decided it.
    """
    if not may(actor, Permission.OVERSEE):
        return "监督复核由市级以上工考管理机构办理。"
    if application.status not in DECIDED:
        return f"申报现为“{application.status.label}”，只有已作出合格或不通过结论的申报才能改变结论。"
    if application.agency_id == actor.agency_id:
        if actor.agency is None or actor.agency.level is not RegionLevel.PROVINCE:
            return "本机构作出的结论由上级工考管理机构监督，本机构不能自行改变。"
        if _decided_by(application) == actor.id:
            return "该结论由您本人作出，请由其他人员复核。"
    if db.session.scalar(select(Result.id).where(Result.application_id == application.id)) is not None:
        return "考核结果已经公布，不能再改变资格审查结论；发现虚假材料的，请反映虚假材料情况。"
    closed = reopening.closed_because(application, Action.OVERTURN)
    return f"改变结论后需重新审查，但{closed}可由省职业技能等级评价指导中心先为该地区延长时间。" if closed else ""


def _decided_by(application: Application) -> int | None:
    query = select(ApplicationEvent.account_id).where(ApplicationEvent.application_id == application.id)
    return db.session.scalar(query.order_by(ApplicationEvent.sequence.desc()).limit(1))


def checked_reason(reason: str) -> str:
    """The reason as it will be kept. Raises FieldsRefused for "reason"."""
    try:
        return fields.short_text(reason, "改变结论的原因", REASON_LENGTH, 4)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error


def locked(actor: Account, application_id: int) -> Application:
    """An application in the person's scope, held until the use case ends. Raises NotFound."""
    query = narrow(select(Application), Application, actor).where(Application.id == application_id)
    application = db.session.scalar(query.with_for_update(of=Application))
    if application is None:
        raise NotFound("application")
    return application


def overturn(actor: Account, application_id: int, version: int, reason: str) -> Application:
    """Overturn the decision on an application: qualified becomes refused, refused is judged anew where it ended.

    Raises NotFound outside the scope, FieldsRefused for "reason", Refused where the actor may not, Conflict where the
    application moved on meanwhile.
    """
    text = checked_reason(reason)
    with transaction():
        application = locked(actor, application_id)
        if application.version != version:
            raise Conflict(
                f"该申报刚刚被更新，现为“{application.status.label}”，您的操作没有生效。请核对最新内容后再办理。"
            )
        apply(actor, application, text)
    return application


def apply(actor: Account, application: Application, reason: str) -> None:
    """The step itself, inside the caller's use case, on a held application. Raises Refused."""
    obstacle = why_not(actor, application)
    if obstacle:
        raise Refused(obstacle)
    before = application.status
    advance(application, Action.OVERTURN, actor, reason=reason)
    audit.record(
        actor,
        "overturn_application",
        application,
        number=application.number,
        status_before=before,
        status_after=application.status,
        reason=reason,
    )
