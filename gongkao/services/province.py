"""A whole invented province at its real size, to try and to measure the system with (`flask demo --applications N`).

Ten cycles, the last of them the current one, told up to the present moment. The same number and seed give the same
province. Everything is written in one go, past the services, so every row has to be what they would have written.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select

from gongkao import clock, sealing
from gongkao.documents.samples import sample_paper, sample_photo
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    ConditionSet,
    Cycle,
    CycleWindow,
    Person,
    RegistrationSheet,
    Role,
    SubjectEntry,
    TradeOpening,
    Unit,
    UnitCheck,
    UnitNamePart,
    UnitStatement,
)
from gongkao.rules.conditions import load_conditions
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.services import audit_trail, cycles, files, province_exams, province_offices, province_story, starting_data
from gongkao.services.errors import Refused
from gongkao.services.passwords import hash_password
from gongkao.services.province_story import CYCLES, RETURN_AFTER, Files, Story, Year
from gongkao.services.transaction import transaction
from gongkao.storage.bulk import loading
from gongkao.storage.uploads import Upload

MOST = 5_000_000
_MOST_UNITS, _FEWEST_UNITS = 10_000, 600
_MODELS = (
    *(Account, Unit, UnitNamePart, RegistrationSheet, UnitCheck, UnitStatement),
    *(one for one in province_story.MODELS if one is not Account),
    *(one for one in province_exams.MODELS if one not in province_story.MODELS),
)


@dataclass(frozen=True)
class Made:
    """What was written."""

    applications: int
    people: int
    units: int
    rows: int


def load(
    applications: int,
    *,
    seed: int,
    password: str,
    progress: Callable[[int], None] = lambda _done: None,
    years: int = CYCLES,
    busy: Mapping[str, int] | None = None,
) -> Made:
    """Make the province in an empty database; `progress` hears how many applications were written each time.

    Everybody's password is `password`. `years` is the number of cycles that the applications are spread over; `busy`
    says of agencies, by their codes, how many of each cycle's applications come to them besides their usual share.
    Raises Refused where there are accounts or people already.
    """
    if db.session.scalar(select(Account.id).limit(1)) or db.session.scalar(select(Person.id).limit(1)):
        raise Refused(
            "数据库中已有账户或人员，没有写入演示数据。请换一个空的数据库："
            "用 GONGKAO_INSTANCE 另设数据文件夹，或用 GONGKAO_DATABASE_URL 另设数据库。"
        )
    chance = random.Random(seed)
    with transaction():
        starting_data.load()
        province_offices.settle_agencies(chance)
        current = cycles.current_cycle()
        for back in range(1, years):
            _earlier(current, back)
        stubs = _stubs()
    units = max(_FEWEST_UNITS, min(_MOST_UNITS, applications // 20))
    ground = province_offices.read_ground()
    told, now, hashed = _years(ground.cycle, years), clock.now(), hash_password(password)
    written = 0
    # From here on the database is the loader's alone.
    db.session.remove()
    with sealing.keyring().held(), loading(db.engine, _MODELS) as loader:
        offices = province_offices.write(loader, chance, units, ground, hashed, stubs.paper)
        story = Story(loader, chance, offices, stubs, hashed, now, progress)
        at_once = [code for code, count in (busy or {}).items() for _ in range(count)]
        for place, year in enumerate(told):
            share = applications // years + (applications % years if year.current else 0)
            rest = share - len(at_once)
            who = [(RETURN_AFTER * number + place % RETURN_AFTER, "") for number in range(rest)]
            who += [(-1 - RETURN_AFTER * number - place % RETURN_AFTER, code) for number, code in enumerate(at_once)]
            passed = story.tell(year, who)
            if not year.current:
                province_exams.finish(story, year, passed)
            story.write_trail()
            written += share
        rows, people = loader.rows, story.next[Person] - 1
    audit_trail.seal()
    return Made(written, people, units, rows)


def _earlier(current: Cycle, back: int) -> None:
    """An earlier year's cycle, the same as the current one but for its days; there already from an attempt before."""
    year = current.year - back
    if db.session.scalar(select(Cycle.id).where(Cycle.year == year)):
        return

    def then(day: date) -> date:
        return day.replace(year=day.year - back, day=min(day.day, 28) if day.month == 2 else day.day)

    made = Cycle(
        year=year,
        title=current.title.replace(str(current.year), str(year)),
        notice=f"演示〔{year}〕1号",
        notice_issued_on=then(current.notice_issued_on),
        notice_issued_on_confirmed=True,
        deferral_due=then(current.deferral_due),
        ban_years=current.ban_years,
        window_entries=[
            CycleWindow(
                position=one.position,
                key=one.key,
                title=one.title,
                opens=then(one.opens),
                closes=then(one.closes),
                clause=one.clause,
                note=one.note,
                grades=one.grades,
            )
            for one in current.window_entries
        ],
    )
    db.session.add(made)
    db.session.flush()
    for subject in db.session.scalars(select(SubjectEntry).where(SubjectEntry.cycle_id == current.id)).all():
        copy = {name: getattr(subject, name) for name in ("grade", "position", "key", "name", "kind", "weight")}
        marks = {"full_mark": subject.full_mark, "pass_mark": subject.pass_mark}
        db.session.add(SubjectEntry(cycle_id=made.id, **copy, **marks))
    for opening in db.session.scalars(select(TradeOpening).where(TradeOpening.cycle_id == current.id)).all():
        db.session.add(TradeOpening(cycle_id=made.id, trade_id=opening.trade_id, grades=opening.grades))
    conditions = db.session.scalars(select(ConditionSet).where(ConditionSet.cycle_id == current.id)).first()
    assert conditions is not None
    db.session.add(ConditionSet(cycle_id=made.id, version=1, data=conditions.data, note="演示"))


