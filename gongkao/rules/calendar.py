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

    `region_code` None holds for the province; `grades` None holds for all grades.
    """

    key: WindowKey
    title: str
    opens: date
    closes: date
    clause: str
    region_code: str | None = None
    grades: frozenset[int] | None = None


def window_for(
    windows: Sequence[Window], key: WindowKey, *, region_codes: Sequence[str] = (), grade: int | None = None
) -> Window | None:
    """The window that holds for a region and a grade: the nearest region's goes before the province's, and within one
    region that of the grade before that of all (notice 三, last paragraph).

    `region_codes` lists the region and those it lies in, nearest first. None where the calendar has no such window.
    """
    fitting = [window for window in windows if window.key is key and (window.grades is None or grade in window.grades)]
    for place in (*region_codes, None):
        here = [window for window in fitting if window.region_code == place]
        if here:
            return min(here, key=lambda window: window.grades is None)
    return None


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
    window = window_for(windows, key, region_codes=region_codes, grade=grade)
    if window is None:
        raise WindowClosed("本年度日程没有安排这项业务的办理时间，请咨询同级工考管理机构。")
    if not is_open(window, day):
        state = "尚未开始" if day < window.opens else "现已截止"
        raise WindowClosed(f"{window.title}时间为{period_text(window)}，{state}（通知{window.clause}）。")
    return window


def stage_on(windows: Sequence[Window], day: date) -> Window | None:
    """The province's main stage of the day; None between stages."""
    for key in _STAGES:
        window = window_for(windows, key)
        if window is not None and is_open(window, day):
            return window
    return None
