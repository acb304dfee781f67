"""Units by part of their name, by an index of its own."""

from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload

from gongkao.extensions import db
from gongkao.models import RegionEntry, Unit, UnitNamePart
from gongkao.models.name_part import begins_with

MOST_SUGGESTED = 10


def named(term: str) -> Select[Any]:
    """The ids of the units whose name holds the term, in capital letters or small ones; some several times."""
    return select(UnitNamePart.unit_id).where(begins_with(UnitNamePart.part, term.upper()))


def suggest(text: str) -> list[Unit]:
    """Up to ten active units whose name holds the text or whose credit code begins with it; none for one character."""
    term = text.strip()
    if len(term) < 2:
        return []
    found: ColumnElement[bool] = Unit.id.in_(named(term))
    if term.isascii():
        found = or_(found, Unit.credit_code.startswith(term.upper(), autoescape=True))
    query = select(Unit).where(Unit.active, found).order_by(Unit.name, Unit.id).limit(MOST_SUGGESTED)
    return list(db.session.scalars(query.options(joinedload(Unit.region).joinedload(RegionEntry.parent))))
