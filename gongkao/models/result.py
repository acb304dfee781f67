"""Scores, and the results released from them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, Numeric, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.application import Application
from gongkao.models.organisations import Agency
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment


class Score(Model):
    """One person's mark in one subject. 缺考 (`absent`) and 违纪 (`breach`, told in `note`) have no value."""

    __tablename__ = "score"
    __table_args__ = (UniqueConstraint("application_id", "subject_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    subject_key: Mapped[str] = mapped_column(String(20))
    value: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    absent: Mapped[bool] = mapped_column(Boolean, default=False)
    breach: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    entered_at: Mapped[datetime] = mapped_column(Moment)


class ScoreEntry(Model):
    """What one person typed of a mark where two people enter each: it counts once a second one has typed the same."""

    __tablename__ = "score_entry"
    __table_args__ = (UniqueConstraint("application_id", "subject_key", "entered_by_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    subject_key: Mapped[str] = mapped_column(String(20))
    value: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    absent: Mapped[bool] = mapped_column(Boolean, default=False)
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    entered_at: Mapped[datetime] = mapped_column(Moment, default=now)

    application: Mapped[Application] = relationship()
    entered_by: Mapped[Account] = relationship()


class ScoreMapping(Model):
    """Which heading of the testing system's tables stands for what, as an agency chose it last: {field: heading}."""

    __tablename__ = "score_mapping"

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True, autoincrement=False)
    headings: Mapped[dict[str, str]] = mapped_column(JSON)


class ScoreImport(Model):
    """One imported table. `changes` holds each changed mark before and after, so that the import can be undone.

    [{"application", "subject", "before": mark | None, "after": mark}], a mark being {"value", "absent", "breach",
    "note"}.
    """

    __tablename__ = "score_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    grade: Mapped[int] = mapped_column(Integer)
    filename: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64))
    people: Mapped[int] = mapped_column(Integer)
    changes: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    imported_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    imported_at: Mapped[datetime] = mapped_column(Moment, default=now)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    undone_at: Mapped[datetime | None] = mapped_column(Moment)

    imported_by: Mapped[Account] = relationship(foreign_keys=[imported_by_id])
    undone_by: Mapped[Account | None] = relationship(foreign_keys=[undone_by_id])


class GradeRule(Model):
    """How a grade's marks make a pass in one cycle; a grade without a row asks for every subject's pass mark."""

    __tablename__ = "grade_rule"
    __table_args__ = (UniqueConstraint("cycle_id", "grade"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    grade: Mapped[int] = mapped_column(Integer)
    each_subject: Mapped[bool] = mapped_column(Boolean, default=True)
    total_line: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))


class ProposalState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    RETURNED = "returned"


class ReleaseProposal(Model):
    """That somebody has checked a grade's scores and proposes to release them; somebody else confirms or returns it.

    While it is open the scores stand still. A grade of an agency has at most one open proposal.
    """

    __tablename__ = "release_proposal"
    __table_args__ = (
        Index(
            "uq_release_proposal_open",
            "cycle_id",
            "agency_id",
            "grade",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_release_proposal_agency", "cycle_id", "agency_id", "state", "grade"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    grade: Mapped[int] = mapped_column(Integer)
    document_number: Mapped[str] = mapped_column(String(60))
    state: Mapped[ProposalState] = mapped_column(Choice(ProposalState), default=ProposalState.OPEN)
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    proposed_at: Mapped[datetime] = mapped_column(Moment, default=now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(300), default="")

    proposed_by: Mapped[Account] = relationship(foreign_keys=[proposed_by_id])
    decided_by: Mapped[Account | None] = relationship(foreign_keys=[decided_by_id])


class Release(Model):
    """That an agency has released the results of one grade in one cycle (notice 三（六）)."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("cycle_id", "agency_id", "grade"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    grade: Mapped[int] = mapped_column(Integer)
    document_number: Mapped[str] = mapped_column(String(60), default="")
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    released_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    released_at: Mapped[datetime] = mapped_column(Moment)

    agency: Mapped[Agency] = relationship()


class Result(Model):
    """One person's released result.

    `marks` freezes the scores: [{"name", "full_mark", "pass_mark", "mark", "passed"}]. `version` counts corrections
    after a recheck; what stood before is kept in ResultVersion.
    """

    __tablename__ = "result"
    __table_args__ = (
        Index("ix_result_release", "release_id", "passed", "application_id"),
        Index("ix_result_reviewing_agency", "reviewing_agency_id", "number", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    # The application's agency, which sees its results: kept here so that its list is read in the order of an index.
    reviewing_agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    passed: Mapped[bool] = mapped_column(Boolean)
    marks: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    verification_code: Mapped[str] = mapped_column(String(20), unique=True)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    corrected_at: Mapped[datetime | None] = mapped_column(Moment)

    application: Mapped[Application] = relationship()
    release: Mapped[Release] = relationship()


class RecheckState(StrEnum):
    ASKED = "asked"
    UNCHANGED = "unchanged"
    CORRECTED = "corrected"

    @property
    def label(self) -> str:
        return {"asked": "待复核", "unchanged": "成绩无误", "corrected": "成绩已更正"}[self.value]

    @property
    def tone(self) -> str:
        return {"asked": "needs", "unchanged": "neutral", "corrected": "done"}[self.value]


class Recheck(Model):
    """An applicant's request to have the own marks checked again (成绩复核); once for each result."""

    __tablename__ = "recheck"
    __table_args__ = (Index("ix_recheck_agency", "cycle_id", "agency_id", "state", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), unique=True)
    # Those of the release, by which the agency's list is found.
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    reason: Mapped[str] = mapped_column(String(300))
    state: Mapped[RecheckState] = mapped_column(Choice(RecheckState), default=RecheckState.ASKED)
    asked_at: Mapped[datetime] = mapped_column(Moment, default=now)
    answer: Mapped[str] = mapped_column(String(300), default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    answered_at: Mapped[datetime | None] = mapped_column(Moment)

    result: Mapped[Result] = relationship()
    answered_by: Mapped[Account | None] = relationship()


class ResultVersion(Model):
    """A result as it stood before a correction; its notice is no longer valid. Rows are only ever added."""

    __tablename__ = "result_version"
    __table_args__ = (UniqueConstraint("result_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"))
    recheck_id: Mapped[int] = mapped_column(ForeignKey("recheck.id"))
    version: Mapped[int] = mapped_column(Integer)
    passed: Mapped[bool] = mapped_column(Boolean)
    marks: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    verification_code: Mapped[str] = mapped_column(String(20), unique=True)
    replaced_at: Mapped[datetime] = mapped_column(Moment, default=now)

    result: Mapped[Result] = relationship()
