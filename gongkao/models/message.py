"""What the system tells a person or a desk, and whether it was read."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.people import Account
from gongkao.models.types import Model, Moment


class Message(Model):
    """One message to exactly one of: an account, a unit's administrators, an agency's officers.

    `about` names the thing concerned, such as "application 12"; the pages know its address. `sent_at` tells when it
    also went out by the outgoing channel.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_account", "account_id", "read_at", "id"),
        Index("ix_message_unit", "unit_id", "read_at", "id"),
        Index("ix_message_agency", "agency_id", "read_at", "id"),
        Index("ix_message_outgoing", "sent_at", "attempts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(String(500), default="")
    about: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    read_at: Mapped[datetime | None] = mapped_column(Moment)
    read_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0)

    account: Mapped[Account | None] = relationship(foreign_keys=[account_id])
