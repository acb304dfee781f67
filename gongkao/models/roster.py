"""The basic facts a unit knows of its people, to prefill their applications."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.organisations import Unit
from gongkao.models.people import Person
from gongkao.models.types import Identified, Model, Moment, Sealed


class RosterEntry(Identified, Model):
    """One person of a unit's list in one cycle. What is empty is not prefilled."""

    __tablename__ = "roster_entry"
    __table_args__ = (Index("uq_roster_entry_cycle_id_identity_hash", "cycle_id", "identity_hash", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    identity_number: Mapped[str] = mapped_column(Sealed("roster_entry.identity_number", 18))
    name: Mapped[str] = mapped_column(String(30))
    mobile: Mapped[str] = mapped_column(Sealed("roster_entry.mobile", 20), default="")
    education: Mapped[str] = mapped_column(String(20), default="")
    department: Mapped[str] = mapped_column(String(40), default="")
    post: Mapped[str] = mapped_column(String(40), default="")
    post_kind: Mapped[str] = mapped_column(String(20), default="")
    staff_kind: Mapped[str] = mapped_column(String(10), default="")
    work_started_on: Mapped[date | None] = mapped_column(Date)
    post_started_on: Mapped[date | None] = mapped_column(Date)
    certificate_grade: Mapped[int | None] = mapped_column(Integer)
    certificate_trade: Mapped[str] = mapped_column(String(40), default="")
    certificate_number: Mapped[str] = mapped_column(String(40), default="")
    certificate_issued_on: Mapped[date | None] = mapped_column(Date)
    imported_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    imported_at: Mapped[datetime] = mapped_column(Moment, default=now)

    unit: Mapped[Unit] = relationship()
    person: Mapped[Person | None] = relationship(
        primaryjoin="foreign(RosterEntry.identity_hash) == Person.identity_hash", viewonly=True
    )
