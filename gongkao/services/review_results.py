"""The result of a review as a notice to the person: for those found qualified, and those refused with the reasons."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.scope import narrow
from gongkao.documents.review_papers import ReviewResultPaper
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, Role
from gongkao.rules.calendar import day_text
from gongkao.rules.grades import Grade
from gongkao.rules.workflow import Status
from gongkao.services import cycles, deferrals, review_lists, timeline
from gongkao.services.errors import NotFound
from gongkao.services.listing import Listing
from gongkao.services.workflow import SYSTEM

# A cancelled application has the notices of its case instead.
DECIDED = (Status.QUALIFIED, Status.REFUSED)


def listing(actor: Account) -> Listing:
    """The applications in sight whose review is over, filtered as the list of all applications is."""
    return review_lists.all_listing(actor).where(Application.status.in_(DECIDED))


def find(actor: Account, application_id: int) -> ReviewResultPaper:
    """The notice of one application in the person's scope. Raises NotFound before its review is over."""
    made = gather(actor, [application_id])
    if not made:
        raise NotFound("review result")
    return made[0][1]


def find_own(actor: Account) -> ReviewResultPaper:
    """The applicant's own notice of this cycle. Raises NotFound before the review is over."""
    query = narrow(select(Application.id), Application, actor)
    found = db.session.scalar(query.where(Application.cycle_id == cycles.current_cycle().id))
    if found is None or actor.role is not Role.APPLICANT:
        raise NotFound("review result")
    return find(actor, found)


def gather(actor: Account, application_ids: Sequence[int]) -> list[tuple[int, ReviewResultPaper]]:
    """(application's id, notice) of those in the person's scope whose review is over, in the order given."""
    query = (
        narrow(select(Application), Application, actor)
        .where(Application.id.in_(application_ids), Application.status.in_(DECIDED))
        .options(
            joinedload(Application.person),
            joinedload(Application.unit),
            joinedload(Application.trade),
            joinedload(Application.agency),
            joinedload(Application.cycle),
            selectinload(Application.deferral),
        )
    )
    found = {one.id: one for one in db.session.scalars(query)}
    decisions = _decisions(found)
    return [(one, _paper(found[one], decisions[one])) for one in application_ids if one in decisions]


def _decisions(application_ids: Iterable[int]) -> dict[int, ApplicationEvent]:
    """The step that ended each one's review."""
    query = select(ApplicationEvent).where(
        ApplicationEvent.application_id.in_(list(application_ids)), ApplicationEvent.status_after.in_(DECIDED)
    )
    # The last one counts: a decision may have been overturned.
    return {one.application_id: one for one in db.session.scalars(query.order_by(ApplicationEvent.sequence))}


def _paper(application: Application, decision: ApplicationEvent) -> ReviewResultPaper:
    assert application.unit is not None and application.trade is not None and application.grade is not None
    passed = application.status is Status.QUALIFIED
    entry = timeline.entry(decision)
    agency = application.agency.name if application.agency is not None else ""
    return ReviewResultPaper(
        cycle_year=application.cycle.year,
        application_number=application.number or "",
        name=application.person.name,
        masked_identity_number=application.person.masked_identity_number,
        unit_name=application.unit.name,
        trade=application.trade.name,
        grade=Grade(application.grade).label,
        passed=passed,
        reason=_to_make_up(application) if passed else decision.reason,
        reasons=() if passed else tuple(entry["items"]),
        # What ended by itself, as when a day had passed, is said by the office that is responsible.
        office_name=agency if decision.office == SYSTEM else decision.office,
        decided_on=decision.at.date(),
    )


def _to_make_up(application: Application) -> str:
    deferral = application.deferral
    if deferral is None or not deferral.status.open:
        return ""
    years, due = deferrals.years_text(deferral), day_text(application.cycle.deferral_due)
    return f"{years}考核结果容缺后补，应在{due}前上传；逾期未补交或者不符合要求的，视为资格审查不通过。"
