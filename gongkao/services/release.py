"""Releasing results (公布, notice 三（六）): one person proposes, another confirms; nothing shows before."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Cycle,
    ProposalState,
    Release,
    ReleaseProposal,
    Result,
    Role,
    Score,
)
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import Mark, PassRule, Subject, judge, reached
from gongkao.services import audit, cycles, messages, scores
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.results import new_code
from gongkao.services.scores import mark_text
from gongkao.services.transaction import transaction

TOTAL = "加权总成绩"


def open_proposal(actor: Account, grade: int) -> ReleaseProposal | None:
    """The proposal of the own agency's grade that waits to be confirmed."""
    return db.session.scalar(scores.open_proposals(actor).where(ReleaseProposal.grade == grade))


def last_returned(actor: Account, grade: int) -> ReleaseProposal | None:
    """The newest proposal of the own agency's grade, where it was returned."""
    query = select(ReleaseProposal).where(
        ReleaseProposal.cycle_id == cycles.current_cycle().id,
        ReleaseProposal.agency_id == actor.agency_id,
        ReleaseProposal.grade == grade,
    )
    newest = db.session.scalars(query.order_by(ReleaseProposal.id.desc()).limit(1)).first()
    return newest if newest is not None and newest.state is ProposalState.RETURNED else None


def propose(actor: Account, grade: int, document_number: str) -> ReleaseProposal:
    """Say that the scores of a grade are checked and complete, and ask for their release; scores stand still from now.

    Raises FieldsRefused for the document number, Refused while scores are missing, once proposed or released, and for
    the only manager (nobody else could confirm), WindowClosed.
    """
    try:
        number = fields.document_number(document_number, "合格人员通知文号")
    except InvalidInput as error:
        raise FieldsRefused({"document_number": error.message}) from error
    with transaction() as session:
        agency = scores.lock_own_agency(actor)
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.RESULTS, agency, grade)
        _refuse_released(agency, cycle, grade)
        if open_proposal(actor, grade) is not None:
            raise Refused(f"{Grade(grade).label}结果已提请公布，请等待确认。")
        if actor.role is Role.AGENCY_MANAGER and not _other_manager(actor):
            raise Refused("公布须两人办理，本机构只有您一个负责人账户。请由经办人提请公布，再由您确认。")
        _complete(actor, cycle, grade)
        made = ReleaseProposal(cycle_id=cycle.id, agency_id=agency.id, grade=grade, document_number=number)
        made.proposed_by_id = actor.id
        session.add(made)
        audit.record(actor, "propose_release", made, grade=grade, document=number)
        title = f"{Grade(grade).label}考核结果提请公布，请负责人核对确认"
        messages.tell("result", title, f"由{actor.display_name}核对后提请。", "result", agency_id=agency.id)
    return made


def confirm(actor: Account, grade: int) -> Release:
    """Release a proposed grade of the own agency: scores freeze, all concerned see theirs.

    Raises Refused without a proposal, for the proposer, while scores are missing or once released, WindowClosed.
    """
    with transaction() as session:
        agency = scores.lock_own_agency(actor)
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.RESULTS, agency, grade)
        _refuse_released(agency, cycle, grade)
        proposal = _proposal(actor, grade)
        if proposal.proposed_by_id == actor.id:
            raise Refused("公布须两人办理：由您提请的，应由本机构另一名负责人确认。")
        people, subjects, marks = _complete(actor, cycle, grade)
        rule = cycles.pass_rule(cycle, grade)
        made = Release(
            cycle_id=cycle.id,
            agency_id=agency.id,
            grade=grade,
            document_number=proposal.document_number,
            proposed_by_id=proposal.proposed_by_id,
            released_by_id=actor.id,
            released_at=now(),
        )
        session.add(made)
        session.flush()
        for serial, application in enumerate(people, start=1):
            passed, frozen = verdict(subjects, marks[application.id], rule)
            session.add(
                Result(
                    application_id=application.id,
                    release_id=made.id,
                    reviewing_agency_id=application.agency_id,
                    passed=passed,
                    marks=frozen,
                    number=f"{cycle.year}{agency.code}{grade}{serial:05d}",
                    verification_code=new_code(),
                )
            )
        _decide(proposal, actor, ProposalState.CONFIRMED)
        audit.record(actor, "release_results", made, grade=grade, people=len(people), document=made.document_number)
        _tell_concerned(agency, Grade(grade), people)
    return made


def send_back(actor: Account, grade: int, reason: str) -> None:
    """Return a proposal, so that scores can be changed again; the proposer may also take it back.

    Raises FieldsRefused for "reason", Refused without a proposal.
    """
    try:
        clean = fields.short_text(reason, "退回原因", 300)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error
    with transaction():
        agency = scores.lock_own_agency(actor)
        proposal = _proposal(actor, grade)
        _decide(proposal, actor, ProposalState.RETURNED)
        proposal.reason = clean
        audit.record(actor, "return_release", proposal, grade=grade, reason=clean)
        title = f"{Grade(grade).label}考核结果的公布提请已退回"
        messages.tell("result", title, clean, "result", agency_id=agency.id)


