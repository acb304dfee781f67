"""The calendar (notice 三): windows by region and grade, and whether an action is inside its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gongkao.rules.errors import WindowClosed


class WindowKey(StrEnum):
    """What a window is for."""

    UNIT_CHECK = "unit_check"
    ADMINISTRATOR_REGISTRATION = "administrator_registration"
    ADMINISTRATOR_CHANGE = "administrator_change"
    REGISTRATION = "registration"
    UNIT_REVIEW = "unit_review"
    AGENCY_REVIEW = "agency_review"
    TRAINING = "training"
    EXAMINATION = "examination"
    SCORES = "scores"
    RESULTS = "results"


# The stages of a cycle as everybody speaks of them, the most pressing first where several are open.
_STAGES = (
    WindowKey.UNIT_CHECK,
    WindowKey.REGISTRATION,
    WindowKey.UNIT_REVIEW,
    WindowKey.AGENCY_REVIEW,
    WindowKey.RESULTS,
    WindowKey.EXAMINATION,
    WindowKey.TRAINING,
)


@dataclass(frozen=True)
class Window:
    """Days on which an action may be done, both ends included (Asia/Shanghai).

    `region_code` None holds for the province; `grades` None holds for all grades. `extension`: the centre's own word
    for a region, which goes before everything else. `set_by` names whose dates they are where not the province's.
    """

    key: WindowKey
    title: str
    opens: date
    closes: date
    clause: str
    region_code: str | None = None
    grades: frozenset[int] | None = None
    extension: bool = False
    set_by: str = ""


def window_for(
    windows: Sequence[Window], key: WindowKey, *, region_codes: Sequence[str] = (), grade: int | None = None
) -> Window | None:
    """The window that holds for a region and a grade: the centre's extension goes before everything, then the nearest
    region's before the province's, and within one region that of the grade before that of all (notice 三, last
    paragraph).

    `region_codes` lists the region and those it lies in, nearest first. None where the calendar has no such window.
    """
    fitting = [window for window in windows if window.key is key and (window.grades is None or grade in window.grades)]
    places = (*region_codes, None)
    here = [window for window in fitting if window.region_code in places]
    return min(
        here,
        key=lambda window: (not window.extension, places.index(window.region_code), window.grades is None),
        default=None,
    )


def window_anywhere(windows: Sequence[Window], key: WindowKey, day: date, *, grade: int | None = None) -> Window | None:
    """The window for somebody whose region is not known yet: the province's, or where that is over on the day, a
    region's that is still open, the one that stays open longest."""
    province = window_for(windows, key, grade=grade)
    if province is not None and day <= province.closes:
        return province
    still_open = [
        window
        for window in windows
        if window.key is key and is_open(window, day) and (grade is None or not window.grades or grade in window.grades)
    ]
    return max(still_open, key=lambda window: window.closes, default=province)


@dataclass(frozen=True)
class Overhang:
    """By how many days a region's own dates begin before, or end after, the window they must lie in; 0: not."""

    before: int
    after: int

    def __bool__(self) -> bool:
        return bool(self.before or self.after)


def overhang(outer: Window, opens: date, closes: date) -> Overhang:
    """How far a period sticks out of a window (notice 三, last paragraph: 在以上日程安排范围内)."""
    early = max((outer.opens - opens).days, (outer.opens - closes).days, 0)
    late = max((closes - outer.closes).days, (opens - outer.closes).days, 0)
    return Overhang(early, late)


def is_open(window: Window, day: date) -> bool:
    """Whether the day lies within the window; the last day counts to its end."""
    return window.opens <= day <= window.closes


def days_left(window: Window, day: date) -> int:
    """Days from `day` to the last one; 0 on the last day, negative after it."""
    return (window.closes - day).days


def day_text(day: date) -> str:
    """2025年3月13日"""
    return f"{day.year}年{day.month}月{day.day}日"


def period_text(window: Window) -> str:
    """2025年3月13日至3月31日"""
    opens, closes = window.opens, window.closes
    start = day_text(opens)
    if opens == closes:
        return start
    year = "" if opens.year == closes.year else f"{closes.year}年"
    return f"{start}至{year}{closes.month}月{closes.day}日"


def require_open(
    windows: Sequence[Window],
    key: WindowKey,
    day: date,
    *,
    region_codes: Sequence[str] = (),
    grade: int | None = None,
) -> Window:
    """The open window. Raises WindowClosed, naming the window, its days and its clause, where it is not open."""
    return checked_open(window_for(windows, key, region_codes=region_codes, grade=grade), day)


def checked_open(window: Window | None, day: date) -> Window:
    """The window itself where it is open on the day. Raises WindowClosed, naming its days and whose they are."""
    if window is None:
        raise WindowClosed("本年度日程没有安排这项业务的办理时间，请咨询同级工考管理机构。")
    if not is_open(window, day):
        state = "尚未开始" if day < window.opens else "现已截止"
        whose = f"，{window.set_by}" if window.set_by else ""
        raise WindowClosed(f"{window.title}时间为{period_text(window)}，{state}（通知{window.clause}{whose}）。")
    return window


def stage_on(windows: Sequence[Window], day: date, *, region_codes: Sequence[str] = ()) -> Window | None:
    """The main stage of the day where a region lies, or the province's; None between stages."""
    for key in _STAGES:
        window = window_for(windows, key, region_codes=region_codes)
        if window is not None and is_open(window, day):
            return window
    return None
