"""What the page of one application shows to whoever reviews it, or only reads it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, case, select
from sqlalchemy.orm import joinedload, lazyload, load_only, selectinload

from gongkao.access.permissions import Permission
from gongkao.access.scope import holds, may, narrow
from gongkao.clock import today
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, Material, ReviewNote, UnitStatement
from gongkao.rules import calendar, eligibility, workflow
from gongkao.rules.application_form import Item
from gongkao.rules.calendar import Window
from gongkao.rules.errors import WindowClosed
from gongkao.rules.grades import Grade
from gongkao.rules.workflow import Action, Desk
from gongkao.services import application_form, claims, review, timeline
from gongkao.services.claims import Claim
from gongkao.services.errors import NotFound, Refused
from gongkao.services.review import Agreement, agreements, checklist


def only_name() -> tuple[Any, ...]:
    """Loader options: of whoever has an application open only the name is read."""
    return load_only(Account.display_name), lazyload(Account.person), lazyload(Account.unit), lazyload(Account.agency)


@dataclass(frozen=True)
class Change:
    """One thing that the applicant changed when correcting."""

    key: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class CheckItem:
    """One line of the checklist with the facts and files it is judged by."""

    item: Item
    facts: list[tuple[str, str]]
    files: list[Material]
    last_comment: str = ""
    changes: list[Change] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def label(self) -> str:
        return self.item.label

    @property
    def missing(self) -> bool:
        """A material of the list of which no file was uploaded."""
        return self.item.material is not None and not self.files


@dataclass(frozen=True)
class Condition:
    """How one condition of eligibility came out at submission, with the parts of a group."""

    text: str
    result: eligibility.Result
    source: str
    parts: list["Condition"]


@dataclass(frozen=True)
class ReviewPage:
    """All that the page of one application shows. `desk` is set where the account itself may decide now."""

    application: Application
    items: list[CheckItem]
    eligibility: eligibility.Verdict | None
    conditions: list[Condition]
    agreements: list[Agreement]
    changes: list[Change]
    entries: list[dict[str, Any]]
    next_step: str
    desk: Desk | None
    closed: str
    days_left: int | None
    onsite_default: bool
    held_by: Claim | None = None
    note: ReviewNote | None = None
    statement: UnitStatement | None = None
    turn: str = ""

    @property
    def grade_label(self) -> str:
        return Grade(self.application.grade).label if self.application.grade else ""

    @property
    def note_is_current(self) -> bool:
        """Whether what the desk saved was found on the application as it is now."""
        return self.note is not None and self.note.form_version == self.application.version

    @property
    def needs_statement(self) -> bool:
        """The unit cannot pass anybody before it has said which posts are vacant."""
        return self.desk is Desk.UNIT and self.statement is None

    @property
    def first_file(self) -> Material | None:
        """What the viewer shows at first."""
        return next((one for row in self.items for one in row.files), None)


def page(actor: Account, application_id: int, whole: Mapping[str, str] | None = None) -> ReviewPage:
    """The application as the reviewer's page shows it, with `whole` numbers by label where they were asked for.

    Raises NotFound outside the person's scope.
    """
    application, note, statement = _whole(actor, application_id)
    events = timeline.events(application)
    changes = _last_changes(events)
    comments = _last_comments(events)
    mine = may(actor, Permission.REVIEW) and holds(actor, application)
    desk = workflow.desk_of(application.status) if mine else None
    window = timeline.deadline(application, events)
    facts = _facts(application, whole or {})
    judged = application.evaluation or {}
    return ReviewPage(
        application=application,
        items=[
            CheckItem(
                item=item,
                facts=facts.get(item.key, []) if item.material is None else [],
                files=[one for one in application.materials if item.material and one.kind is item.material],
                last_comment=comments.get(item.key, ""),
                changes=[change for change in changes if change.key == item.key],
            )
            for item in checklist(application)
        ],
        eligibility=eligibility.Verdict(str(judged["verdict"])) if judged else None,
        conditions=_conditions(judged),
        agreements=agreements(application),
        changes=changes,
        entries=[timeline.entry(event) for event in events],
        next_step=timeline.next_step(application, window),
        desk=desk,
        closed=_closed(desk, window),
        days_left=calendar.days_left(window, today()) if window is not None else None,
        onsite_default=review.onsite_default(application),
        held_by=claims.of_another(actor, application) if desk is not None else None,
        note=note if desk is not None else None,
        statement=statement,
        turn=_turn(actor, application) if desk is Desk.AGENCY else "",
    )


def _whole(actor: Account, application_id: int) -> tuple[Application, ReviewNote | None, UnitStatement | None]:
    """The application with all that its page shows, and what its desk and its unit have put down."""
    desk = case({status: desk.value for desk, status in workflow.statuses().items()}, value=Application.status)
    query = (
        narrow(select(Application, ReviewNote, UnitStatement), Application, actor)
        .where(Application.id == application_id)
        .outerjoin(ReviewNote, and_(ReviewNote.application_id == Application.id, ReviewNote.desk == desk))
        .outerjoin(
            UnitStatement,
            and_(UnitStatement.unit_id == Application.unit_id, UnitStatement.cycle_id == Application.cycle_id),
        )
        .options(
            joinedload(Application.person),
            joinedload(Application.unit),
            joinedload(Application.supervising_unit),
            joinedload(Application.agency),
            joinedload(Application.trade),
            joinedload(Application.deferral),
            joinedload(Application.claimed_by).options(*only_name()),
            joinedload(Application.first_reviewed_by).options(*only_name()),
            joinedload(Application.work_periods),
            joinedload(Application.assessments),
            selectinload(Application.materials),
        )
    )
    found = db.session.execute(query).unique().first()
    if found is None:
        raise NotFound("application")
    return found[0], found[1], found[2]


def _turn(actor: Account, application: Application) -> str:
    """Which of two pairs of eyes is asked for: "first", "second", "other": somebody else's; "" where one pair does."""
    try:
        action = review.pass_action(actor, application)
    except Refused:
        return "other"
    if action is Action.FIRST_PASS:
        return "first"
    return "second" if application.first_reviewed_by_id is not None else ""


