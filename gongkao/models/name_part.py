"""By what part of a name an application is found."""

from typing import Any

from sqlalchemy import Connection, ForeignKey, delete, event, insert, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from gongkao.models.application import Application
from gongkao.models.people import Person
from gongkao.models.types import Model, by_character


class NamePart(Model):
    """A name from one of its characters on: 孟听雨, 听雨, 雨. Whatever a name holds, one of its parts begins with.

    What begins with something is a range of the key.
    """

    __tablename__ = "name_part"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    part: Mapped[str] = mapped_column(by_character(30), primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, autoincrement=False)


def parts_of(name: str) -> list[str]:
    """The name from each of its characters on."""
    return [name[start:] for start in range(len(name))]


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


def _keep(connection: Connection, cycle_id: int, application_id: int, name: str) -> None:
    rows = [{"cycle_id": cycle_id, "part": part, "application_id": application_id} for part in parts_of(name)]
    if rows:
        connection.execute(insert(NamePart), rows)


def _drop(connection: Connection, cycle_id: int, application_id: int, name: str) -> None:
    there = (NamePart.cycle_id == cycle_id, NamePart.application_id == application_id)
    connection.execute(delete(NamePart).where(*there, NamePart.part.in_(parts_of(name))))
