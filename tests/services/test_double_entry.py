"""Double entry: a mark counts once two people have typed the same; what differs is settled on record."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Application, AuditEntry, Role
from gongkao.rules.workflow import Status
from gongkao.services import double_entry, listing, scores
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.services.test_scores import SCORES_DAY, entered, marks
from tests.world import World


@pytest.fixture
def person(world: World, at: Callable[[date], None]) -> Application:
    made = factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED)
    at(SCORES_DAY)
    double_entry.switch(world.manager, True)
    return made


def shown(account: Account, person: Application) -> dict[str, str]:
    page = listing.run(scores.entry_listing(account, 4), {})
    fields = double_entry.entry_fields(account, page.rows, scores.cycles.subjects(person.cycle, 4), {})
    return {key: entry.text for key, entry in fields[person.id].items()}


def test_two_must_type_the_same_and_neither_sees_the_other(world: World, person: Application) -> None:
    with pytest.raises(Refused, match="两人分别录入"):
        scores.enter(world.officer, 4, marks(person, "85", "60", "缺考"))
    assert double_entry.enter(world.officer, 4, marks(person, "85", "60", "缺考")) == 3
    assert entered(person) == {}
    assert set(shown(world.manager, person).values()) == {""}
    assert double_entry.enter(world.manager, 4, marks(person, "85", "66", "缺")) == 3
    assert entered(person) == {"post_skills": (Decimal(85), False), "ability": (None, True)}
    assert shown(world.officer, person)["ethics"] == "60"
    (difference,) = double_entry.differences(world.officer, 4)
    assert difference.subject.key == "ethics" and [text for _, text in difference.texts] == ["60", "66"]
    assert double_entry.differences(world.far_officer, 4) == []

    with pytest.raises(FieldsRefused, match="满分为100"):
        double_entry.settle(world.manager, 4, {difference.field: "666"})
    assert double_entry.settle(world.manager, 4, {difference.field: "66"}) == 1
    assert entered(person)["ethics"] == (Decimal(66), False)
    assert double_entry.differences(world.officer, 4) == []
    detail = db.session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "settle_score")).one()
    assert [text for _, text in detail["typed"]] == ["60", "66"] and detail["settled"] == "66"  # type: ignore[union-attr]


def test_a_change_of_one_takes_the_mark_back_until_both_agree(world: World, person: Application) -> None:
    for account in (world.officer, world.manager):
        double_entry.enter(account, 4, marks(person, "85", "60", "70"))
    double_entry.enter(world.officer, 4, marks(person, "86", "60", "", seen=("85", "60", "70")))
    assert entered(person) == {"ethics": (Decimal(60), False)}
    double_entry.enter(world.manager, 4, marks(person, "86", "60", "70", seen=("85", "60", "70")))
    assert entered(person)["post_skills"] == (Decimal(86), False)


def test_a_third_person_does_not_type_what_two_have_typed(world: World, person: Application) -> None:
    with transaction() as session:
        third = Account(username="gk410122b", password_hash="!", role=Role.AGENCY_OFFICER, display_name="经办二")
        third.agency_id = world.officer.agency_id
        session.add(third)
    for account in (world.officer, world.manager):
        double_entry.enter(account, 4, marks(person, "85", "60", "70"))
    with pytest.raises(FieldsRefused, match="已由另外两人录入"):
        double_entry.enter(third, 4, marks(person, "84", "", ""))
    double_entry.switch(world.manager, False)
    assert scores.enter(world.officer, 4, marks(person, "84", "60", "70", seen=("85", "60", "70"))) == 1
