"""Seating an office's people: run, kept, changed by hand, issued; and the papers made of it."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Application, Deferral, DeferralStatus, Seat
from gongkao.rules.workflow import Action, Status
from gongkao.services import exam_documents, listing, messages, seating, seats, sites, sittings, workflow
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import exams
from tests.documents.reading import read
from tests.world import World

At = Callable[[date], None]


def _ready(world: World, at: At, count: int = 6) -> list[Application]:
    """Qualified people, one site with two rooms, one sitting in each of them."""
    people = exams.qualified(world, count)
    at(exams.PLANNING_DAY)
    site = exams.site(world)
    rooms = [exams.room(world, site), exams.room(world, site, number="2", accessible="yes")]
    exams.sitting(world, rooms[0])
    exams.sitting(world, rooms[1], day="2025-06-15")
    return people


def _seats(world: World) -> dict[int, tuple[int, int, int]]:
    run = seating.run_of(world.agency("410100"))
    assert run is not None
    found = db.session.scalars(select(Seat).where(Seat.run_id == run.id))
    return {one.application_id: (one.sitting_id, one.room_id, one.number) for one in found}


def test_a_run_is_repeatable_and_refused_once_tickets_are_out(world: World, at: At) -> None:
    people = _ready(world, at)
    (plan,) = seating.preview(world.city_officer, 7)
    assert (plan.people, [row[2] for row in plan.rows]) == (6, [6, 0])
    assert seating.run_of(world.agency("410100")) is None, "a preview keeps nothing"
    assert seating.commit(world.city_officer, 7) == 6
    first = _seats(world)
    assert set(first) == {one.id for one in people}
    seating.commit(world.city_officer, 8)
    assert _seats(world) != first
    seating.commit(world.city_officer, 7)
    assert _seats(world) == first
    assert seating.issue(world.city_officer) == 6
    with pytest.raises(Refused, match="准考证已签发，重新编排会使已签发的准考证作废"):
        seating.commit(world.city_officer, 9)
    with pytest.raises(Refused, match="不能撤销编排"):
        seating.clear(world.city_officer)
    before = seats.find_seat(world.city_officer, people[0].id, issued=True).ticket_number
    seating.commit(world.city_officer, 9, deliberate=True)
    assert seats.find_seat(world.city_officer, people[0].id, issued=False).ticket_number == before
    with pytest.raises(NotFound):
        seats.find_seat(world.city_officer, people[0].id, issued=True)
    at(date(2025, 6, 15))
    with pytest.raises(Refused, match="已经开考"):
        seating.commit(world.city_officer, 10, deliberate=True)


def test_what_is_short_is_said_and_nothing_is_kept(world: World, at: At) -> None:
    people = exams.qualified(world, 4)
    at(exams.PLANNING_DAY)
    site = exams.site(world)
    exams.sitting(world, exams.room(world, site, rows="1", columns="3", computers="3"))
    seating.set_special(world.city_officer, [people[0].id], True)
    (plan,) = seating.preview(world.city_officer, 7)
    assert plan.lacks[0].startswith("需要无障碍考场的四级人员有1人，人机对话的无障碍座位只有0个，缺1个")
    seating.set_special(world.city_officer, [people[0].id], False)
    with pytest.raises(Refused, match="四级人机对话有4人，现有场次只有3个座位，缺1个"):
        seating.commit(world.city_officer, 7)
    assert seating.run_of(world.agency("410100")) is None


def test_the_whole_province_at_once_is_the_centres(world: World, at: At) -> None:
    _ready(world, at)
    with pytest.raises(Refused, match="由省中心办理"):
        seating.commit(world.city_officer, 7, whole_province=True)
    plans = seating.preview(world.province_officer, 7, whole_province=True)
    assert [plan.agency.code for plan in plans] == ["410100"]
    assert seating.commit(world.province_officer, 7, whole_province=True) == 6
    with pytest.raises(Refused, match="没有需要编排的人员"):
        seating.commit(world.far_city_officer, 7)


def test_people_with_an_open_deferral_sit_and_are_marked(world: World, at: At) -> None:
    people = _ready(world, at)
    with transaction() as session:
        session.add(Deferral(application_id=people[0].id, status=DeferralStatus.AGREED, years=[2024], pledged_at=now()))
    seating.set_special(world.city_officer, [people[0].id], True)
    seating.commit(world.city_officer, 7)
    found = listing.rows(seats.people_listing(world.city_officer, world.agency("410100")), {"mark": "deferred"}, 9)
    assert [(one.id, seats.remarks(one)) for one in found] == [(people[0].id, ["无障碍", "容缺待补"])]
    assert found[0].seat is not None and found[0].seat.room.accessible
    (row,) = seating.needs(world.agency("410100")).grades
    assert row[1:] == (6, 1, 1, 6)


def test_a_change_by_hand_is_checked_and_told(world: World, at: At) -> None:
    people = _ready(world, at)
    seating.commit(world.city_officer, 7)
    seating.issue(world.city_officer)
    mate, other = people[1], people[3]
    sitting_id, room_id, _ = _seats(world)[mate.id]
    with pytest.raises(FieldsRefused) as refused:
        seating.move(world.city_officer, mate.id, str(sitting_id), str(room_id), "19")
    assert refused.value.fields == {"seat": "座号请填写1至18之间的整数。"}
    seating.move(world.city_officer, mate.id, str(sitting_id), str(room_id), "12")
    with pytest.raises(Refused, match=r"不能这样安排：同一单位的人员座位相邻（温听[夏冬]、温听[夏冬]）"):
        seating.move(world.city_officer, other.id, str(sitting_id), str(room_id), "13")
    before = _seats(world)
    seating.move(world.city_officer, other.id, str(sitting_id), str(room_id), "12")
    after = _seats(world)
    assert (after[other.id], after[mate.id]) == (before[mate.id], before[other.id]), "they changed places"
    account = world.account(mate.person.identity_number)
    told = [one.title for one in listing.rows(messages.listing(account), {}, 20)]
    assert told.count("您的考试座位已调整，请重新下载准考证") == 2
    with pytest.raises(Refused, match="县（市、区）只能查看"):
        seating.move(world.officer, mate.id, str(sitting_id), str(room_id), "1")


def test_who_is_no_longer_qualified_keeps_tickets_from_being_issued(world: World, at: At) -> None:
    people = _ready(world, at)
    seating.commit(world.city_officer, 7)
    with transaction():
        workflow.advance(people[0], Action.CANCEL, world.manager, reason="填报虚假信息材料，取消当年申报资格。")
    assert people[0].status is not Status.QUALIFIED
    with pytest.raises(Refused, match="有1名已不具备资格的人员仍有座位"):
        seating.issue(world.city_officer)
    seating.unseat(world.city_officer, people[0].id)
    assert seating.issue(world.city_officer) == 5


def test_tickets_reach_the_person_and_the_unit_once_issued(world: World, at: At) -> None:
    people = _ready(world, at)
    seating.commit(world.city_officer, 7)
    mine = world.account(people[1].person.identity_number)
    assert seats.own_seat(mine) is None
    assert not listing.rows(seats.unit_listing(world.unit_administrator), {}, 9)
    seating.issue(world.city_officer)
    own = seats.own_seat(mine)
    assert own is not None
    _, data = exam_documents.own_ticket(mine)
    assert people[1].person.identity_number in read(data).text and own.ticket_number in read(data).text
    count, data = exam_documents.unit_tickets(world.unit_administrator, {})
    assert count == len(read(data).pages) == 3, "the school's own people"
    with pytest.raises(NotFound):
        exam_documents.ticket(world.far_unit_administrator, people[1].id, issued=True)
    with pytest.raises(NotFound):
        exam_documents.unit_tickets(world.far_unit_administrator, {})


def test_the_papers_of_the_rooms(world: World, at: At) -> None:
    _ready(world, at)
    seating.commit(world.city_officer, 7)
    sitting = sittings.all_of(world.agency("410100"))[0]
    site = sites.rooms_of(world.agency("410100"))[0].site
    sheet = read(exam_documents.sign_in_sheets(world.city_officer, sitting.id)).text
    assert "应到6人" in sheet and "2025年6月14日（星期六）9:00—11:00" in sheet
    assert "19860409" not in sheet
    assert "温听春" in read(exam_documents.seat_maps(world.city_officer, sitting.id)).text
    assert "温听春" in read(exam_documents.desk_labels(world.city_officer, sitting.id)).text
    assert "第1考场" in read(exam_documents.door_labels(world.city_officer, site.id)).text
    assert "共1场，6人" in read(exam_documents.site_summary(world.city_officer, site.id)).text
    with pytest.raises(NotFound):
        exam_documents.sign_in_sheets(world.far_city_officer, sitting.id)
