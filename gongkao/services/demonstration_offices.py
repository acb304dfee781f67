"""What the demonstration's offices do besides reviewing: rosters, visits and originals, deferrals, oversight, tests.

Each act goes through the same service as in real life, at the moment that `moments` gives with it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from gongkao import clock
from gongkao.documents.samples import sample_paper
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, CaseStatus, FalseMaterialsCase, Person, Role, Unit, Visit
from gongkao.rules.calendar import WindowKey
from gongkao.services import (
    calendar_filings,
    deferrals,
    false_materials,
    messages,
    originals,
    password_help,
    reports,
    roster,
    samples,
    saved_views,
    sites,
    sittings,
    training,
    visit_slots,
    visits,
)
from gongkao.storage.spreadsheets import write_table

CITY, COUNTY = "410100", "410122"
BUREAU, WATER_STATION, IRRIGATION, SUPPLY, ARCHIVE = (
    "中牟县云溪水务局",
    "中牟县云溪水利工程站",
    "中牟县云溪灌区管理所",
    "中牟县云溪供水服务站",
    "中牟县青禾档案馆",
)
# What is done later than the evening before the demonstration opens would lie in its future.
LAST_DAY = clock.DEMONSTRATION_DAY - timedelta(days=1)
Act = Callable[[], object]


def moment(day: date, minutes: int) -> datetime:
    """That many minutes after 8:30 on the day."""
    return datetime(day.year, day.month, day.day, 8, 30, tzinfo=clock.ZONE) + timedelta(minutes=minutes)


def agency(code: str) -> Agency:
    return db.session.scalars(select(Agency).where(Agency.code == code)).one()


def unit(name: str) -> Unit:
    return db.session.scalars(select(Unit).where(Unit.name == name)).one()


def working(**of: Any) -> Account:
    """The one working account with these facts."""
    return db.session.scalars(select(Account).filter_by(ended_at=None, **of)).one()


def officer(code: str, role: Role = Role.AGENCY_OFFICER) -> Account:
    return working(agency_id=agency(code).id, role=role)


def administrator(name: str) -> Account:
    return working(unit_id=unit(name).id)


def applicant(name: str) -> Account:
    return db.session.scalars(select(Account).join(Account.person).where(Person.name == name)).one()


def application(name: str) -> Application:
    return db.session.scalars(select(Application).join(Application.person).where(Person.name == name)).one()


def moments(listed: Sequence[tuple[str, str]]) -> Iterator[tuple[datetime, Act]]:
    """When each act happens and what to do then; `listed` are the (name, identity number) on the unit's roster."""

    def on(day: int, minutes: int) -> datetime:
        return moment(date(2025, 3, day), minutes)

    yield on(13, -10), lambda: _roster(listed)
    yield on(17, 75), _visit_times
    yield on(18, 500), lambda: _visit(SUPPLY, ("屈晓禾", "卜云帆"), 0)
    yield on(18, 515), _suspicion
    yield on(18, 640), _statement
    # What is older than the last day was read in the meantime.
    yield on(18, 660), _read_messages
    yield on(19, 35), _take_originals_in
    yield on(19, 70), _give_some_back
    yield on(19, 95), _make_up
    yield on(19, 120), _local_dates
    yield on(19, 150), _exam_site
    yield on(19, 165), _training_class
    yield on(19, 400), _confirm_suspicion
    yield on(19, 430), _second_suspicion
    yield on(19, 500), lambda: _visit(SUPPLY, ("樊石桥", "靳冬青"), 1)
    yield on(19, 520), _sample
    yield on(19, 530), _view_of_the_desk
    yield on(19, 560), _forgotten_password
    yield on(19, 570), _report_upward


def _roster(listed: Sequence[tuple[str, str]]) -> None:
    """The water station lists its people; two of them have not begun."""
    actor = administrator(WATER_STATION)
    columns = (*roster.NEEDED, roster.EDUCATION, roster.DEPARTMENT, roster.STAFF_KIND)
    rows = [(name, number, "高中", "运行科", "在岗正式工作人员") for name, number in listed]
    table, filename = write_table(columns, rows, title="人员名单", widths=(12, 22, 12, 16, 24)), "2025年人员名单.xlsx"
    preview = roster.read_import(actor, table, filename)
    assert not preview.errors, preview.errors
    roster.commit_import(actor, preview.digest, filename)


def _visit_times() -> None:
    visit_slots.add_series(
        officer(COUNTY),
        first="2025-03-19",
        last="2025-04-02",
        times="9:00-11:00、15:00-17:00",
        weekends=False,
        capacity="6",
        place="中牟县政务服务中心二楼人社窗口",
    )


def _visit(unit_name: str, names: Sequence[str], place: int) -> None:
    """The unit brings its people together and books the `place`-th time from the next day on."""
    actor = administrator(unit_name)
    visit = visits.bundle(
        actor,
        [application(name).id for name in names],
        bearer_name=actor.display_name,
        bearer_mobile="13800002003",
    )
    visits.book(actor, visit.id, visit_slots.choices(visit)[place].slot.id)


def _first_visit() -> Visit:
    return db.session.scalars(select(Visit).order_by(Visit.id).limit(1)).one()


def _take_originals_in() -> None:
    actor, visit = officer(COUNTY), _first_visit()
    originals.receive(actor, visit.id, None)
    db.session.flush()
    db.session.expire_all()
    originals.confirm_complete(actor, visit.id)


