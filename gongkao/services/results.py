"""Releasing results, and the notices made of them."""

import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, Cycle, Person, Release, Result, Role, Score, Trade, Unit
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import Mark, Subject, judge
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, ends_with
from gongkao.services.scores import mark_text
from gongkao.services.transaction import transaction

# Letters and digits that nobody confuses on paper.
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 12
# How many notices one download holds.
TOGETHER = 200


def release(actor: Account, grade: int, document_number: str) -> Release:
    """Release the results of one grade at the own agency (notice 三（六）): scores freeze, all concerned see theirs.

    Raises FieldsRefused for the document number, Refused while scores are missing or once released, WindowClosed.
    """
    try:
        number = fields.short_text(document_number, "合格人员通知文号", 60)
    except InvalidInput as error:
        raise FieldsRefused({"document_number": error.message}) from error
    with transaction() as session:
        assert actor.agency is not None
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.RESULTS, actor.agency.region, grade)
        own = (Release.cycle_id == cycle.id, Release.agency_id == actor.agency_id, Release.grade == grade)
        if session.scalar(select(Release.id).where(*own)) is not None:
            raise Refused(f"{Grade(grade).label}结果已经公布过，不能重复公布。")
        people = _qualified(actor, cycle, grade)
        if not people:
            raise Refused(f"{Grade(grade).label}没有审查合格的人员，无需公布。")
        subjects = [entry.as_rule() for entry in cycles.subjects(cycle, grade)]
        marks = _marks([person.id for person in people], subjects)
        missing = [person for person in people if len(marks[person.id]) < len(subjects)]
        if missing:
            names = "、".join(person.person.name for person in missing[:5])
            raise Refused(
                f"{Grade(grade).label}还有{len(missing)}人成绩未录全（{names}"
                f"{'等' if len(missing) > 5 else ''}），录全后才能公布。"
            )
        made = Release(
            cycle_id=cycle.id,
            agency_id=actor.agency.id,
            grade=grade,
            document_number=number,
            released_by_id=actor.id,
            released_at=now(),
        )
        session.add(made)
        session.flush()
        for serial, application in enumerate(people, start=1):
            verdict = judge(subjects, marks[application.id])
            session.add(
                Result(
                    application_id=application.id,
                    release_id=made.id,
                    passed=verdict.passed,
                    marks=[_frozen(subject, marks[application.id]) for subject in subjects],
                    number=f"{cycle.year}{actor.agency.code}{grade}{serial:05d}",
                    verification_code="".join(secrets.choice(_CODE_ALPHABET) for _ in range(CODE_LENGTH)),
                )
            )
        audit.record(actor, "release_results", made, grade=grade, people=len(people), document=number)
    return made


def _qualified(actor: Account, cycle: Cycle, grade: int) -> Sequence[Application]:
    query = (
        select(Application)
        .where(
            Application.cycle_id == cycle.id,
            Application.agency_id == actor.agency_id,
            Application.status == Status.QUALIFIED,
            Application.grade == grade,
        )
        .options(joinedload(Application.person))
        .order_by(Application.number)
    )
    return db.session.scalars(query).all()


def _marks(application_ids: list[int], subjects: Sequence[Subject]) -> dict[int, list[Mark]]:
    found: dict[int, list[Mark]] = {number: [] for number in application_ids}
    keys = {subject.key for subject in subjects}
    for score in db.session.scalars(select(Score).where(Score.application_id.in_(application_ids))):
        if score.subject_key in keys:
            found[score.application_id].append(Mark(score.subject_key, score.value, score.absent))
    return found


def _frozen(subject: Subject, marks: Sequence[Mark]) -> dict[str, object]:
    mark = next(mark for mark in marks if mark.subject_key == subject.key)
    passed = not mark.absent and mark.value is not None and mark.value >= subject.pass_mark
    return {
        "name": subject.name,
        "full_mark": mark_text(subject.full_mark, False),
        "pass_mark": mark_text(subject.pass_mark, False),
        "mark": mark_text(mark.value, mark.absent),
        "passed": passed,
    }


