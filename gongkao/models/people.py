"""People and the accounts they sign in with."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from flask_login import UserMixin
from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.organisations import Agency, RegionEntry, Unit
from gongkao.models.types import HASH, Choice, Identified, Model, Moment, Sealed
from gongkao.rules import fields

if TYPE_CHECKING:
    from gongkao.models.application import Application


class Role(StrEnum):
    APPLICANT = "applicant"
    UNIT_ADMINISTRATOR = "unit_administrator"
    AGENCY_OFFICER = "agency_officer"
    AGENCY_MANAGER = "agency_manager"
    INSPECTOR = "inspector"

    @property
    def label(self) -> str:
        return _ROLE_LABELS[self]


_ROLE_LABELS = {
    Role.APPLICANT: "申报人员",
    Role.UNIT_ADMINISTRATOR: "网上报名管理人员",
    Role.AGENCY_OFFICER: "工考机构经办人",
    Role.AGENCY_MANAGER: "工考机构负责人",
    Role.INSPECTOR: "巡视监督",
}


class Person(Identified, Model):
    """Someone who applies. Birth date and sex follow from the identity number."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_number: Mapped[str] = mapped_column(Sealed("person.identity_number", 18))
    identity_hash: Mapped[str] = mapped_column(String(HASH), index=True, unique=True)
    # Whoever is renamed is no longer found by the name before.
    name: Mapped[str] = mapped_column(String(30), index=True, active_history=True)
    mobile: Mapped[str] = mapped_column(Sealed("person.mobile", 20))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)

    applications: Mapped[list["Application"]] = relationship(viewonly=True)

    @property
    def birth_date(self) -> date:
        return fields.birth_date(self.identity_number)

    @property
    def sex(self) -> str:
        return fields.sex(self.identity_number)

    @property
    def masked_identity_number(self) -> str:
        return fields.mask_identity_number(self.identity_number)


_OFFICE = "agency_id IS NOT NULL OR region_code IS NOT NULL"


class Account(Model, UserMixin):
    """What someone signs in with: an applicant's person, a unit's administrator, an agency's officer, an inspector.

    `username` is what they type, for an applicant its keyed hash: they type their identity number.
    """

    __tablename__ = "account"
    # Most accounts are applicants', which belong to no office.
    __table_args__ = (
        *(
            Index(
                f"ix_account_{name}",
                name,
                sqlite_where=text(f"{name} IS NOT NULL"),
                postgresql_where=text(f"{name} IS NOT NULL"),
            )
            for name in ("unit_id", "agency_id", "region_code")
        ),
        # The few of offices, by name.
        Index("ix_account_office", "username", "id", sqlite_where=text(_OFFICE), postgresql_where=text(_OFFICE)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(HASH), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(Choice(Role), index=True)
    display_name: Mapped[str] = mapped_column(String(40))
    mobile: Mapped[str] = mapped_column(Sealed("account.mobile", 20), default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), unique=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    region_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_reason: Mapped[str] = mapped_column(String(120), default="")
    email: Mapped[str] = mapped_column(Sealed("account.email", 120), default="", server_default="")
    totp_secret: Mapped[str | None] = mapped_column(Sealed("account.totp_secret", 64))
    totp_enabled_at: Mapped[datetime | None] = mapped_column(Moment)
    totp_last_step: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    last_signed_in_at: Mapped[datetime | None] = mapped_column(Moment)

    person: Mapped[Person | None] = relationship(lazy="joined")
    unit: Mapped[Unit | None] = relationship(lazy="joined")
    agency: Mapped[Agency | None] = relationship(lazy="joined")
    region: Mapped[RegionEntry | None] = relationship()

    @property
    def sign_in_name(self) -> str:
        """What its owner types to sign in: an applicant the identity number."""
        return self.username if self.person is None else self.person.identity_number

    @property
    def is_active(self) -> bool:
        return self.ended_at is None

    @property
    def role_label(self) -> str:
        return self.role.label

    @property
    def office_name(self) -> str:
        """The office whose name stands beside what this account does."""
        if self.unit is not None:
            return self.unit.name
        if self.agency is not None:
            return self.agency.name
        if self.region is not None:
            return f"{self.region.name}巡视监督"
        return "申报人"

    @property
    def region_name(self) -> str:
        if self.unit is not None:
            return self.unit.region.full_name
        if self.agency is not None:
            return self.agency.region.full_name
        return self.region.full_name if self.region is not None else ""
