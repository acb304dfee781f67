"""Migrations: from empty to newest and back on both databases, and they agree with the models."""

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade

from gongkao.clock import now
from gongkao.config import ROOT
from gongkao.extensions import db
from gongkao.models import (
    Application,
    CaseStatus,
    Deferral,
    DeferralStatus,
    FalseMaterialsCase,
    Original,
    UnitCheck,
    UnitCheckStatus,
    UnitNamePart,
)
from gongkao.rules.workflow import Status
from gongkao.services import (
    accounts,
    applications,
    cycles,
    false_materials,
    listing,
    originals,
    review_lists,
    saved_views,
    starting_data,
    visits,
)
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World


def _tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names())


def test_up_and_down_again(bare_app: Flask) -> None:
    folder = str(ROOT / "migrations")
    assert _tables() == set()
    upgrade(directory=folder)
    assert _tables() == set(db.metadata.tables) | {"alembic_version"}
    starting_data.load()
    db.session.remove()
    downgrade(directory=folder, revision="base")
    assert _tables() == {"alembic_version"}
    upgrade(directory=folder)
    assert _tables() == set(db.metadata.tables) | {"alembic_version"}
    assert starting_data.load() is True


def test_every_step_goes_up_and_down_with_rows_in_it(bare_app: Flask) -> None:
    folder = str(ROOT / "migrations")
    upgrade(directory=folder)
    starting_data.load()
    db.session.remove()
    steps = list(ScriptDirectory(folder).walk_revisions())
    for step in steps[:-1]:
        downgrade(directory=folder, revision=str(step.down_revision))
    for _ in steps[:-1]:
        upgrade(directory=folder, revision="+1")
    assert _tables() == set(db.metadata.tables) | {"alembic_version"}


def test_what_is_sealed_is_plain_again_below_and_sealed_again_above(app: Flask, world: World) -> None:
    """The step that sealed a database with people in it, down and up, and everybody is found again."""
    folder = str(ROOT / "migrations")
    made = factories.application(factories.person("丁小满", 91), world.school, status=Status.AGENCY_REVIEW)
    number, mobile, application_id = made.person.identity_number, made.person.mobile, made.id
    saved_views.save(world.officer, "review.desk", "找人", {"q": number})
    plain = sa.text(
        "SELECT person.identity_number, person.mobile, account.username FROM person JOIN account"
        " ON account.person_id = person.id WHERE person.name = '丁小满'"
    )
    db.session.remove()
    downgrade(directory=folder, revision="0011")
    with db.engine.connect() as connection:
        assert tuple(connection.execute(plain).one()) == (number, mobile, number)
        assert number in connection.scalar(sa.text("SELECT query FROM saved_view"))
        indexes = sa.inspect(connection).get_unique_constraints("person")
        assert [index["column_names"] for index in indexes] == [["identity_number"]]
    upgrade(directory=folder)
    with db.engine.connect() as connection:
        found = connection.execute(plain).one()
        assert number not in found and mobile not in found
    made = db.session.get_one(Application, application_id)
    assert (made.person.identity_number, made.person.mobile) == (number, mobile)
    assert (made.person_name, made.identity_tail) == ("丁小满", made.person.identity_tail)
    account = accounts.find(number)
    assert account is not None and account.person_id == made.person_id
    assert [row.id for row in listing.run(review_lists.desk_listing(world.officer), {"q": number[-4:]}).rows] == [
        made.id
    ]
    assert saved_views.of(world.officer, "review.desk")[0].name == "找人"


def test_whose_things_are_is_filled_in_from_their_applications(app: Flask, world: World) -> None:
    """The step that keeps a deferral's agency and the unit with cases and originals, down and up with such rows."""
    folder = str(ROOT / "migrations")
    onsite, taken_back = (
        factories.application(factories.person(name, serial), world.school, status=Status.ONSITE_CONFIRMATION)
        for name, serial in (("丁小满", 91), ("牧青禾", 92))
    )
    with transaction() as session:
        of = {"status": DeferralStatus.PLEDGED, "years": [2024], "pledged_at": now()}
        session.add_all(Deferral(application_id=one.id, **of) for one in (onsite, taken_back))
    visit = visits.bundle(world.unit_administrator, [onsite.id], bearer_name="管一鸣", bearer_mobile="13800000001")
    originals.receive(world.officer, visit.id, None)
    for one in (onsite, taken_back):
        false_materials.raise_case(world.officer, one.id, "证书编号与存根不符，疑似伪造。")
    with transaction() as session:
        session.execute(sa.update(FalseMaterialsCase).values(status=CaseStatus.DISMISSED))
    applicant = world.account(taken_back.person.identity_number)
    applications.withdraw(applicant, taken_back.version)
    kept = (
        sa.select(Deferral.id, Deferral.agency_id).order_by(Deferral.id),
        sa.select(FalseMaterialsCase.id, FalseMaterialsCase.unit_id).order_by(FalseMaterialsCase.id),
        sa.select(Original.id, Original.unit_id).order_by(Original.id),
    )
    before = [db.session.execute(one).all() for one in kept]
    school, county = world.school.id, world.agency("410122").id
    assert [[of for _, of in rows] for rows in before] == [[county, None], [school, None], [school] * 5]
    db.session.remove()
    downgrade(directory=folder, revision="0023")
    upgrade(directory=folder)
    assert [db.session.execute(one).all() for one in kept] == before


def test_units_are_found_by_index_after_the_step(app: Flask, world: World) -> None:
    """The step that keeps the parts of units' names and the agency of their checks, down and up with such rows."""
    school, bureau = world.school, world.bureau
    with transaction() as session:
        school.name, bureau.name = "中牟县Aa实验学校（东区）", "县" * 60
        of = {"cycle_id": cycles.current_cycle().id, "checked_by_id": world.officer.id, "checked_at": now()}
        names = {"name_before": school.name, "proposed_name": school.name}
        session.add(UnitCheck(unit_id=school.id, status=UnitCheckStatus.CONFIRMED, **of, **names))
    kept = (
        sa.select(UnitNamePart.part, UnitNamePart.unit_id).order_by(UnitNamePart.part, UnitNamePart.unit_id),
        sa.select(UnitCheck.unit_id, UnitCheck.agency_id),
    )
    before = [db.session.execute(one).all() for one in kept]
    assert ("AA实验学校（东区）", school.id) in before[0] and ("县" * 60, bureau.id) in before[0]
    assert before[1] == [(school.id, school.agency_id)]
    db.session.remove()
    downgrade(directory=str(ROOT / "migrations"), revision="0024")
    upgrade(directory=str(ROOT / "migrations"))
    assert [db.session.execute(one).all() for one in kept] == before


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_models_and_migrations_agree(empty_app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": _differs, "compare_server_default": False}
        )
        assert compare_metadata(context, db.metadata) == []


def _differs(_context: Any, _inspected: Any, _column: Any, kept: Any, wanted: Any) -> bool | None:
    """Our own column types are compared as what they are in the database."""
    if isinstance(wanted, sa.types.TypeDecorator):
        wanted = wanted.impl
        if isinstance(wanted, sa.DateTime):
            return not isinstance(kept, sa.DateTime)
        return not (isinstance(kept, sa.String) and kept.length == wanted.length)
    return None
