"""Bans for false materials (禁考, notice 四（四）): whether one holds for a person."""

from datetime import date

from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import BanEntry
from gongkao.rules.bans import Ban, ban_in_force


def in_force(identity_number: str, day: date) -> Ban | None:
    """The ban that holds for the identity number on the day, in whatever unit or city it was imposed; else None."""
    entries = db.session.scalars(
        select(BanEntry).where(BanEntry.identity_number == identity_number, BanEntry.lifted_at.is_(None))
    )
    return ban_in_force(map(_as_rule, entries), identity_number, day)


def _as_rule(entry: BanEntry) -> Ban:
    return Ban(entry.identity_number, entry.begins_on, entry.ends_on, entry.reason.rstrip("。"))
