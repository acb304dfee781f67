"""What happened to an application: events, not flags."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.models.application import Application
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment
from gongkao.rules.workflow import Action, Desk, Status


class ApplicationEvent(Model):
    """One step of an application's way. Rows are only ever added.

    Without an account the step was taken by the system itself, as when a deadline passed. `items` lists what the
    reviewer found, one dict an item: {"key", "label", "passed": bool, "comment": str}.
    """

    __tablename__ = "application_event"
    __table_args__ = (UniqueConstraint("application_id", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    sequence: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Moment)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    office: Mapped[str] = mapped_column(String(80))
    desk: Mapped[Desk | None] = mapped_column(Choice(Desk))
    action: Mapped[Action] = mapped_column(Choice(Action))
    status_before: Mapped[Status] = mapped_column(Choice(Status))
    status_after: Mapped[Status] = mapped_column(Choice(Status))
    reason: Mapped[str] = mapped_column(String(500), default="")
    items: Mapped[list[dict[str, object]]] = mapped_column(JSON, default=list)

    application: Mapped[Application] = relationship()
    account: Mapped[Account | None] = relationship()
