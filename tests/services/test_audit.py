"""The audit trail: one entry a use case, kept or lost together with what it tells of."""

from datetime import date

import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import AuditEntry, Person, Unit
from gongkao.services import audit
from gongkao.services.transaction import transaction
from tests.world import World, identity_number


def _entries() -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_an_entry_tells_who_what_when_and_from_where(world: World) -> None:
    token = audit.origin.set("2001:db8::1")
    with transaction():
        audit.record(world.officer, "look_twice", world.school, reason="测试", count=2)
    audit.origin.reset(token)
    entry = _entries()[-1]
    assert entry.account_id == world.officer.id
    assert entry.actor == f"{world.agency('410122').name} 经办"
    assert (entry.action, entry.subject_type, entry.subject_id) == ("look_twice", "Unit", str(world.school.id))
    assert entry.address == "2001:db8::1" and entry.detail == {"reason": "测试", "count": 2}
    assert entry.at.utcoffset() is not None and entry.at.date() == date(2025, 3, 20)


def test_without_an_account_it_says_so(world: World) -> None:
    with transaction():
        audit.record(None, "fill_in_sheet", world.school)
    assert (_entries()[-1].account_id, _entries()[-1].actor, _entries()[-1].address) == (None, "未登录", "")


def test_a_row_not_written_yet_gets_its_number(world: World) -> None:
    with transaction() as session:
        person = Person(
            name="岳听泉", identity_number=identity_number("410122", date(1990, 2, 28), 45), mobile="13800000002"
        )
        session.add(person)
        audit.record(world.officer, "add_person", person)
    assert _entries()[-1].subject_id == str(person.id)


def test_what_is_not_kept_is_not_told(world: World) -> None:
    def fails() -> None:
        with transaction():
            world.school.contact_phone = "0371-62180001"
            audit.record(world.officer, "change_unit", world.school)
            raise RuntimeError("half-way")

    before = db.session.scalar(select(func.count()).select_from(AuditEntry))
    with pytest.raises(RuntimeError):
        fails()
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == before
    assert db.session.scalars(select(Unit.contact_phone).where(Unit.id == world.school.id)).one() == ""
