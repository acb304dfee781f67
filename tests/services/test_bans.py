"""Whether a ban holds: by identity number, to the day, wherever it was imposed, unless it was lifted."""

from datetime import date

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import BanEntry
from gongkao.services import bans
from gongkao.services.transaction import transaction
from tests.world import World


def _ban(world: World, begins: date, ends: date, **more: object) -> BanEntry:
    with transaction() as session:
        made = BanEntry(
            identity_number=world.person("孟听雨").identity_number,
            name="孟听雨",
            begins_on=begins,
            ends_on=ends,
            reason="填报虚假工作经历。",
            agency_id=world.agency("410181").id,
            decided_by_id=world.far_manager.id,
            decided_at=now(),
            **more,
        )
        session.add(made)
    return made


def test_a_ban_holds_to_the_day_in_every_city(world: World) -> None:
    _ban(world, date(2024, 5, 1), date(2026, 4, 30))
    number = world.person("孟听雨").identity_number
    assert bans.in_force(number, date(2024, 4, 30)) is None
    for day in (date(2024, 5, 1), date(2025, 3, 20), date(2026, 4, 30)):
        found = bans.in_force(number, day)
        assert found is not None and "2024年5月1日至2026年4月30日不得申报" in found.message
        assert "因填报虚假工作经历，" in found.message
    assert bans.in_force(number, date(2026, 5, 1)) is None
    assert bans.in_force(world.person("祝晓川").identity_number, date(2025, 3, 20)) is None


def test_the_longest_of_several_counts_and_a_lifted_one_does_not(world: World) -> None:
    _ban(world, date(2024, 5, 1), date(2026, 4, 30))
    longest = _ban(world, date(2025, 1, 1), date(2026, 12, 31))
    number, day = world.person("孟听雨").identity_number, date(2025, 3, 20)
    found = bans.in_force(number, day)
    assert found is not None and found.ends == date(2026, 12, 31)
    with transaction():
        longest = db.session.get_one(BanEntry, longest.id)
        longest.lifted_at, longest.lifted_by_id = now(), world.province_manager.id
    found = bans.in_force(number, day)
    assert found is not None and found.ends == date(2026, 4, 30)
