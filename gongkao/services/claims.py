"""Who is looking at an application: opening it at one's own desk keeps others from deciding on it meanwhile."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from gongkao.access.scope import at_desk, holds, narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application
from gongkao.rules.workflow import CLAIM
from gongkao.services import audit, messages
from gongkao.services.errors import NotFound, Refused
from gongkao.services.transaction import transaction


@dataclass(frozen=True)
class Claim:
    """That somebody else is reviewing an application, and since when."""

    name: str
    since: datetime

    @property
    def text(self) -> str:
        return f"{self.name}自{self.since.month}月{self.since.day}日{self.since:%H:%M}起正在审查该申报"


def lasting() -> ColumnElement[bool]:
    """The applications that somebody is reviewing now."""
    return Application.claimed_at > now() - CLAIM


def lasts(application: Application) -> bool:
    """Whether somebody is reviewing the application now (the same rule as `lasting`, on one row)."""
    return application.claimed_at is not None and application.claimed_at > now() - CLAIM


def free_for(actor: Account) -> ColumnElement[bool]:
    """The applications that nobody else is reviewing now."""
    return or_(Application.claimed_by_id.is_(None), Application.claimed_by_id == actor.id, ~lasting())


def of_another(actor: Account, application: Application) -> Claim | None:
    """Who else is reviewing the application now."""
    if not lasts(application) or application.claimed_by_id in (None, actor.id):
        return None
    assert application.claimed_by is not None and application.claimed_at is not None
    return Claim(application.claimed_by.display_name, application.claimed_at)


def claim(actor: Account, application_id: int) -> None:
    """Open an application: from now on it is the actor's, unless it is not at their desk or somebody else has it.

    The row's version stays: whoever has the form open may still decide when nobody else has.
    """
    _assign(actor.id, Application.id == application_id, at_desk(actor), free_for(actor))


def take_over(actor: Account, application_id: int) -> None:
    """Go on in somebody else's place; who had it is told. Raises NotFound, Refused where it is at no own desk."""
    with transaction() as session:
        query = narrow(select(Application), Application, actor).where(Application.id == application_id)
        application = session.scalar(query.with_for_update(of=Application))
        if application is None:
            raise NotFound("application")
        if not holds(actor, application):
            raise Refused("该申报现在不由您审查，只能查看。")
        before = of_another(actor, application)
        if before is not None:
            title = f"{actor.display_name}已接手审查：{application.person.name}"
            messages.tell(
                "application", title, "", f"application {application.id}", account_id=application.claimed_by_id
            )
            audit.record(
                actor, "take_over_review", application, number=application.number, claimed_by=application.claimed_by_id
            )
        _assign(actor.id, Application.id == application_id)
        session.expire(application)


def release(application: Application) -> None:
    """Let others have it again, inside the caller's use case; the row's version stays."""
    db.session.execute(
        update(Application)
        .where(Application.id == application.id)
        .values(claimed_by_id=None, claimed_at=None)
        .execution_options(synchronize_session=False)
    )


def require_free(actor: Account, application: Application) -> None:
    """Raises Refused, saying who and since when, where somebody else is reviewing the application now."""
    held = of_another(actor, application)
    if held is not None:
        raise Refused(f"{held.text}，您的操作没有生效。确需由您办理的，请先“接手审查”。")


def _assign(account_id: int, *where: Any) -> None:
    with transaction():
        db.session.execute(
            update(Application)
            .where(*where)
            .values(claimed_by_id=account_id, claimed_at=now())
            .execution_options(synchronize_session=False)
        )
