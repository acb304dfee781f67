"""Asking for a new password through the unit's or the agency's desk."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.organisations import Agency, Unit
from gongkao.models.people import Account
from gongkao.models.types import Choice, Identified, Model, Moment, Sealed


class HelpStatus(StrEnum):
    WAITING = "waiting"
    ISSUED = "issued"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        return {"waiting": "待核实办理", "issued": "已发放新密码", "refused": "未予办理"}[self.value]

    @property
    def tone(self) -> str:
        return {"waiting": "needs", "issued": "done", "refused": "refused"}[self.value]


class PasswordHelp(Identified, Model):
    """One request. `account_id` is empty where nobody is registered under the number: the desk then learns that.

    `checks` holds what the officer checked before issuing, as the words of the form.
    """

    __tablename__ = "password_help"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(30))
    identity_number: Mapped[str] = mapped_column(Sealed("password_help.identity_number", 18))
    mobile: Mapped[str] = mapped_column(Sealed("password_help.mobile", 20))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    status: Mapped[HelpStatus] = mapped_column(Choice(HelpStatus), index=True)
    checks: Mapped[list[str]] = mapped_column(JSON, default=list)
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer, default=1)

    account: Mapped[Account | None] = relationship(foreign_keys=[account_id])
    unit: Mapped[Unit] = relationship()
    agency: Mapped[Agency] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