def _decide(proposal: ReleaseProposal, actor: Account, state: ProposalState) -> None:
    proposal.state, proposal.decided_by_id, proposal.decided_at = state, actor.id, now()


def _proposal(actor: Account, grade: int) -> ReleaseProposal:
    found = open_proposal(actor, grade)
    if found is None:
        raise Refused(f"{Grade(grade).label}结果还没有提请公布，请先由经办人核对成绩后提请。")
    return found


def _other_manager(actor: Account) -> bool:
    query = select(func.count(Account.id)).where(
        Account.agency_id == actor.agency_id,
        Account.role == Role.AGENCY_MANAGER,
        Account.ended_at.is_(None),
        Account.id != actor.id,
    )
    return bool(db.session.scalar(query))


def _refuse_released(agency: Agency, cycle: Cycle, grade: int) -> None:
    own = (Release.cycle_id == cycle.id, Release.agency_id == agency.id, Release.grade == grade)
    if db.session.scalar(select(Release.id).where(*own)) is not None:
        raise Refused(f"{Grade(grade).label}结果已经公布过，不能重复公布。")


def _complete(
    actor: Account, cycle: Cycle, grade: int
) -> tuple[Sequence[Application], list[Subject], dict[int, dict[str, Mark]]]:
    """The grade's people by number, its subjects and everybody's marks. Raises Refused while anything is missing."""
    people = _qualified(actor, cycle, grade)
    if not people:
        raise Refused(f"{Grade(grade).label}没有审查合格的人员，无需公布。")
    subjects = [entry.as_rule() for entry in cycles.subjects(cycle, grade)]
    if not subjects:
        raise Refused(f"{Grade(grade).label}还没有设定考试科目，不能公布。请联系省职业技能等级评价指导中心设定。")
    marks = _marks(actor, cycle, grade, subjects)
    missing = [person for person in people if len(marks.get(person.id, {})) < len(subjects)]
    if missing:
        names = "、".join(person.person.name for person in missing[:5])
        raise Refused(
            f"{Grade(grade).label}还有{len(missing)}人成绩未录全（{names}"
            f"{'等' if len(missing) > 5 else ''}），录全后才能公布。"
        )
    return people, subjects, marks


def _tell_concerned(agency: Agency, grade: Grade, people: Sequence[Application]) -> None:
    """Tell every person, and each unit once with how many of its people are among them."""
    title = f"{grade.label}考核结果已公布"
    body = f"由{agency.name}公布。请登录查看结果，合格的请留意证书办理安排。"
    messages.tell_people([person.person_id for person in people], "result", title, body, "own")
    for unit_id, count in sorted(Counter(person.unit_id for person in people if person.unit_id).items()):
        messages.tell("result", title, f"由{agency.name}公布，本单位{count}人。", "result", unit_id=unit_id)


def _qualified(actor: Account, cycle: Cycle, grade: int) -> Sequence[Application]:
    query = (
        select(Application)
        .where(scores.qualified(actor, cycle), Application.grade == grade)
        .options(joinedload(Application.person))
        .order_by(Application.number)
    )
    return db.session.scalars(query).all()


def _marks(actor: Account, cycle: Cycle, grade: int, subjects: Sequence[Subject]) -> dict[int, dict[str, Mark]]:
    """The marks of the grade's people: by application, then by subject."""
    found: dict[int, dict[str, Mark]] = {}
    query = (
        select(Score)
        .join(Application, Application.id == Score.application_id)
        .where(
            scores.qualified(actor, cycle),
            Application.grade == grade,
            Score.subject_key.in_([subject.key for subject in subjects]),
        )
    )
    for score in db.session.scalars(query):
        mark = Mark(score.subject_key, score.value, score.absent, score.breach)
        found.setdefault(score.application_id, {})[score.subject_key] = mark
    return found


def verdict(
    subjects: Sequence[Subject], marks: Mapping[str, Mark], rule: PassRule
) -> tuple[bool, list[dict[str, object]]]:
    """Whether somebody passed, and the marks as a result freezes them, the weighted total (if it counts) last."""
    found = judge(subjects, marks.values(), rule)
    frozen = [_frozen(subject, marks[subject.key]) for subject in subjects]
    if rule.total_line is not None and found.total is not None:
        frozen.append(
            {
                "name": TOTAL,
                "full_mark": "100",
                "pass_mark": mark_text(rule.total_line, False),
                "mark": mark_text(found.total, False),
                "passed": found.total >= rule.total_line,
            }
        )
    return found.passed, frozen


def _frozen(subject: Subject, mark: Mark) -> dict[str, object]:
    return {
        "name": subject.name,
        "full_mark": mark_text(subject.full_mark, False),
        "pass_mark": mark_text(subject.pass_mark, False),
        "mark": mark_text(mark.value, mark.absent, mark.breach),
        "passed": reached(subject, mark),
    }
