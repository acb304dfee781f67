"""Entering scores of the qualified, by grade, until the grade's results are released."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import contains_eager, selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Cycle,
    PanelCandidate,
    Person,
    ProposalState,
    Release,
    ReleaseProposal,
    Result,
    Score,
    SubjectEntry,
    Trade,
    Unit,
)
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import BREACH, Mark, parse_mark
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles, kept
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.listing import Column, Filter, Listing, Row, contains, of_identity
from gongkao.services.transaction import transaction

ABSENT = "缺考"
# The kind of the subject whose mark a panel gives.
REVIEW = "review"


@dataclass(frozen=True)
class GradeState:
    """How far one grade has come at one agency; `passed` counts the released results that passed.

    `proposed` tells that its release waits to be confirmed, `counted` when people and marks were counted: "截至09:30",
    or "" for this moment.
    """

    grade: Grade
    qualified: int
    scored: int
    release: Release | None
    passed: int = 0
    proposed: bool = False
    counted: str = ""

    @property
    def missing(self) -> int:
        return self.qualified - self.scored


@dataclass(frozen=True)
class Entry:
    """One field of the entry form: its name, what stands in it, and the mark that was there when the page was made.

    One that is `locked` is shown and not typed: what a panel gives, and what two others have typed already.
    """

    name: str
    text: str
    seen: str
    locked: bool = False


def field_name(application_id: int, subject_key: str) -> str:
    """The name of a mark's field in the entry form."""
    return f"mark-{application_id}-{subject_key}"


def seen_name(field: str) -> str:
    """The name of the hidden field beside a mark's field: what stood there when the page was made."""
    return f"seen-{field}"


def qualified(actor: Account, cycle: Cycle) -> ColumnElement[bool]:
    """The people whose marks the own agency enters: those it has found qualified in the cycle."""
    return and_(
        Application.cycle_id == cycle.id,
        Application.agency_id == actor.agency_id,
        Application.status == Status.QUALIFIED,
    )


def _complete(subjects: Sequence[SubjectEntry]) -> ColumnElement[bool]:
    """Whether an application has a mark in every subject."""
    marks = (
        select(func.count(Score.id))
        .where(Score.application_id == Application.id, Score.subject_key.in_([entry.key for entry in subjects]))
        .correlate(Application)
        .scalar_subquery()
    )
    return marks >= len(subjects)


def grade_states(actor: Account) -> list[GradeState]:
    """The own agency's grades, five to one: how many are qualified, fully scored, and whether results are out."""
    cycle = cycles.current_cycle()
    needed = (
        select(SubjectEntry.grade, func.count().label("subjects"))
        .where(SubjectEntry.cycle_id == cycle.id)
        .group_by(SubjectEntry.grade)
        .subquery()
    )
    # Looked up among the few subjects, which are put together once, not joined for every mark.
    subjects = select(SubjectEntry.grade, SubjectEntry.key).where(SubjectEntry.cycle_id == cycle.id)
    of_grade = tuple_(Application.grade, Score.subject_key).in_(subjects)
    own_marks = select(func.count(Score.id)).where(Score.application_id == Application.id, of_grade)
    marks = own_marks.correlate(Application).scalar_subquery()
    counting = (
        select(Application.grade, func.count(), func.count().filter(marks >= needed.c.subjects))
        .outerjoin(needed, needed.c.grade == Application.grade)
        .where(qualified(actor, cycle))
        .group_by(Application.grade)
    )

    def count() -> tuple[dict[int | None, tuple[int, int]], int]:
        found = {grade: (people, scored) for grade, people, scored in db.session.execute(counting)}
        return found, sum(people for people, _ in found.values())

    people = kept.figures("marks", actor, (), count)
    # Rows, not their numbers, so that an index holds all that is counted.
    passed = select(func.count()).select_from(Result).where(Result.release_id == Release.id, Result.passed)
    releases = {
        release.grade: (release, count)
        for release, count in db.session.execute(
            select(Release, passed.correlate(Release).scalar_subquery()).where(
                Release.cycle_id == cycle.id, Release.agency_id == actor.agency_id
            )
        )
    }
    proposed = {proposal.grade for proposal in db.session.scalars(open_proposals(actor))}
    return [
        GradeState(
            grade, *people.value.get(grade, (0, 0)), *releases.get(grade, (None, 0)), grade in proposed, people.moment
        )
        for grade in sorted(Grade, reverse=True)
    ]


