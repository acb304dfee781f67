"""Comprehensive review: sealed sheets, assessors of the own unit standing back, means and spreads once opened."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from gongkao.documents import panel_papers
from gongkao.extensions import db
from gongkao.models import Account, Application, ReviewPanel, Score
from gongkao.rules.errors import WindowClosed
from gongkao.rules.workflow import Status
from gongkao.services import double_entry, listing, panels, pass_lines, scores
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from tests import factories
from tests.documents.reading import read
from tests.world import World

ASSESSORS = "甘一 云上站\n甘二，云中站\n甘三 云下站\n甘四 中牟县云溪站"
CRITERIA = "业绩成果 60\n答辩：40"
Pair = tuple[Application, Application]


@pytest.fixture
def people(world: World, at: Callable[[date], None]) -> Pair:
    made = (
        factories.application(factories.person("孟听雨甲"), world.school, grade=1, status=Status.QUALIFIED),
        factories.application(factories.person("祝晓川乙", 58), world.station, grade=1, status=Status.QUALIFIED),
    )
    at(date(2025, 11, 3))
    return made


@pytest.fixture
def panel(world: World, people: Pair) -> ReviewPanel:
    made = panels.make(world.officer, "第一评审组", ASSESSORS, CRITERIA)
    assert panels.add(world.officer, made.id, [one.id for one in people]) == 2
    return made


def sheet(panel: ReviewPanel, assessor: int, *marks: str) -> dict[str, str]:
    """One assessor's marks, person by person and item by item."""
    people = panels.judged_by(panel.assessors[assessor])
    names = [panels.field_name(person, criterion) for person in people for criterion in panel.criteria]
    return dict(zip(names, marks, strict=True))


def seal_all(officer: Account, panel: ReviewPanel) -> None:
    for place, marks in enumerate((("50", "30", "55", "35"), ("51", "30", "40", "20"), ("49", "30.5", "58", "39"))):
        panels.seal(officer, panel.assessors[place].id, sheet(panel, place, *marks))
    panels.seal(officer, panel.assessors[3].id, sheet(panel, 3, "52", "30"))


def test_an_assessor_never_judges_the_own_unit(panel: ReviewPanel, people: Pair) -> None:
    assert [one.application_id for one in panels.judged_by(panel.assessors[3])] == [people[0].id]
    assert panels.conflicts(panel)[panel.candidates[1].id] == ["甘四"]


def test_too_few_assessors_left_is_refused(world: World, people: Pair) -> None:
    made = panels.make(world.officer, "第二评审组", "甘一 云上站\n甘二 云中站\n甘四 中牟县云溪站", CRITERIA)
    with pytest.raises(Refused, match="祝晓川乙的同单位评委回避后只剩2名"):
        panels.add(world.officer, made.id, [people[1].id])
    assert panels.add(world.officer, made.id, [people[0].id]) == 1


def test_sheets_stay_sealed_until_all_are_in_and_opened(world: World, panel: ReviewPanel, people: Pair) -> None:
    panels.seal(world.officer, panel.assessors[0].id, sheet(panel, 0, "50", "30", "55", "35"))
    with pytest.raises(Refused, match="没有录入：甘二、甘三、甘四"):
        panels.open_sheets(world.manager, panel.id)
    assert panels.opened_marks(panel) == {}
    with pytest.raises(Refused, match="密封"):
        panels.set_absent(world.officer, panel.candidates[0].id)
    seal_all(world.officer, panel)
    assert db.session.scalars(select(Score)).all() == []
    panels.open_sheets(world.manager, panel.id)
    first, second = panel.candidates
    # 80, 81, 79.5, 82 and 90, 60, 97.
    assert (first.mean, first.spread) == (Decimal("80.6"), Decimal("2.5"))
    assert (second.mean, second.spread) == (Decimal("82.3"), Decimal(37))
    kept = {score.application_id: score.value for score in db.session.scalars(select(Score))}
    assert kept == {people[0].id: Decimal("80.6"), people[1].id: Decimal("82.3")}
    assert len(panels.opened_marks(panel)) == 7
    with pytest.raises(Refused, match="已启封"):
        panels.seal(world.officer, panel.assessors[0].id, sheet(panel, 0, "50", "30", "55", "35"))
    with pytest.raises(Refused, match="不能手工录入"):
        scores.enter(world.officer, 1, {scores.field_name(people[0].id, "review"): "99"})


