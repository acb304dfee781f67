"""Regions, agencies (工考管理机构) and units, and the yearly check of the units' names."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    event,
    false,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.types import Choice, Model, Moment, by_character
from gongkao.rules.routing import Region, RegionLevel, UnitLevel


class RegionEntry(Model):
    """A province, city or county with its six-digit code. 济源示范区 is a city without counties."""

    __tablename__ = "region"

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    level: Mapped[RegionLevel] = mapped_column(Choice(RegionLevel))
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"), index=True)

    parent: Mapped["RegionEntry | None"] = relationship(remote_side=[code])

    def as_rule(self) -> Region:
        return Region(self.code, self.name, self.level, self.parent_code)

    @property
    def full_name(self) -> str:
        """City and county together, as on an envelope: 郑州市中牟县."""
        if self.level is RegionLevel.COUNTY and self.parent is not None:
            return self.parent.name + self.name
        return self.name


class Agency(Model):
    """An office that reviews: the provincial centre, a city's or a county's (notice 二（五）).

    `taken_over` tells whether a county has taken over the review of registrations (已承接), `double_entry` whether two
    people enter every mark.
    The three responsible people are those of the notice 四（一）.
    """

    __tablename__ = "agency"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(6), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    level: Mapped[RegionLevel] = mapped_column(Choice(RegionLevel))
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"), index=True)
    taken_over: Mapped[bool] = mapped_column(Boolean, default=False)
    double_entry: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    onsite_by_default: Mapped[bool] = mapped_column(Boolean, default=True)
    second_review: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(120), default="")
    first_responsible_post: Mapped[str] = mapped_column(String(60), default="")
    first_responsible_name: Mapped[str] = mapped_column(String(40), default="")
    main_responsible_post: Mapped[str] = mapped_column(String(60), default="")
    main_responsible_name: Mapped[str] = mapped_column(String(40), default="")
    direct_responsible_post: Mapped[str] = mapped_column(String(60), default="")
    direct_responsible_name: Mapped[str] = mapped_column(String(40), default="")

    region: Mapped[RegionEntry] = relationship(lazy="joined")
    parent: Mapped["Agency | None"] = relationship(remote_side=[id])


class Unit(Model):
    """A government body or public institution (机关事业单位), in a tree under supervising units (主管单位).

    `path` is the chain of ids from the top unit down to this one, "/3/17/", so that a tree is one prefix.
    `agency_id` is the agency that reviews its people now (rules.routing), kept by the service that changes units.
    """

    __tablename__ = "unit"
    __table_args__ = (Index("ix_unit_path", "path"), Index("ix_unit_agency", "agency_id", "name", "id", "active"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), index=True, active_history=True)
    credit_code: Mapped[str] = mapped_column(String(18), unique=True)
    level: Mapped[UnitLevel] = mapped_column(Choice(UnitLevel))
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), index=True)
    supervising_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    path: Mapped[str] = mapped_column(by_character(200), default="")
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), active_history=True)
    contact_phone: Mapped[str] = mapped_column(String(40), default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)

    region: Mapped[RegionEntry] = relationship()
    agency: Mapped[Agency] = relationship()
    supervising_unit: Mapped["Unit | None"] = relationship(remote_side=[id])
    checks: Mapped[list["UnitCheck"]] = relationship(viewonly=True)


class UnitCheckStatus(StrEnum):
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        return _CHECK_LABELS[self]


_CHECK_LABELS = {
    UnitCheckStatus.CONFIRMED: "已核对，待工考机构确认",
    UnitCheckStatus.CORRECTED: "已更正，待工考机构确认",
    UnitCheckStatus.ACCEPTED: "工考机构已确认",
    UnitCheckStatus.REFUSED: "工考机构已退回",
}


class UnitCheck(Model):
    """One unit's name check in one cycle (notice 三（一）). No row: not checked yet.

    `agency_id` is the unit's, so that an agency's checks are found without going through its units.
    """

    __tablename__ = "unit_check"
    __table_args__ = (
        UniqueConstraint("cycle_id", "unit_id"),
        Index("ix_unit_check_queue", "cycle_id", "checked_at", "id"),
        Index("ix_unit_check_status", "cycle_id", "status", "unit_id"),
        Index("ix_unit_check_unit", "cycle_id", "unit_id", "status"),
        Index("ix_unit_check_agency", "cycle_id", "agency_id", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    status: Mapped[UnitCheckStatus] = mapped_column(Choice(UnitCheckStatus))
    name_before: Mapped[str] = mapped_column(String(60))
    proposed_name: Mapped[str] = mapped_column(String(60))
    checked_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    checked_at: Mapped[datetime] = mapped_column(Moment)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)

    unit: Mapped[Unit] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


@event.listens_for(UnitCheck, "before_insert")
def _note_agency(_mapper: Any, connection: Connection, made: UnitCheck) -> None:
    made.agency_id = connection.execute(select(Unit.agency_id).where(Unit.id == made.unit_id)).scalar_one()


@event.listens_for(Unit, "after_update")
def _pass_on(_mapper: Any, connection: Connection, unit: Unit) -> None:
    """A unit's checks go along with it to another agency."""
    if inspect(unit).attrs.agency_id.history.has_changes():
        connection.execute(update(UnitCheck).where(UnitCheck.unit_id == unit.id).values(agency_id=unit.agency_id))