def listing(actor: Account) -> Listing:
    """The released results in the person's scope."""
    query = (
        narrow(select(Result), Result, actor)
        .join(Result.application)
        .join(Application.person)
        .join(Application.unit)
        .join(Application.trade)
        .options(
            contains_eager(Result.application).options(
                contains_eager(Application.person),
                contains_eager(Application.unit),
                contains_eager(Application.trade),
            )
        )
    )
    return Listing(
        title="考核结果",
        query=query,
        tie=Result.id,
        sort="number",
        search=[contains(Person.name), ends_with(Person.identity_number), contains(Unit.name)],
        search_hint="姓名、身份证号后几位、单位",
        columns=[
            Column("number", "结果通知编号", lambda row: row.number, Result.number, kind="mono"),
            Column("name", "姓名", lambda row: row.application.person.name, Person.name),
            Column("identity", "身份证号", lambda row: row.application.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.application.unit.name, Unit.name),
            Column("trade", "工种", lambda row: row.application.trade.name, Trade.name),
            Column("grade", "等级", lambda row: Grade(row.application.grade).label, Application.grade),
            Column("marks", "成绩", _marks_text),
            Column("passed", "结论", _conclusion, Result.passed, kind="status"),
        ],
        filters=[
            Filter(
                "grade",
                "等级",
                [("", "全部等级"), *((str(int(g)), g.label) for g in sorted(Grade, reverse=True))],
                lambda value: Application.grade == int(value),
            ),
            Filter(
                "passed",
                "结论",
                [("", "全部结论"), ("yes", "合格"), ("no", "不合格")],
                lambda value: Result.passed.is_(value == "yes"),
            ),
        ],
        empty_text="还没有公布的考核结果。结果公布后，每个人的成绩和结果通知会出现在这里。",
    )


def _marks_text(row: Result) -> str:
    return "　".join(f"{mark['name']} {mark['mark']}" for mark in row.marks)


def _conclusion(row: Result) -> Cell:
    return Cell("合格", chip="done") if row.passed else Cell("不合格", chip="refused")


def find(actor: Account, result_id: int) -> Result:
    """A result in the person's scope. Raises NotFound."""
    result = db.session.scalar(narrow(select(Result), Result, actor).where(Result.id == result_id))
    if result is None:
        raise NotFound("result")
    return result


def find_own(actor: Account) -> Result:
    """The applicant's own result of this cycle. Raises NotFound before it is released."""
    query = narrow(select(Result), Result, actor).join(Result.application)
    result = db.session.scalar(query.where(Application.cycle_id == cycles.current_cycle().id))
    if result is None or actor.role is not Role.APPLICANT:
        raise NotFound("result")
    return result


def own_unit_results(actor: Account) -> Sequence[Result]:
    """The results of the people of the administrator's unit and its subordinates, by number, for one download."""
    query = narrow(select(Result), Result, actor).join(Result.application)
    query = query.where(Application.cycle_id == cycles.current_cycle().id).order_by(Result.number)
    found = db.session.scalars(query.limit(TOGETHER + 1)).all()
    if not found:
        raise NotFound("results")
    if len(found) > TOGETHER:
        raise Refused(f"人数超过{TOGETHER}人，请先按单位或等级筛选，分别下载。")
    return found


def releases(actor: Account) -> Sequence[Release]:
    """The releases in the person's scope, newest first."""
    query = narrow(select(Release), Release, actor).options(joinedload(Release.agency))
    return db.session.scalars(query.order_by(Release.released_at.desc(), Release.id.desc())).all()


def find_release(actor: Account, release_id: int) -> tuple[Release, Sequence[Result]]:
    """A release in the person's scope with those who passed, by number. Raises NotFound."""
    made = db.session.scalar(narrow(select(Release), Release, actor).where(Release.id == release_id))
    if made is None:
        raise NotFound("release")
    query = (
        select(Result)
        .where(Result.release_id == made.id, Result.passed)
        .options(
            joinedload(Result.application).options(
                joinedload(Application.person), joinedload(Application.unit), joinedload(Application.trade)
            )
        )
        .order_by(Result.number)
    )
    return made, db.session.scalars(query).all()


def by_code(code: str) -> Result:
    """The result a notice's verification code belongs to. Raises NotFound."""
    text = code.strip().upper().replace("-", "")
    result = db.session.scalar(select(Result).where(Result.verification_code == text))
    if result is None:
        raise NotFound("code")
    return result
