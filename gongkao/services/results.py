"""Releasing results, and looking up what was released."""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Cycle, Person, Release, Result, Role, Score, Trade, Unit
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import Mark, Subject, judge, reached
from gongkao.services import audit, cycles, messages, scores
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, ends_with
from gongkao.services.scores import mark_text
from gongkao.services.transaction import transaction

# Letters and digits that nobody confuses on paper.
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 12
# Everything that stands on a result notice, so that many of them take no query each.
_ON_A_NOTICE = (
    joinedload(Result.application).options(
        joinedload(Application.person),
        joinedload(Application.unit),
        joinedload(Application.trade),
        joinedload(Application.cycle),
    ),
    joinedload(Result.release).joinedload(Release.agency),
)


def release(actor: Account, grade: int, document_number: str) -> Release:
    """Release the results of one grade at the own agency (notice 三（六）): scores freeze, all concerned see theirs.

    Raises FieldsRefused for the document number, Refused while scores are missing or once released, WindowClosed.
    """
    try:
        number = fields.document_number(document_number, "合格人员通知文号")
    except InvalidInput as error:
        raise FieldsRefused({"document_number": error.message}) from error
    with transaction() as session:
        agency = scores.lock_own_agency(actor)
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.RESULTS, agency, grade)
        own = (Release.cycle_id == cycle.id, Release.agency_id == agency.id, Release.grade == grade)
        if session.scalar(select(Release.id).where(*own)) is not None:
            raise Refused(f"{Grade(grade).label}结果已经公布过，不能重复公布。")
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
        made = Release(
            cycle_id=cycle.id,
            agency_id=agency.id,
            grade=grade,
            document_number=number,
            released_by_id=actor.id,
            released_at=now(),
        )
        session.add(made)
        session.flush()
        for serial, application in enumerate(people, start=1):
            own_marks = marks[application.id]
            session.add(
                Result(
                    application_id=application.id,
                    release_id=made.id,
                    passed=judge(subjects, own_marks.values()).passed,
                    marks=[_frozen(subject, own_marks[subject.key]) for subject in subjects],
                    number=f"{cycle.year}{agency.code}{grade}{serial:05d}",
                    verification_code="".join(secrets.choice(_CODE_ALPHABET) for _ in range(CODE_LENGTH)),
                )
            )
        audit.record(actor, "release_results", made, grade=grade, people=len(people), document=number)
        _tell_concerned(agency, Grade(grade), people)
    return made


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
        mark = Mark(score.subject_key, score.value, score.absent)
        found.setdefault(score.application_id, {})[score.subject_key] = mark
    return found


def _frozen(subject: Subject, mark: Mark) -> dict[str, object]:
    return {
        "name": subject.name,
        "full_mark": mark_text(subject.full_mark, False),
        "pass_mark": mark_text(subject.pass_mark, False),
        "mark": mark_text(mark.value, mark.absent),
        "passed": reached(subject, mark),
    }


def result_listing(actor: Account) -> Listing:
    """The released results of this cycle in the person's scope."""
    query = (
        narrow(select(Result), Result, actor)
        .join(Result.application)
        .join(Application.person)
        .join(Application.unit)
        .join(Application.trade)
        .where(Application.cycle_id == cycles.current_cycle().id)
        .options(
            contains_eager(Result.application).options(
                contains_eager(Application.person),
                contains_eager(Application.unit),
                contains_eager(Application.trade),
                joinedload(Application.cycle),
            ),
            joinedload(Result.release).joinedload(Release.agency),
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
            Column("name", "姓名", lambda row: row.application.person.name, Person.name, kind="name"),
            Column("identity", "身份证号", lambda row: row.application.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.application.unit.name, Unit.name),
            Column("trade", "工种", lambda row: row.application.trade.name, Trade.name),
            Column("grade", "等级", lambda row: Grade(row.application.grade).label, Application.grade),
            Column("marks", "成绩", _marks_text),
            Column("passed", "结论", _conclusion, Result.passed, kind="status"),
        ],
        filters=[
            _grade_filter(Application.grade),
            Filter(
                "passed",
                "结论",
                [("", "全部结论"), ("yes", "合格"), ("no", "不合格")],
                lambda value: Result.passed.is_(value == "yes"),
            ),
        ],
        empty_text="还没有公布的考核结果。结果公布后，每个人的成绩和结果通知会出现在这里。",
    )