def _facts(application: Application, whole: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """What the form says, by item; numbers masked but those that are given whole."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in application_form.lines(application):
        found.setdefault(line.key, []).append((line.label, whole.get(line.label, line.text)))
    return found


def _conditions(judged: Mapping[str, Any]) -> list[Condition]:
    """What was judged at submission (rules.eligibility), what everybody needs first, then the ways in."""

    def condition(data: Mapping[str, Any]) -> Condition:
        result = eligibility.Result(data["result"])
        # The sentences were written to the applicant.
        text = re.sub("您的?", "", str(data["text"])).removesuffix(f"：{result.label}")
        return Condition(text, result, str(data["source"]), [condition(part) for part in data.get("parts", [])])

    return [condition(data) for data in (*judged.get("common", []), *judged.get("ways", []))]


def _closed(desk: Desk | None, window: Window | None) -> str:
    """Why nothing can be decided today; empty while the desk's window is open."""
    if desk is None:
        return ""
    try:
        calendar.checked_open(window, today())
    except WindowClosed as error:
        return error.message
    return ""


def _last_changes(events: list[ApplicationEvent]) -> list[Change]:
    """What the newest correction changed; nothing once a desk has decided on it."""
    for event in reversed(events):
        if event.action is Action.RESUBMIT:
            return [
                Change(*(str(item.get(name) or "") for name in ("key", "label", "before", "after")))
                for item in event.items
            ]
    return []


def _last_comments(events: list[ApplicationEvent]) -> dict[str, str]:
    """By item: what the newest send-back asked for."""
    for event in reversed(events):
        if event.action is Action.SEND_BACK:
            return {str(item.get("key")): str(item.get("comment")) for item in event.items if item.get("comment")}
    return {}
