"""Reports upward: what they count, when they are sent, that they stay as sent, and who receives them."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, Deferral, DeferralStatus, Message, UpwardReport
from gongkao.rules.errors import RuleError, WindowClosed
from gongkao.rules.workflow import Status
from gongkao.services import cycles, files, listing, reports, review, settings, units
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.documents.reading import read
from tests.services.conftest import Together
from tests.world import World

At = Callable[[date], None]


def fill(world: World) -> None:
    """Five people of the first county, one of the second, one of the city's own."""
    people: list[tuple[str, Any, int, Status]] = [
        ("范知秋", world.school, 4, Status.QUALIFIED),
        ("安知行", world.school, 3, Status.AGENCY_REVIEW),
        ("卓明远", world.station, 4, Status.RETURNED),
        ("邵一帆", world.station, 2, Status.REFUSED),
        ("柳成荫", world.bureau, 4, Status.UNIT_REVIEW),
        ("白云起", world.far_school, 4, Status.QUALIFIED),
        ("江晚晴", world.unit("郑州市长河中心"), 5, Status.AGENCY_REVIEW),
        ("方远志", world.school, 4, Status.DRAFT),
    ]
    for serial, (name, unit, grade, status) in enumerate(people, start=101):
        made = factories.application(factories.person(name, serial), unit, grade=grade, status=status)
        if name == "范知秋":
            with transaction() as session:
                session.add(
                    Deferral(application_id=made.id, status=DeferralStatus.AGREED, years=[2024], pledged_at=now())
                )


def workbook(report: UpwardReport) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(io.BytesIO(files.read(report.sheet)))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_a_county_counts_its_own(world: World) -> None:
    fill(world)
    content = reports.preview(world.agency("410122"))
    assert content.figures.total == {
        "registered": 5,
        "unit_review": 1,
        "agency_review": 1,
        "returned": 1,
        "qualified": 1,
        "refused": 1,
        "cancelled": 0,
        "deferred": 1,
    }
    assert [(line.label, line.counts["registered"]) for line in content.figures.by_grade] == [
        ("四级（中级工）", 3),
        ("三级（高级工）", 1),
        ("二级（技师）", 1),
    ]
    assert (content.parts, content.missing) == ([], [])


def test_what_was_sent_says_what_was_counted(world: World) -> None:
    fill(world)
    report = reports.send(world.manager)
    assert report.number == "HZ202541012201"
    sheets = workbook(report)
    assert list(sheets) == ["按单位", "按等级", "按工种", "人员名单"]
    for name in ("按单位", "按等级", "按工种"):
        head, *lines, total = sheets[name]
        place = head.index("申报人数")
        for column in range(place, len(head)):
            assert sum(line[column] for line in lines) == total[column]
        assert total[place] == 5
    names = [row[2] for row in sheets["人员名单"][1:]]
    assert sorted(names) == sorted(["范知秋", "安知行", "卓明远", "邵一帆", "柳成荫"])
    assert all("*" in row[3] for row in sheets["人员名单"][1:])

    paper = read(files.read(report.paper))
    assert "报名信息汇总表" in paper.text and "HZ202541012201" in paper.text and "盖章" in paper.text
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "send_report")).one()
    told = db.session.scalars(select(Message).where(Message.agency_id == world.agency("410100").id)).all()
    assert told[-1].about == f"report {report.id}"


