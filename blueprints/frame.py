"""What stands around every page: the system's name, the cycle's stage, the places one may go and what waits there."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import current_app, request, url_for
from flask_login import current_user

from blueprints.helpers import account
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.rules import calendar
from gongkao.services import cycles, messages, waiting
from gongkao.services.errors import NotFound

SYSTEM_NAME = "河南省机关事业单位工勤技能岗位等级考核系统"
SHORT_NAME = "工考"


@dataclass(frozen=True)
class Place:
    label: str
    href: str
    count: int | None
    current: bool


@dataclass(frozen=True)
class Frame:
    system_name: str
    short_name: str
    today: date
    stage_title: str = ""
    stage_days_left: int | None = None
    stage_text: str = ""
    demonstration: bool = False
    clock_href: str | None = None
    inbox_count: int | None = None
    places: list[Place] = field(default_factory=list)


# (permission, label, endpoint, kind of waiting work); the first eight that a person may enter are shown.
_PLACES: tuple[tuple[Permission, str, str, str], ...] = (
    (Permission.REVIEW, "审查办理", "review.desk", "applications"),
    (Permission.VIEW_APPLICATIONS, "申报查询", "review.all_applications", ""),
    (Permission.CHECK_UNITS, "单位信息核对", "accounts.check_units", "unit_checks"),
    (Permission.VIEW_UNITS, "单位管理", "accounts.units", "checks_to_accept"),
    (Permission.FILE_SHEETS, "管理人员", "accounts.administrators", ""),
    (Permission.DECIDE_SHEETS, "登记表审核", "accounts.sheet_desk", "sheets"),
    (Permission.ENTER_SCORES, "成绩录入", "exams.scores_start", ""),
    (Permission.VIEW_RESULTS, "考核结果", "notices.result_list", ""),
    (Permission.VIEW_SETTINGS, "年度设置", "settings.overview", ""),
)


def context() -> dict[str, Any]:
    """Template context of every page."""
    return {"frame": _frame()}


def _frame() -> Frame:
    demonstration = current_app.config["GONGKAO"].demonstration
    try:
        window, day = cycles.stage()
    except NotFound:
        window, day = None, date.today()
    title, left, text = "", None, ""
    if window is not None:
        title, left = window.title, calendar.days_left(window, day)
        text = f"{title} {'今天截止' if left == 0 else f'剩{left}天'}"
    return Frame(
        system_name=SYSTEM_NAME,
        short_name=SHORT_NAME,
        today=day,
        stage_title=title,
        stage_days_left=left,
        stage_text=text,
        demonstration=demonstration,
        clock_href=url_for("settings.clock") if demonstration else None,
        inbox_count=messages.unread(account()) if current_user.is_authenticated else None,
        places=_places() if current_user.is_authenticated else [],
    )


def _places() -> list[Place]:
    person = account()
    counts = waiting.counts(person)
    return [
        Place(label, url_for(endpoint), counts.get(kind), request.endpoint == endpoint)
        for permission, label, endpoint, kind in _PLACES
        if may(person, permission)
    ]
