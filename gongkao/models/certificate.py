"""Certificates (等级证书): numbered without gaps, re-issued and revoked on record."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.models.application import Application
from gongkao.models.organisations import Agency
from gongkao.models.people import Account
from gongkao.models.result import Result
from gongkao.models.types import Choice, Model, Moment


class CertificateState(StrEnum):
    VALID = "valid"
    REISSUED = "reissued"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        return {"valid": "有效", "reissued": "已换发，本证作废", "revoked": "已撤销"}[self.value]

    @property
    def tone(self) -> str:
        return {"valid": "done", "reissued": "neutral", "revoked": "refused"}[self.value]


class CertificateCounter(Model):
    """The last number given by one agency in one cycle; the row is locked while a number is taken."""

    __tablename__ = "certificate_counter"
    __table_args__ = (UniqueConstraint("cycle_id", "agency_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    last: Mapped[int] = mapped_column(Integer, default=0)


class Certificate(Model):
    """One certificate. An application has at most one that is valid.

    `content` freezes what stands on it: {"name", "unit", "trade", "grade"}.
    `ended_…` tell of re-issue or revocation, `handed_…` of handing it out.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("cycle_id", "agency_id", "serial"),
        Index(
            "uq_certificate_valid",
            "application_id",
            unique=True,
            sqlite_where=text("state = 'valid'"),
            postgresql_where=text("state = 'valid'"),
        ),
        Index("ix_certificate_application_id", "application_id"),
        Index("ix_certificate_number", "cycle_id", "number"),
        Index("ix_certificate_state", "cycle_id", "state", "reviewing_agency_id"),
        Index("ix_certificate_reviewing_agency", "cycle_id", "reviewing_agency_id", "number", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    # The application's agency, which sees its certificates, as that of a result.
    reviewing_agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"))
    serial: Mapped[int] = mapped_column(Integer)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    verification_code: Mapped[str] = mapped_column(String(20), unique=True)
    content: Mapped[dict[str, str]] = mapped_column(JSON)
    issued_on: Mapped[date] = mapped_column(Date)
    issued_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"))
    state: Mapped[CertificateState] = mapped_column(Choice(CertificateState), default=CertificateState.VALID)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    ended_reason: Mapped[str] = mapped_column(String(300), default="")
    handed_at: Mapped[datetime | None] = mapped_column(Moment)
    handed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    handed_to: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)

    agency: Mapped[Agency] = relationship(foreign_keys=[agency_id])
    application: Mapped[Application] = relationship()
    result: Mapped[Result] = relationship()
    replaces: Mapped["Certificate | None"] = relationship(remote_side=[id])
    issued_by: Mapped[Account] = relationship(foreign_keys=[issued_by_id])
    handed_by: Mapped[Account | None] = relationship(foreign_keys=[handed_by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
