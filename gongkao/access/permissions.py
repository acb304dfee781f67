"""What each role may do. To what it may do it is the matter of `scope`."""

from enum import StrEnum

from gongkao.models.people import Role


class Permission(StrEnum):
    """One thing a person may do; `tests/security/routes.csv` names the permission of every route."""

    APPLY = "apply"
    VIEW_UNITS = "view_units"
    CHECK_UNITS = "check_units"
    MANAGE_UNITS = "manage_units"
    FILE_SHEETS = "file_sheets"
    DECIDE_SHEETS = "decide_sheets"
    MANAGE_ROSTER = "manage_roster"
    STATE_VACANCIES = "state_vacancies"
    VIEW_AUDIT = "view_audit"
    HELP_ACCOUNTS = "help_accounts"
    VIEW_APPLICATIONS = "view_applications"
    REVIEW = "review"
    VIEW_EXAMS = "view_exams"
    MANAGE_EXAMS = "manage_exams"
    VIEW_TICKETS = "view_tickets"
    ENTER_SCORES = "enter_scores"
    VIEW_RESULTS = "view_results"
    RELEASE_RESULTS = "release_results"
    VIEW_CERTIFICATES = "view_certificates"
    ISSUE_CERTIFICATES = "issue_certificates"
    REVOKE_CERTIFICATES = "revoke_certificates"
    ARCHIVE = "archive"
    VIEW_REPORTS = "view_reports"
    SEND_REPORTS = "send_reports"
    VIEW_OVERSIGHT = "view_oversight"
    OVERSEE = "oversee"
    VIEW_CASES = "view_cases"
    DECIDE_CASES = "decide_cases"
    LIFT_CASES = "lift_cases"
    VIEW_SETTINGS = "view_settings"
    EDIT_AGENCY = "edit_agency"
    EDIT_PROVINCE = "edit_province"


_UNIT = frozenset(
    {
        Permission.VIEW_UNITS,
        Permission.CHECK_UNITS,
        Permission.FILE_SHEETS,
        Permission.MANAGE_ROSTER,
        Permission.STATE_VACANCIES,
        Permission.HELP_ACCOUNTS,
        Permission.VIEW_APPLICATIONS,
        Permission.REVIEW,
        Permission.VIEW_CASES,
        Permission.VIEW_TICKETS,
        Permission.VIEW_RESULTS,
        Permission.VIEW_CERTIFICATES,
    }
)
_OFFICER = frozenset(
    {
        Permission.VIEW_UNITS,
        Permission.MANAGE_UNITS,
        Permission.DECIDE_SHEETS,
        Permission.HELP_ACCOUNTS,
        Permission.VIEW_APPLICATIONS,
        Permission.REVIEW,
        Permission.VIEW_EXAMS,
        Permission.MANAGE_EXAMS,
        Permission.ENTER_SCORES,
        Permission.VIEW_RESULTS,
        Permission.VIEW_CERTIFICATES,
        Permission.ISSUE_CERTIFICATES,
        Permission.ARCHIVE,
        Permission.VIEW_REPORTS,
        Permission.VIEW_OVERSIGHT,
        Permission.OVERSEE,
        Permission.VIEW_CASES,
        Permission.VIEW_SETTINGS,
    }
)

# EDIT_PROVINCE and LIFT_CASES count only for the provincial centre's managers, OVERSEE only for cities and the centre:
# `may` narrows them by the agency's level.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.APPLICANT: frozenset({Permission.APPLY}),
    Role.UNIT_ADMINISTRATOR: _UNIT,
    Role.AGENCY_OFFICER: _OFFICER,
    Role.AGENCY_MANAGER: _OFFICER
    | {
        Permission.VIEW_AUDIT,
        Permission.RELEASE_RESULTS,
        Permission.REVOKE_CERTIFICATES,
        Permission.SEND_REPORTS,
        Permission.DECIDE_CASES,
        Permission.LIFT_CASES,
        Permission.EDIT_AGENCY,
        Permission.EDIT_PROVINCE,
    },
    Role.INSPECTOR: frozenset(
        {
            Permission.VIEW_UNITS,
            Permission.VIEW_APPLICATIONS,
            Permission.VIEW_EXAMS,
            Permission.VIEW_RESULTS,
            Permission.VIEW_CERTIFICATES,
            Permission.VIEW_REPORTS,
            Permission.VIEW_OVERSIGHT,
            Permission.VIEW_CASES,
            Permission.VIEW_SETTINGS,
        }
    ),
}