def open_proposals(actor: Account) -> Select[ReleaseProposal]:
    """The proposals of the own agency's grades that wait to be confirmed."""
    return select(ReleaseProposal).where(
        ReleaseProposal.cycle_id == cycles.current_cycle().id,
        ReleaseProposal.agency_id == actor.agency_id,
        ReleaseProposal.state == ProposalState.OPEN,
    )


def incomplete(actor: Account, grade: int, limit: int) -> Sequence[str]:
    """The names of those who still miss a mark, by number, at most `limit`."""
    cycle = cycles.current_cycle()
    query = (
        select(Person.name)
        .join(Application, Application.person_id == Person.id)
        .where(qualified(actor, cycle), Application.grade == grade, ~_complete(cycles.subjects(cycle, grade)))
        .order_by(Application.number)
    )
    return db.session.scalars(query.limit(limit)).all()


def entry_listing(actor: Account, grade: int, subjects: Sequence[SubjectEntry] | None = None) -> Listing:
    """The own agency's qualified people of one grade, for entering their marks; the last columns are the subjects.

    `subjects` are those of the grade, where they are at hand.
    """
    cycle = cycles.current_cycle()
    subjects = cycles.subjects(cycle, grade) if subjects is None else subjects
    bare = narrow(select(Application), Application, actor).where(qualified(actor, cycle), Application.grade == grade)
    query = (
        bare.join(Application.person)
        .join(Application.unit)
        .join(Application.trade)
        .options(
            contains_eager(Application.person),
            contains_eager(Application.unit),
            contains_eager(Application.trade),
            selectinload(Application.scores),
        )
    )
    complete = _complete(subjects)
    return Listing(
        title=f"{Grade(grade).level}成绩",
        query=query,
        bare=bare,
        tie=Application.id,
        sort="number",
        search=[contains(Person.name), of_identity(Person), contains(Unit.name)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("number", "申报编号", lambda row: row.number, Application.number, kind="mono"),
            Column("name", "姓名", lambda row: row.person.name, Person.name, kind="name"),
            Column("identity", "身份证号", lambda row: row.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.unit.name, Unit.name),
            Column("trade", "工种", lambda row: row.trade.name, Trade.name),
            *(_mark_column(subject) for subject in subjects),
        ],
        filters=[
            Filter(
                "entered",
                "录入",
                [("", "全部"), ("no", "未录全"), ("yes", "已录全")],
                lambda value: complete if value == "yes" else ~complete,
            )
        ],
        empty_text="没有符合条件的人员。审查合格的人员会出现在这里。",
    )


def _mark_column(subject: SubjectEntry) -> Column:
    return Column(subject.key, subject.name, lambda row: marks_of(row).get(subject.key, ""), align="right")


def marks_of(application: Application) -> dict[str, str]:
    """The entered marks of one person as text, by subject."""
    return {score.subject_key: score_text(score) for score in application.scores}


def mark_text(value: Decimal | None, absent: bool, breach: bool = False) -> str:
    """违纪, 缺考, or the mark without a needless ".0"."""
    if breach:
        return BREACH
    if absent or value is None:
        return ABSENT
    return f"{value.normalize():f}"


def score_text(score: Score) -> str:
    """A kept mark as text."""
    return mark_text(score.value, score.absent, score.breach)


def entry_fields(
    rows: Sequence[Row], subjects: Sequence[SubjectEntry], typed: Mapping[str, str]
) -> dict[int, dict[str, Entry]]:
    """The fields of one page of people of `entry_listing`: by application, then by subject.

    What was typed and refused stands there again; otherwise the entered mark.
    """
    sealed = by_panel([row.id for row in rows])

    def entry(number: int, subject: SubjectEntry, seen: str) -> Entry:
        name = field_name(number, subject.key)
        return Entry(name, typed.get(name, seen), seen, locked=subject.kind == REVIEW and number in sealed)

    return {
        row.id: {
            subject.key: entry(row.id, subject, cell.text)
            for subject, cell in zip(subjects, row.cells[len(row.cells) - len(subjects) :], strict=True)
        }
        for row in rows
    }


