"""Entering scores of the qualified, by grade, until the grade's results are released."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import exists, func, select
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, Person, Release, Score, SubjectEntry, Trade, Unit
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import Mark, Subject, parse_mark
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.listing import Column, Filter, Listing, Row, contains, ends_with
from gongkao.services.transaction import transaction

ABSENT = "缺考"


@dataclass(frozen=True)
class GradeState:
    """How far one grade has come at one agency."""

    grade: Grade
    qualified: int
    scored: int
    release: Release | None

    @property
    def missing(self) -> int:
        return self.qualified - self.scored


def field_name(application_id: int, subject_key: str) -> str:
    """The name of a mark's field in the entry form."""
    return f"mark-{application_id}-{subject_key}"


def grade_states(actor: Account) -> list[GradeState]:
    """The own agency's grades, five to one: how many are qualified, fully scored, and whether results are out."""
    cycle = cycles.current_cycle()
    own = (
        Application.cycle_id == cycle.id,
        Application.agency_id == actor.agency_id,
        Application.status == Status.QUALIFIED,
    )
    qualified = dict(
        db.session.execute(select(Application.grade, func.count()).where(*own).group_by(Application.grade)).tuples()
    )
    marks = (
        select(Application.grade, Application.id, func.count(Score.id).label("marks"))
        .join(Score, Score.application_id == Application.id)
        .where(*own)
        .group_by(Application.grade, Application.id)
    )
    scored: dict[int, int] = {}
    needed = {int(grade): len(cycles.subjects(cycle, grade)) for grade in Grade}
    for grade, _, count in db.session.execute(marks).tuples():
        if grade is not None and count >= needed[grade]:
            scored[grade] = scored.get(grade, 0) + 1
    query = select(Release).where(Release.cycle_id == cycle.id, Release.agency_id == actor.agency_id)
    releases = {release.grade: release for release in db.session.scalars(query)}
    return [
        GradeState(grade, qualified.get(grade, 0), scored.get(grade, 0), releases.get(grade))
        for grade in sorted(Grade, reverse=True)
    ]


def entry_listing(actor: Account, grade: int) -> Listing:
    """The own agency's qualified people of one grade, for entering their marks."""
    cycle = cycles.current_cycle()
    query = (
        narrow(select(Application), Application, actor)
        .where(
            Application.cycle_id == cycle.id,
            Application.agency_id == actor.agency_id,
            Application.status == Status.QUALIFIED,
            Application.grade == grade,
        )
        .join(Application.person)
        .join(Application.unit)
        .join(Application.trade)
        .options(
            joinedload(Application.person),
            joinedload(Application.unit),
            joinedload(Application.trade),
            selectinload(Application.scores),
        )
    )
    entered = exists().where(Score.application_id == Application.id)
    return Listing(
        title=f"{Grade(grade).level}成绩",
        query=query,
        tie=Application.id,
        sort="number",
        search=[contains(Person.name), ends_with(Person.identity_number), contains(Unit.name)],
        search_hint="姓名、身份证号后几位、单位",
        columns=[
            Column("number", "申报编号", lambda row: row.number, Application.number, kind="mono"),
            Column("name", "姓名", lambda row: row.person.name, Person.name),
            Column("identity", "身份证号", lambda row: row.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.unit.name, Unit.name),
            Column("trade", "工种", lambda row: row.trade.name, Trade.name),
            *(_mark_column(subject) for subject in cycles.subjects(cycle, grade)),
        ],
        filters=[
            Filter(
                "entered",
                "录入",
                [("", "全部"), ("no", "未录入"), ("yes", "已录入")],
                lambda value: entered if value == "yes" else ~entered,
            )
        ],
        empty_text="本机构在这个等级没有审查合格的人员。",
    )


def _mark_column(subject: SubjectEntry) -> Column:
    return Column(subject.key, subject.name, lambda row: marks_of(row).get(subject.key, ""), align="right")


