"""Scores, and the results released from them."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.models.application import Application
from gongkao.models.organisations import Agency
from gongkao.models.types import Model, Moment


class Score(Model):
    """One person's mark in one subject; `absent` stands for 缺考 and then there is no value."""

    __tablename__ = "score"
    __table_args__ = (UniqueConstraint("application_id", "subject_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    subject_key: Mapped[str] = mapped_column(String(20))
    value: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    absent: Mapped[bool] = mapped_column(Boolean, default=False)
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    entered_at: Mapped[datetime] = mapped_column(Moment)


class Release(Model):
    """That an agency has released the results of one grade in one cycle (notice 三（六）)."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("cycle_id", "agency_id", "grade"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    grade: Mapped[int] = mapped_column(Integer)
    document_number: Mapped[str] = mapped_column(String(60), default="")
    released_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    released_at: Mapped[datetime] = mapped_column(Moment)

    agency: Mapped[Agency] = relationship()


class Result(Model):
    """One person's released result.

    `marks` freezes the scores: [{"name", "full_mark", "pass_mark", "mark", "passed"}].
    """

    __tablename__ = "result"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), index=True)
    passed: Mapped[bool] = mapped_column(Boolean, index=True)
    marks: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    verification_code: Mapped[str] = mapped_column(String(20), unique=True)

    application: Mapped[Application] = relationship()
    release: Mapped[Release] = relationship()