def by_panel(application_ids: Collection[int]) -> set[int]:
    """Those of the applications whose review mark a panel gives: nobody types it."""
    query = select(PanelCandidate.application_id).where(PanelCandidate.application_id.in_(application_ids))
    return set(db.session.scalars(query))


def enter(actor: Account, grade: int, typed: Mapping[str, str]) -> int:
    """Keep one page of marks, all or nothing; a blank field takes an entered mark away. Returns how many changed.

    `typed` maps `field_name` to what was typed and `seen_name` to what stood there before: a field left as it was is
    left alone, so that two people with the same page open do not undo each other's marks.
    Raises FieldsRefused with a message per wrong field, Refused for people outside the own agency's grade and once
    released, WindowClosed (notice 三（五）（六）).
    """
    with transaction():
        page = open_page(actor, grade, typed)
        if page.agency.double_entry:
            raise Refused("本机构已改为两人分别录入，成绩没有保存。请刷新页面后重新录入。")
        marks = _parse(typed, page)
        changed = sum(put(actor, key, mark, "", page.present.get(key)) for key, mark in marks.items())
        if changed:
            people = sorted({number for number, _ in marks})
            audit.record(actor, "enter_scores", page.agency, grade=grade, changed=changed, applications=people)
    return changed


@dataclass(frozen=True)
class TypedPage:
    """A page of typed marks that may be kept: the changed fields' names, and the marks that stand now, by place."""

    agency: Agency
    subjects: Mapping[str, SubjectEntry]
    changes: Mapping[tuple[int, str], str]
    present: Mapping[tuple[int, str], Score]


def open_page(actor: Account, grade: int, typed: Mapping[str, str]) -> TypedPage:
    """Check inside the caller's use case that a page of marks may be kept now, by this person, for these people.

    Raises Refused, WindowClosed.
    """
    agency = lock_own_agency(actor)
    cycle = cycles.current_cycle()
    cycles.require_open(WindowKey.SCORES, agency, grade)
    require_unreleased(actor, cycle, grade)
    subjects = {subject.key: subject for subject in cycles.subjects(cycle, grade)}
    changes = _changed_fields(typed, set(subjects))
    numbers = {number for number, _ in changes}
    own = (qualified(actor, cycle), Application.grade == grade, Application.id.in_(numbers))
    if set(db.session.scalars(select(Application.id).where(*own))) != numbers:
        raise Refused("有人员不在本机构可录入的范围内，成绩没有保存。请刷新页面后重新录入。")
    judged = {number for number, key in changes if subjects[key].kind == REVIEW}
    if judged and by_panel(judged):
        raise Refused("综合评审成绩由评审组评分后启封形成，不能手工录入，成绩没有保存。")
    scored = select(Score).where(Score.application_id.in_(numbers))
    present = {(score.application_id, score.subject_key): score for score in db.session.scalars(scored)}
    return TypedPage(agency, subjects, changes, present)


def lock_own_agency(actor: Account) -> Agency:
    """The own agency, held until the use case ends: entering and releasing the same marks go one after the other."""
    query = select(Agency).where(Agency.id == actor.agency_id)
    return db.session.scalars(query.with_for_update(of=Agency)).one()


def require_unreleased(actor: Account, cycle: Cycle, grade: int) -> None:
    """Raises Refused where the own agency's grade is released, or its release proposed: then scores stand still."""
    query = select(Release.id).where(
        Release.cycle_id == cycle.id, Release.agency_id == actor.agency_id, Release.grade == grade
    )
    if db.session.scalar(query) is not None:
        raise Refused(f"{Grade(grade).label}成绩已公布，不能再修改。")
    if db.session.scalar(open_proposals(actor).where(ReleaseProposal.grade == grade)) is not None:
        raise Refused(f"{Grade(grade).label}结果已提请公布，成绩不能修改。需要修改的，请先在考核结果中退回提请。")


