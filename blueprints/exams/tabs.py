"""The tabs above the pages of training and tests."""

from typing import Any

from flask import url_for

from blueprints.helpers import account
from gongkao.access.permissions import Permission
from gongkao.access.scope import may

_PLACES = (
    ("training", "培训", "exams.training", Permission.VIEW_EXAMS),
    ("sites", "考点", "exams.sites", Permission.VIEW_EXAMS),
    ("sittings", "场次", "exams.sittings", Permission.VIEW_EXAMS),
    ("seating", "编排", "exams.seating", Permission.VIEW_EXAMS),
    ("scores", "成绩录入", "exams.scores_start", Permission.ENTER_SCORES),
    ("panels", "综合评审", "exams.panel_list", Permission.ENTER_SCORES),
    ("rechecks", "成绩复核", "exams.recheck_list", Permission.ENTER_SCORES),
)


def exam_tabs(current: str) -> list[dict[str, Any]]:
    """One tab a stage, those that the person may enter."""
    return [
        {"label": label, "href": url_for(endpoint), "count": None, "current": key == current}
        for key, label, endpoint, permission in _PLACES
        if may(account(), permission)
    ]