def test_what_was_sent_stays_as_it_was(world: World) -> None:
    """Whatever is decided, handed in, renamed or sent anew afterwards: the same figures, the same bytes."""
    fill(world)
    city, county = world.account("gl410100"), world.agency("410122")
    report = reports.send(world.manager)
    reports.attach_signed(world.manager, report.id, factories.pdf(), "扫描.pdf")
    assert report.signed is not None

    def frozen() -> tuple[Any, ...]:
        db.session.expire_all()
        found = reports.find(city, report.id)
        kept = (found.sheet, found.paper, found.signed)
        return reports.content_of(found).as_data(), [one and (one.name, files.read(one)) for one in kept]

    sent = frozen()
    reports.receive(city, report.id, report.version)
    decided = world.application_of("安知行")
    passed = {item.key: review.Verdict(True) for item in review.checklist(decided)}
    review.decide(world.officer, decided.id, decided.version, "pass", passed, onsite=False)
    factories.application(factories.person("后来者", 120), world.school, status=Status.AGENCY_REVIEW)
    school = world.school
    units.change_unit(
        world.manager,
        school.id,
        name="中牟县晴川中学",
        credit_code=school.credit_code,
        level=school.level,
        region_code=school.region_code,
        supervising_unit_id=school.supervising_unit_id,
    )
    # Even what no page changes: the agency is given another name, and a trade.
    with transaction():
        county.name, decided.trade.name = "中牟县人事考核办公室", "机动车驾驶员"
    assert frozen() == sent

    # What would be sent now is another thing; but it is sent only once this one has come back.
    content = reports.preview(county)
    assert content.agency == "中牟县人事考核办公室"
    assert (content.figures.total["registered"], content.figures.total["qualified"]) == (6, 2)
    lines = [line.label for line in (*content.figures.by_unit, *content.figures.by_trade)]
    assert "中牟县晴川中学" in lines and "机动车驾驶员" in lines and "中牟县晴川学校" not in lines
    with pytest.raises(Refused, match=report.number):
        reports.send(world.manager)
    with pytest.raises(Refused):
        reports.attach_signed(world.manager, report.id, factories.pdf(2), "扫描.pdf")
    assert frozen() == sent
    reports.send_back(city, report.id, report.version, "学校已更名")
    again = reports.send(world.manager)
    assert reports.content_of(again).figures == content.figures
    assert files.read(again.sheet) != files.read(report.sheet) and files.read(again.paper) != files.read(report.paper)
    files.sweep()
    assert frozen() == sent
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "send_report").order_by(AuditEntry.id))
    digests = next(entry).detail
    assert (digests["sheet_sha256"], digests["paper_sha256"]) == (report.sheet.sha256, report.paper.sha256)


def test_it_is_sent_once_in_the_window_by_the_manager(world: World, at: At) -> None:
    for actor in (world.officer, world.province_manager, world.inspector, world.unit_administrator):
        with pytest.raises(Refused):
            reports.send(actor)
    at(date(2025, 4, 12))
    with pytest.raises(WindowClosed):
        reports.send(world.manager)
    found = reports.overview(world.manager)
    assert found is not None and not found.may_send and "现已截止" in found.held
    at(date(2025, 4, 11))
    reports.send(world.manager)
    with pytest.raises(Refused, match="HZ202541012201"):
        reports.send(world.manager)


def test_sending_twice_at_once_sends_once(world: World, together: Together) -> None:
    manager = world.manager.id

    def send() -> str:
        return reports.send(db.session.get_one(Account, manager)).number

    outcomes = together(send, send)
    assert sum(isinstance(one, RuleError) for one in outcomes) == 1
    assert len(db.session.scalars(select(UpwardReport)).all()) == 1


def test_a_county_that_has_not_taken_over_sends_nothing(world: World) -> None:
    settings.switch_taken_over(world.province_manager, world.agency("410122").id, False)
    with pytest.raises(Refused, match="未承接"):
        reports.send(world.manager)


def test_a_city_sums_its_own_and_its_counties(world: World) -> None:
    fill(world)
    city = world.account("gl410100")
    county = reports.send(world.manager)
    content = reports.preview(world.agency("410100"))
    assert content.figures.total["registered"] == 6
    assert [(part.agency, part.number) for part in content.parts] == [
        ("本级", ""),
        (world.agency("410122").name, county.number),
    ]
    assert content.missing == [world.agency("410181").name]
    reports.send(world.far_manager)
    sent = reports.send(city)
    frozen = reports.content_of(sent)
    assert frozen.missing == [] and frozen.figures.total["registered"] == 7
    assert sum(part.total["registered"] for part in frozen.parts) == 7
    sheets = workbook(sent)
    assert "按机构" in sheets and [row[2] for row in sheets["本级人员名单"][1:]] == ["江晚晴"]
    # The centre sums its cities in the same way.
    centre = reports.preview(world.agency("410000"))
    assert centre.figures.total["registered"] == 7 and len(centre.missing) == 17


