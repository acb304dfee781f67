"""The papers of a test's day: admission tickets, sign-in sheets, door and desk labels, seat maps, the site summary.

The ticket alone bears the identity number whole, for the invigilator holds it beside the identity card. The sign-in
sheet lies open in the room, so it bears the last four digits; all else that hangs or lies about bears none.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from gongkao.documents.render import render

TICKET_TITLE = "河南省机关事业单位工勤技能岗位等级考核准考证"
LABEL_COLUMNS, LABEL_ROWS = 3, 8
COMPUTER_RULES = (
    "考试前30分钟凭本准考证和有效居民身份证入场，对号入座，两证不齐的不得参加考试。",
    "开考15分钟后不得入场，开考30分钟后方可交卷离场。",
    "不得将手机等通信工具、电子设备以及与考试有关的资料带至座位。",
    "登录后核对屏幕上的姓名、工种和等级，有误的立即举手报告；计算机出现故障的，听从监考人员安排。",
    "考试全程监控录像。违反考场纪律的，按有关规定处理。",
)
PAPER_RULES = (
    *COMPUTER_RULES[:3],
    "拿到试卷后核对工种和等级，在规定位置填写姓名和准考证号，用黑色字迹签字笔作答。",
    COMPUTER_RULES[4],
)


@dataclass(frozen=True)
class AdmissionTicketPaper:
    """One person's ticket.

    Attributes:
        ticket_number: also in the QR code.
        photo: a JPEG picture; None leaves the place for one.
        time: e.g. 2025年6月14日（星期六）9:00—11:00.
        rules: what to mind, one sentence each.
    """

    cycle_year: int
    ticket_number: str
    name: str
    sex: str
    identity_number: str
    unit_name: str
    trade: str
    grade: str
    time: str
    kind: str
    site: str
    address: str
    room: str
    seat: str
    agency_name: str
    rules: tuple[str, ...]
    photo: bytes | None = None

    @property
    def photo_uri(self) -> str | None:
        return f"data:image/jpeg;base64,{b64encode(self.photo).decode()}" if self.photo else None


def admission_tickets(papers: Sequence[AdmissionTicketPaper]) -> bytes:
    """Tickets in one file, each on a page of its own."""
    return render("admission_tickets.html", {"papers": papers}, title=TICKET_TITLE)


def admission_ticket(paper: AdmissionTicketPaper) -> bytes:
    """One ticket."""
    return admission_tickets([paper])


@dataclass(frozen=True)
class SeatLine:
    """One seat as it stands on the papers of a room; `last_four` of the identity number; `remark` e.g. 无障碍."""

    seat: int
    ticket_number: str
    name: str
    last_four: str
    unit_name: str
    trade: str
    grade: str
    remark: str = ""

    def __post_init__(self) -> None:
        if len(self.last_four) != 4:
            raise ValueError("this paper lies open in the room: only the last four digits may stand on it")


@dataclass(frozen=True)
class RoomPaper:
    """One room in one sitting.

    Attributes:
        location: where in the building, e.g. 实训楼三层301室; may be empty.
        grid: the rows from the front, each seat's number and whether it can be used.
    """

    cycle_year: int
    agency_name: str
    site: str
    room: str
    location: str
    sitting: str
    time: str
    kind: str
    grades: str
    lines: tuple[SeatLine, ...]
    grid: tuple[tuple[tuple[int, bool], ...], ...]

    @property
    def by_seat(self) -> dict[int, SeatLine]:
        return {line.seat: line for line in self.lines}


def sign_in_sheets(papers: Sequence[RoomPaper]) -> bytes:
    """Sign-in sheets, each room beginning on a page of its own, with its pages counted by themselves."""
    return render("sign_in_sheet.html", {"papers": papers}, title="考场签到表")


def sign_in_sheet(paper: RoomPaper) -> bytes:
    """The sign-in sheet of one room."""
    return sign_in_sheets([paper])


def seat_map(paper: RoomPaper) -> bytes:
    """The seat map of one room."""
    return seat_maps([paper])


def seat_maps(papers: Sequence[RoomPaper]) -> bytes:
    """Seat maps as seen from the back of the room with the front on top, one landscape page each."""
    return render("seat_map.html", {"papers": papers}, title="考场座位图")


def desk_labels(papers: Sequence[RoomPaper]) -> bytes:
    """Labels for the desks, 24 on a page, to be cut along the lines; each room begins a page."""
    pages = []
    for paper in papers:
        rows = [_row(paper.lines[start : start + LABEL_COLUMNS]) for start in range(0, len(paper.lines), LABEL_COLUMNS)]
        pages += [(paper, rows[first : first + LABEL_ROWS]) for first in range(0, len(rows), LABEL_ROWS)]
    return render("desk_labels.html", {"pages": pages}, title="考场桌签")


def room_labels(paper: RoomPaper) -> bytes:
    """The labels for the desks of one room."""
    return desk_labels([paper])


def _row(lines: Sequence[SeatLine]) -> list[SeatLine | None]:
    return [*lines, *[None] * (LABEL_COLUMNS - len(lines))]


@dataclass(frozen=True)
class DoorSitting:
    """What a door says of one sitting; `first` and `last` are ticket numbers."""

    sitting: str
    time: str
    grades: str
    people: int
    first: str
    last: str


@dataclass(frozen=True)
class DoorPaper:
    cycle_year: int
    site: str
    room: str
    location: str
    sittings: tuple[DoorSitting, ...]


def door_labels(papers: Sequence[DoorPaper]) -> bytes:
    """Labels for the doors, one landscape page each, to be read from a distance."""
    return render("door_label.html", {"papers": papers}, title="考场门签")


def door_label(paper: DoorPaper) -> bytes:
    """The label for one door."""
    return door_labels([paper])


@dataclass(frozen=True)
class SummaryRoom:
    """One room in one sitting; `people` by grade in the order of the paper's grades."""

    room: str
    seats: int
    people: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.people)


@dataclass(frozen=True)
class SummarySitting:
    sitting: str
    time: str
    kind: str
    rooms: tuple[SummaryRoom, ...]

    @property
    def total(self) -> int:
        return sum(room.total for room in self.rooms)

    def of_grade(self, place: int) -> int:
        return sum(room.people[place] for room in self.rooms)


@dataclass(frozen=True)
class SiteSummaryPaper:
    """A site with all its sittings.

    Attributes:
        grades: the columns, e.g. ("五级", "四级").
        checklist: (point, answer) of the site's checklist.
    """

    cycle_year: int
    agency_name: str
    site: str
    address: str
    contact: str
    checklist: tuple[tuple[str, str], ...]
    grades: tuple[str, ...]
    sittings: tuple[SummarySitting, ...]
    printed_on: str

    @property
    def total(self) -> int:
        return sum(sitting.total for sitting in self.sittings)


def site_summary(paper: SiteSummaryPaper) -> bytes:
    """The summary of a site, for the centre's file and for those who run it on the day."""
    return render("site_summary.html", {"paper": paper}, title="考点考务安排汇总表")
