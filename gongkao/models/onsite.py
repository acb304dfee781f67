"""On-site confirmation (现场审查确认): times an agency offers, visits of units, and the originals that change hands."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, Integer, String, UniqueConstraint, and_, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship

from gongkao.clock import now
from gongkao.models.application import Application
from gongkao.models.organisations import Agency, Unit
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment, Sealed


class VisitSlot(Model):
    """A time at which an agency receives units. `capacity` counts people whose materials can be confirmed in it."""

    __tablename__ = "visit_slot"
    __table_args__ = (Index("ix_visit_slot_agency", "agency_id", "starts_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    capacity: Mapped[int] = mapped_column(Integer)
    place: Mapped[str] = mapped_column(String(120), default="")
    # How many people come at that time, where a list asks for that.
    booked: Mapped[int | None] = query_expression()

    agency: Mapped[Agency] = relationship()
    visits: Mapped[list["Visit"]] = relationship(viewonly=True)


class VisitStatus(StrEnum):
    BUNDLED = "bundled"
    BOOKED = "booked"
    RECEIVED = "received"
    RETURNED = "returned"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def tone(self) -> str:
        return _TONES[self]


_LABELS = {
    VisitStatus.BUNDLED: "已汇总，待预约",
    VisitStatus.BOOKED: "已预约",
    VisitStatus.RECEIVED: "已接收原件",
    VisitStatus.RETURNED: "原件已全部退回",
    VisitStatus.CANCELLED: "已取消",
}
_TONES = {
    VisitStatus.BUNDLED: "neutral",
    VisitStatus.BOOKED: "info",
    VisitStatus.RECEIVED: "needs",
    VisitStatus.RETURNED: "done",
    VisitStatus.CANCELLED: "neutral",
}


class Visit(Model):
    """One unit's people brought together for one confirmation (notice 二（二）: 由单位人事部门集中报)."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_agency", "agency_id", "cycle_id", "status", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    slot_id: Mapped[int | None] = mapped_column(ForeignKey("visit_slot.id"), index=True)
    status: Mapped[VisitStatus] = mapped_column(Choice(VisitStatus), index=True)
    bearer_name: Mapped[str] = mapped_column(String(30), default="")
    bearer_mobile: Mapped[str] = mapped_column(Sealed("visit.bearer_mobile", 20), default="")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    version: Mapped[int] = mapped_column(Integer, default=1)

    unit: Mapped[Unit] = relationship()
    agency: Mapped[Agency] = relationship()
    slot: Mapped[VisitSlot | None] = relationship()
    members: Mapped[list["VisitMember"]] = relationship(cascade="all, delete-orphan", back_populates="visit")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class VisitMember(Model):
    """One person of a visit; an application is in one visit at a time."""

    __tablename__ = "visit_member"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)

    visit: Mapped[Visit] = relationship(back_populates="members")
    application: Mapped[Application] = relationship()
    originals: Mapped[list["Original"]] = relationship(cascade="all, delete-orphan", back_populates="member")


_HELD = "received_at IS NOT NULL AND returned_at IS NULL"


class Original(Model):
    """One original document (原件) of one person: when it was taken in and when it was given back, and by whom."""

    __tablename__ = "original"
    __table_args__ = (
        UniqueConstraint("member_id", "label"),
        # Few of all are with an agency at a time.
        *(
            Index(name, *columns, sqlite_where=text(_HELD), postgresql_where=text(_HELD))
            for name, columns in (
                ("ix_original_held", ("agency_id", "received_at", "member_id", "id")),
                ("ix_original_held_since", ("received_at", "id")),
                ("ix_original_held_of_unit", ("unit_id", "received_at", "id")),
            )
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("visit_member.id"))
    # The unit that the person was of when it was taken in; into whichever that is merged takes it over.
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    # The visit's agency, which holds it.
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    label: Mapped[str] = mapped_column(String(60))
    pieces: Mapped[int] = mapped_column(Integer, default=1)
    received_at: Mapped[datetime | None] = mapped_column(Moment)
    received_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    returned_at: Mapped[datetime | None] = mapped_column(Moment)
    returned_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    returned_to: Mapped[str] = mapped_column(String(30), default="")

    member: Mapped[VisitMember] = relationship(back_populates="originals")
    unit: Mapped[Unit] = relationship()
    received_by: Mapped[Account | None] = relationship(foreign_keys=[received_by_id])
    returned_by: Mapped[Account | None] = relationship(foreign_keys=[returned_by_id])

    @hybrid_property
    def held(self) -> bool:
        """Whether it was taken in and has not gone back."""
        return self.received_at is not None and self.returned_at is None

    @held.inplace.expression
    @classmethod
    def _held(cls) -> ColumnElement[bool]:
        return and_(cls.received_at.is_not(None), cls.returned_at.is_(None))