def test_a_returned_report_is_replaced_by_a_new_one(world: World) -> None:
    fill(world)
    report, city = reports.send(world.manager), world.account("gl410100")
    for actor in (world.manager, world.city_officer, world.province_manager):
        with pytest.raises(Refused):
            reports.receive(actor, report.id, report.version)
    for actor in (world.far_manager, world.account("gl410200")):
        with pytest.raises(NotFound):
            reports.receive(actor, report.id, report.version)
    with pytest.raises(Conflict):
        reports.receive(city, report.id, report.version + 1)
    reports.receive(city, report.id, report.version)
    assert reports.state(report) == ("已接收", "done")
    with pytest.raises(FieldsRefused):
        reports.send_back(city, report.id, report.version, " ")
    reports.send_back(city, report.id, report.version, "晴川学校人数有误")
    assert reports.state(report)[0] == "已退回"
    assert reports.preview(world.agency("410100")).figures.total["registered"] == 1
    again = reports.send(world.manager)
    assert again.number == "HZ202541012202" and report.replaced_by_id == again.id
    assert reports.content_of(report).figures.total["registered"] == 5
    with pytest.raises(Refused):
        reports.receive(city, report.id, report.version)
    below = reports.children(world.agency("410100"), cycles.current_cycle())
    assert [found.id for _, found in below if found] == [again.id]


def test_a_city_that_has_reported_is_told_what_changes_below(world: World) -> None:
    """Each time a county's figures come, go or change after the city's own report was sent."""
    fill(world)
    city, near, far = world.account("gl410100"), world.agency("410122").name, world.agency("410181").name

    def changed() -> list[str]:
        overview = reports.overview(city)
        assert overview is not None and overview.latest is not None
        assert list(overview.changed) == reports.changed_below(overview.latest)
        return list(overview.changed)

    county = reports.send(world.manager)
    bodies = select(Message.body).where(Message.agency_id == city.agency_id).order_by(Message.id.desc()).limit(1)
    assert "没有这次的数字" not in (db.session.scalar(bodies) or "")
    sent = reports.send(city)
    assert changed() == []
    reports.send(world.far_manager)
    assert changed() == [far] and f"（{sent.number}）没有这次的数字" in (db.session.scalar(bodies) or "")
    reports.send_back(city, county.id, county.version, "晴川学校人数有误")
    assert changed() == [near, far]
    again = reports.send(world.manager)
    assert changed() == [near, far]
    reports.send_back(city, again.id, again.version, "晴川学校人数仍有误")
    assert changed() == [near, far]
    reports.send(world.manager)
    reports.send_back(world.province_manager, sent.id, sent.version, "请更正后重新报送")
    assert changed() == []
    assert reports.send(city).replaced_by_id is None and changed() == []
    assert reports.changed_below(sent) == []


def test_the_stamped_scan_comes_along_until_it_is_received(world: World) -> None:
    report = reports.send(world.manager)
    with pytest.raises(FieldsRefused) as caught:
        reports.attach_signed(world.manager, report.id, b"not a scan", "扫描.pdf")
    assert list(caught.value.fields) == ["scan"]
    for actor in (world.officer, world.account("gl410100")):
        with pytest.raises(Refused):
            reports.attach_signed(actor, report.id, factories.pdf(), "扫描.pdf")
    reports.attach_signed(world.manager, report.id, factories.pdf(), "扫描.pdf")
    assert report.signed is not None
    reports.receive(world.account("gl410100"), report.id, report.version)
    with pytest.raises(Refused):
        reports.attach_signed(world.manager, report.id, factories.pdf(2), "扫描.pdf")


def test_reports_are_seen_by_those_who_sent_them_and_above(world: World) -> None:
    report = reports.send(world.manager)
    for actor in (world.manager, world.officer, world.inspector, world.city_officer, world.province_officer):
        assert reports.find(actor, report.id) is report
        assert listing.run(reports.listing(actor), {"state": "sent"}).total == 1
    for actor in (world.far_manager, world.far_city_officer, world.far_inspector):
        assert listing.run(reports.listing(actor), {}).total == 0
        with pytest.raises(NotFound):
            reports.find(actor, report.id)
