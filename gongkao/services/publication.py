"""The published lists (公布, notice 三（六）): for everybody, names masked; only what is released is in them."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from gongkao.extensions import db
from gongkao.models import Agency, Application, Release, Result, Seat, Trade
from gongkao.rules.fields import mask_name
from gongkao.rules.grades import Grade
from gongkao.services import cycles, listing
from gongkao.services.errors import NotFound
from gongkao.services.list_filters import LOWEST_FIRST, of_grade
from gongkao.services.listing import Cell, Column, Filter, Listing, contains

# How many a printed list holds at most.
PRINTED = 5000


def releases() -> Listing:
    """What the agencies have published in this cycle, newest first."""
    query = (
        select(Release)
        .where(Release.cycle_id == cycles.current_cycle().id)
        .join(Release.agency)
        .options(contains_eager(Release.agency))
    )
    return Listing(
        title="公布名单",
        query=query,
        tie=Release.id,
        sort="released",
        descending=True,
        search=[contains(Agency.name)],
        search_hint="工考管理机构",
        columns=[
            Column("agency", "工考管理机构", lambda row: row.agency.name, Agency.code),
            Column("grade", "等级", lambda row: Grade(row.grade).label, Release.grade),
            Column("released", "公布日期", lambda row: f"{row.released_at:%Y-%m-%d}", Release.released_at, kind="date"),
        ],
        filters=[of_grade(Release.grade, LOWEST_FIRST)],
        empty_text="还没有公布的考核结果。各工考管理机构公布后，名单会出现在这里。",
    )


def find(release_id: int) -> Release:
    """A release of this cycle. Raises NotFound."""
    query = select(Release).where(Release.id == release_id, Release.cycle_id == cycles.current_cycle().id)
    found = db.session.scalar(query.options(joinedload(Release.agency)))
    if found is None:
        raise NotFound("release")
    return found


def people(release: Release) -> Listing:
    """One published list. It is looked up by the whole number of a notice or of an admission ticket, not by name."""
    query = (
        select(Result)
        .where(Result.release_id == release.id)
        .join(Result.application)
        .join(Application.trade)
        .outerjoin(Seat, Seat.application_id == Application.id)
        .options(
            contains_eager(Result.application).options(
                joinedload(Application.person),
                contains_eager(Application.trade),
                contains_eager(Application.seat),
            )
        )
    )
    return Listing(
        title=f"{Grade(release.grade).label}考核结果",
        query=query,
        tie=Result.id,
        sort="number",
        search=[lambda term: Result.number == term, lambda term: Seat.ticket_number == term],
        search_hint="结果通知编号或准考证号（完整号码）",
        columns=[
            Column("number", "结果通知编号", lambda row: row.number, Result.number, kind="mono"),
            Column("ticket", "准考证号", _ticket, kind="mono"),
            Column("name", "姓名", lambda row: mask_name(row.application.person.name), kind="name"),
            Column("trade", "工种", lambda row: row.application.trade.name, Trade.name),
            Column("passed", "考核结论", _conclusion, Result.passed, kind="status"),
        ],
        filters=[
            Filter(
                "passed",
                "结论",
                [("", "全部"), ("yes", "合格"), ("no", "不合格")],
                lambda value: Result.passed.is_(value == "yes"),
            )
        ],
        empty_text="没有符合条件的人员。请输入完整的结果通知编号或准考证号。",
    )


def printed(release: Release) -> Sequence[Result]:
    """The whole list in order, for paper."""
    return listing.rows(people(release), {}, PRINTED)


def figures(release: Release) -> tuple[int, int]:
    """How many are in a published list, and how many of them passed."""
    query = select(func.count(Result.id), func.count(Result.id).filter(Result.passed)).where(
        Result.release_id == release.id
    )
    total, passed = db.session.execute(query).one()
    return total, passed


def _ticket(row: Result) -> str:
    return row.application.seat.ticket_number if row.application.seat is not None else ""


def _conclusion(row: Result) -> Cell:
    return Cell("合格", chip="done") if row.passed else Cell("不合格", chip="neutral")
