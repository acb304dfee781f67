"""What goes along when a unit's agency or supervising unit changes: undecided work follows, what is decided stays.

Everything here runs inside the caller's use case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Certificate,
    Deferral,
    DeferralStatus,
    HelpStatus,
    PasswordHelp,
    RegistrationSheet,
    Result,
    SheetStatus,
    Unit,
    Visit,
    VisitMember,
    VisitStatus,
)
from gongkao.rules.workflow import FINAL, Desk, Status
from gongkao.services import audit, messages

WAITING_SHEETS = (SheetStatus.FILLED, SheetStatus.SUBMITTED)
# Whose originals no agency has in its hands yet.
OPEN_VISITS = (VisitStatus.BUNDLED, VisitStatus.BOOKED)
_OPEN_DEFERRALS = (DeferralStatus.PLEDGED, DeferralStatus.AGREED, DeferralStatus.MADE_UP)


def undecided() -> ColumnElement[bool]:
    """Applications that some desk has still to decide on, also through what was deferred (notice 二（四）)."""
    deferred = select(Deferral.application_id).where(Deferral.status.in_(_OPEN_DEFERRALS))
    return or_(
        Application.status.not_in(FINAL),
        and_(Application.status == Status.QUALIFIED, Application.id.in_(deferred)),
    )


@dataclass(frozen=True)
class Carried:
    """What went along to a new agency: ids of applications, numbers of sheets, requests and visits."""

    applications: Sequence[int]
    sheets: int
    requests: int
    visits: int


def carry_to_agency(actor: Account | None, unit: Unit, agency: Agency) -> Carried:
    """Give a unit to another agency with everything undecided: applications, sheets, password requests, visits."""
    before = unit.agency
    unit.agency_id = agency.id
    applications = db.session.scalars(
        select(Application.id).where(Application.unit_id == unit.id, Application.agency_id.is_not(None), undecided())
    ).all()
    carried = Carried(
        applications,
        _update(
            RegistrationSheet,
            [RegistrationSheet.unit_id == unit.id, RegistrationSheet.status.in_(WAITING_SHEETS)],
            agency_id=agency.id,
        ),
        _update(
            PasswordHelp,
            [PasswordHelp.unit_id == unit.id, PasswordHelp.status == HelpStatus.WAITING],
            agency_id=agency.id,
        ),
        # The time was booked with the old agency; the bundle stays together and is booked anew.
        _update(
            Visit,
            [Visit.unit_id == unit.id, Visit.status.in_(OPEN_VISITS)],
            agency_id=agency.id,
            slot_id=None,
            status=VisitStatus.BUNDLED,
        ),
    )
    _give(applications, agency)
    audit.record(
        actor,
        "reroute_unit",
        unit,
        agency=[before.name, agency.name],
        applications=list(applications),
        sheets=carried.sheets,
        requests=carried.requests,
        visits=carried.visits,
    )
    rebook = f"{carried.visits}批现场审查确认需要重新预约。" if carried.visits else ""
    messages.tell(
        "calendar",
        f"资格审查机构变更为{agency.name}",
        f"原由{before.name}审查。{len(applications)}份未办结的申报一并转交，已办结的不变。{rebook}",
        f"unit {unit.id}",
        unit_id=unit.id,
    )
    return carried


def _give(applications: Sequence[int], agency: Agency) -> None:
    """The version rises too, so that a decision begun at the old agency meets a conflict; nobody there holds it now."""
    chosen = Application.id.in_(applications)
    _update(Application, [chosen], agency_id=agency.id)
    _update(Deferral, [Deferral.application_id.in_(applications)], agency_id=agency.id)
    for model in (Result, Certificate):
        _update(model, [model.application_id.in_(applications)], reviewing_agency_id=agency.id)
    at_agency = Application.status.in_([Status.AGENCY_REVIEW, Status.ONSITE_CONFIRMATION])
    db.session.execute(
        update(Application)
        .where(chosen, at_agency)
        .values(claimed_by_id=None, claimed_at=None, first_reviewed_by_id=None, first_reviewed_at=None)
        .execution_options(synchronize_session=False)
    )
    elsewhere = select(VisitMember).join(VisitMember.visit)
    elsewhere = elsewhere.where(
        VisitMember.application_id.in_(applications), Visit.status.in_(OPEN_VISITS), Visit.agency_id != agency.id
    )
    for member in db.session.scalars(elsewhere):
        db.session.delete(member)
    db.session.flush()


def _update(model: Any, conditions: Sequence[ColumnElement[bool]], **values: Any) -> int:
    result = db.session.execute(
        update(model)
        .where(*conditions)
        .values(**values, version=model.version + 1)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def tell_agencies(moves: Sequence[tuple[Agency, Agency, Carried]]) -> None:
    """Tell the agency that gives and the one that takes, once for all units between the two."""
    pairs: dict[tuple[int, int], list[tuple[Agency, Agency, Carried]]] = {}
    for move in moves:
        pairs.setdefault((move[0].id, move[1].id), []).append(move)
    for between in pairs.values():
        old, new, _ = between[0]
        count = sum(len(carried.applications) for _, _, carried in between)
        body = f"{len(between)}个单位和{count}份未办结的申报由{old.name}转交{new.name}，已办结的不变。"
        messages.tell("calendar", f"单位转交{new.name}审查", body, "units", agency_id=old.id)
        messages.tell("calendar", f"接收{old.name}转交的单位", body, "units", agency_id=new.id)


def follow_supervision(unit: Unit) -> int:
    """Let the unit's undecided applications go to its supervising unit of now, where that desk is not passed yet.

    What waits with the old supervising unit goes to the new one; where there is none any more, the old one still
    decides what it holds, so that no desk is skipped. Returns how many applications changed.
    """
    above = unit.supervising_unit_id
    ahead = [
        Application.status == Status.UNIT_REVIEW,
        and_(Application.status == Status.RETURNED, Application.returned_to.in_([Desk.UNIT, Desk.SUPERVISING])),
    ]
    if above is not None:
        ahead.append(Application.status == Status.SUPERVISING_REVIEW)
    changed = Application.supervising_unit_id.is_distinct_from(above)
    of_unit = (Application.unit_id == unit.id, Application.submitted_at.is_not(None), changed)
    waits = and_(*of_unit, Application.status == Status.SUPERVISING_REVIEW)
    if above is not None:
        db.session.execute(
            update(Application)
            .where(waits)
            .values(claimed_by_id=None, claimed_at=None)
            .execution_options(synchronize_session=False)
        )
    return _update(Application, [*of_unit, or_(*ahead)], supervising_unit_id=above)