def _give_some_back() -> None:
    """One person's originals go back at once; the other's stay with the agency for now."""
    actor, visit = officer(COUNTY), _first_visit()
    member = next(one for one in visit.members if one.application.person.name == "屈晓禾")
    originals.give_back(actor, visit.id, None, administrator(SUPPLY).display_name, member_id=member.id)


def _make_up() -> None:
    """The yearly assessment that was missing is filed meanwhile; the agency has to look at it."""
    actor = applicant("乐知秋")
    paper = sample_paper(
        "年度考核材料", [("姓名", "乐知秋"), ("2024年度", "合格")], signed_by=ARCHIVE, signed_on=LAST_DAY
    )
    deferrals.make_up(actor, {"year_2024": "合格"}, paper, "2024年度考核登记表.pdf")


def _suspicion() -> None:
    text = "五级证书照片页的钢印位置与发证机关存档样式不一致，证书编号查询不到，疑似伪造。"
    false_materials.raise_case(officer(COUNTY), application("缪子衿").id, text)


def _case() -> FalseMaterialsCase:
    query = select(FalseMaterialsCase).where(FalseMaterialsCase.status == CaseStatus.RAISED)
    return db.session.scalars(query.order_by(FalseMaterialsCase.id)).first()  # type: ignore[return-value]


def _statement() -> None:
    case = _case()
    text = "证书是托熟人代办的，我没有参加过五级考核，现认识到错误，愿意接受处理。"
    false_materials.give_statement(applicant("缪子衿"), case.id, case.version, text)


def _confirm_suspicion() -> None:
    case = _case()
    text = "经向发证机关核实，无该证书发放记录；本人书面承认证书系代办，认定提供虚假材料。"
    false_materials.decide(officer(COUNTY, Role.AGENCY_MANAGER), case.id, case.version, "confirm", text)


def _second_suspicion() -> None:
    text = "工作年限证明中2009年至2011年的单位，与其他申报人提供的同一单位公章不一致，请说明。"
    false_materials.raise_case(officer(COUNTY), application("阮白露").id, text)


def _local_dates() -> None:
    calendar_filings.file(
        officer(CITY, Role.AGENCY_MANAGER),
        key=WindowKey.TRAINING,
        opens=date(2025, 4, 14),
        closes=date(2025, 7, 4),
        reason="承训单位场地安排在四月中旬以后。",
    )


def _exam_site() -> None:
    """The city has one site so far, with two rooms, one sitting and one thing to put right."""
    actor = officer(CITY)
    site = sites.save(
        actor,
        None,
        {
            "name": "郑州市云溪职业培训学校",
            "address": "郑州市金水区云溪路18号",
            "contact_name": "费明远",
            "contact_phone": "0371-62181300",
        },
    )
    rooms = [
        sites.save_room(
            actor,
            site.id,
            None,
            {"number": number, "location": location, "rows": "6", "columns": "5", "computers": "30"},
            accessible=number == "1",
        )
        for number, location in (("1", "实训楼一楼东"), ("2", "实训楼二楼东"))
    ]
    plan = sample_paper("考试应急预案", [("考点", site.name)], signed_by=site.name, signed_on=LAST_DAY)
    checks = {"power": "yes", "recording": "no", "recording_note": "第2考场一处镜头待更换", "rooms": "yes"}
    kept = {"kept_at": "考点保密室3号柜", "holder": "费明远"}
    sites.check(actor, site.id, checks | kept, (plan, "考试应急预案.pdf"))
    db.session.flush()
    sittings.save(
        actor,
        None,
        {"day": "2025-06-14", "starts": "9:00", "ends": "11:00", "kind": "computer"},
        ["4", "3"],
        [str(room.id) for room in rooms],
    )


def _training_class() -> None:
    """A class of April, filled with those of its trade and grade who are qualified already."""
    actor = officer(CITY)
    planned = training.save(
        actor,
        None,
        {
            "name": "水质监测工三级第1班",
            "trade": "05011",
            "grade": "3",
            "starts": "2025-04-21",
            "ends": "2025-04-25",
            "place": "郑州市云溪职业培训学校",
            "hours": "40",
            "capacity": "30",
        },
    )
    training.enrol(actor, planned.id, [application(name).id for name in ("屈晓禾", "虞秋澄")])


def _report_upward() -> None:
    """The county reports to its city, which has yet to receive it."""
    reports.send(officer(COUNTY, Role.AGENCY_MANAGER))


def _sample() -> None:
    """The city looks again at some of what its counties decided; one of them is judged."""
    actor = officer(CITY)
    sample = samples.draw(actor, {"title": "三月第一次抽查", "people": "2", "seed": "20250319"})
    db.session.flush()
    db.session.expire_all()
    samples.judge(actor, sample.members[0].id, True, "")


def _view_of_the_desk() -> None:
    saved_views.save(officer(COUNTY), "review.desk", "二级优先", {"grade": "2"})


def _forgotten_password() -> None:
    person = applicant("苗小满").person
    assert person is not None
    password_help.ask(
        unit_id=unit(WATER_STATION).id,
        name=person.name,
        identity_number=person.identity_number,
        mobile="13800003001",
    )


def _read_messages() -> None:
    for account in db.session.scalars(select(Account).where(Account.ended_at.is_(None))).all():
        messages.read_all(account)
