"""Filters that several lists share."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from gongkao.access.scope import narrow
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Unit
from gongkao.rules.routing import RegionLevel
from gongkao.services.listing import Filter


def of_agencies(actor: Account) -> list[Filter]:
    """By the agency that reviews, for lists of a query over applications; nothing for whoever oversees only one."""
    if actor.unit_id is not None or (actor.agency is not None and actor.agency.region.level is RegionLevel.COUNTY):
        return []
    query = narrow(select(Agency.id, Agency.name), Agency, actor).where(Agency.id.in_(select(Unit.agency_id)))
    agencies = db.session.execute(query.order_by(Agency.code)).all()
    if len(agencies) < 2:
        return []
    choices = [("", "全部机构"), *((str(agency_id), name) for agency_id, name in agencies)]
    return [Filter("agency", "审查机构", choices, lambda value: Application.agency_id == int(value))]


def of_application(belongs: Any, *filters: Filter) -> list[Filter]:
    """Filters over applications for a list of what belongs to them, by the relationship `belongs`; it joins none."""

    def through(one: Filter) -> Filter:
        return replace(one, where=lambda value: belongs.has(one.where(value)))

    return [through(one) for one in filters]
