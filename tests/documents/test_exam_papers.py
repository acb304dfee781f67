"""The papers of a test's day, read as text."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gongkao.documents import exam_papers
from gongkao.documents.exam_papers import (
    AdmissionTicketPaper,
    DoorPaper,
    DoorSitting,
    RoomPaper,
    SeatLine,
    SiteSummaryPaper,
    SummaryRoom,
    SummarySitting,
)
from gongkao.rules.seating import Room, seat_at
from tests.documents.reading import read
from tests.documents.samples import LONG_NAME, LONG_UNIT
from tests.factories import jpeg

TIME = "2025年6月14日（星期六）9:00—11:00"
TICKET = AdmissionTicketPaper(
    cycle_year=2025,
    ticket_number="20254101000123",
    name="孟听雨",
    sex="男",
    identity_number="410122198506120212",
    unit_name="中牟县晴川学校",
    trade="汽车驾驶员",
    grade="四级（中级工）",
    time=TIME,
    kind="人机对话",
    site="晴川职业学院",
    address="郑州市远山路1号",
    room="第3考场",
    seat="17",
    agency_name="郑州市工考管理机构",
    rules=exam_papers.COMPUTER_RULES,
    photo=jpeg(295, 413),
)
GRID = tuple(tuple((seat_at(Room(1, 6, 5), row, column), row + column < 9) for column in range(5)) for row in range(6))
LINES = tuple(
    SeatLine(
        number,
        f"202541010001{number:02d}",
        LONG_NAME if number == 7 else f"孟听{'春夏秋冬'[number % 4]}",
        f"{number:03d}X",
        "中牟县晴川学校",
        "空调与制冷设备维修工" if number % 5 == 0 else "汽车驾驶员",
        "四级",
        "无障碍" if number == 3 else "",
    )
    for number in range(1, 28)
)
ROOM = RoomPaper(
    cycle_year=2025,
    agency_name="郑州市工考管理机构",
    site="晴川职业学院",
    room="第3考场",
    location="实训楼三层301室",
    sitting="第2场",
    time=TIME,
    kind="人机对话",
    grades="四级",
    lines=LINES,
    grid=GRID,
)
DOOR = DoorPaper(
    cycle_year=2025,
    site="晴川职业学院",
    room="第3考场",
    location="实训楼三层301室",
    sittings=(
        DoorSitting("第1场", TIME, "五级", 1, "20254101000001", "20254101000001"),
        DoorSitting("第2场", TIME, "四级、三级", 27, "20254101000101", "20254101000127"),
    ),
)
SUMMARY = SiteSummaryPaper(
    cycle_year=2025,
    agency_name="郑州市工考管理机构",
    site="晴川职业学院",
    address="郑州市远山路1号",
    contact="管一　0371-62181234",
    checklist=(("电力保障", "符合要求"), ("全程监控录像", "不符合：2个考场镜头待更换")),
    grades=("五级", "四级"),
    sittings=(
        SummarySitting(
            "第1场", TIME, "人机对话", (SummaryRoom("第1考场", 30, (20, 10)), SummaryRoom("第2考场", 40, (0, 27)))
        ),
    ),
    printed_on="2025年6月10日",
)

ALL: dict[str, tuple[Callable[[], bytes], int]] = {
    "tickets": (lambda: exam_papers.admission_tickets([TICKET, replace(TICKET, photo=None)]), 2),
    "sign-in": (lambda: exam_papers.sign_in_sheets([ROOM, ROOM]), 4),
    "map": (lambda: exam_papers.seat_maps([ROOM]), 1),
    "desk labels": (lambda: exam_papers.desk_labels([ROOM]), 2),
    "door": (lambda: exam_papers.door_labels([DOOR]), 1),
    "summary": (lambda: exam_papers.site_summary(SUMMARY), 1),
}


@pytest.mark.parametrize("kind", ALL)
def test_every_paper_is_titled_tagged_and_carries_its_fonts(kind: str) -> None:
    make, pages = ALL[kind]
    found = read(make())
    assert len(found.pages) == pages
    assert found.title and found.language == "zh-CN" and found.tagged
    assert found.fonts and all(found.fonts.values())


def test_the_ticket_tells_who_when_and_where() -> None:
    text = read(exam_papers.admission_tickets([TICKET])).text
    for words in (
        "准考证号20254101000123",
        "姓名孟听雨性别男身份证号410122198506120212工作单位中牟县晴川学校",
        "申报工种汽车驾驶员申报等级四级（中级工）",
        f"考试时间{TIME}考场第3考场座号17考点晴川职业学院考点地址郑州市远山路1号",
        "考生须知1.考试前30分钟",
        "郑州市工考管理机构",
    ):
        assert words in text, words


def test_what_lies_open_in_the_room_bears_no_whole_identity_number() -> None:
    text = read(exam_papers.sign_in_sheets([ROOM])).text
    assert "120254101000101孟听夏001X汽车驾驶员四级" in text
    assert "应到27人实到人缺考人违纪人监考人员签字：" in text
    with pytest.raises(ValueError, match="last four"):
        replace(LINES[0], last_four="410122198506120212")


def test_the_map_shows_every_seat_the_empty_and_the_broken() -> None:
    text = read(exam_papers.seat_maps([ROOM])).text
    assert all(f"{line.seat}{line.name}" in text for line in LINES if line.name != LONG_NAME)
    assert "30空" not in text and text.count("不可用") == 1 and text.count("空") >= 2


def test_labels_summary_and_door() -> None:
    labels = read(exam_papers.desk_labels([ROOM]))
    assert "1第3考场孟听夏20254101000101" in labels.pages[0] and "27第3考场" in labels.pages[1]
    door = read(exam_papers.door_labels([DOOR])).text
    assert "第3考场实训楼三层301室" in door and "四级、三级2720254101000101起" in door
    summary = read(exam_papers.site_summary(SUMMARY)).text
    assert "第2考场402727小计203757共1场，57人。" in summary


def test_the_longest_contents_stay_on_their_page() -> None:
    longest = replace(TICKET, name=LONG_NAME, unit_name=LONG_UNIT, site=LONG_UNIT, trade=LONG_UNIT[:40])
    assert len(read(exam_papers.admission_tickets([longest])).pages) == 1
    big = tuple(tuple((seat_at(Room(1, 10, 12), row, column), True) for column in range(12)) for row in range(10))
    lines = tuple(replace(LINES[0], seat=number, name=LONG_NAME[:8]) for number in range(1, 121))
    assert len(read(exam_papers.seat_maps([replace(ROOM, grid=big, lines=lines)])).pages) == 1
