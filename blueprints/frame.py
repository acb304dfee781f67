"""What stands around every page: the system's name, the cycle's stage, the places one may go and what waits there."""

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from flask import current_app, request, session, url_for
from flask_login import current_user
from werkzeug.local import LocalProxy

from blueprints import guard
from blueprints.helpers import account, waits
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.rules import calendar
from gongkao.services import cycles
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
    waiting: dict[str, int] = field(default_factory=dict)
    saved: str = ""


# (permission, label, endpoint, kinds of waiting work, beginnings of the endpoints of the pages that belong there).
# Nobody has more than eight; of two beginnings that fit a page the longer one counts, then the earlier.
_PLACES: tuple[tuple[Permission, str, str, str, tuple[str, ...]], ...] = (
    (Permission.REVIEW, "审查办理", "review.desk", "applications deferrals", ("review.",)),
    (
        Permission.VIEW_APPLICATIONS,
        "申报查询",
        "review.all_applications",
        "",
        (
            "review.",
            "review.all_",
            "review.report",
            "review.send_report",
            "review.receive_report",
            "review.return_report",
            "review.attach_signed_report",
        ),
    ),
    (Permission.VIEW_APPLICATIONS, "现场确认", "review.onsite", "onsite", ("review.onsite",)),
    (
        Permission.CHECK_UNITS,
        "单位信息核对",
        "accounts.check_units",
        "unit_checks",
        ("accounts.check_units", "accounts.correct_unit"),
    ),
    (
        Permission.VIEW_UNITS,
        "单位管理",
        "accounts.units",
        "checks_to_accept sheets password_help",
        (
            "accounts.unit",
            "accounts.new_unit",
            "accounts.edit_unit",
            "accounts.import_units",
            "accounts.commit_units",
            "accounts.accept_check",
            "accounts.refuse_check",
            "accounts.administrator",
            "accounts.renew_administrator",
            "accounts.sheet_desk",
            "accounts.decide_sheet",
            "accounts.help_",
            "accounts.password_help",
            "accounts.issue_password",
            "accounts.refuse_password",
        ),
    ),
    (
        Permission.MANAGE_ROSTER,
        "人员名单",
        "accounts.roster",
        "",
        ("accounts.roster", "accounts.import_roster", "accounts.commit_roster"),
    ),
    (
        # Agencies have it among the units' tabs.
        Permission.FILE_SHEETS,
        "密码重置",
        "accounts.help_desk",
        "password_help",
        ("accounts.help_", "accounts.password_help", "accounts.issue_password", "accounts.refuse_password"),
    ),
    (Permission.VIEW_EXAMS, "考务", "exams.home", "rechecks", ("exams.",)),
    (Permission.VIEW_RESULTS, "考核结果", "notices.result_list", "proposals", ("notices.", "exams.unit_")),
    (
        Permission.VIEW_OVERSIGHT,
        "监督",
        "review.oversight",
        "cases",
        (
            "review.oversight",
            "review.sample",
            "review.judge_member",
            "review.overturn",
            "review.case",
            "review.waive_statement",
            "review.decide_case",
            "review.lift_case",
            "review.bans",
        ),
    ),
    (Permission.VIEW_SETTINGS, "年度设置", "settings.overview", "", ("settings.",)),
)


def context() -> dict[str, Any]:
    """Template context of every page. A part that is sent alone has no frame, so none is made for it."""
    return {"frame": LocalProxy(cache(_frame))}


def _frame() -> Frame:
    demonstration = current_app.config["GONGKAO"].demonstration
    at_work = current_user.is_authenticated and guard.owed() is None
    try:
        window, day = cycles.stage(cycles.place_of(account()) if at_work else None)
    except NotFound:
        window, day = None, date.today()
    counts = waits() if at_work else {}
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
        inbox_count=counts.get("messages"),
        places=_places(counts) if at_work else [],
        waiting=counts,
        # The address whose form has just been taken, told once: its copy in the browser is not needed any more.
        saved=session.pop("saved", "") if at_work else "",
    )


def _places(counts: dict[str, int]) -> list[Place]:
    places = [place for place in _PLACES if may(account(), place[0])]
    fits = [_fit(place[4]) for place in places]
    here = fits.index(max(fits)) if any(fits) else None
    return [
        Place(label, url_for(endpoint), sum(counts.get(kind, 0) for kind in kinds.split()), number == here)
        for number, (_, label, endpoint, kinds, _) in enumerate(places)
    ]


def _fit(beginnings: tuple[str, ...]) -> int:
    """How many letters of the page's endpoint the longest fitting beginning has; 0 where none fits."""
    page = request.endpoint or ""
    return max((len(beginning) for beginning in beginnings if page.startswith(beginning)), default=0)
