"""Work that follows when a county takes over or gives back, and when a unit is moved, renamed or merged."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Application,
    AuditEntry,
    Deferral,
    DeferralStatus,
    Message,
    Original,
    PasswordHelp,
    RosterEntry,
    Unit,
    Visit,
    VisitMember,
    VisitSlot,
    VisitStatus,
)
from gongkao.rules.errors import RuleError
from gongkao.rules.workflow import Action, Status
from gongkao.services import (
    cycles,
    false_materials,
    listing,
    originals,
    password_help,
    settings,
    unit_merge,
    units,
    workflow,
)
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.services.conftest import Together
from tests.services.test_units import of
from tests.world import World, credit_code


def made(name: str, serial: int, unit: Unit, status: Status) -> Application:
    return factories.application(factories.person(name, serial), unit, status=status)


def deferred(application: Application, status: DeferralStatus) -> None:
    with transaction() as session:
        session.add(Deferral(application_id=application.id, status=status, years=[2024], pledged_at=now()))


def visit(world: World, unit: Unit, application: Application, status: VisitStatus) -> Visit:
    with transaction() as session:
        start = datetime.combine(date(2025, 4, 1), now().timetz())
        slot = VisitSlot(
            cycle_id=cycles.current_cycle().id,
            agency_id=unit.agency_id,
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            capacity=10,
        )
        session.add(slot)
        session.flush()
        found = Visit(
            number=f"V{application.id}",
            cycle_id=slot.cycle_id,
            unit_id=unit.id,
            agency_id=unit.agency_id,
            slot_id=slot.id,
            status=status,
            created_by_id=world.unit_administrator.id,
        )
        found.members.append(VisitMember(application_id=application.id))
        session.add(found)
    return found


def told(**to: int) -> list[str]:
    (name, value), *_ = to.items()
    query = select(Message).where(getattr(Message, name) == value).order_by(Message.id)
    return [message.title for message in db.session.scalars(query)]


def test_a_county_that_gives_back_hands_on_what_is_undecided(world: World) -> None:
    school = world.school
    waiting = made("范知秋", 58, school, Status.UNIT_REVIEW)
    at_agency = made("安知行", 59, school, Status.AGENCY_REVIEW)
    onsite = made("卓明远", 60, school, Status.ONSITE_CONFIRMATION)
    decided = made("邵一帆", 61, school, Status.QUALIFIED)
    refused = made("柳成荫", 62, school, Status.REFUSED)
    open_deferral = made("白云起", 63, school, Status.QUALIFIED)
    closed_deferral = made("江晚晴", 64, school, Status.QUALIFIED)
    deferred(open_deferral, DeferralStatus.AGREED)
    deferred(closed_deferral, DeferralStatus.ACCEPTED)
    booked = visit(world, school, onsite, VisitStatus.BOOKED)
    person = waiting.person
    password_help.ask(unit_id=school.id, name=person.name, identity_number=person.identity_number, mobile=person.mobile)
    with transaction():
        at_agency.claimed_by_id = at_agency.first_reviewed_by_id = world.officer.id
        at_agency.claimed_at = at_agency.first_reviewed_at = now()

    county, city = world.agency("410122").id, world.agency("410100").id
    moved = settings.switch_taken_over(world.province_manager, county, False)
    assert moved == (3, 4)
    assert {one.agency_id for one in (waiting, at_agency, onsite, open_deferral)} == {city}
    assert {one.agency_id for one in (decided, refused, closed_deferral)} == {county}
    assert open_deferral.deferral and open_deferral.deferral.agency_id == city
    assert closed_deferral.deferral and closed_deferral.deferral.agency_id == county
    assert (at_agency.claimed_by_id, at_agency.first_reviewed_by_id) == (None, None)
    # The bundle goes along, the time was the county's.
    assert (booked.agency_id, booked.slot_id, booked.status) == (city, None, VisitStatus.BUNDLED)
    assert len(booked.members) == 1
    assert db.session.scalars(select(PasswordHelp.agency_id)).one() == city
    assert "转交" in told(agency_id=county)[-1] and "接收" in told(agency_id=city)[-1]
    assert "变更为" in told(unit_id=school.id)[-1]
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "reroute_unit", AuditEntry.subject_id == str(school.id))
    ).one()
    assert sorted(entry.detail["applications"]) == sorted(  # type: ignore[call-overload]
        one.id for one in (waiting, at_agency, onsite, open_deferral)
    )
    # And back again: the decided ones have never moved.
    assert settings.switch_taken_over(world.province_manager, county, True) == (3, 4)
    assert {one.agency_id for one in (waiting, onsite, decided, refused)} == {county}


def test_originals_in_hand_stay_where_they_are(world: World) -> None:
    onsite = made("卓明远", 60, world.school, Status.ONSITE_CONFIRMATION)
    received = visit(world, world.school, onsite, VisitStatus.RECEIVED)
    county = world.agency("410122").id
    settings.switch_taken_over(world.province_manager, county, False)
    assert received.agency_id == county and received.status is VisitStatus.RECEIVED
    assert onsite.agency_id == world.agency("410100").id


def test_a_decision_begun_at_the_old_agency_meets_the_move(world: World, together: Together) -> None:
    application = made("安知行", 59, world.station, Status.AGENCY_REVIEW)
    number, county, manager = application.id, world.agency("410122").id, world.province_manager.id

    def decide() -> None:
        with transaction() as session:
            found = session.get(Application, number)
            assert found is not None
            workflow.advance(found, Action.PASS, None, onsite=False)

    def switch() -> tuple[int, int]:
        return settings.switch_taken_over(db.session.get_one(type(world.manager), manager), county, False)

    passed, moved = together(decide, switch)
    db.session.expire_all()
    assert not isinstance(moved, RuleError)
    # Either the decision came first and stays with the county, or the move did and nothing is decided at the old desk.
    if application.status is Status.QUALIFIED and passed is None and moved[1] == 0:
        assert application.agency_id == county
    else:
        assert application.agency_id == world.agency("410100").id


@pytest.mark.parametrize(
    ("status", "follows"),
    [
        (Status.UNIT_REVIEW, True),
        (Status.RETURNED, True),
        (Status.SUPERVISING_REVIEW, True),
        (Status.AGENCY_REVIEW, False),
        (Status.QUALIFIED, False),
    ],
)
def test_a_moved_unit_takes_the_supervising_desk_along(world: World, status: Status, follows: bool) -> None:
    application = made("范知秋", 58, world.school, status)
    old, new = world.bureau.id, world.station.id
    units.change_unit(world.officer, world.school.id, **of(world.school, supervising_unit_id=new))
    assert application.supervising_unit_id == (new if follows else old)
    assert told(unit_id=old)[-1] == told(unit_id=new)[-1] == "中牟县晴川学校的主管单位变更"


def test_without_a_supervising_unit_no_desk_is_skipped(world: World) -> None:
    ahead = made("范知秋", 58, world.school, Status.UNIT_REVIEW)
    waiting = made("安知行", 59, world.school, Status.SUPERVISING_REVIEW)
    units.change_unit(world.officer, world.school.id, **of(world.school, supervising_unit_id=None))
    assert ahead.supervising_unit_id is None
    # The bureau still decides what lies on its desk.
    assert waiting.supervising_unit_id == world.bureau.id
    factories.move(waiting, Status.AGENCY_REVIEW)
    factories.move(ahead, Status.AGENCY_REVIEW)


def test_a_renamed_unit_keeps_its_people(world: World) -> None:
    application = made("范知秋", 58, world.school, Status.UNIT_REVIEW)
    version = application.version
    units.change_unit(world.officer, world.school.id, **of(world.school, name="中牟县晴川中学"))
    assert application.unit is not None and application.unit.name == "中牟县晴川中学"
    assert (application.version, application.supervising_unit_id) == (version, world.bureau.id)


def _roster(world: World, unit: Unit) -> RosterEntry:
    with transaction() as session:
        entry = RosterEntry(
            cycle_id=cycles.current_cycle().id,
            unit_id=unit.id,
            identity_number="41012219860409057X",
            name="范知秋",
            imported_by_id=world.unit_administrator.id,
        )
        session.add(entry)
    return entry


def test_a_merged_unit_carries_its_people_along(world: World) -> None:
    school, station, bureau = world.school, world.station, world.bureau
    facts = of(school, name="中牟县晴川分校", credit_code=credit_code(60), supervising_unit_id=school.id)
    facts.pop("active")
    low = units.create_unit(world.officer, **facts)
    ahead = made("范知秋", 58, school, Status.UNIT_REVIEW)
    waiting = made("安知行", 59, school, Status.SUPERVISING_REVIEW)
    passed = made("卓明远", 60, school, Status.AGENCY_REVIEW)
    decided = made("邵一帆", 61, school, Status.QUALIFIED)
    below = made("柳成荫", 62, low, Status.SUPERVISING_REVIEW)
    listed = _roster(world, school)
    booked = visit(world, school, passed, VisitStatus.BOOKED)
    received = visit(world, school, decided, VisitStatus.RECEIVED)
    with transaction() as session:
        of_member = {"member_id": received.members[0].id, "unit_id": school.id, "agency_id": school.agency_id}
        session.add(Original(**of_member, label="身份证", received_at=now(), returned_to=""))
    false_materials.raise_case(world.officer, passed.id, "证书编号与存根不符，疑似伪造。")
    administrator = world.unit_administrator

    assert unit_merge.extent(school) == unit_merge.Extent(4, 3, 1, 1, 1)
    target = unit_merge.merge(world.officer, school.id, station.credit_code, "牟编〔2025〕3号")
    assert target.id == station.id
    assert {one.unit_id for one in (ahead, waiting, passed, decided)} == {station.id}
    # The station has nobody above it: what is ahead goes straight on, what the bureau holds it still decides.
    assert (ahead.supervising_unit_id, waiting.supervising_unit_id) == (None, bureau.id)
    assert passed.supervising_unit_id == bureau.id and decided.status is Status.QUALIFIED
    assert (low.supervising_unit_id, below.unit_id, below.supervising_unit_id) == (station.id, low.id, station.id)
    assert low.path == f"{station.path}{low.id}/"
    assert listed.unit_id == booked.unit_id == station.id and booked.status is VisitStatus.BOOKED
    assert not school.active and administrator.ended_at is not None
    # What is held of them and what was raised about them is seen where they are now.
    for seen in (false_materials.listing, originals.outstanding):
        assert listing.run(seen(world.station_administrator), {}).total == 1
        assert listing.run(seen(administrator), {}).total == 0
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "merge_unit")).one()
    assert entry.detail["into"] == [station.id, station.name] and entry.detail["people"] == 4
    assert "并入" in told(unit_id=station.id)[-1] and "并入" in told(agency_id=world.agency("410122").id)[-1]
    with pytest.raises(Refused):
        unit_merge.merge(world.officer, school.id, station.credit_code, "牟编〔2025〕3号")
    for one in (ahead, waiting, below):
        factories.move(one, Status.AGENCY_REVIEW)


def test_merging_across_counties_moves_what_is_undecided(world: World) -> None:
    undecided = made("范知秋", 58, world.school, Status.AGENCY_REVIEW)
    decided = made("邵一帆", 61, world.school, Status.QUALIFIED)
    with pytest.raises(FieldsRefused) as caught:
        unit_merge.merge(world.officer, world.school.id, "巩义市远山学校", "豫编〔2025〕3号")
    assert "上级" in caught.value.fields["into"]
    unit_merge.merge(world.city_officer, world.school.id, "巩义市远山学校", "豫编〔2025〕3号")
    assert undecided.agency_id == world.agency("410181").id and decided.agency_id == world.agency("410122").id
    assert undecided.unit_id == decided.unit_id == world.far_school.id
    assert undecided.supervising_unit_id == world.bureau.id


@pytest.mark.parametrize(
    ("into", "reason", "field"),
    [
        ("中牟县晴川局", "牟编〔2025〕3号", "into"),
        ("中牟县晴川学校", "牟编〔2025〕3号", "into"),
        ("没有的单位", "牟编〔2025〕3号", "into"),
        ("", "牟编〔2025〕3号", "into"),
        ("中牟县云溪站", " ", "reason"),
    ],
)
def test_what_cannot_be_merged_is_refused(world: World, into: str, reason: str, field: str) -> None:
    # The bureau into itself, or into the school below it.
    with pytest.raises(FieldsRefused) as caught:
        unit_merge.merge(world.officer, world.bureau.id, into, reason)
    assert list(caught.value.fields) == [field]
    assert world.bureau.active


def test_units_elsewhere_are_not_found(world: World) -> None:
    for actor in (world.far_officer, world.far_city_officer):
        with pytest.raises(NotFound):
            unit_merge.merge(actor, world.school.id, "巩义市远山学校", "豫编〔2025〕3号")


def test_two_mergers_at_once_lose_nobody(world: World, together: Together) -> None:
    first = made("范知秋", 58, world.school, Status.UNIT_REVIEW)
    second = made("安知行", 59, world.station, Status.UNIT_REVIEW)
    school, station, officer = world.school.id, world.station.id, world.officer.id
    codes = {school: world.school.credit_code, station: world.station.credit_code}

    def merge(unit: int, into: int) -> Callable[[], Any]:
        return lambda: unit_merge.merge(
            db.session.get_one(type(world.manager), officer), unit, codes[into], "牟编〔2025〕3号"
        )

    outcomes = together(merge(school, station), merge(station, school))
    db.session.expire_all()
    assert sum(isinstance(one, RuleError) for one in outcomes) == 1
    assert first.unit_id == second.unit_id
    assert first.unit is not None and first.unit.active