def _grade_filter(column: Any) -> Filter:
    choices = [("", "全部等级"), *((str(int(grade)), grade.label) for grade in sorted(Grade, reverse=True))]
    return Filter("grade", "等级", choices, lambda value: column == int(value))


def _marks_text(row: Result) -> str:
    return "　".join(f"{mark['name']} {mark['mark']}" for mark in row.marks)


def _conclusion(row: Result) -> Cell:
    return Cell("合格", chip="done") if row.passed else Cell("不合格", chip="refused")


def find(actor: Account, result_id: int) -> Result:
    """A result in the person's scope. Raises NotFound."""
    query = narrow(select(Result), Result, actor).where(Result.id == result_id)
    result = db.session.scalar(query.options(*_ON_A_NOTICE))
    if result is None:
        raise NotFound("result")
    return result


def gather(actor: Account, result_ids: Sequence[int]) -> list[Result]:
    """Results in the person's scope, in the order given; what is not there any more is left out."""
    query = narrow(select(Result), Result, actor).where(Result.id.in_(result_ids))
    found = {one.id: one for one in db.session.scalars(query.options(*_ON_A_NOTICE))}
    return [found[one] for one in result_ids if one in found]


def find_own(actor: Account) -> Result:
    """The applicant's own result of this cycle. Raises NotFound before it is released."""
    query = narrow(select(Result), Result, actor).join(Result.application)
    query = query.where(Application.cycle_id == cycles.current_cycle().id)
    result = db.session.scalar(query.options(*_ON_A_NOTICE))
    if result is None or actor.role is not Role.APPLICANT:
        raise NotFound("result")
    return result


def release_listing(actor: Account) -> Listing:
    """The releases of this cycle by the agencies in the person's scope."""
    query = (
        narrow(select(Release), Release, actor)
        .where(Release.cycle_id == cycles.current_cycle().id)
        .join(Release.agency)
        .options(contains_eager(Release.agency))
    )
    return Listing(
        title="结果公布记录",
        query=query,
        tie=Release.id,
        sort="released",
        descending=True,
        search=[contains(Agency.name), contains(Release.document_number)],
        search_hint="工考管理机构、文号",
        columns=[
            Column("agency", "工考管理机构", lambda row: row.agency.name, Agency.code),
            Column("grade", "等级", lambda row: Grade(row.grade).label, Release.grade),
            Column("document", "合格人员通知文号", lambda row: row.document_number, Release.document_number),
            Column("released", "公布日期", lambda row: f"{row.released_at:%Y-%m-%d}", Release.released_at, kind="date"),
        ],
        filters=[_grade_filter(Release.grade)],
        empty_text="没有符合条件的公布记录。",
    )


def find_release(actor: Account, release_id: int) -> tuple[Release, Sequence[Result]]:
    """A release in the person's scope with those who passed, by number.

    Raises NotFound, and Refused where nobody passed: then there is no notice of passes.
    """
    made = db.session.scalar(narrow(select(Release), Release, actor).where(Release.id == release_id))
    if made is None:
        raise NotFound("release")
    query = select(Result).where(Result.release_id == made.id, Result.passed).order_by(Result.number)
    passed = db.session.scalars(query.options(*_ON_A_NOTICE)).all()
    if not passed:
        raise Refused(f"{made.agency.name}{Grade(made.grade).label}没有合格人员，无需下发合格人员通知。")
    return made, passed


def by_code(code: str) -> Result:
    """The result a notice's verification code belongs to. Raises NotFound."""
    text = code.strip().upper().replace("-", "")
    result = db.session.scalar(select(Result).where(Result.verification_code == text).options(*_ON_A_NOTICE))
    if result is None:
        raise NotFound("code")
    return result