def marks_of(application: Application) -> dict[str, str]:
    """The entered marks of one person as text, by subject."""
    return {score.subject_key: mark_text(score.value, score.absent) for score in application.scores}


def mark_text(value: Decimal | None, absent: bool) -> str:
    """缺考, or the mark without a needless ".0"."""
    if absent or value is None:
        return ABSENT
    return f"{value.normalize():f}"


def entry_fields(
    rows: Sequence[Row], subjects: Sequence[SubjectEntry], typed: Mapping[str, str]
) -> dict[int, list[tuple[str, str]]]:
    """The fields of one page of people, by application: (field name, what stands in it) for each subject.

    What was typed and refused stands there again; otherwise the entered mark.
    """
    ids = [row.id for row in rows]
    entered = {
        (score.application_id, score.subject_key): mark_text(score.value, score.absent)
        for score in db.session.scalars(select(Score).where(Score.application_id.in_(ids)))
    }
    return {
        number: [
            (name, typed.get(name, entered.get((number, subject.key), "")))
            for subject in subjects
            for name in (field_name(number, subject.key),)
        ]
        for number in ids
    }


def enter(actor: Account, grade: int, typed: Mapping[str, str]) -> int:
    """Keep one page of marks, all or nothing; a blank field takes an entered mark away. Returns how many changed.

    `typed` maps `field_name` to what was typed; names of people outside the own agency's grade are refused.
    Raises FieldsRefused with a message per wrong field, Refused once released, WindowClosed (notice 三（五）（六）).
    """
    with transaction() as session:
        assert actor.agency is not None
        cycles.require_open(WindowKey.SCORES, actor.agency.region, grade)
        _refuse_released(actor, grade)
        subjects = {subject.key: subject.as_rule() for subject in cycles.subjects(cycles.current_cycle(), grade)}
        allowed = set(session.scalars(entry_listing(actor, grade).query.with_only_columns(Application.id)))
        marks = _parse(typed, subjects, allowed)
        query = select(Score).where(Score.application_id.in_({key[0] for key in marks}))
        present = {(score.application_id, score.subject_key): score for score in session.scalars(query)}
        changed = sum(_keep(actor, key, mark, present.get(key)) for key, mark in marks.items())
        if changed:
            audit.record(actor, "enter_scores", actor.agency, grade=grade, changed=changed)
    return changed


def _refuse_released(actor: Account, grade: int) -> None:
    query = select(Release.id).where(
        Release.cycle_id == cycles.current_cycle().id,
        Release.agency_id == actor.agency_id,
        Release.grade == grade,
    )
    if db.session.scalar(query) is not None:
        raise Refused(f"{Grade(grade).label}成绩已公布，不能再修改。")


def _parse(
    typed: Mapping[str, str], subjects: Mapping[str, Subject], allowed: set[int]
) -> dict[tuple[int, str], Mark | None]:
    marks: dict[tuple[int, str], Mark | None] = {}
    wrong: dict[str, str] = {}
    for name, text in typed.items():
        prefix, _, rest = name.partition("-")
        number, _, key = rest.partition("-")
        if prefix != "mark" or not number.isdigit() or key not in subjects:
            continue
        if int(number) not in allowed:
            raise Refused("有人员不在本机构可录入的范围内，成绩没有保存。请刷新页面后重新录入。")
        try:
            marks[int(number), key] = parse_mark(text, subjects[key]) if text.strip() else None
        except InvalidInput as error:
            wrong[name] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    return marks


def _keep(actor: Account, key: tuple[int, str], mark: Mark | None, score: Score | None) -> bool:
    if mark is None:
        if score is not None:
            db.session.delete(score)
        return score is not None
    if score is not None and (score.value, score.absent) == (mark.value, mark.absent):
        return False
    if score is None:
        score = Score(application_id=key[0], subject_key=key[1])
        db.session.add(score)
    score.value, score.absent = mark.value, mark.absent
    score.entered_by_id = actor.id
    score.entered_at = now()
    return True
