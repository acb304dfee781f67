"""The tabs above the lists of units, their registration sheets and their administrators."""

from typing import Any

from flask import url_for

from blueprints.helpers import account, waits
from gongkao.access.permissions import Permission
from gongkao.access.scope import may


def unit_tabs(current: str) -> list[dict[str, Any]]:
    """For an agency also what waits for it; whoever only looks on has no such choice."""
    person = account()
    places: list[tuple[str, str, str, int | None]] = [("units", "单位名单", "accounts.units", None)]
    waiting = waits()
    if may(person, Permission.MANAGE_UNITS):
        places += [
            ("checks", "单位名称核对审核", "accounts.unit_check_desk", waiting.get("checks_to_accept") or None),
            ("sheets", "登记表审核", "accounts.sheet_desk", waiting.get("sheets") or None),
        ]
    elif not may(person, Permission.FILE_SHEETS):
        return []
    places.append(("administrators", "网上报名管理人员", "accounts.administrators", None))
    if may(person, Permission.MANAGE_UNITS):
        places.append(("help", "密码重置", "accounts.help_desk", waiting.get("password_help") or None))
    return [
        {"label": label, "href": url_for(endpoint), "count": count, "current": key == current}
        for key, label, endpoint, count in places
    ]
