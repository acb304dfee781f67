"""The tabs of oversight."""

from typing import Any

from flask import url_for

from blueprints.helpers import account
from gongkao.access.permissions import Permission
from gongkao.access.scope import may


def oversight_tabs(current: str) -> list[dict[str, Any]]:
    """For whoever sees a region's review; units have the cases of their people alone."""
    if not may(account(), Permission.VIEW_OVERSIGHT):
        return []
    places = (
        ("overview", "概况", "review.oversight"),
        ("slow", "办理时效", "review.oversight_slow"),
        ("samples", "抽查", "review.sample_list"),
        ("cases", "虚假材料", "review.case_list"),
        ("bans", "禁考", "review.bans"),
    )
    return [
        {"label": label, "href": url_for(endpoint), "count": None, "current": key == current}
        for key, label, endpoint in places
    ]
