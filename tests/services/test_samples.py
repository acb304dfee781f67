"""Samples (notice 二（五）): drawn by a recorded seed, judged once, and what the second look overturns."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Application, AuditEntry, Message, Sample, SampleMember
from gongkao.rules.workflow import Status
from gongkao.services import listing, oversight, samples
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from tests import factories
from tests.services.conftest import Together
from tests.world import World

REASON = "工作年限证明缺单位盖章，不应认定合格。"
At = Callable[[date], None]


@pytest.fixture
def decided(world: World) -> list[Application]:
    """Six of two counties and the city's own: qualified and refused, of two grades."""
    units = [
        world.station,
        world.station,
        world.station,
        world.far_school,
        world.far_school,
        world.unit("郑州市长河中心"),
    ]
    made = []
    for serial, unit in enumerate(units):
        status = Status.REFUSED if serial == 2 else Status.QUALIFIED
        person = factories.person(f"抽样{serial}", 61 + serial)
        made.append(factories.application(person, unit, grade=3 if serial % 2 else 4, status=status))
    return made


def typed(**changes: str) -> dict[str, str]:
    return {"title": "四月抽查", "people": "2"} | changes


def people(sample: Sample) -> list[int]:
    return [member.application_id for member in sample.members]


def test_the_same_seed_draws_the_same_people_and_all_is_on_record(world: World, decided: list[Application]) -> None:
    first = samples.draw(world.city_officer, typed(seed="20250403"))
    again = samples.draw(world.city_officer, typed(seed="20250403"))
    assert people(first) == people(again)
    assert (first.population, first.size, first.seed) == (5, 2, 20250403), "the city's own are not among them"
    assert dict(samples.criteria_lines(first))["符合条件"] == "5人"
    seeds = {samples.draw(world.city_officer, typed()).seed for _ in range(3)}
    assert len(seeds) == 3
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "draw_sample")).first()
    assert entry is not None and entry.detail["seed"] == 20250403 and entry.detail["population"] == 5
    # Whoever looks, the population is that of the agency that drew.
    for actor in (world.city_officer, world.province_officer):
        assert samples.redraw(actor, first.id) == samples.Redraw(5, True, True)
    oversight.overturn(world.city_officer, decided[0].id, decided[0].version, REASON)
    samples.draw(world.province_officer, typed(people="", percent="100"))
    assert samples.redraw(world.city_officer, first.id).same_population
    factories.application(factories.person("后来人", 90), world.station, status=Status.QUALIFIED)
    assert not samples.redraw(world.city_officer, first.id).same_population


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {0, 1, 2, 3, 4}),
        ({"outcome": "refused"}, {2}),
        ({"region": "410122"}, {0, 1, 2}),
        ({"region": "410181", "grade": "3"}, {3}),
        ({"decided_from": "2025-03-20", "decided_to": "2025-03-20"}, {0, 1, 2, 3, 4}),
    ],
)
def test_whom_it_is_drawn_from(
    world: World, decided: list[Application], changes: dict[str, str], expected: set[int]
) -> None:
    sample = samples.draw(world.city_officer, typed(people="", percent="100", **changes))
    assert set(people(sample)) == {decided[place].id for place in expected}


def test_spread_over_regions_and_grades(world: World, decided: list[Application]) -> None:
    sample = samples.draw(world.province_officer, typed(people="3", strata="region"))
    assert sample.population == 6
    agencies = {db.session.get_one(Application, one).agency_id for one in people(sample)}
    assert len(agencies) == 3
    sample = samples.draw(world.city_officer, typed(strata="grade"))
    assert {db.session.get_one(Application, one).grade for one in people(sample)} == {3, 4}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"people": "6"}, "people"),
        ({"people": ""}, "people"),
        ({"people": "两个"}, "people"),
        ({"people": "", "percent": "0"}, "percent"),
        ({"percent": "5"}, "percent"),
        ({"seed": "-1"}, "seed"),
        ({"seed": "99999999999"}, "seed"),
        ({"region": "410281"}, "region"),
        ({"grade": "9"}, "grade"),
        ({"outcome": "draft"}, "outcome"),
        ({"strata": "名字"}, "strata"),
        ({"decided_from": "2025-02-30"}, "decided_from"),
        ({"decided_from": "2025-03-19", "decided_to": "2025-03-18"}, "decided_to"),
        ({"decided_to": "2025-03-19"}, "people"),
    ],
)
def test_what_cannot_be_drawn(world: World, decided: list[Application], changes: dict[str, str], field: str) -> None:
    with pytest.raises(FieldsRefused) as caught:
        samples.draw(world.city_officer, typed(**changes))
    assert set(caught.value.fields) == {field}
    assert db.session.scalar(select(Sample)) is None


