"""Training (培训) and the tests: sites (考点), rooms (考场), sittings (场次) and who sits where (编排)."""

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    case,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship

from gongkao.clock import now
from gongkao.models.application import Application
from gongkao.models.cycle import Trade
from gongkao.models.files import StoredFile
from gongkao.models.organisations import Agency
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment
from gongkao.rules import seating
from gongkao.rules.seating import ExamKind


class TrainingClass(Model):
    """A class of one trade and grade (notice 三（四）)."""

    __tablename__ = "training_class"
    __table_args__ = (
        Index("ix_training_class_agency", "agency_id", "cycle_id"),
        Index("ix_training_class_starts_on", "cycle_id", "starts_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    name: Mapped[str] = mapped_column(String(60))
    trade_id: Mapped[int] = mapped_column(ForeignKey("trade.id"))
    grade: Mapped[int] = mapped_column(Integer)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    place: Mapped[str] = mapped_column(String(120))
    hours: Mapped[int] = mapped_column(Integer)
    capacity: Mapped[int] = mapped_column(Integer)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    version: Mapped[int] = mapped_column(Integer, default=1)

    # How many people are in it, and how many have completed it, where a list asks for that.
    enrolled: Mapped[int | None] = query_expression()
    graduated: Mapped[int | None] = query_expression()

    agency: Mapped[Agency] = relationship()
    trade: Mapped[Trade] = relationship()
    members: Mapped[list["TrainingMember"]] = relationship(viewonly=True)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class TrainingMember(Model):
    """One person of a class. `hours` None: attendance not recorded yet; `completed` None: not decided yet."""

    __tablename__ = "training_member"

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("training_class.id"), index=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    hours: Mapped[int | None] = mapped_column(Integer)
    completed: Mapped[bool | None] = mapped_column(Boolean)
    remark: Mapped[str] = mapped_column(String(60), default="")
    enrolled_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    enrolled_at: Mapped[datetime] = mapped_column(Moment, default=now)
    recorded_at: Mapped[datetime | None] = mapped_column(Moment)

    training: Mapped[TrainingClass] = relationship()
    application: Mapped[Application] = relationship()


class ExamSite(Model):
    """A site with its checklist of safety (notice 四（三）). None in the checklist: not checked yet."""

    __tablename__ = "exam_site"
    __table_args__ = (UniqueConstraint("cycle_id", "agency_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(120))
    contact_name: Mapped[str] = mapped_column(String(30))
    contact_phone: Mapped[str] = mapped_column(String(40))
    power_ready: Mapped[bool | None] = mapped_column(Boolean)
    power_note: Mapped[str] = mapped_column(String(200), default="")
    recording_ready: Mapped[bool | None] = mapped_column(Boolean)
    recording_note: Mapped[str] = mapped_column(String(200), default="")
    rooms_standard: Mapped[bool | None] = mapped_column(Boolean)
    rooms_note: Mapped[str] = mapped_column(String(200), default="")
    recordings_kept_at: Mapped[str] = mapped_column(String(120), default="")
    recordings_holder: Mapped[str] = mapped_column(String(60), default="")
    plan_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    checked_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer, default=1)
    # Its rooms and their seats at computers and at desks, where a list asks for that.
    room_count: Mapped[int | None] = query_expression()
    computer_seats: Mapped[int | None] = query_expression()
    desk_seats: Mapped[int | None] = query_expression()

    agency: Mapped[Agency] = relationship()
    plan_file: Mapped[StoredFile | None] = relationship()
    checked_by: Mapped[Account | None] = relationship()
    rooms: Mapped[list["ExamRoom"]] = relationship(order_by="ExamRoom.number", viewonly=True)
    incidents: Mapped[list["SiteIncident"]] = relationship(order_by="SiteIncident.happened_at.desc()", viewonly=True)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def open_points(self) -> list[str]:
        """What of the checklist is not in order."""
        points = {
            "电力保障": self.power_ready,
            "全程监控录像": self.recording_ready,
            "标准化考场": self.rooms_standard,
            "应急预案": self.plan_file_id is not None,
            "录像保存地点和保管人": bool(self.recordings_kept_at and self.recordings_holder),
        }
        return [name for name, fine in points.items() if not fine]


class SiteIncident(Model):
    """Something that happened at a site and what was done. Entries are only ever added."""

    __tablename__ = "site_incident"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("exam_site.id"), index=True)
    happened_at: Mapped[datetime] = mapped_column(Moment)
    what: Mapped[str] = mapped_column(Text)
    measures: Mapped[str] = mapped_column(Text)
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now)

    recorded_by: Mapped[Account] = relationship()


class ExamRoom(Model):
    """A room of a site; `computers` are those that work, 0 in a room for tests on paper."""

    __tablename__ = "exam_room"
    __table_args__ = (UniqueConstraint("site_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("exam_site.id"))
    number: Mapped[int] = mapped_column(Integer)
    location: Mapped[str] = mapped_column(String(60), default="")
    rows: Mapped[int] = mapped_column(Integer)
    columns: Mapped[int] = mapped_column(Integer)
    computers: Mapped[int] = mapped_column(Integer, default=0)
    accessible: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())

    site: Mapped[ExamSite] = relationship()

    @property
    def label(self) -> str:
        """第3考场"""
        return f"第{self.number}考场"

    def as_rule(self) -> seating.Room:
        return seating.Room(self.id, self.rows, self.columns, self.computers, self.accessible, self.site_id)

    def seats(self, kind: ExamKind) -> int:
        return seating.usable_seats(self.as_rule(), kind)

    @classmethod
    def seats_in_sql(cls, kind: ExamKind) -> ColumnElement[int]:
        """The same where the seats of many rooms are added up."""
        seats = cls.rows * cls.columns
        return case((cls.computers < seats, cls.computers), else_=seats) if kind is ExamKind.COMPUTER else seats


class ExamSitting(Model):
    """A time at which an agency tests some grades in some of its rooms."""

    __tablename__ = "exam_sitting"
    __table_args__ = (UniqueConstraint("cycle_id", "agency_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[ExamKind] = mapped_column(Choice(ExamKind))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    grades: Mapped[list[int]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(Integer, default=1)
    # How many sit in it, its rooms and their seats, where a list asks for that.
    seated: Mapped[int | None] = query_expression()
    room_count: Mapped[int | None] = query_expression()
    seat_count: Mapped[int | None] = query_expression()

    agency: Mapped[Agency] = relationship()
    uses: Mapped[list["SittingRoom"]] = relationship(cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def label(self) -> str:
        """第2场"""
        return f"第{self.number}场"

    @property
    def room_ids(self) -> frozenset[int]:
        return frozenset(use.room_id for use in self.uses)

    def as_rule(self) -> seating.Sitting:
        return seating.Sitting(self.id, self.starts_at, self.ends_at, self.kind, frozenset(self.grades), self.room_ids)


class SittingRoom(Model):
    """That a sitting uses a room."""

    __tablename__ = "sitting_room"

    sitting_id: Mapped[int] = mapped_column(ForeignKey("exam_sitting.id"), primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("exam_room.id"), primary_key=True, index=True)

    room: Mapped[ExamRoom] = relationship()


class SpecialNeed(Model):
    """That somebody needs an accessible room."""

    __tablename__ = "special_need"

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, autoincrement=False)
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime] = mapped_column(Moment, default=now)


class SeatingRun(Model):
    """One agency's seating in one cycle: the seed it can be repeated from, and whether the tickets were issued."""

    __tablename__ = "seating_run"
    __table_args__ = (UniqueConstraint("cycle_id", "agency_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    seed: Mapped[int] = mapped_column(Integer)
    people: Mapped[int] = mapped_column(Integer)
    changed_by_hand: Mapped[int] = mapped_column(Integer, default=0)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(Moment)
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    issued_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer, default=1)

    agency: Mapped[Agency] = relationship()
    made_by: Mapped[Account] = relationship(foreign_keys=[made_by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Seat(Model):
    """One person's seat. The ticket's number stays with the person when the seat changes."""

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("sitting_id", "room_id", "number"),
        Index("ix_seat_run_sitting", "run_id", "sitting_id", "room_id", "application_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("seating_run.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    sitting_id: Mapped[int] = mapped_column(ForeignKey("exam_sitting.id"))
    room_id: Mapped[int] = mapped_column(ForeignKey("exam_room.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    ticket_number: Mapped[str] = mapped_column(String(20), unique=True)

    run: Mapped[SeatingRun] = relationship()
    application: Mapped[Application] = relationship()
    sitting: Mapped[ExamSitting] = relationship()
    room: Mapped[ExamRoom] = relationship()
