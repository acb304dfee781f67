"""An application (申报) and what it is made of."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    event,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.cycle import ConditionSet, Cycle, Trade
from gongkao.models.files import StoredFile
from gongkao.models.organisations import Agency, Unit
from gongkao.models.people import Account, Person
from gongkao.models.types import Choice, Model, Moment
from gongkao.rules.materials import MaterialKind
from gongkao.rules.workflow import Desk, Status
from gongkao.sealing import TAIL

if TYPE_CHECKING:
    from gongkao.models.archive import ArchiveRecord
    from gongkao.models.deferral import Deferral
    from gongkao.models.desk import ReviewNote
    from gongkao.models.exam import Seat, SpecialNeed, TrainingMember
    from gongkao.models.result import Score


class Application(Model):
    """One person's application in one cycle.

    `status`, `returned_to`, `onsite` and `desk_since` are assigned by services.workflow alone. `supervising_unit_id`
    and `agency_id` are the route fixed at submission: who reviews after the unit, and which agency decides.
    `person_name` and `identity_tail` are the person's, kept here so that a queue is searched in its index alone.
    `condition_set` and `evaluation` are the conditions it was judged by at submission and what came out.
    """

    __tablename__ = "application"
    __table_args__ = (
        UniqueConstraint("cycle_id", "person_id"),
        # A unit's of all years lie together: PostgreSQL does not pass over an index's first column.
        Index("ix_application_unit_queue", "unit_id", "cycle_id", "status", "desk_since", "submitted_at"),
        Index("ix_application_supervising_queue", "supervising_unit_id", "cycle_id", "status", "desk_since"),
        Index("ix_application_number", "cycle_id", "number"),
        Index("ix_application_tail", "cycle_id", "identity_tail"),
        # Everybody's, the newest first, with what lists and dashboards count by and what everybody is searched by.
        Index(
            "ix_application_submitted",
            *("cycle_id", "submitted_at", "status", "grade", "agency_id", "trade_id", "desk_since", "unit_id"),
            *("supervising_unit_id", "person_id", "person_name", "identity_tail", "number", "id"),
        ),
        Index("ix_application_status", "cycle_id", "status", "submitted_at", "grade", "agency_id", "id"),
        Index("ix_application_agency_submitted", "cycle_id", "agency_id", "submitted_at", "status", "grade"),
        # With what an agency's queue is filtered and searched by, so that its rows are read only to be shown.
        Index(
            "ix_application_agency_queue",
            *("cycle_id", "agency_id", "status", "desk_since", "unit_id", "trade_id", "grade", "person_id"),
            *("person_name", "identity_tail", "number", "id", "submitted_at"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(String(20), unique=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person_name: Mapped[str] = mapped_column(String(30), default="", server_default="")
    identity_tail: Mapped[str] = mapped_column(String(TAIL), default="", server_default="")
    status: Mapped[Status] = mapped_column(Choice(Status), default=Status.DRAFT)
    returned_to: Mapped[Desk | None] = mapped_column(Choice(Desk))
    onsite: Mapped[bool | None] = mapped_column(Boolean)
    desk_since: Mapped[datetime | None] = mapped_column(Moment)
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now)
    version: Mapped[int] = mapped_column(Integer, default=1)

    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    supervising_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    trade_id: Mapped[int | None] = mapped_column(ForeignKey("trade.id"))
    grade: Mapped[int | None] = mapped_column(Integer)

    education: Mapped[str | None] = mapped_column(String(20))
    department: Mapped[str | None] = mapped_column(String(40))
    post: Mapped[str | None] = mapped_column(String(40))
    staff_kind: Mapped[str | None] = mapped_column(String(10))
    work_started_on: Mapped[date | None] = mapped_column(Date)
    post_started_on: Mapped[date | None] = mapped_column(Date)
    trade_changed: Mapped[bool] = mapped_column(Boolean, default=False)
    trade_change_reason: Mapped[str | None] = mapped_column(String(300))
    grade_one_confirmed: Mapped[bool] = mapped_column(Boolean, default=False)
    has_certificate: Mapped[bool | None] = mapped_column(Boolean)
    certificate_grade: Mapped[int | None] = mapped_column(Integer)
    certificate_trade: Mapped[str | None] = mapped_column(String(40))
    certificate_number: Mapped[str | None] = mapped_column(String(40))
    certificate_issued_on: Mapped[date | None] = mapped_column(Date)
    certificate_issuer: Mapped[str | None] = mapped_column(String(60))
    pledged_at: Mapped[datetime | None] = mapped_column(Moment)
    post_kind: Mapped[str | None] = mapped_column(String(20))
    retirement_acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)
    retirement_agreed_at: Mapped[datetime | None] = mapped_column(Moment)
    awards_since: Mapped[int | None] = mapped_column(Integer)
    achievements_since: Mapped[int | None] = mapped_column(Integer)
    condition_set_id: Mapped[int | None] = mapped_column(ForeignKey("condition_set.id"))
    evaluation: Mapped[dict[str, object] | None] = mapped_column(JSON)
    claimed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    first_reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    first_reviewed_at: Mapped[datetime | None] = mapped_column(Moment)

    cycle: Mapped[Cycle] = relationship()
    person: Mapped[Person] = relationship()
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id])
    supervising_unit: Mapped[Unit | None] = relationship(foreign_keys=[supervising_unit_id])
    agency: Mapped[Agency | None] = relationship()
    trade: Mapped[Trade | None] = relationship()
    claimed_by: Mapped[Account | None] = relationship(foreign_keys=[claimed_by_id])
    first_reviewed_by: Mapped[Account | None] = relationship(foreign_keys=[first_reviewed_by_id])
    work_periods: Mapped[list["WorkPeriod"]] = relationship(
        order_by="WorkPeriod.started_on", cascade="all, delete-orphan"
    )
    assessments: Mapped[list["YearlyAssessment"]] = relationship(
        order_by="YearlyAssessment.year.desc()", cascade="all, delete-orphan"
    )
    materials: Mapped[list["Material"]] = relationship(
        order_by="Material.id", cascade="all, delete-orphan", back_populates="application"
    )
    scores: Mapped[list["Score"]] = relationship(viewonly=True)
    notes: Mapped[list["ReviewNote"]] = relationship(viewonly=True)
    deferral: Mapped["Deferral | None"] = relationship(back_populates="application", uselist=False)
    condition_set: Mapped[ConditionSet | None] = relationship()
    sealed_records: Mapped[list["ArchiveRecord"]] = relationship(order_by="ArchiveRecord.edition", viewonly=True)
    training: Mapped["TrainingMember | None"] = relationship(viewonly=True, uselist=False)
    special_need: Mapped["SpecialNeed | None"] = relationship(viewonly=True, uselist=False)
    seat: Mapped["Seat | None"] = relationship(viewonly=True, uselist=False)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


@event.listens_for(Application, "before_insert")
def _note_person(_mapper: Any, connection: Connection, made: Application) -> None:
    """Take over what the queue is searched by from the person."""
    found = connection.execute(select(Person.name, Person.identity_tail).where(Person.id == made.person_id)).one()
    made.person_name, made.identity_tail = found


@event.listens_for(Person, "after_update")
def _pass_on(_mapper: Any, connection: Connection, person: Person) -> None:
    """Whoever is renamed is found by the new name."""
    changed = inspect(person).attrs
    if changed.name.history.has_changes() or changed.identity_tail.history.has_changes():
        new = {"person_name": person.name, "identity_tail": person.identity_tail}
        connection.execute(update(Application).where(Application.person_id == person.id).values(new))


class WorkPeriod(Model):
    __tablename__ = "work_period"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    started_on: Mapped[date] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date)
    unit_name: Mapped[str] = mapped_column(String(60))
    post: Mapped[str] = mapped_column(String(40))
    trade_name: Mapped[str] = mapped_column(String(40))


class YearlyAssessment(Model):
    __tablename__ = "yearly_assessment"
    __table_args__ = (UniqueConstraint("application_id", "year"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    year: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(String(10))


class Material(Model):
    """One uploaded file of one kind (申报材料)."""

    __tablename__ = "material"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    kind: Mapped[MaterialKind] = mapped_column(Choice(MaterialKind))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)

    application: Mapped[Application] = relationship(back_populates="materials")
    file: Mapped[StoredFile] = relationship(lazy="joined")
