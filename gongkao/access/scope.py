"""Data scope: which rows a person may see. Every query for a person goes through `narrow`."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true

from gongkao.access.permissions import PERMISSIONS, Permission
from gongkao.models import (
    Account,
    Agency,
    Application,
    ArchiveRecord,
    AuditEntry,
    BanEntry,
    CalendarFiling,
    Certificate,
    Deferral,
    ExamSite,
    ExamSitting,
    FalseMaterialsCase,
    Job,
    Message,
    Original,
    PasswordHelp,
    RegionEntry,
    RegistrationSheet,
    Release,
    Result,
    Role,
    RosterEntry,
    Sample,
    SampleMember,
    Seat,
    SeatingRun,
    TrainingClass,
    Unit,
    UnitCheck,
    UpwardReport,
    Visit,
    VisitMember,
    VisitSlot,
    VisitStatus,
)
from gongkao.rules.routing import RegionLevel
from gongkao.rules.workflow import Desk, Status, status_of

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])


def may(account: Any, permission: Permission) -> bool:
    """Whether the account's role has the permission. Somebody signed out (no role) has none."""
    if not isinstance(account, Account) or account.ended_at is not None:
        return False
    if permission not in PERMISSIONS[account.role]:
        return False
    if permission in (Permission.EDIT_PROVINCE, Permission.LIFT_CASES):
        return account.agency is not None and account.agency.level is RegionLevel.PROVINCE
    if permission in (Permission.OVERSEE, Permission.MANAGE_EXAMS):
        return account.agency is not None and account.agency.level is not RegionLevel.COUNTY
    return True


def region_prefix(code: str, level: RegionLevel) -> str:
    """The digits that the codes of a region and of all within it begin with."""
    return {RegionLevel.PROVINCE: code[:2], RegionLevel.CITY: code[:4], RegionLevel.COUNTY: code}[level]


def _agencies(account: Account) -> ColumnElement[bool]:
    """The agencies an official acts for or oversees: the own one, and those below it (domain rule 1)."""
    if account.agency is not None:
        if account.agency.level is RegionLevel.CITY:
            # Said so PostgreSQL guesses rightly how many they are; by the codes' beginning it takes them for one.
            return or_(Agency.id == account.agency_id, Agency.parent_id == account.agency_id)
        prefix = region_prefix(account.agency.region_code, account.agency.level)
    elif account.region is not None:
        prefix = region_prefix(account.region.code, account.region.level)
    else:
        return false()
    return Agency.region_code.startswith(prefix, autoescape=True)


def _level(account: Account) -> RegionLevel | None:
    """How high an official stands; None for a unit's or an applicant's account."""
    place = account.agency.region if account.agency is not None else account.region
    return place.level if place is not None else None


def sees_everything(account: Account) -> bool:
    """Whether no condition narrows what an official sees: those of the province."""
    return _level(account) is RegionLevel.PROVINCE


def _reviewed_by(account: Account, agency_id: Any) -> ColumnElement[bool]:
    """What belongs to an agency that the official acts for or oversees: for the province everything there is, for a
    county what is its own.
    """
    if sees_everything(account):
        return true()
    if account.agency is not None and account.agency.level is RegionLevel.COUNTY:
        return agency_id == account.agency_id
    return agency_id.in_(select(Agency.id).where(_agencies(account)))


def within(path: str) -> ColumnElement[bool]:
    """The unit of that path and all below it: a range of the index, for a path ends in "/", which "0" comes after."""
    return and_(Unit.path >= path, Unit.path < path[:-1] + "0")


def _units(account: Account) -> ColumnElement[bool]:
    if account.unit is not None:
        return within(account.unit.path)
    return _reviewed_by(account, Unit.agency_id)


def _unit_checks(account: Account) -> ColumnElement[bool]:
    if account.unit is not None:
        return UnitCheck.unit_id.in_(select(Unit.id).where(_units(account)))
    return _reviewed_by(account, UnitCheck.agency_id)


