"""Looking up what was released."""

import secrets
from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import contains_eager, joinedload
from sqlalchemy.orm.interfaces import ORMOption

from gongkao.access.scope import narrow, narrow_in_cycle
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Person, Release, Result, Role, Trade, Unit
from gongkao.rules.grades import Grade
from gongkao.services import cycles
from gongkao.services.errors import NotFound, Refused
from gongkao.services.list_filters import LOWEST_FIRST, of_agencies, of_application, of_grade
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.people_search import of_people

# Letters and digits that nobody confuses on paper.
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 12


def _on_a_notice() -> tuple[ORMOption, ...]:
    """Everything that stands on a result notice, so that many of them take no query each."""
    application = joinedload(Result.application).options(
        joinedload(Application.person),
        joinedload(Application.unit),
        joinedload(Application.trade),
        joinedload(Application.cycle),
    )
    return application, joinedload(Result.release).joinedload(Release.agency)


def result_listing(actor: Account) -> Listing:
    """The released results of this cycle in the person's scope."""
    cycle = cycles.current_cycle()
    bare, query = narrow_in_cycle(select(Result).where(*_of_year(cycle.year)), Result.application, actor, cycle.id)
    query = (
        query.join(Application.person)
        .join(Application.unit)
        .join(Application.trade)
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
        bare=bare,
        tie=Result.id,
        sort="number",
        search=[of_people(Result.application_id)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
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
            *of_application(Result.application, of_grade(grades=LOWEST_FIRST), *of_agencies(actor)),
            Filter(
                "passed",
                "结论",
                [("", "全部结论"), ("yes", "合格"), ("no", "不合格")],
                lambda value: Result.passed.is_(value == "yes"),
            ),
        ],
        empty_text="还没有公布的考核结果。结果公布后，每个人的成绩和结果通知会出现在这里。",
    )


def _of_year(year: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """A result's number begins with its cycle's year: where the year's results lie in the index of the numbers."""
    return Result.number >= str(year), Result.number < str(year + 1)


def _marks_text(row: Result) -> str:
    return "　".join(f"{mark['name']} {mark['mark']}" for mark in row.marks)


def _conclusion(row: Result) -> Cell:
    return Cell("合格", chip="done") if row.passed else Cell("不合格", chip="refused")


def find(actor: Account, result_id: int) -> Result:
    """A result in the person's scope. Raises NotFound."""
    query = narrow(select(Result), Result, actor).where(Result.id == result_id)
    result = db.session.scalar(query.options(*_on_a_notice()))
    if result is None:
        raise NotFound("result")
    return result


def gather(actor: Account, result_ids: Sequence[int]) -> list[Result]:
    """Results in the person's scope, in the order given; what is not there any more is left out."""
    query = narrow(select(Result), Result, actor).where(Result.id.in_(result_ids))
    found = {one.id: one for one in db.session.scalars(query.options(*_on_a_notice()))}
    return [found[one] for one in result_ids if one in found]


def find_own(actor: Account) -> Result:
    """The applicant's own result of this cycle. Raises NotFound before it is released."""
    query = narrow(select(Result), Result, actor).join(Result.application)
    query = query.where(Application.cycle_id == cycles.current_cycle().id)
    result = db.session.scalar(query.options(*_on_a_notice()))
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
        filters=[of_grade(Release.grade, LOWEST_FIRST)],
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
    passed = db.session.scalars(query.options(*_on_a_notice())).all()
    if not passed:
        raise Refused(f"{made.agency.name}{Grade(made.grade).label}没有合格人员，无需下发合格人员通知。")
    return made, passed


def by_code(code: str) -> Result:
    """The result a notice's verification code belongs to. Raises NotFound."""
    text = code.strip().upper().replace("-", "")
    result = db.session.scalar(select(Result).where(Result.verification_code == text).options(*_on_a_notice()))
    if result is None:
        raise NotFound("code")
    return result


def new_code() -> str:
    """A verification code that nobody guesses."""
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(CODE_LENGTH))
