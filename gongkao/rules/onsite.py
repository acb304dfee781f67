"""On-site confirmation (现场审查确认, notice 二（二）（五）): what is brought, where there is room, what is held."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise

from gongkao.rules.calendar import day_text
from gongkao.rules.errors import InvalidInput, NotAllowed
from gongkao.rules.materials import MaterialKind

# Originals go back "及时" (promptly, notice 二（五）), which names no number. Ours: a reminder once more than three
# working days have passed since they were taken in. Monday to Friday count; public holidays are not known here, so
# over one a reminder may come early and never late.
REMIND_AFTER_WORKING_DAYS = 3
# A series is made by one press of a button: long enough for a whole review window, short enough to be taken back.
MAX_SERIES = 200
# What nobody takes in: a photo is printed from the file.
_WITHOUT_ORIGINAL = frozenset({MaterialKind.PHOTO})


def originals_for(uploaded: Iterable[MaterialKind]) -> tuple[str, ...]:
    """The originals that one person's materials are compared with: their labels, in the order of the list.

    Only what was uploaded has an original; a yearly assessment that is made up later (notice 二（四）) has none yet.
    """
    kinds = set(uploaded) - _WITHOUT_ORIGINAL
    return tuple(kind.label for kind in MaterialKind if kind in kinds)


_PLACES = {kind.label: place for place, kind in enumerate(MaterialKind, start=1)}
_CODE = re.compile(r"(\d+)-\d+-\d+")


def document_code(visit_number: str, member_id: int, label: str) -> str:
    """What the list's small code beside a document holds; empty for one that is not on the list.

    Of digits alone, so that no input method changes what a scanner types.
    """
    return f"{visit_number}-{member_id}-{_PLACES[label]}" if label in _PLACES else ""


def visit_number(scanned: str) -> str:
    """The visit's number in what was scanned: the large code of the list, or a document's."""
    document = _CODE.fullmatch(scanned)
    return document[1] if document is not None else scanned.replace("-", "")


def places_left(capacity: int, taken: int) -> int:
    """How many people a time still has room for; none where it was made smaller than what is booked."""
    return max(0, capacity - taken)


def require_room(capacity: int, taken: int, people: int) -> None:
    """Raises NotAllowed, saying how many places are left, where a visit's people do not fit in."""
    left = places_left(capacity, taken)
    if people > left:
        state = f"只剩{left}人的名额" if left else "已约满"
        raise NotAllowed(f"该时段{state}，本批有{people}人。请另选时段，或把人员分成几批预约。")


def require_changeable(slot_day: date | None, today: date) -> None:
    """A booking may be changed or cancelled until the day before; one that was missed may be made anew afterwards.

    Raises NotAllowed on the day itself.
    """
    if slot_day == today:
        raise NotAllowed(
            f"预约时间就在今天（{day_text(today)}），改约和取消最迟在前一天办理。确有变化的，请直接联系工考管理机构。"
        )


@dataclass(frozen=True)
class Period:
    """A part of a day, from `starts` to `ends`."""

    starts: time
    ends: time

    @property
    def text(self) -> str:
        return f"{self.starts:%H:%M}-{self.ends:%H:%M}"


def periods(text: str) -> tuple[Period, ...]:
    """Times of day as typed, one a line or parted by commas: 09:00-10:30. Raises InvalidInput."""
    found: list[Period] = []
    for part in _parts(text):
        starts, dash, ends = (
            part.replace("—", "-").replace("–", "-").replace("至", "-").replace("~", "-").partition("-")
        )
        if not dash:
            raise InvalidInput(f"“{part}”缺少结束时间，请按“09:00-10:30”的格式填写。")
        period = Period(clock_time(starts), clock_time(ends))
        if period.ends <= period.starts:
            raise InvalidInput(f"“{part}”的结束时间应晚于开始时间。")
        found.append(period)
    if not found:
        raise InvalidInput("请填写每天的时段，每行一个，如“09:00-10:30”。")
    found.sort(key=lambda one: one.starts)
    for before, after in pairwise(found):
        if after.starts < before.ends:
            raise InvalidInput(f"时段{before.text}和{after.text}有重叠，请调整。")
    return tuple(found)


def _parts(text: str) -> list[str]:
    for mark in "，,；;、":
        text = text.replace(mark, "\n")
    return ["".join(line.split()) for line in text.splitlines() if line.strip()]


def clock_time(text: str) -> time:
    """A time of day as typed: 9:00, 09:00, ９：００, 0900. Raises InvalidInput."""
    plain = "".join(text.split()).replace("：", ":").translate(str.maketrans("０１２３４５６７８９", "0123456789"))
    hours, colon, minutes = plain.partition(":")
    if not colon and len(plain) in (3, 4):
        hours, minutes = plain[:-2], plain[-2:]
    if not (hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit() and len(minutes) == 2):
        raise InvalidInput(f"“{text.strip()[:12]}”不是时间，请按“09:00”的格式填写。")
    if len(hours) > 2 or int(hours) > 23 or int(minutes) > 59:
        raise InvalidInput(f"“{text.strip()[:12]}”不是一天中的时间，请核对。")
    return time(int(hours), int(minutes))


def series(first: date, last: date, times: Sequence[Period], *, weekends: bool) -> tuple[tuple[date, Period], ...]:
    """Every day from `first` to `last` with every period of it, in order. Raises InvalidInput."""
    if last < first:
        raise InvalidInput("结束日期应不早于开始日期。")
    days = (first + timedelta(days=count) for count in range(min((last - first).days + 1, 2 * MAX_SERIES)))
    found = tuple((day, period) for day in days if weekends or day.weekday() < 5 for period in times)
    if not found:
        raise InvalidInput("所选日期都是周末。需要在周末办理的，请勾选“包括周六、周日”。")
    if len(found) > MAX_SERIES:
        raise InvalidInput(f"一次最多设置{MAX_SERIES}个时段，请缩短日期范围，分几次设置。")
    return found


def working_days_since(day: date, today: date) -> int:
    """Working days (Monday to Friday) after `day`, up to and with `today`; 0 where `today` is not later."""
    span = (today - day).days
    if span <= 0:
        return 0
    weeks, rest = divmod(span, 7)
    return weeks * 5 + sum((day + timedelta(days=count)).weekday() < 5 for count in range(1, rest + 1))


def reminder_due(received: date, today: date) -> bool:
    """Whether an original taken in on `received` and not given back should have been by now."""
    return working_days_since(received, today) > REMIND_AFTER_WORKING_DAYS


def reminder_limit(today: date) -> date:
    """The latest day of receipt for which a reminder is due today."""
    day = today
    while not reminder_due(day, today):
        day -= timedelta(days=1)
    return day