def _applications(account: Account) -> ColumnElement[bool]:
    if account.role is Role.APPLICANT:
        return Application.person_id == account.person_id
    # A draft is the applicant's own until submitted.
    submitted = Application.submitted_at.is_not(None)
    if account.unit is not None:
        return and_(submitted, Application.unit_id.in_(select(Unit.id).where(_units(account))))
    return and_(submitted, _reviewed_by(account, Application.agency_id))


def _of_applications(account: Account, application_id: Any) -> ColumnElement[bool]:
    """What belongs to an application in the person's scope.

    Whoever sees much looks each row's application up, whoever sees little begins with the applications.
    """
    if _level(account) in (RegionLevel.PROVINCE, RegionLevel.CITY):
        own = select(Application.id).where(Application.id == application_id, _applications(account))
        return own.correlate_except(Application).exists()
    return application_id.in_(select(Application.id).where(_applications(account)))


def _accounts(account: Account) -> ColumnElement[bool]:
    if account.role is Role.APPLICANT:
        return Account.id == account.id
    if sees_everything(account):
        return Account.role != Role.APPLICANT
    if account.unit is not None:
        return Account.unit_id.in_(select(Unit.id).where(_units(account)))
    return or_(false(), *_kinds_of_accounts(account))


def _kinds_of_accounts(account: Account) -> list[ColumnElement[bool]]:
    """The accounts that an official sees: those of units, of agencies, and of inspectors."""
    of_offices = _accounts_of_offices(account)
    return [Account.unit_id.in_(select(Unit.id).where(_units(account))), *of_offices] if of_offices else []


def _accounts_of_offices(account: Account) -> list[ColumnElement[bool]]:
    own = account.agency.region if account.agency is not None else account.region
    if own is None:
        return []
    within_region = RegionEntry.code.startswith(region_prefix(own.code, own.level), autoescape=True)
    return [
        _reviewed_by(account, Account.agency_id),
        # Inspectors belong to a region, not to an agency.
        Account.region_code.in_(select(RegionEntry.code).where(within_region)),
    ]


def _audit_entries(account: Account) -> ColumnElement[bool]:
    """What the accounts in one's scope have done."""
    if _level(account) is RegionLevel.COUNTY:
        # Each kind apart, so that PostgreSQL puts the few together once and looks no entry's account up.
        kinds = (select(Account.id).where(kind) for kind in _kinds_of_accounts(account))
        return or_(*(AuditEntry.account_id.in_(kind) for kind in kinds))
    # Where many are seen, the newest entries are gone through one by one.
    own = select(Account.id).where(Account.id == AuditEntry.account_id, _accounts(account))
    return own.correlate(AuditEntry).exists()


def _sheets(account: Account) -> ColumnElement[bool]:
    if account.unit is not None:
        return RegistrationSheet.unit_id.in_(select(Unit.id).where(_units(account)))
    return _reviewed_by(account, RegistrationSheet.agency_id)


def _results(account: Account) -> ColumnElement[bool]:
    if _level(account) is not None:
        return _reviewed_by(account, Result.reviewing_agency_id)
    return _of_applications(account, Result.application_id)


def _certificates(account: Account) -> ColumnElement[bool]:
    if _level(account) is not None:
        return _reviewed_by(account, Certificate.reviewing_agency_id)
    return _of_applications(account, Certificate.application_id)


def _archive(account: Account) -> ColumnElement[bool]:
    return _of_applications(account, ArchiveRecord.application_id)


def _jobs(account: Account) -> ColumnElement[bool]:
    """Background work is seen by who asked for it: what came out holds what that person may see."""
    return Job.account_id == account.id


def _releases(account: Account) -> ColumnElement[bool]:
    return _reviewed_by(account, Release.agency_id)


def _messages(account: Account) -> ColumnElement[bool]:
    """One's own, and those of the desk one works at."""
    own = [Message.account_id == account.id]
    if account.unit_id is not None:
        own.append(Message.unit_id == account.unit_id)
    if account.agency_id is not None:
        own.append(Message.agency_id == account.agency_id)
    return or_(*own)


