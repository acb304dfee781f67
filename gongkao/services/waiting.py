"""How much work waits at each place of the left column."""

from typing import Any

from sqlalchemy import func, select

from gongkao.access.permissions import Permission
from gongkao.access.scope import at_desk, may, narrow
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    RegistrationSheet,
    Role,
    SheetStatus,
    Unit,
    UnitCheck,
    UnitCheckStatus,
)
from gongkao.rules.calendar import WindowKey
from gongkao.services import cycles


def counts(account: Account) -> dict[str, int]:
    """Waiting pieces by kind of work: applications, unit_checks, sheets, checks_to_accept.

    Only what the person may do.
    """
    if account.role in (Role.APPLICANT, Role.INSPECTOR):
        return {}
    cycle = cycles.current_cycle()
    found: dict[str, int] = {}
    if may(account, Permission.REVIEW):
        found["applications"] = _count(select(Application).where(Application.cycle_id == cycle.id, at_desk(account)))
    if account.unit is not None and cycles.is_open(WindowKey.UNIT_CHECK, account.unit.region):
        unchecked = ~Unit.checks.any(UnitCheck.cycle_id == cycle.id)
        found["unit_checks"] = _count(narrow(select(Unit.id), Unit, account).where(Unit.active, unchecked))
    if may(account, Permission.DECIDE_SHEETS):
        found["sheets"] = _count(
            select(RegistrationSheet).where(
                RegistrationSheet.agency_id == account.agency_id,
                RegistrationSheet.status == SheetStatus.SUBMITTED,
            )
        )
        found["checks_to_accept"] = _count(
            select(UnitCheck)
            .join(UnitCheck.unit)
            .where(
                UnitCheck.cycle_id == cycle.id,
                Unit.agency_id == account.agency_id,
                UnitCheck.status.in_([UnitCheckStatus.CONFIRMED, UnitCheckStatus.CORRECTED]),
            )
        )
    return found


def _count(query: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