def test_with_double_entry_a_sheet_counts_once_two_people_typed_the_same(world: World, panel: ReviewPanel) -> None:
    """Neither sees what the other typed, only where it differs; the second may make the own entry the first."""
    double_entry.switch(world.officer, True)
    one = panel.assessors[0]
    right, slip = sheet(panel, 0, "50", "30", "55", "35"), sheet(panel, 0, "50", "30", "55", "34")
    assert panels.seal(world.officer, one.id, slip) is False and panels.entered_by_another(world.manager, one)
    with pytest.raises(Refused, match="密封"):
        panels.set_absent(world.officer, panel.candidates[0].id)
    assert panels.seal(world.officer, one.id, slip) is False
    with pytest.raises(FieldsRefused) as refused:
        panels.seal(world.manager, one.id, right)
    assert list(refused.value.fields) == [list(right)[3]] and "34" not in str(refused.value.fields)
    assert one.sealed_at is None and "甘一" in panels.unsealed(panel)
    assert panels.seal(world.manager, one.id, right, anew=True) is False
    assert panels.seal(world.officer, one.id, right) is True
    assert one.sealed_by_id == world.officer.id and one.first_sheet is None and "甘一" not in panels.unsealed(panel)
    # Typed anew, it has to be typed twice again.
    assert panels.seal(world.officer, one.id, right) is False and one.sealed_at is None


def test_the_sheets_to_mark_by_hand_leave_out_the_own_unit(world: World, panel: ReviewPanel) -> None:
    made = read(panel_papers.assessor_sheets(panels.sheets_paper(panel)))
    assert len(made.pages) == 4
    assert "主任评委：甘一（云上站）" in made.pages[0] and "业绩成果满分60答辩满分40合计满分100" in made.pages[0]
    assert "孟听雨甲" in made.pages[3] and "祝晓川乙" not in made.pages[3] and "同单位的1人已回避" in made.pages[3]
    empty = panels.make(world.officer, "第四评审组", ASSESSORS, CRITERIA)
    with pytest.raises(Refused, match="还没有参评人员"):
        panels.sheets_paper(empty)


def test_the_extremes_are_left_out_by_cycle_data(world: World, people: Pair) -> None:
    made = panels.make(world.officer, "第三评审组", ASSESSORS + "\n甘五 云外站", CRITERIA)
    panels.add(world.officer, made.id, [people[0].id])
    pass_lines.change_common(world.province_manager, recheck_days="7", panel_spread="20", panel_trims=True)
    for place, mark in enumerate(("10", "50", "51", "52", "60")):
        panels.seal(world.officer, made.assessors[place].id, sheet(made, place, mark, "30"))
    panels.open_sheets(world.manager, made.id)
    assert (made.candidates[0].mean, made.candidates[0].spread) == (Decimal(81), Decimal(50))


def test_a_wrong_sheet_is_refused_as_a_whole(world: World, panel: ReviewPanel) -> None:
    with pytest.raises(FieldsRefused) as refused:
        panels.seal(world.officer, panel.assessors[0].id, sheet(panel, 0, "61", "30", "", "缺考"))
    assert len(refused.value.fields) == 3
    assert panel.assessors[0].sealed_at is None


def test_somebody_absent_is_not_judged(world: World, panel: ReviewPanel, people: Pair) -> None:
    panels.set_absent(world.officer, panel.candidates[1].id)
    for place in range(4):
        panels.seal(world.officer, panel.assessors[place].id, sheet(panel, place, "50", "30"))
    panels.open_sheets(world.manager, panel.id)
    absent = db.session.scalars(select(Score).where(Score.application_id == people[1].id)).one()
    assert absent.absent and absent.value is None


@pytest.mark.parametrize(
    ("assessors", "criteria", "field"),
    [
        ("甘一 云上站\n甘二 云中站", CRITERIA, "assessors"),
        ("甘一\n甘二 云中站\n甘三 云下站", CRITERIA, "assessors"),
        (ASSESSORS, "业绩成果 60\n答辩 30", "criteria"),
        (ASSESSORS, "业绩成果", "criteria"),
    ],
)
def test_a_panel_must_be_whole(world: World, people: Pair, assessors: str, criteria: str, field: str) -> None:
    with pytest.raises(FieldsRefused) as refused:
        panels.make(world.officer, "评审组", assessors, criteria)
    assert set(refused.value.fields) == {field}


def test_a_panel_is_the_own_agencys_alone(
    world: World, panel: ReviewPanel, people: Pair, at: Callable[[date], None]
) -> None:
    for stranger in (world.far_officer, world.province_officer):
        with pytest.raises(NotFound):
            panels.find(stranger, panel.id)
        with pytest.raises(NotFound):
            panels.seal(stranger, panel.assessors[0].id, {})
        with pytest.raises(NotFound):
            panels.take_out(stranger, panel.candidates[0].id)
        assert listing.run(panels.free(stranger), {}).total == 0
    typed = sheet(panel, 0, "50", "30", "55", "35")
    at(date(2025, 9, 1))
    with pytest.raises(WindowClosed):
        panels.seal(world.officer, panel.assessors[0].id, typed)
    panels.take_out(world.officer, panel.candidates[0].id)
    panels.remove(world.officer, panel.id)
    assert listing.run(panels.free(world.officer), {}).total == 2
