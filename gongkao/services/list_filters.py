"""Filters that several lists share."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from gongkao.access.scope import narrow
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Unit
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.services.listing import Cell, Filter

LOWEST_FIRST = tuple(sorted(Grade, reverse=True))


def of_agencies(actor: Account, column: Any = Application.agency_id) -> list[Filter]:
    """By the agency that reviews, which `column` holds; nothing for whoever oversees only one."""
    if actor.unit_id is not None or (actor.agency is not None and actor.agency.region.level is RegionLevel.COUNTY):
        return []
    query = narrow(select(Agency.id, Agency.name), Agency, actor).where(
        select(Unit.id).where(Unit.agency_id == Agency.id).exists()
    )
    agencies = db.session.execute(query.order_by(Agency.code)).all()
    if len(agencies) < 2:
        return []
    choices = [("", "全部机构"), *((str(agency_id), name) for agency_id, name in agencies)]
    return [Filter("agency", "审查机构", choices, lambda value: column == int(value))]


def of_grade(column: Any = Application.grade, grades: Iterable[Grade] = Grade) -> Filter:
    """By a grade, which are offered in the order given."""
    choices = [("", "全部等级"), *((str(int(grade)), grade.label) for grade in grades)]
    return Filter("grade", "等级", choices, lambda value: column == int(value))


def of_application(belongs: Any, *filters: Filter) -> list[Filter]:
    """Filters over applications for a list of what belongs to them, by the relationship `belongs`; it joins none."""

    def through(one: Filter) -> Filter:
        return replace(one, where=lambda value: belongs.has(one.where(value)))

    return [through(one) for one in filters]


def of_status(column: Any, statuses: Any) -> Filter:
    """By a status; `statuses` is its enum, whose members have a `label`."""
    choices = [("", "全部状态"), *((one.value, one.label) for one in statuses)]
    return Filter("status", "状态", choices, lambda value: column == statuses(value))


def of_account_state() -> Filter:
    """Accounts in use and those that have ended."""
    return Filter(
        "state",
        "状态",
        [("", "全部状态"), ("working", "使用中"), ("ended", "已停用")],
        lambda value: Account.ended_at.is_(None) if value == "working" else Account.ended_at.is_not(None),
    )


def account_state(account: Account) -> Cell:
    """The cell that goes with `of_account_state`."""
    if account.ended_at is not None:
        return Cell("已停用", chip="neutral", title=account.ended_reason or None)
    if account.must_change_password:
        return Cell("待首次登录", chip="needs")
    return Cell("使用中", chip="done")
