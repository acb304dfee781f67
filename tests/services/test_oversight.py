"""The dashboard (notice 二（五）: 事中事后监管): right figures by scope, few statements, the same on both databases."""

import time
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application
from gongkao.rules.workflow import Desk, Status
from gongkao.services import dashboard, false_materials, kept, review_lists, samples
from gongkao.services.dashboard import Chart
from gongkao.services.replica import last_write
from gongkao.storage.spreadsheets import read_table
from tests import factories
from tests.statements import sent
from tests.world import World

At = Callable[[date], None]


@pytest.fixture
def made(world: World, at: At) -> list[Application]:
    """On three days, at every desk, in two counties, the city and the centre."""
    plan = [
        (14, world.school, 4, Status.UNIT_REVIEW),
        (14, world.station, 4, Status.UNIT_REVIEW),
        (17, world.station, 3, Status.UNIT_REVIEW),
        (17, world.school, 5, Status.SUPERVISING_REVIEW),
        (18, world.station, 4, Status.AGENCY_REVIEW),
        (18, world.station, 4, Status.QUALIFIED),
        (18, world.far_school, 2, Status.RETURNED),
        (18, world.far_school, 3, Status.REFUSED),
        (18, world.unit("郑州市长河中心"), 3, Status.ONSITE_CONFIRMATION),
        (18, world.unit("河南省高岗中心"), 1, Status.QUALIFIED),
    ]
    found = []
    for serial, (day, unit, grade, status) in enumerate(plan):
        at(date(2025, 3, day))
        trade = "01001" if serial < 7 else "01002"
        person = factories.person(f"看板{serial}", 41 + serial)
        found.append(factories.application(person, unit, grade=grade, trade_code=trade, status=status))
    at(date(2025, 3, 20))
    return found


def seen(actor: Account, **args: str) -> dashboard.View:
    return dashboard.view(actor, args)


def chart(actor: Account, key: str, **args: str) -> Chart:
    return next(one for one in dashboard.dashboard(seen(actor, **args)).charts if one.key == key)


def figures(actor: Account, **args: str) -> dict[str, int]:
    return {one.label: one.value for one in dashboard.dashboard(seen(actor, **args)).figures}


def test_everybody_sees_the_figures_of_their_region(world: World, made: list[Application]) -> None:
    for actor, total, waiting in (
        (world.province_officer, 10, 6),
        (world.city_officer, 9, 6),
        (world.officer, 6, 5),
        (world.inspector, 6, 5),
        (world.far_officer, 2, 0),
        (world.far_city_officer, 0, 0),
    ):
        found = figures(actor)
        assert (found["已提交申报"], found["审查中"]) == (total, waiting), actor.username


def test_the_charts_add_up_whatever_is_chosen(world: World, made: list[Application]) -> None:
    for args in ({}, {"region": "410100"}, {"grade": "4"}, {"region": "410100", "grade": "3"}):
        found = dashboard.dashboard(seen(world.province_officer, **args))
        total = found.figures[0].value
        for one in found.charts:
            if one.stacked:
                assert sum(sum(row) for row in one.series.values()) == total, (args, one.key)
    regions = chart(world.province_officer, "region")
    assert list(regions.labels) == ["省直、中央驻郑", "郑州市"]
    assert regions.rows[1] == ["郑州市", 6, 1, 1, 1, 9]
    assert list(chart(world.city_officer, "region").labels) == ["郑州市本级", "中牟县", "巩义市"]
    assert list(chart(world.city_officer, "region", region="410181").labels) == ["巩义市"]
    # What is not theirs to choose, and what is no region, counts for nothing.
    for region in ("410200", "410181", "%"):
        assert figures(world.officer, region=region)["已提交申报"] == 6
    assert figures(world.city_officer, grade="2")["已提交申报"] == 1
    stage = dict(chart(world.officer, "stage").rows)
    assert stage[Status.UNIT_REVIEW.label] == 3 and stage[Status.QUALIFIED.label] == 1
    assert chart(world.province_officer, "trade").series["人数"] == [7, 3]
    grades = chart(world.province_officer, "grade")
    assert [row[0] for row in grades.rows] == ["一级", "二级", "三级", "四级", "五级"] and grades.rows[3][-1] == 4


