"""Whoever a list of a whole year is searched for is found by indexes exactly as by going through the list."""

import pytest
from sqlalchemy import func, or_, select

from gongkao.extensions import db
from gongkao.models import Application, NamePart, Person, Unit
from gongkao.services import people_search
from gongkao.services.listing import contains, of_identity
from gongkao.services.people_search import few, of_people
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

NAMES = ("孟听雨", "孟听", "听雨", "雨听听", "欧阳听雨舟", "阿依古丽·买买提", "听" * 30, "𠮷田")
TERMS = (
    "听",
    "孟",
    "听雨",
    "雨舟",
    "·买",
    "古丽·",
    "𠮷",
    "田",
    "听听听",
    "没有",
    "%",
    "_",
    "听%",
    "中学",
    "中牟",
    "",
    "。",
)


def looked_for(term: str) -> set[int]:
    """The same by going through everybody."""
    query = select(Application.id).join(Application.person).join(Application.unit)
    return set(
        db.session.scalars(
            query.where(or_(contains(Person.name)(term), of_identity(Person)(term), contains(Unit.name)(term)))
        )
    )


def looked_up(term: str) -> set[int]:
    query = select(Application.id).join(Application.person).join(Application.unit)
    return set(db.session.scalars(query.where(of_people(Application.id)(term))))


@pytest.fixture
def people(world: World) -> list[Person]:
    made = [factories.person(name, 100 + serial) for serial, name in enumerate(NAMES)]
    for one in made:
        factories.application(one, world.school)
    return made


def test_looking_up_finds_what_looking_for_finds(
    world: World, people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = people[0].identity_number
    terms = [term for term in (*TERMS, *NAMES, number, number[-4:], number[-4:].lower(), world.school.name) if term]
    expected = {term: looked_for(term) for term in terms}
    assert len(expected["听"]) >= 6 and len(expected[number]) == 1 and expected["没有"] == expected["%"] == set()
    for most in (people_search.FEW, 1):
        monkeypatch.setattr(people_search, "FEW", most)
        assert {term: looked_up(term) for term in terms} == expected
    assert few("听") is None and few("𠮷") == [*expected["𠮷"]]


def test_whoever_is_renamed_is_found_by_the_new_name_alone(world: World, people: list[Person]) -> None:
    one = people[0]
    with transaction():
        one.name = "孟雨"
    assert few("孟听雨") == [] and len(few("孟雨") or []) == 1
    ours = select(NamePart.part).join(Application, Application.id == NamePart.application_id)
    assert set(db.session.scalars(ours.where(Application.person_id == one.id))) == {"孟雨", "雨"}
    with transaction():
        one.mobile = "13900000000"
    assert db.session.scalar(select(func.count()).select_from(NamePart)) == sum(
        len(name) for name in db.session.scalars(select(Application.person_name))
    )