def _years(current: Cycle, count: int) -> list[Year]:
    """The cycles as the story needs them, the oldest first. Only trades open for every grade are applied for."""
    found = []
    for cycle in db.session.scalars(select(Cycle).order_by(Cycle.year)).all():
        if cycle.year <= current.year - count:
            continue
        conditions = db.session.scalars(
            select(ConditionSet).where(ConditionSet.cycle_id == cycle.id).order_by(ConditionSet.version.desc())
        ).first()
        assert conditions is not None
        openings = db.session.scalars(select(TradeOpening).where(TradeOpening.cycle_id == cycle.id)).all()
        trades = sorted((one.trade_id, one.trade.name) for one in openings if len(one.grades) == len(Grade))
        found.append(
            Year(
                id=cycle.id,
                year=cycle.year,
                current=cycle.id == current.id,
                last=cycle.year == current.year - 1,
                deferral_due=cycle.deferral_due,
                condition_set_id=conditions.id,
                conditions=load_conditions(conditions.data),
                trades=trades,
                subjects={
                    int(grade): [(one.key, one.name) for one in cycles.subjects(cycle, grade)] for grade in Grade
                },
            )
        )
    return found


def _stubs() -> Files:
    """A few invented pictures and papers that everything uploaded points at."""
    photos = [files.keep(Upload("image/jpeg", ".jpg", sample_photo(serial)), "证件照.jpg").id for serial in range(4)]
    papers: Sequence[str] = ("演示材料", "考核档案")
    paper, record = (files.keep(Upload("application/pdf", ".pdf", _paper(title)), f"{title}.pdf") for title in papers)
    return Files(photos, paper.id, record.id, record.sha256)


def _paper(title: str) -> bytes:
    return sample_paper(title, [("说明", "演示数据")], signed_by="演示单位", signed_on=clock.DEMONSTRATION_DAY)


def account_lines(password: str) -> list[str]:
    """Some accounts of every role at several offices, for whoever wants to look around."""
    lines = [f"密码都是 {password}："]
    largest = (
        select(Application.agency_id)
        .join(Application.cycle)
        .where(Cycle.current, Application.agency_id.is_not(None))
        .group_by(Application.agency_id)
        .order_by(func.count().desc())
        .limit(3)
    )
    agencies = [Agency.level == RegionLevel.PROVINCE, Agency.id.in_(largest)]
    of_agency = select(Account).join(Account.agency).where(or_(*agencies), Account.username.not_like("%-2"))
    of_region = select(Account).where(Account.role == Role.INSPECTOR).order_by(Account.id).limit(3)
    above = select(Unit.supervising_unit_id).where(Unit.supervising_unit_id.is_not(None))
    of_unit = (
        select(Account).where(Account.unit_id.in_(above)).order_by(Account.id).limit(2),
        select(Account).join(Account.unit).where(Unit.supervising_unit_id.is_not(None)).order_by(Account.id).limit(2),
    )
    applicants = (
        select(Account)
        .join(Application, Application.person_id == Account.person_id)
        .join(Application.cycle)
        .where(Cycle.current)
        .order_by(Application.id)
        .limit(2)
    )
    for query in (of_agency.order_by(Account.id), of_region, *of_unit, applicants):
        for account in db.session.scalars(query).unique():
            lines.append(
                f"  {account.sign_in_name}　{account.role.label}　{account.office_name}　{account.display_name}"
            )
    return lines