def test_a_day_is_a_day_in_shanghai(world: World, made: list[Application]) -> None:
    early = made[5]
    # Half past midnight on the 19th in Shanghai is still the 18th in UTC.
    early.submitted_at = early.submitted_at.replace(day=19, hour=0, minute=30) if early.submitted_at else None
    db.session.commit()
    found = {row[0]: row[1:] for row in chart(world.province_officer, "day").rows}
    assert found == {
        "2025-03-14": [2, 0],
        "2025-03-17": [2, 0],
        "2025-03-18": [5, 3],
        "2025-03-19": [1, 0],
    }


def test_the_slowest_desks_come_first(world: World, made: list[Application], at: At) -> None:
    offices = dashboard.slow_offices(seen(world.city_officer)).value
    found = [(one.name, one.desk, one.waiting, one.oldest, one.median, one.overdue) for one in offices]
    assert found[0][0] in ("中牟县晴川学校", "中牟县云溪站")
    assert sorted(found) == sorted(
        [
            ("中牟县晴川学校", Desk.UNIT, 1, 6, 6, 0),
            ("中牟县云溪站", Desk.UNIT, 2, 6, 3, 0),
            ("中牟县晴川局", Desk.SUPERVISING, 1, 3, 3, 0),
            ("中牟县工考管理机构", Desk.AGENCY, 1, 2, 2, 0),
            ("郑州市工考管理机构", Desk.ONSITE, 1, 2, 2, 0),
        ]
    )
    ages = [one.oldest for one in offices]
    assert ages == sorted(ages, reverse=True)
    at(date(2025, 4, 4))
    # The units' first reviews were due on 3 April; the agencies have until the 11th.
    late = {one.name: one.overdue for one in dashboard.slow_offices(seen(world.city_officer)).value}
    assert late == {
        "中牟县晴川学校": 1,
        "中牟县云溪站": 2,
        "中牟县晴川局": 1,
        "中牟县工考管理机构": 0,
        "郑州市工考管理机构": 0,
    }
    assert figures(world.city_officer)["超过期限未办"] == 4
    assert dashboard.slow_offices(seen(world.far_city_officer)).value == []


def test_many_are_counted_once_a_minute_and_anew_for_whoever_changed_something(
    world: World, made: list[Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [seen(world.province_officer), seen(world.officer)]
    serials = iter(range(99, 0, -1))

    def totals() -> list[int]:
        return [dashboard.dashboard(view).figures[0].value for view in views]

    def one_more() -> None:
        factories.application(factories.person("后来提交", next(serials)), made[0].unit, status=Status.UNIT_REVIEW)
        last_write.set(0.0)

    assert totals() == [10, 6] and dashboard.dashboard(views[0]).moment == ""
    monkeypatch.setattr(kept, "COUNT_LIMIT", 7)
    last_write.set(0.0)
    assert dashboard.dashboard(views[0]).moment == f"截至{now():%H:%M}"
    one_more()
    # The province's are those of before, the county's few are of this moment; what else is chosen is counted apart.
    assert totals() == [10, 7]
    assert sum(review_lists.status_counts(world.province_officer).value.values()) == 11
    assert figures(world.province_officer, region="410100")["已提交申报"] == 10
    last_write.set(time.time())
    assert totals() == [11, 7]
    one_more()
    assert totals() == [11, 8]
    monkeypatch.setattr(kept, "KEEP_SECONDS", 0)
    assert totals() == [12, 8]


def test_what_waits_is_counted_where_something_can_be_done(world: World, made: list[Application]) -> None:
    samples.draw(world.city_officer, {"title": "三月抽查", "percent": "100"})
    false_materials.raise_case(world.officer, made[4].id, "证书编号与存根不符，需要核实。")
    assert (figures(world.city_officer)["抽查待复核"], figures(world.city_officer)["虚假材料待认定"]) == (2, 1)
    assert (figures(world.officer)["抽查待复核"], figures(world.officer)["虚假材料待认定"]) == (0, 1)


def test_tables_are_exported(world: World, made: list[Application]) -> None:
    for key, first in (("region", "地区"), ("slow", "办理机构"), ("day", "日期"), ("no such", "环节")):
        title, data = dashboard.export(seen(world.city_officer), key)
        assert read_table(data, f"{title}.xlsx")[0][0] == first


def test_a_page_takes_few_statements_however_much_there_is(world: World, made: list[Application]) -> None:
    account_id = world.province_officer.id
    for build in (dashboard.dashboard, dashboard.slow_offices):
        db.session.remove()
        actor = db.session.scalars(select(Account).where(Account.id == account_id)).one()
        with sent() as asked:
            build(dashboard.view(actor, {}))
        # The page around it takes no more than four.
        assert len(asked) <= 8, asked
