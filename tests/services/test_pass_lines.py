"""Pass lines and weights are data of the cycle, until a grade is released anywhere."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import AuditEntry, Result
from gongkao.rules.workflow import Status
from gongkao.services import pass_lines, release, scores
from gongkao.services.errors import FieldsRefused, Refused
from tests import factories
from tests.services.test_scores import marks
from tests.world import World

LINES = {
    "full-post_skills": "100",
    "pass-post_skills": "60",
    "weight-post_skills": "50",
    "full-ethics": "100",
    "pass-ethics": "60",
    "weight-ethics": "20",
    "full-ability": "100",
    "pass-ability": "60",
    "weight-ability": "30",
    "total_line": "70",
}


def change(world: World, each: bool = False, total: bool = True, **changes: str) -> None:
    typed = {**LINES, **{key.replace("__", "-"): text for key, text in changes.items()}}
    pass_lines.change(world.province_manager, 4, typed, each_subject=each, total=total)


def test_a_weighted_total_decides_and_stands_on_the_result(world: World, at: Callable[[date], None]) -> None:
    change(world)
    assert pass_lines.lines_of(4).words == "加权总成绩须达到70分"
    people = [
        factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED),
        factories.application(factories.person("祝晓川乙", 58), world.school, status=Status.QUALIFIED),
    ]
    at(date(2025, 11, 3))
    # 45 + 10 + 15 = 70; 30 + 20 + 19.9 = 69.9 (rounded half up).
    scores.enter(world.officer, 4, {**marks(people[0], "90", "50", "50"), **marks(people[1], "60", "100", "66.2")})
    release.propose(world.officer, 4, "牟人社〔2025〕12号")
    with pytest.raises(Refused, match="提请公布"):
        change(world)
    release.confirm(world.manager, 4)
    first, second = db.session.scalars(select(Result).order_by(Result.number))
    assert (first.passed, second.passed) == (True, False)
    assert first.marks[-1] == {
        "name": "加权总成绩",
        "full_mark": "100",
        "pass_mark": "70",
        "mark": "70",
        "passed": True,
    }
    assert second.marks[-1]["mark"] == "69.9"
    assert pass_lines.lines_of(4).fixed and not pass_lines.lines_of(3).fixed
    with pytest.raises(Refused, match="已有机构公布结果"):
        change(world)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weight__ability": "31"}, "weight-ability"),
        ({"pass__ethics": "101"}, "pass-ethics"),
        ({"full__ethics": "很多"}, "full-ethics"),
        ({"total_line": ""}, "total_line"),
        ({"pass__ethics": "60.55"}, "pass-ethics"),
        ({"pass__ethics": "NaN"}, "pass-ethics"),
    ],
)
def test_wrong_figures_are_refused(world: World, changes: dict[str, str], field: str) -> None:
    with pytest.raises(FieldsRefused) as refused:
        change(world, **changes)
    assert set(refused.value.fields) == {field}
    assert pass_lines.lines_of(4).rule.total_line is None


def test_something_must_decide_and_marks_that_stand_must_fit(world: World, at: Callable[[date], None]) -> None:
    with pytest.raises(FieldsRefused, match="至少选择一项"):
        change(world, each=False, total=False)
    made = factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED)
    at(date(2025, 11, 3))
    scores.enter(world.officer, 4, marks(made, "90", "50", "50"))
    with pytest.raises(FieldsRefused, match="已录入90分"):
        change(world, full__post_skills="80", pass__post_skills="40")
    change(world, each=True, total=False, full__post_skills="150", pass__post_skills="90")
    assert pass_lines.lines_of(4).subjects[0].full_mark == Decimal(150)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "change_pass_lines")).one()
    assert entry.detail["after"]["post_skills"] == "满分150，合格90，权重0%"  # type: ignore[index]
