"""Sites, their checklist and rooms, and the sittings that use them."""

from collections.abc import Callable
from datetime import date

import pytest

from gongkao.rules.seating import ExamKind
from gongkao.services import listing, sites, sittings
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from tests import exams, factories
from tests.world import World

At = Callable[[date], None]
CHECK = {
    "power": "yes",
    "recording": "no",
    "recording_note": "2个考场镜头待更换",
    "rooms": "yes",
    "kept_at": "考点保密室3号柜",
    "holder": "管一",
}


def test_the_checklist_needs_every_answer_and_the_plan(world: World) -> None:
    site = exams.site(world)
    assert len(site.open_points) == 5
    with pytest.raises(FieldsRefused) as refused:
        sites.check(world.city_officer, site.id, {**CHECK, "power": "", "recording_note": "", "holder": ""}, None)
    assert set(refused.value.fields) == {"power", "recording_note", "holder", "plan"}
    with pytest.raises(FieldsRefused, match="应急预案只接受 PDF"):
        sites.check(world.city_officer, site.id, CHECK, (factories.jpeg(), "预案.jpg"))
    sites.check(world.city_officer, site.id, CHECK, (factories.pdf(), "预案.pdf"))
    found = sites.view(world.officer, site.id)
    assert found.site.open_points == ["全程监控录像"] and not found.editable
    assert sites.plan_file(world.officer, site.id)[0].name == "预案.pdf"
    with pytest.raises(NotFound):
        sites.find(world.far_city_officer, site.id)


def test_incidents_are_logged_and_never_lie_in_the_future(world: World, at: At) -> None:
    at(date(2025, 6, 14))
    site = exams.site(world)
    what = {"what": "第3考场停电5分钟", "measures": "启用备用电源，补时5分钟"}
    with pytest.raises(FieldsRefused, match="发生日期不能晚于2025年6月14日"):
        sites.record_incident(world.city_officer, site.id, day="2025-06-15", at="9:30", **what)
    sites.record_incident(world.city_officer, site.id, day="2025-06-13", at="9:30", **what)
    assert [one.what for one in sites.find(world.officer, site.id).incidents] == ["第3考场停电5分钟"]


def test_lists_add_up_the_rooms_and_their_seats_by_the_rule(world: World) -> None:
    site = exams.site(world)
    made = [
        exams.room(world, site, number=str(number), rows=rows, columns=columns, computers=computers)
        for number, (rows, columns, computers) in enumerate((("5", "6", "30"), ("5", "6", "7"), ("8", "5", "4")), 1)
    ]
    row = listing.run(sites.listing(world.city_officer), {}).rows[0]
    totals = [str(sum(room.seats(kind) for room in made)) for kind in (ExamKind.COMPUTER, ExamKind.PAPER)]
    assert [cell.text for cell in row.cells[3:6]] == ["3", *totals] == ["3", "41", "100"]
    for kind, seats, grade, starts in ((ExamKind.COMPUTER, "41", "4", "9:00"), (ExamKind.PAPER, "100", "1", "14:00")):
        exams.sitting(world, *made, grades=(grade,), kind=kind.value, starts=starts, ends=f"{int(starts[:-3]) + 2}:00")
        page = listing.run(sittings.listing(world.city_officer), {"kind": kind.value})
        assert [cell.text for cell in page.rows[0].cells[5:7]] == ["3", seats]


def test_rooms_hold_no_more_computers_than_seats(world: World) -> None:
    site = exams.site(world)
    exams.room(world, site)
    with pytest.raises(FieldsRefused) as refused:
        exams.room(world, site, computers="21")
    assert refused.value.fields == {
        "computers": "可用计算机不能多于座位数（4排×5列，共20座）。",
        "number": "该考点已有第1考场，请换一个考场号。",
    }


def test_a_sitting_lies_in_the_window_and_has_its_rooms_for_itself(world: World) -> None:
    site = exams.site(world)
    first, second = exams.room(world, site), exams.room(world, site, number="2", computers="0")
    with pytest.raises(FieldsRefused, match=r"考试时间为2025年6月1日至10月31日（通知三（五）），考试日期应在其中"):
        exams.sitting(world, first, day="2025-05-31")
    with pytest.raises(FieldsRefused, match="第2考场没有可用的计算机"):
        exams.sitting(world, first, second)
    with pytest.raises(FieldsRefused, match="纸笔考试只用于一级理论考试"):
        exams.sitting(world, second, kind="paper")
    made = exams.sitting(world, first)
    with pytest.raises(FieldsRefused, match="同一时间已使用晴川职业学院第1考场"):
        exams.sitting(world, first, starts="10:30", ends="12:00")
    paper = exams.sitting(world, second, kind="paper", grades=("1",))
    assert (made.label, paper.label) == ("第1场", "第2场")
    with pytest.raises(Refused, match="已列入场次"):
        sites.remove_room(world.city_officer, site.id, first.id)
    sittings.remove(world.city_officer, made.id)
    sites.remove_room(world.city_officer, site.id, first.id)
    with pytest.raises(Refused, match="县（市、区）只能查看"):
        sittings.remove(world.officer, paper.id)
