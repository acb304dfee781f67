"""The tabs above the lists of an agency's units."""

from typing import Any

from flask import url_for

from blueprints.helpers import account
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.services import waiting


def unit_tabs(current: str) -> list[dict[str, Any]]:
    """Units, the check of their names, their administrators; whoever manages no units has no such choice."""
    if not may(account(), Permission.MANAGE_UNITS):
        return []
    waits = waiting.counts(account()).get("checks_to_accept", 0)
    places = (
        ("units", "单位名单", "accounts.units", None),
        ("checks", "单位名称核对审核", "accounts.unit_check_desk", waits or None),
        ("administrators", "网上报名管理人员", "accounts.administrators", None),
    )
    return [
        {"label": label, "href": url_for(endpoint), "count": count, "current": key == current}
        for key, label, endpoint, count in places
    ]
