"""Oversight (事中事后监管): samples looked at again, cases of false materials, reports upward, filed dates."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ColumnElement, Date, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.application import Application
from gongkao.models.ban import BanEntry
from gongkao.models.files import StoredFile
from gongkao.models.organisations import Agency, RegionEntry
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment
from gongkao.rules.calendar import Window, WindowKey, window_for


class Sample(Model):
    """A random sample of decided applications. The same `seed` over the same `population` draws the same people."""

    __tablename__ = "sample"

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    title: Mapped[str] = mapped_column(String(60))
    seed: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    population: Mapped[int] = mapped_column(Integer)
    criteria: Mapped[dict[str, object]] = mapped_column(JSON)
    drawn_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    drawn_at: Mapped[datetime] = mapped_column(Moment, default=now)

    agency: Mapped[Agency] = relationship()
    drawn_by: Mapped[Account] = relationship()
    members: Mapped[list["SampleMember"]] = relationship(order_by="SampleMember.id", back_populates="sample")


class SampleMember(Model):
    """One application of a sample. `upheld` None: not looked at yet."""

    __tablename__ = "sample_member"
    __table_args__ = (UniqueConstraint("sample_id", "application_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    upheld: Mapped[bool | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    reviewed_at: Mapped[datetime | None] = mapped_column(Moment)

    sample: Mapped[Sample] = relationship(back_populates="members")
    application: Mapped[Application] = relationship()
    reviewed_by: Mapped[Account | None] = relationship()


class CaseStatus(StrEnum):
    RAISED = "raised"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    LIFTED = "lifted"

    @property
    def label(self) -> str:
        return {"raised": "待认定", "confirmed": "认定虚假", "dismissed": "不予认定", "lifted": "申诉后撤销"}[
            self.value
        ]

    @property
    def tone(self) -> str:
        return {"raised": "needs", "confirmed": "refused", "dismissed": "done", "lifted": "neutral"}[self.value]


class FalseMaterialsCase(Model):
    """A suspicion of false information or materials (notice 四（四）), the person's statement, and the decision."""

    __tablename__ = "false_materials_case"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    # The unit that the application is handed in to, none while it is taken back. Kept here so that a unit's are not
    # looked for among its applications of all years.
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    status: Mapped[CaseStatus] = mapped_column(Choice(CaseStatus), index=True)
    description: Mapped[str] = mapped_column(String(1000))
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    raised_at: Mapped[datetime] = mapped_column(Moment, default=now)
    statement: Mapped[str] = mapped_column(String(2000), default="")
    statement_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    stated_at: Mapped[datetime | None] = mapped_column(Moment)
    statement_waived: Mapped[str] = mapped_column(String(200), default="")
    decision: Mapped[str] = mapped_column(String(1000), default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    ban_id: Mapped[int | None] = mapped_column(ForeignKey("ban.id"))
    appeal: Mapped[str] = mapped_column(String(1000), default="")
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    lifted_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer, default=1)

    application: Mapped[Application] = relationship()
    agency: Mapped[Agency] = relationship()
    raised_by: Mapped[Account] = relationship(foreign_keys=[raised_by_id])
    statement_file: Mapped[StoredFile | None] = relationship()
    ban: Mapped[BanEntry | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class FilingStatus(StrEnum):
    FILED = "filed"
    RECORDED = "recorded"
    OBJECTED = "objected"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return {
            "filed": "已报备，待省中心办理",
            "recorded": "已备案",
            "objected": "省中心有异议",
            "withdrawn": "已撤回",
        }[self.value]

    @property
    def tone(self) -> str:
        return {"filed": "info", "recorded": "done", "objected": "refused", "withdrawn": "neutral"}[self.value]


IN_FORCE = (FilingStatus.FILED, FilingStatus.RECORDED)


class CalendarFiling(Model):
    """A region's own dates for one window (notice 三, last paragraph), or the centre's extension of one.

    In force from when it is filed until it is objected to or withdrawn. `grades` None holds for all grades.
    """

    __tablename__ = "calendar_filing"

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"), index=True)
    key: Mapped[WindowKey] = mapped_column(Choice(WindowKey))
    opens: Mapped[date] = mapped_column(Date)
    closes: Mapped[date] = mapped_column(Date)
    grades: Mapped[list[int] | None] = mapped_column(JSON)
    extension: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(300), default="")
    status: Mapped[FilingStatus] = mapped_column(Choice(FilingStatus), index=True)
    filed_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    filed_at: Mapped[datetime] = mapped_column(Moment, default=now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    objection: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)

    agency: Mapped[Agency] = relationship()
    region: Mapped[RegionEntry] = relationship()
    filed_by: Mapped[Account] = relationship(foreign_keys=[filed_by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @hybrid_property
    def in_force(self) -> bool:
        return self.status in IN_FORCE

    @in_force.inplace.expression
    @classmethod
    def _in_force(cls) -> ColumnElement[bool]:
        return cls.status.in_(IN_FORCE)

    def as_rule(self, province: Sequence[Window]) -> Window:
        """The window as the rules read it, with the title and clause of the province's own."""
        outer = window_for(province, self.key, grade=self.grades[0] if self.grades else None)
        return Window(
            self.key,
            outer.title if outer else "",
            self.opens,
            self.closes,
            outer.clause if outer else "三",
            self.region_code,
            frozenset(self.grades) if self.grades else None,
            self.extension,
            "省中心准予延期" if self.extension else "本地日程",
        )


class UpwardReport(Model):
    """A county's or city's report of its registration (汇总上报, notice 三（三）), frozen when sent.

    `figures` holds the numbers as sent; `sheet` the Excel file, `paper` the PDF to sign, `signed` its stamped scan.
    """

    __tablename__ = "upward_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    figures: Mapped[dict[str, object]] = mapped_column(JSON)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    paper_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    signed_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    sent_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    sent_at: Mapped[datetime] = mapped_column(Moment)
    received_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    received_at: Mapped[datetime | None] = mapped_column(Moment)
    returned_reason: Mapped[str] = mapped_column(String(300), default="")
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("upward_report.id"))
    version: Mapped[int] = mapped_column(Integer, default=1)

    agency: Mapped[Agency] = relationship()
    sheet: Mapped[StoredFile] = relationship(foreign_keys=[sheet_id])
    paper: Mapped[StoredFile] = relationship(foreign_keys=[paper_id])
    signed: Mapped[StoredFile | None] = relationship(foreign_keys=[signed_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
