"""How much work waits at each place of the left column."""

from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select

from gongkao.access.permissions import Permission
from gongkao.access.scope import at_desk, may, narrow
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    CaseStatus,
    FalseMaterialsCase,
    HelpStatus,
    Message,
    PasswordHelp,
    ProposalState,
    Recheck,
    RecheckState,
    RegistrationSheet,
    ReleaseProposal,
    Role,
    SheetStatus,
    Unit,
    UnitCheck,
)
from gongkao.rules.calendar import WindowKey
from gongkao.services import cycles, deferrals, unit_checks, visits


def counts(account: Account) -> dict[str, int]:
    """Waiting pieces by kind of work, asked for at once: messages, applications, onsite, deferrals, cases,
    unit_checks, password_help, sheets, checks_to_accept, rechecks, proposals.

    Only what the person may do.
    """
    asked = {"messages": narrow(select(Message.id), Message, account).where(Message.read_at.is_(None))}
    if account.role not in (Role.APPLICANT, Role.INSPECTOR):
        asked |= _work(account)
    query = select(*(_count(pieces).label(kind) for kind, pieces in asked.items()))
    return dict(db.session.execute(query).one()._mapping)


def _work(account: Account) -> dict[str, Select[Any]]:
    cycle = cycles.current_cycle()
    found: dict[str, Select[Any]] = {}
    if may(account, Permission.REVIEW):
        found["applications"] = select(Application.id).where(Application.cycle_id == cycle.id, at_desk(account))
        found["onsite"] = visits.work(account)
    if may(account, Permission.REVIEW) and account.agency_id is not None:
        found["deferrals"] = deferrals.work(account)
    if may(account, Permission.DECIDE_CASES):
        found["cases"] = select(FalseMaterialsCase.id).where(
            FalseMaterialsCase.agency_id == account.agency_id, FalseMaterialsCase.status == CaseStatus.RAISED
        )
    if may(account, Permission.ENTER_SCORES):
        found["rechecks"] = select(Recheck.id).where(
            Recheck.cycle_id == cycle.id,
            Recheck.agency_id == account.agency_id,
            Recheck.state == RecheckState.ASKED,
        )
    if may(account, Permission.RELEASE_RESULTS):
        # Whoever proposed a release is not the one to confirm it.
        found["proposals"] = select(ReleaseProposal.id).where(
            ReleaseProposal.cycle_id == cycle.id,
            ReleaseProposal.agency_id == account.agency_id,
            ReleaseProposal.state == ProposalState.OPEN,
            ReleaseProposal.proposed_by_id != account.id,
        )
    if account.unit is not None and cycles.is_open(WindowKey.UNIT_CHECK, account.unit):
        unchecked = ~Unit.checks.any(UnitCheck.cycle_id == cycle.id)
        found["unit_checks"] = narrow(select(Unit.id), Unit, account).where(Unit.active, unchecked)
    if may(account, Permission.HELP_ACCOUNTS):
        found["password_help"] = narrow(select(PasswordHelp.id), PasswordHelp, account).where(
            PasswordHelp.status == HelpStatus.WAITING
        )
    if may(account, Permission.DECIDE_SHEETS):
        found["sheets"] = select(RegistrationSheet.id).where(
            RegistrationSheet.agency_id == account.agency_id, RegistrationSheet.status == SheetStatus.SUBMITTED
        )
        found["checks_to_accept"] = select(UnitCheck.id).where(
            UnitCheck.cycle_id == cycle.id,
            UnitCheck.agency_id == account.agency_id,
            UnitCheck.status.in_(unit_checks.WAITING),
        )
    return found


def _count(query: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(query.subquery()).scalar_subquery()
