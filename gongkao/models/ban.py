"""Bans for false materials (notice 四（四）): by identity number, across units and cities."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from gongkao.models.types import Identified, Model, Moment, Sealed


class BanEntry(Identified, Model):
    """Nobody with this identity number may apply from `begins_on` to `ends_on`, unless it was lifted."""

    __tablename__ = "ban"

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_number: Mapped[str] = mapped_column(Sealed("ban.identity_number", 18))
    name: Mapped[str] = mapped_column(String(30))
    begins_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(500))
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"), index=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    decided_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime] = mapped_column(Moment)
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    lifted_at: Mapped[datetime | None] = mapped_column(Moment)
    lifted_reason: Mapped[str] = mapped_column(String(300), default="")
