"""By what part of a name an application or a unit is found."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, ForeignKey, delete, event, insert, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from gongkao.models.application import Application
from gongkao.models.organisations import Unit
from gongkao.models.people import Person
from gongkao.models.types import Model, by_character

# No character comes after it.
_LAST = "\U0010ffff"


class NamePart(Model):
    """A name from one of its characters on: 孟听雨, 听雨, 雨. Whatever a name holds, one of its parts begins with.

    What begins with something is a range of the key.
    """

    __tablename__ = "name_part"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    part: Mapped[str] = mapped_column(by_character(30), primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, autoincrement=False)


class UnitNamePart(Model):
    """The same of a unit's name, its Latin letters as capitals."""

    __tablename__ = "unit_name_part"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    part: Mapped[str] = mapped_column(by_character(60), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True, autoincrement=False)


def parts_of(name: str) -> list[str]:
    """The name from each of its characters on."""
    return [name[start:] for start in range(len(name))]


def begins_with(part: Any, term: str) -> ColumnElement[bool]:
    """Whether a part, a column `by_character`, begins with what is looked for; a range of an index."""
    return (part >= term) & (part < term + _LAST)


@event.listens_for(Application, "after_insert")
def _take_apart(_mapper: Any, connection: Connection, made: Application) -> None:
    _keep(connection, made.cycle_id, made.id, made.person_name)


@event.listens_for(Person, "after_update")
def _take_apart_anew(_mapper: Any, connection: Connection, person: Person) -> None:
    """Whoever is renamed is found by the new name, and by the old one no more."""
    before = inspect(person).attrs.name.history.deleted
    if not before:
        return
    theirs = select(Application.cycle_id, Application.id).where(Application.person_id == person.id)
    for cycle_id, application_id in connection.execute(theirs).all():
        _drop(connection, cycle_id, application_id, before[0])
        _keep(connection, cycle_id, application_id, person.name)


@event.listens_for(Application, "before_delete")
def _throw_away(_mapper: Any, connection: Connection, gone: Application) -> None:
    _drop(connection, gone.cycle_id, gone.id, gone.person_name)


@event.listens_for(Unit, "after_insert")
def _take_unit_apart(_mapper: Any, connection: Connection, made: Unit) -> None:
    _insert(connection, UnitNamePart, [{"part": part, "unit_id": made.id} for part in parts_of(made.name.upper())])


@event.listens_for(Unit, "after_update")
def _take_unit_apart_anew(mapper: Any, connection: Connection, unit: Unit) -> None:
    before = inspect(unit).attrs.name.history.deleted
    if before:
        theirs = UnitNamePart.part.in_(parts_of(before[0].upper()))
        connection.execute(delete(UnitNamePart).where(theirs, UnitNamePart.unit_id == unit.id))
        _take_unit_apart(mapper, connection, unit)


def _keep(connection: Connection, cycle_id: int, application_id: int, name: str) -> None:
    rows = [{"cycle_id": cycle_id, "part": part, "application_id": application_id} for part in parts_of(name)]
    _insert(connection, NamePart, rows)


def _insert(connection: Connection, model: type[Model], rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(model), rows)


def _drop(connection: Connection, cycle_id: int, application_id: int, name: str) -> None:
    there = (NamePart.cycle_id == cycle_id, NamePart.application_id == application_id)
    connection.execute(delete(NamePart).where(*there, NamePart.part.in_(parts_of(name))))