def test_who_draws_and_who_sees(world: World, decided: list[Application]) -> None:
    for actor in (world.officer, world.manager, world.inspector, world.unit_administrator, world.applicant):
        with pytest.raises(Refused):
            samples.draw(actor, typed())
    sample = samples.draw(world.city_officer, typed())
    for actor in (world.officer, world.far_city_officer, world.inspector, world.unit_administrator):
        with pytest.raises(NotFound):
            samples.find(actor, sample.id)
        assert listing.run(samples.listing(actor), {}).total == 0
    with pytest.raises(Refused, match="只能查看"):
        samples.judge(world.province_officer, sample.members[0].id, True, "")


def test_upheld_and_overturned(world: World, decided: list[Application]) -> None:
    sample = samples.draw(world.city_officer, typed(people="", percent="100", outcome="qualified", seed="7"))
    first, second = sample.members[:2]
    assert samples.next_open(world.city_officer, sample.id) == first.id
    samples.judge(world.city_officer, first.id, True, "")
    assert samples.next_open(world.city_officer, sample.id, after=first.id) == second.id
    with pytest.raises(FieldsRefused):
        samples.judge(world.city_officer, second.id, False, " ")
    samples.judge(world.city_officer, second.id, False, REASON)
    assert second.application.status is Status.REFUSED and second.upheld is False
    assert samples.progress(world.city_officer)[sample.id] == samples.Progress(4, 1, 1)
    person = second.application.person_id
    account = db.session.scalars(select(Account).where(Account.person_id == person)).one()
    agency, unit = second.application.agency_id, second.application.unit_id
    for of in ({"account_id": account.id}, {"agency_id": agency}, {"unit_id": unit}):
        titles = list(db.session.scalars(select(Message.title).filter_by(**of)))
        assert any(title.startswith("监督复核改变结论") for title in titles), of
    with pytest.raises(Conflict, match="已复核"):
        samples.judge(world.city_officer, second.id, True, "")
    page = listing.run(samples.member_listing(world.city_officer, sample.id), {"state": "overturned"})
    assert [row.id for row in page.rows] == [second.id]


def test_of_two_who_judge_at_once_one_wins(world: World, decided: list[Application], together: Together) -> None:
    sample = samples.draw(world.city_officer, typed(people="", percent="100", outcome="qualified"))
    for member_id, application_id in [(member.id, member.application_id) for member in sample.members[:3]]:

        def judges(username: str, uphold: bool, member_id: int = member_id) -> Callable[[], Any]:
            def run() -> Any:
                actor = db.session.scalars(select(Account).where(Account.username == username)).one()
                return samples.judge(actor, member_id, uphold, REASON).upheld

            return run

        outcomes = together(judges("gk410100", True), judges("gl410100", False))
        lost = [one for one in outcomes if isinstance(one, Exception)]
        assert len(lost) == 1 and isinstance(lost[0], Conflict), outcomes
        kept = db.session.get_one(SampleMember, member_id)
        status = db.session.get_one(Application, application_id).status
        assert status is (Status.QUALIFIED if kept.upheld else Status.REFUSED)


def test_overturning_without_a_sample(world: World, decided: list[Application], at: At) -> None:
    qualified, refused, own = decided[0], decided[2], decided[5]
    for actor in (world.officer, world.inspector):
        with pytest.raises(Refused, match="市级以上"):
            oversight.overturn(actor, qualified.id, qualified.version, REASON)
    with pytest.raises(NotFound):
        oversight.overturn(world.far_city_officer, qualified.id, qualified.version, REASON)
    with pytest.raises(Refused, match="上级工考管理机构监督"):
        oversight.overturn(world.city_officer, own.id, own.version, REASON)
    with pytest.raises(Conflict):
        oversight.overturn(world.city_officer, qualified.id, qualified.version - 1, REASON)
    assert oversight.overturn(world.province_officer, own.id, own.version, REASON).status is Status.REFUSED
    oversight.overturn(world.city_officer, refused.id, refused.version, REASON)
    assert refused.status is Status.UNIT_REVIEW, "judged anew at the desk that refused it"
    with pytest.raises(Refused, match="只有已作出"):
        oversight.overturn(world.city_officer, refused.id, refused.version, REASON)
    at(date(2025, 4, 20))
    # After the review a refusal could not be judged anew; what was passed can still be overturned.
    with pytest.raises(Refused, match="延长时间"):
        oversight.overturn(world.province_officer, own.id, own.version, REASON)
    assert oversight.overturn(world.city_officer, qualified.id, qualified.version, REASON).status is Status.REFUSED


def test_the_province_does_not_judge_its_own_decisions_by_the_same_person(world: World) -> None:
    made = factories.application(world.person("孟听雨"), world.unit("河南省高岗中心"), status=Status.QUALIFIED)
    first = db.session.scalars(
        select(Account).where(Account.agency_id == world.agency("410000").id).order_by(Account.id)
    ).first()
    assert first is not None
    with pytest.raises(Refused, match="您本人作出"):
        oversight.overturn(first, made.id, made.version, REASON)
    assert oversight.overturn(world.province_manager, made.id, made.version, REASON).status is Status.REFUSED