def _changed_fields(typed: Mapping[str, str], keys: set[str]) -> dict[tuple[int, str], str]:
    """(application, subject) of every field that was changed on the page, with the field's name."""
    found = {}
    for name, text in typed.items():
        prefix, _, rest = name.partition("-")
        number, _, key = rest.partition("-")
        readable = prefix == "mark" and number.isascii() and number.isdigit() and len(number) < 10 and key in keys
        if readable and text.strip() != typed.get(seen_name(name), ""):
            found[int(number), key] = name
    return found


def read_marks(typed: Mapping[str, str], page: TypedPage) -> dict[tuple[int, str], Mark | None]:
    """The changed marks of a page, None for one that was emptied. Raises FieldsRefused by field name."""
    marks: dict[tuple[int, str], Mark | None] = {}
    wrong: dict[str, str] = {}
    for key, name in page.changes.items():
        try:
            mark = parse_mark(typed[name], page.subjects[key[1]].as_rule()) if typed[name].strip() else None
        except InvalidInput as error:
            wrong[name] = error.message
            continue
        if mark is not None and mark.breach:
            wrong[name] = "违纪须写明情况：请点击该人员的申报编号，登记违纪。"
        marks[key] = mark
    if wrong:
        raise FieldsRefused(wrong)
    return marks


def _parse(typed: Mapping[str, str], page: TypedPage) -> dict[tuple[int, str], Mark | None]:
    """`read_marks`, where nobody else has changed the same mark since the page was made."""
    marks = read_marks(typed, page)
    wrong: dict[str, str] = {}
    for key, mark in marks.items():
        name, score = page.changes[key], page.present.get(key)
        there = score_text(score) if score else ""
        wanted = mark_text(mark.value, mark.absent) if mark else ""
        if there not in (wanted, typed.get(seen_name(name), "")):
            wrong[name] = f"此处成绩刚刚由他人改为{there or '空'}，请核对；仍按您填的保存，请再次点击保存。"
    if wrong:
        raise FieldsRefused(wrong)
    return marks


def put(actor: Account, key: tuple[int, str], mark: Mark | None, note: str, score: Score | None) -> bool:
    """Keep, change or (without a mark) take away one mark inside the caller's use case; whether it changed.

    `key` is (application, subject), `score` what stands there now, `note` what is said of a breach.
    """
    if mark is None:
        if score is not None:
            db.session.delete(score)
        return score is not None
    wanted = (mark.value, mark.absent, mark.breach, note)
    if score is not None and (score.value, score.absent, score.breach, score.note) == wanted:
        return False
    if score is None:
        score = Score(application_id=key[0], subject_key=key[1])
        db.session.add(score)
    score.value, score.absent, score.breach, score.note = wanted
    score.entered_by_id = actor.id
    score.entered_at = now()
    return True


def find_qualified(actor: Account, grade: int, application_id: int) -> Application:
    """One of the own agency's qualified people of a grade. Raises NotFound."""
    own = (qualified(actor, cycles.current_cycle()), Application.grade == grade, Application.id == application_id)
    found = db.session.scalar(select(Application).where(*own).options(selectinload(Application.scores)))
    if found is None:
        raise NotFound("application")
    return found


def mark_breach(actor: Account, grade: int, application_id: int, subject_key: str, note: str) -> None:
    """Put a breach of discipline (违纪) in the place of a mark: it makes the whole result invalid (notice 四（四）).

    Raises FieldsRefused for "subject" and "note", NotFound, Refused once proposed or released, WindowClosed.
    """
    wrong: dict[str, str] = {}
    subjects = {subject.key for subject in cycles.subjects(cycles.current_cycle(), grade)}
    if subject_key not in subjects:
        wrong["subject"] = "请选择违纪的科目。"
    try:
        clean = fields.short_text(note, "违纪情况", 200, 4)
    except InvalidInput as error:
        wrong["note"] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    with transaction() as session:
        agency = lock_own_agency(actor)
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.SCORES, agency, grade)
        require_unreleased(actor, cycle, grade)
        found = find_qualified(actor, grade, application_id)
        key = (found.id, subject_key)
        score = session.scalar(select(Score).where(Score.application_id == found.id, Score.subject_key == subject_key))
        put(actor, key, Mark(subject_key, None, breach=True), clean, score)
        audit.record(actor, "mark_breach", found, grade=grade, key=subject_key, note=clean)
