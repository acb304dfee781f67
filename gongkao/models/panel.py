"""Comprehensive review of grade one (综合评审): panels, who judges, by what, and their sealed sheets."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, Numeric, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.application import Application
from gongkao.models.people import Account
from gongkao.models.types import Model, Moment


class ReviewPanel(Model):
    """One panel of one agency. Once opened nothing of it changes any more."""

    __tablename__ = "review_panel"
    __table_args__ = (UniqueConstraint("cycle_id", "agency_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    made_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(Moment, default=now)
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    opened_at: Mapped[datetime | None] = mapped_column(Moment)

    assessors: Mapped[list["PanelAssessor"]] = relationship(
        order_by="PanelAssessor.position", cascade="all, delete-orphan", back_populates="panel"
    )
    criteria: Mapped[list["PanelCriterion"]] = relationship(
        order_by="PanelCriterion.position", cascade="all, delete-orphan"
    )
    candidates: Mapped[list["PanelCandidate"]] = relationship(
        order_by="PanelCandidate.id", cascade="all, delete-orphan", back_populates="panel"
    )
    opened_by: Mapped[Account | None] = relationship(foreign_keys=[opened_by_id])


class PanelAssessor(Model):
    """One assessor (评委); the first of a panel is its chair. `sealed_at` tells that the own sheet is in.

    Where an agency has double entry on, `first_…` is the sheet as one person typed it, its parts by candidate's id,
    until another has typed the same.
    """

    __tablename__ = "panel_assessor"

    id: Mapped[int] = mapped_column(primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("review_panel.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(30))
    unit_name: Mapped[str] = mapped_column(String(60))
    sealed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    sealed_at: Mapped[datetime | None] = mapped_column(Moment)
    first_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    first_at: Mapped[datetime | None] = mapped_column(Moment)
    first_sheet: Mapped[dict[str, list[str]] | None] = mapped_column(JSON(none_as_null=True))

    panel: Mapped[ReviewPanel] = relationship(back_populates="assessors")
    first_by: Mapped[Account | None] = relationship(foreign_keys=[first_by_id])

    @property
    def begun(self) -> bool:
        """Whether anything of the own sheet was entered."""
        return self.sealed_at is not None or self.first_at is not None


class PanelCriterion(Model):
    """What is judged, and the most marks it brings."""

    __tablename__ = "panel_criterion"

    id: Mapped[int] = mapped_column(primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("review_panel.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(40))
    full_mark: Mapped[Decimal] = mapped_column(Numeric(5, 1))


class PanelCandidate(Model):
    """One person a panel judges. `mean` and `spread` are there once the panel is opened."""

    __tablename__ = "panel_candidate"

    id: Mapped[int] = mapped_column(primary_key=True)
    panel_id: Mapped[int] = mapped_column(ForeignKey("review_panel.id"), index=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    absent: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    mean: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    spread: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))

    panel: Mapped[ReviewPanel] = relationship(back_populates="candidates")
    application: Mapped[Application] = relationship()


class PanelMark(Model):
    """What one assessor gave one person, `parts` by criterion in their order; sealed until the panel is opened."""

    __tablename__ = "panel_mark"
    __table_args__ = (UniqueConstraint("assessor_id", "candidate_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assessor_id: Mapped[int] = mapped_column(ForeignKey("panel_assessor.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("panel_candidate.id"), index=True)
    parts: Mapped[list[str]] = mapped_column(JSON)
    total: Mapped[Decimal] = mapped_column(Numeric(5, 1))
