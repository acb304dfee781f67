"""Making up a missing yearly assessment later (容缺后补, notice 二（四）)."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.models.application import Application
from gongkao.models.types import Choice, Model, Moment


class DeferralStatus(StrEnum):
    PLEDGED = "pledged"
    AGREED = "agreed"
    MADE_UP = "made_up"
    ACCEPTED = "accepted"
    FAILED = "failed"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def tone(self) -> str:
        return _TONES[self]

    @property
    def open(self) -> bool:
        """Whether it is not decided yet."""
        return self not in (DeferralStatus.ACCEPTED, DeferralStatus.FAILED)


_LABELS = {
    DeferralStatus.PLEDGED: "已承诺，待单位同意",
    DeferralStatus.AGREED: "单位已同意，待补交",
    DeferralStatus.MADE_UP: "已补交，待审核",
    DeferralStatus.ACCEPTED: "补交材料已通过",
    DeferralStatus.FAILED: "未按要求补交",
}
_TONES = {
    DeferralStatus.PLEDGED: "info",
    DeferralStatus.AGREED: "needs",
    DeferralStatus.MADE_UP: "info",
    DeferralStatus.ACCEPTED: "done",
    DeferralStatus.FAILED: "refused",
}


def _from_application(column: Any) -> Callable[[DefaultExecutionContext], Any]:
    def value(context: DefaultExecutionContext) -> Any:
        number = context.get_current_parameters()["application_id"]
        return context.connection.scalars(select(column).where(Application.id == number)).one()

    return value


class Deferral(Model):
    """One application's deferral. `years` are the yearly assessments that are still to be filed."""

    __tablename__ = "deferral"
    __table_args__ = (
        Index("ix_deferral_queue", "cycle_id", "status", "id"),
        Index("ix_deferral_agency", "agency_id", "cycle_id", "status", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # The application's cycle, kept here so that a cycle's deferrals are listed from their own index.
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), default=_from_application(Application.cycle_id))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    # The application's agency, which decides; none while nothing is handed in. Kept here so that an agency's are listed
    # from their own index.
    agency_id: Mapped[int | None] = mapped_column(
        ForeignKey("agency.id"), default=_from_application(Application.agency_id)
    )
    status: Mapped[DeferralStatus] = mapped_column(Choice(DeferralStatus), index=True)
    years: Mapped[list[int]] = mapped_column(JSON)
    pledged_at: Mapped[datetime] = mapped_column(Moment)
    agreed_at: Mapped[datetime | None] = mapped_column(Moment)
    agreed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    made_up_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str] = mapped_column(String(300), default="")
    reminded_days: Mapped[int | None] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(Integer, default=1)

    application: Mapped[Application] = relationship(back_populates="deferral")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