def _password_help(account: Account) -> ColumnElement[bool]:
    """Requests to the own unit's desk, or those that the own agency's units' people have made."""
    if account.unit_id is not None:
        return PasswordHelp.unit_id == account.unit_id
    if account.agency_id is not None:
        return PasswordHelp.agency_id == account.agency_id
    return false()


def _roster(account: Account) -> ColumnElement[bool]:
    return RosterEntry.unit_id.in_(select(Unit.id).where(_units(account)))


def _deferrals(account: Account) -> ColumnElement[bool]:
    """A pledge is the applicant's own until the application is handed in, which is when an agency has it."""
    if sees_everything(account):
        return Deferral.agency_id.is_not(None)
    if _level(account) is not None:
        return _reviewed_by(account, Deferral.agency_id)
    return _of_applications(account, Deferral.application_id)


def _visit_slots(account: Account) -> ColumnElement[bool]:
    """For a unit the times of the agencies that receive its tree's people."""
    if account.unit is not None:
        return VisitSlot.agency_id.in_(select(Unit.agency_id).where(_units(account)))
    return _reviewed_by(account, VisitSlot.agency_id)


def _visits(account: Account) -> ColumnElement[bool]:
    if account.unit is not None:
        return Visit.unit_id.in_(select(Unit.id).where(_units(account)))
    return _reviewed_by(account, Visit.agency_id)


def _originals(account: Account) -> ColumnElement[bool]:
    """For a unit what is held of its tree's people, also where the unit above brought it, and of those it brought."""
    if account.unit is None:
        return _reviewed_by(account, Original.agency_id)
    tree = select(Unit.id).where(_units(account))
    own = select(Original.id).where(Original.unit_id.in_(tree), Original.held)
    # Apart from each other: asked for with "or", everybody who ever came would be gone through. What has gone back
    # is no longer looked for.
    brought = select(Original.id).join(Original.member).join(VisitMember.visit)
    brought = brought.where(Visit.unit_id.in_(tree), Visit.status == VisitStatus.RECEIVED, Original.held)
    return Original.id.in_(own.union(brought))


def _filings(account: Account) -> ColumnElement[bool]:
    """What is filed for the own region and those within it."""
    own = account.agency.region if account.agency is not None else account.region
    if own is None:
        return false()
    return CalendarFiling.region_code.startswith(region_prefix(own.code, own.level), autoescape=True)


def _reports(account: Account) -> ColumnElement[bool]:
    return _reviewed_by(account, UpwardReport.agency_id)


def _samples(account: Account) -> ColumnElement[bool]:
    return _reviewed_by(account, Sample.agency_id)


def _sample_members(account: Account) -> ColumnElement[bool]:
    return SampleMember.sample_id.in_(select(Sample.id).where(_samples(account)))


def _cases(account: Account) -> ColumnElement[bool]:
    """For an applicant the own ones, for a unit those of its tree's people."""
    if account.agency is not None or account.region is not None:
        return _reviewed_by(account, FalseMaterialsCase.agency_id)
    if account.unit is not None:
        return FalseMaterialsCase.unit_id.in_(select(Unit.id).where(_units(account)))
    return FalseMaterialsCase.application_id.in_(select(Application.id).where(_applications(account)))


def _bans(account: Account) -> ColumnElement[bool]:
    return _reviewed_by(account, BanEntry.agency_id)


def _examined_by(account: Account) -> ColumnElement[bool]:
    """The agencies that hold the training and tests of the people in one's scope: a county's people go to its city."""
    own = account.agency.region if account.agency is not None else account.region
    if own is None or own.level is not RegionLevel.COUNTY:
        return _agencies(account)
    return Agency.region_code == own.parent_code


def _held_by(account: Account, agency_id: Any) -> ColumnElement[bool]:
    """What belongs to an agency that holds the training and tests of the people in one's scope."""
    return true() if sees_everything(account) else agency_id.in_(select(Agency.id).where(_examined_by(account)))


def _sites(account: Account) -> ColumnElement[bool]:
    return _held_by(account, ExamSite.agency_id)


def _sittings(account: Account) -> ColumnElement[bool]:
    return _held_by(account, ExamSitting.agency_id)


