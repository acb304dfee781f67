"""A yearly cycle (考核年度): its calendar, trades, grades and test subjects. All of it is data that officials edit."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Integer, Numeric, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.types import Choice, Model, Moment
from gongkao.rules.calendar import Window, WindowKey
from gongkao.rules.scoring import Subject

if TYPE_CHECKING:
    from gongkao.models.oversight import CalendarFiling
    from gongkao.models.people import Account


class Cycle(Model):
    __tablename__ = "cycle"

    id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(Integer, unique=True)
    title: Mapped[str] = mapped_column(String(80))
    notice: Mapped[str] = mapped_column(String(40))
    notice_issued_on: Mapped[date] = mapped_column(Date)
    notice_issued_on_confirmed: Mapped[bool] = mapped_column(Boolean, default=False)
    deferral_due: Mapped[date] = mapped_column(Date)
    ban_years: Mapped[int] = mapped_column(Integer, default=2)
    recheck_days: Mapped[int] = mapped_column(Integer, default=7, server_default="7")
    # Comprehensive review: whether the highest and the lowest mark are left out, and the spread that is flagged.
    panel_trims: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    panel_spread: Mapped[Decimal] = mapped_column(Numeric(5, 1), default=Decimal(20), server_default="20")
    current: Mapped[bool] = mapped_column(Boolean, default=False, index=True)

    window_entries: Mapped[list["CycleWindow"]] = relationship(
        order_by="CycleWindow.position", cascade="all, delete-orphan", back_populates="cycle"
    )

    # What regions have set for themselves, and extensions, as far as in force.
    filings: Mapped[list["CalendarFiling"]] = relationship(
        primaryjoin="and_(Cycle.id == CalendarFiling.cycle_id, CalendarFiling.in_force)",
        order_by="CalendarFiling.id",
        viewonly=True,
    )

    @property
    def windows(self) -> tuple[Window, ...]:
        """The whole calendar as the rules read it: the notice's windows, and what is filed for regions."""
        entries = tuple(entry.as_rule() for entry in self.window_entries)
        return entries + tuple(filing.as_rule(entries) for filing in self.filings)


class CycleWindow(Model):
    """One window of the notice's 三, for the province or for one region inside it."""

    __tablename__ = "cycle_window"

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    key: Mapped[WindowKey] = mapped_column(Choice(WindowKey))
    title: Mapped[str] = mapped_column(String(40))
    opens: Mapped[date] = mapped_column(Date)
    closes: Mapped[date] = mapped_column(Date)
    clause: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(200), default="")
    region_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
    grades: Mapped[list[int] | None] = mapped_column(JSON)

    cycle: Mapped[Cycle] = relationship(back_populates="window_entries")

    def as_rule(self) -> Window:
        grades = frozenset(self.grades) if self.grades else None
        return Window(self.key, self.title, self.opens, self.closes, self.clause, self.region_code, grades)


class ConditionSet(Model):
    """One version of a cycle's conditions (rules.eligibility reads `data`). Rows are only ever added."""

    __tablename__ = "condition_set"
    __table_args__ = (UniqueConstraint("cycle_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    version: Mapped[int] = mapped_column(Integer)
    data: Mapped[dict[str, object]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    created_by: Mapped["Account | None"] = relationship()


class GradeEntry(Model):
    __tablename__ = "grade"

    grade: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(20))
    tests: Mapped[str] = mapped_column(String(40))
    needs_confirmation: Mapped[bool] = mapped_column(Boolean, default=False)


class SubjectEntry(Model):
    """A test subject of one grade in one cycle, with its pass mark and its weight (percent) in a weighted total."""

    __tablename__ = "subject"
    __table_args__ = (UniqueConstraint("cycle_id", "grade", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    grade: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(30))
    full_mark: Mapped[Decimal] = mapped_column(Numeric(5, 1))
    pass_mark: Mapped[Decimal] = mapped_column(Numeric(5, 1))
    kind: Mapped[str] = mapped_column(String(20))
    weight: Mapped[Decimal] = mapped_column(Numeric(4, 1), default=Decimal(0), server_default="0")

    def as_rule(self) -> Subject:
        return Subject(self.key, self.name, self.full_mark, self.pass_mark, self.weight)


class Trade(Model):
    """A trade (工种) of the catalogue 豫人社办〔2022〕93号."""

    __tablename__ = "trade"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    category: Mapped[str] = mapped_column(String(40), index=True)
    active: Mapped[bool] = mapped_column(Boolean, default=True)

    openings: Mapped[list["TradeOpening"]] = relationship(viewonly=True)


class TradeOpening(Model):
    """That a trade is open in a cycle, and for which grades."""

    __tablename__ = "trade_opening"
    __table_args__ = (UniqueConstraint("cycle_id", "trade_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    trade_id: Mapped[int] = mapped_column(ForeignKey("trade.id"), index=True)
    grades: Mapped[list[int]] = mapped_column(JSON)

    trade: Mapped[Trade] = relationship(lazy="joined")
