"""Units are found by index exactly as by going through all of them, whatever becomes of their names."""

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Unit, UnitNamePart
from gongkao.models.name_part import parts_of
from gongkao.services import unit_search, units
from gongkao.services.listing import contains
from gongkao.services.transaction import transaction
from tests.services.test_units import of
from tests.statements import sent
from tests.world import World

# One is as long as a name may be; the parts of another begin alike.
NAMES = ("中牟县Aa实验学校（东区）", "学校学校学校学校", "𠮷水县水利局", "县" * 60)
TERMS = (
    *("学校", "学", "aA", "AA实验", "（东", "东区）", "校学校", "𠮷", "没有", "县" * 59, "县" * 60),
    *("%", "_", "学%", "'", "\\"),
)


def kept() -> set[tuple[str, int]]:
    return set(db.session.execute(select(UnitNamePart.part, UnitNamePart.unit_id)))


def expected() -> set[tuple[str, int]]:
    return {(part, unit.id) for unit in db.session.scalars(select(Unit)) for part in parts_of(unit.name.upper())}


@pytest.mark.parametrize("names", [NAMES[:3], NAMES[1:]], ids=["short", "long"])
def test_looking_up_finds_what_looking_for_finds(world: World, names: tuple[str, ...]) -> None:
    with transaction():
        for unit, name in zip((world.school, world.bureau, world.station), names, strict=True):
            unit.name = name
    assert kept() == expected()
    for term in TERMS:
        through_all = db.session.scalars(select(Unit.id).where(contains(Unit.name)(term)))
        assert set(db.session.scalars(unit_search.named(term))) == set(through_all), term


def test_a_unit_renamed_is_found_by_its_new_name_alone(world: World) -> None:
    school = world.school
    assert school in unit_search.suggest("晴川学校")
    # What the name was is not at hand.
    db.session.expire_all()
    units.change_unit(world.officer, school.id, **of(school, name="中牟县云岭学校"))
    assert unit_search.suggest("晴川学校") == [] and unit_search.suggest("云岭") == [school]
    assert kept() == expected()
    units.change_unit(world.officer, school.id, **of(school, contact_phone="0371-62180009"))
    assert kept() == expected()


def test_suggestions_are_by_part_of_a_name_or_the_beginning_of_a_code(world: World) -> None:
    assert {unit.name for unit in unit_search.suggest("晴川")} == {"中牟县晴川局", "中牟县晴川学校"}
    code = world.school.credit_code
    assert unit_search.suggest(code.lower()) == unit_search.suggest(f" {code[:17]} ") == [world.school]
    for text in ("", "晴", "%%", "__", "' OR 1=1 --", code[1:]):
        assert unit_search.suggest(text) == []


def test_suggestions_bring_their_regions(world: World) -> None:
    db.session.expire_all()
    with sent() as statements:
        assert [one.region.full_name for one in unit_search.suggest("中牟县")]
    assert len(statements) == 1