def _runs(account: Account) -> ColumnElement[bool]:
    return _held_by(account, SeatingRun.agency_id)


def _classes(account: Account) -> ColumnElement[bool]:
    return _held_by(account, TrainingClass.agency_id)


def _seats(account: Account) -> ColumnElement[bool]:
    """Those of the people in one's scope."""
    return _of_applications(account, Seat.application_id)


_SCOPES = {
    Account: _accounts,
    Agency: _agencies,
    Application: _applications,
    ArchiveRecord: _archive,
    AuditEntry: _audit_entries,
    BanEntry: _bans,
    CalendarFiling: _filings,
    Certificate: _certificates,
    Deferral: _deferrals,
    ExamSite: _sites,
    ExamSitting: _sittings,
    FalseMaterialsCase: _cases,
    Job: _jobs,
    Message: _messages,
    Original: _originals,
    PasswordHelp: _password_help,
    RegistrationSheet: _sheets,
    Release: _releases,
    Result: _results,
    RosterEntry: _roster,
    Sample: _samples,
    SampleMember: _sample_members,
    Seat: _seats,
    SeatingRun: _runs,
    TrainingClass: _classes,
    Unit: _units,
    UnitCheck: _unit_checks,
    UpwardReport: _reports,
    Visit: _visits,
    VisitSlot: _visit_slots,
}


def narrow(query: Query, model: type[Any], account: Account) -> Query:
    """Narrow a query over `model` to the rows the account may see.

    Raises KeyError for a model without a declared scope: nothing is visible by default.
    """
    return query.where(_SCOPES[model](account))


def narrow_to_offices(query: Query, account: Account) -> Query:
    """Narrow a query over `Account` to those of agencies and inspectors that an official sees, none of units."""
    # The few of offices have an index of their own, which this names.
    query = query.where(or_(Account.agency_id.is_not(None), Account.region_code.is_not(None)))
    return query if sees_everything(account) else query.where(or_(false(), *_accounts_of_offices(account)))


def narrow_in_cycle(query: Query, belongs: Any, account: Account, cycle_id: int) -> tuple[Query, Query]:
    """Narrow a list of what belongs to a cycle's applications: gives it without and with the application joined.

    `belongs` is the relationship to the application, such as `Result.application`. An official's rows themselves tell
    who sees them; a unit begins with its few applications of the cycle, which are joined both times.
    """
    if account.unit is None:
        bare = narrow(query, belongs.class_, account)
        return bare, bare.join(belongs)
    joined = narrow(query.join(belongs), Application, account).where(Application.cycle_id == cycle_id)
    return joined, joined


def at_desk(account: Account) -> ColumnElement[bool]:
    """The applications that wait for this account's decision now: exactly its own desks' queues (domain rule 3)."""
    if account.role is Role.UNIT_ADMINISTRATOR:
        return or_(
            and_(Application.unit_id == account.unit_id, Application.status == Status.UNIT_REVIEW),
            and_(
                Application.supervising_unit_id == account.unit_id,
                Application.status == Status.SUPERVISING_REVIEW,
            ),
        )
    if account.role in (Role.AGENCY_OFFICER, Role.AGENCY_MANAGER):
        return and_(
            Application.agency_id == account.agency_id,
            Application.status.in_([status_of(Desk.AGENCY), status_of(Desk.ONSITE)]),
        )
    return false()


def holds(account: Account, application: Application) -> bool:
    """Whether the application waits at one of this account's own desks now (the same rule as `at_desk`, on one row)."""
    if account.role is Role.UNIT_ADMINISTRATOR:
        if application.status is Status.UNIT_REVIEW:
            return application.unit_id == account.unit_id
        return application.status is Status.SUPERVISING_REVIEW and application.supervising_unit_id == account.unit_id
    if account.role in (Role.AGENCY_OFFICER, Role.AGENCY_MANAGER):
        at_agency = application.status in (Status.AGENCY_REVIEW, Status.ONSITE_CONFIRMATION)
        return at_agency and application.agency_id == account.agency_id
    return False
