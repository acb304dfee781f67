"""One use case, one transaction: all of it or nothing, and two at once never half of each."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from gongkao.extensions import db
from gongkao.models import Application, Unit
from gongkao.services.errors import Conflict
from gongkao.services.transaction import transaction
from tests import factories
from tests.services.conftest import Together
from tests.world import World


def _phone(unit_id: int) -> str:
    return db.session.scalars(select(Unit.contact_phone).where(Unit.id == unit_id)).one()


def test_all_of_it_is_kept_or_nothing(world: World) -> None:
    unit_id = world.school.id
    with transaction():
        world.school.contact_phone = "0371-62180001"
    db.session.rollback()
    assert _phone(unit_id) == "0371-62180001"

    def fails() -> None:
        with transaction() as session:
            world.school.contact_phone = "0371-62180002"
            session.flush()
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError):
        fails()
    assert _phone(unit_id) == "0371-62180001"


def test_one_inside_another_is_part_of_it(world: World) -> None:
    unit_id = world.school.id

    def outer() -> None:
        with transaction():
            with transaction():
                world.school.contact_phone = "0371-62180003"
            raise RuntimeError("after the inner one")

    with pytest.raises(RuntimeError):
        outer()
    assert _phone(unit_id) == ""
    # The next use case starts afresh.
    with transaction():
        world.school.contact_phone = "0371-62180004"
    assert _phone(unit_id) == "0371-62180004"


def test_what_was_changed_before_does_not_slip_in(world: World) -> None:
    unit_id = world.school.id
    world.school.contact_phone = "0371-62180005"
    with transaction():
        pass
    assert _phone(unit_id) == ""


def test_a_row_changed_since_it_was_read_is_a_conflict(world: World) -> None:
    made = factories.application(factories.person("范知秋"), world.school)

    def decide() -> None:
        with transaction() as session:
            assert made.version
            # Somebody else, before this one is written.
            session.execute(
                update(Application)
                .where(Application.id == made.id)
                .values(version=Application.version + 1)
                .execution_options(synchronize_session=False)
            )
            made.department = "后勤科"
            made.post = "维修岗"

    with pytest.raises(Conflict) as caught:
        decide()
    assert "刷新" in caught.value.message
    db.session.rollback()
    assert made.post == "驾驶岗"


def test_two_that_wait_for_each_other_do_not_both_fail(app: Flask, world: World, together: Together) -> None:
    """On PostgreSQL one of them gives way with a message; on SQLite they simply go one after the other."""
    first, second = world.school.id, world.station.id
    halfway = threading.Barrier(2)

    def change(one: int, other: int) -> Callable[[], Any]:
        def use_case() -> str:
            with transaction() as session:
                session.execute(update(Unit).where(Unit.id == one).values(contact_phone="0371-62180006"))
                if session.get_bind().dialect.name == "postgresql":
                    halfway.wait(30)
                session.execute(update(Unit).where(Unit.id == other).values(contact_phone="0371-62180006"))
            return "done"

        return use_case

    outcomes = together(change(first, second), change(second, first))
    lost = [outcome for outcome in outcomes if outcome != "done"]
    assert len(lost) <= 1
    assert all(isinstance(outcome, Conflict) and "稍等" in outcome.message for outcome in lost)
    assert _phone(first) == _phone(second) == "0371-62180006"
