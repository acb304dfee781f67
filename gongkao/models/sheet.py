"""The administrator registration sheet (网上报名管理人员信息登记表, the notice's attachment)."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.files import StoredFile
from gongkao.models.organisations import Agency, Unit
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment, Sealed


class SheetStatus(StrEnum):
    FILLED = "filled"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    SheetStatus.FILLED: "已填写，待上传盖章扫描件",
    SheetStatus.SUBMITTED: "已提交，待工考机构审核",
    SheetStatus.ACCEPTED: "已通过，账户已发放",
    SheetStatus.REFUSED: "未通过",
}


class RegistrationSheet(Model):
    """One sheet for one unit. `token` is the secret in the link by which whoever filled it in comes back to it."""

    __tablename__ = "registration_sheet"
    __table_args__ = (
        Index("ix_registration_sheet_submitted_at", "submitted_at", "id"),
        Index("ix_registration_sheet_agency", "agency_id", "status", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    token: Mapped[str] = mapped_column(String(43), unique=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    status: Mapped[SheetStatus] = mapped_column(Choice(SheetStatus), index=True)
    unit_name: Mapped[str] = mapped_column(String(60))
    filler: Mapped[str] = mapped_column(String(30))
    filled_on: Mapped[date] = mapped_column(Date)
    name: Mapped[str] = mapped_column(String(30))
    sex: Mapped[str] = mapped_column(String(2))
    department: Mapped[str] = mapped_column(String(40))
    position: Mapped[str] = mapped_column(String(40))
    office_phone: Mapped[str] = mapped_column(Sealed("registration_sheet.office_phone", 30))
    mobile: Mapped[str] = mapped_column(Sealed("registration_sheet.mobile", 20))
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(300), default="")
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    version: Mapped[int] = mapped_column(Integer, default=1)

    unit: Mapped[Unit] = relationship()
    agency: Mapped[Agency] = relationship()
    scan: Mapped[StoredFile | None] = relationship()
    account: Mapped[Account | None] = relationship(foreign_keys=[account_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
