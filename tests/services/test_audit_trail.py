"""The audit trail as a whole: sealed, proved, and looked up within one's scope."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select, update

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, AuditSeal
from gongkao.services import audit, audit_trail
from gongkao.services.transaction import transaction
from tests.world import World

NO_GRACE = timedelta(seconds=-1)


@pytest.fixture
def trail(world: World) -> list[int]:
    """Twelve entries in two sealed stretches and two that are not sealed yet."""

    def write(count: int) -> None:
        for number in range(count):
            with transaction():
                audit.record(world.officer, "look_twice", world.school, number=number, text="核对“一”")

    write(6)
    assert audit_trail.seal(NO_GRACE) >= 6
    write(6)
    assert audit_trail.seal(NO_GRACE) == 6
    write(2)
    return list(db.session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)))


def test_an_untouched_trail_is_intact(trail: list[int]) -> None:
    found = audit_trail.verify()
    assert found.intact
    assert (found.entries, found.sealed, found.seals) == (len(trail), len(trail) - 2, 2)


def test_nothing_is_sealed_twice_or_too_early(trail: list[int], app: Flask) -> None:
    assert audit_trail.seal() == 0, "the last ten minutes may belong to use cases that are not through"
    assert audit_trail.seal(NO_GRACE) == 2
    assert audit_trail.seal(NO_GRACE) == 0
    assert audit_trail.verify().intact


def test_a_clock_that_was_put_on_and_back_leaves_no_gap(trail: list[int], world: World) -> None:
    now = clock.now()
    for step in (timedelta(), timedelta(hours=2), timedelta(hours=-2), timedelta()):
        clock.install(lambda step=step: now + step)
        with transaction():
            audit.record(world.officer, "look_twice", world.school)
    assert audit_trail.seal(NO_GRACE) == 6
    assert audit_trail.verify().intact


CHANGES = {
    "who": {"actor": "别人"},
    "what": {"action": "other"},
    "when": {"at": None},
    "from where": {"address": "10.0.0.9"},
    "to which": {"subject_id": "999"},
    "detail": {"detail": {"number": 7}},
    "its proof": {"mac": "0" * 64},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", [2, -1], ids=["sealed", "not sealed yet"])
def test_any_change_is_found(trail: list[int], change: str, place: int) -> None:
    values = dict(CHANGES[change])
    if change == "when":
        values["at"] = db.session.get(AuditEntry, trail[place]).at + timedelta(seconds=1)
    _sql(update(AuditEntry).where(AuditEntry.id == trail[place]).values(**values))
    assert any(f"第{trail[place]}号记录" in problem for problem in audit_trail.verify().problems)


def test_a_gap_is_found(trail: list[int]) -> None:
    _sql(delete(AuditEntry).where(AuditEntry.id == trail[7]))
    assert any("应有6条，现有5条" in problem for problem in audit_trail.verify().problems)


def test_an_entry_put_in_is_found(trail: list[int]) -> None:
    """Even a copy of a true one, with its proof, in the place of another."""
    columns = [column for column in AuditEntry.__table__.columns if column.name != "id"]
    row = db.session.execute(select(*columns).where(AuditEntry.id == trail[1])).one()
    _sql(delete(AuditEntry).where(AuditEntry.id == trail[8]))
    _sql(insert(AuditEntry).values(id=trail[8], **dict(zip([one.name for one in columns], row, strict=True))))
    assert any("内容或顺序被改动" in problem for problem in audit_trail.verify().problems)


def test_a_reorder_is_found(trail: list[int]) -> None:
    for old, new in ((trail[7], -1), (trail[8], trail[7]), (-1, trail[8])):
        _sql(update(AuditEntry).where(AuditEntry.id == old).values(id=new))
    assert any("内容或顺序被改动" in problem for problem in audit_trail.verify().problems)


def test_a_forged_or_missing_seal_is_found(trail: list[int]) -> None:
    seals = db.session.scalars(select(AuditSeal.id).order_by(AuditSeal.id)).all()
    _sql(update(AuditSeal).where(AuditSeal.id == seals[0]).values(entries=5))
    assert any("封存记录被改动" in problem for problem in audit_trail.verify().problems)
    _sql(delete(AuditSeal).where(AuditSeal.id == seals[0]))
    assert not audit_trail.verify().intact


def test_another_key_proves_nothing(trail: list[int], app: Flask) -> None:
    audit.configure(b"another key")
    assert not audit_trail.verify().intact
    audit.configure(app.config["GONGKAO"].resolved_audit_key())


def test_the_command_says_so_and_fails(trail: list[int], app: Flask) -> None:
    runner = app.test_cli_runner()
    good = runner.invoke(args=["audit", "verify"])
    assert good.exit_code == 0 and "操作记录完整" in good.output
    _sql(delete(AuditEntry).where(AuditEntry.id == trail[7]))
    bad = runner.invoke(args=["audit", "verify"])
    assert bad.exit_code == 1 and "应有6条，现有5条" in bad.output


def test_managers_read_what_was_done_in_their_scope(
    trail: list[int], world: World, sign_in: Callable[[Account], FlaskClient]
) -> None:
    assert "核对“一”" in sign_in(world.manager).get("/settings/audit").text
    assert "核对“一”" not in sign_in(world.far_manager).get("/settings/audit").text
    assert sign_in(world.officer).get("/settings/audit").status_code == 403


def _sql(statement: object) -> None:
    """Behind the services' back, as somebody with the database's password would."""
    db.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
