"""Whom a list of a whole year is searched for, by indexes of their own: name, identity number, unit.

What few are found by is looked up first. What many are found by is met soon by going through the list in its order.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, or_, select, union_all

from gongkao import sealing
from gongkao.extensions import db
from gongkao.models import Application, NamePart, Person, Unit
from gongkao.models.name_part import begins_with
from gongkao.services import cycles
from gongkao.services.listing import contains, of_identity
from gongkao.services.unit_search import named

FEW = 500


def is_number(term: str) -> bool:
    """The end of an identity number or of an application's number; no name holds a digit."""
    return term.isascii() and term.rstrip("Xx").isdigit()


def by_identity(term: str) -> ColumnElement[bool]:
    """Of an application: the person's whole identity number, or its last four characters."""
    if len(term) == sealing.TAIL_OF:
        return Application.identity_tail == sealing.tail(term.upper())
    return Application.person_id == select(Person.id).where(of_identity(Person)(term)).scalar_subquery()


def few(term: str) -> list[int] | None:
    """The ids of the current cycle's applications that are found by name, identity number or unit; None for many."""
    cycle_id = cycles.current_cycle().id
    ours = select(Application.id).where(Application.cycle_id == cycle_id)
    called = select(NamePart.application_id).where(NamePart.cycle_id == cycle_id, begins_with(NamePart.part, term))
    whom = ours.where(by_identity(term)) if is_number(term) else called
    units = ours.where(Application.unit_id.in_(named(term)))
    found = db.session.scalars(union_all(whom, units).limit(FEW + 1)).all()
    return list(found) if len(found) <= FEW else None


def of_people(application_id: Any) -> Callable[[str], ColumnElement[bool]]:
    """A list's search by name, identity number and unit in the current cycle; it joins people and units.

    `application_id` is the column of the list that tells the application.
    """

    def match(term: str) -> ColumnElement[bool]:
        found = few(term)
        if found is not None:
            return application_id.in_(found)
        return or_(contains(Person.name)(term), of_identity(Person)(term), Unit.id.in_(named(term)))

    return match
