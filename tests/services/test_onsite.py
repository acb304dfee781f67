"""On-site confirmation: people brought together, times booked, originals in and out, and the confirmation itself."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    ApplicationEvent,
    AuditEntry,
    Message,
    Original,
    Unit,
    Visit,
    VisitMember,
    VisitSlot,
    VisitStatus,
)
from gongkao.rules.errors import NotAllowed, WindowClosed
from gongkao.rules.workflow import Action, Status
from gongkao.services import listing, originals, units, visit_papers, visit_slots, visits, workflow
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.documents.reading import read
from tests.services.conftest import Together
from tests.world import World

At = Callable[[date], None]
BEARER = {"bearer_name": "管一鸣", "bearer_mobile": "13800000001"}
PLACE = "政务中心二楼201室"


def waiting(unit: Unit, *names: str, first: int = 61) -> list[Application]:
    """People whose applications wait for on-site confirmation."""
    return [
        factories.application(factories.person(name, first + place), unit, status=Status.ONSITE_CONFIRMATION)
        for place, name in enumerate(names)
    ]


def slot(world: World, day: str = "2025-03-21", capacity: int = 5, starts: str = "09:00") -> VisitSlot:
    ends = f"{int(starts[:2]) + 1:02d}:{starts[3:]}"
    return visit_slots.save(world.officer, None, day=day, starts=starts, ends=ends, capacity=str(capacity), place=PLACE)


def bundled(actor: Account, people: list[Application]) -> Visit:
    return visits.bundle(actor, [one.id for one in people], **BEARER)


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_unit_brings_its_own_and_its_subordinates_waiting_people_together_once(world: World) -> None:
    mine, below = waiting(world.bureau, "甲一鸣")[0], waiting(world.school, "乙晓岚", first=71)[0]
    strange = waiting(world.station, "丙知秋", first=81)[0]
    early = factories.application(factories.person("丁云舟", 91), world.school, status=Status.AGENCY_REVIEW)
    assert [one.id for one in visits.waiting(world.bureau_administrator)] == [mine.id, below.id]
    assert [one.id for one in visits.waiting(world.unit_administrator)] == [below.id]
    for other in (strange, early):
        with pytest.raises(FieldsRefused, match="请核对后重新勾选"):
            visits.bundle(world.bureau_administrator, [mine.id, other.id], **BEARER)
    with pytest.raises(FieldsRefused) as refused:
        visits.bundle(world.bureau_administrator, [], bearer_name="", bearer_mobile="123")
    assert set(refused.value.fields) == {"people", "bearer_name", "bearer_mobile"}
    with pytest.raises(Refused, match="请用单位账户办理"):
        bundled(world.officer, [mine])

    visit = bundled(world.bureau_administrator, [mine, below])
    assert visit.number == f"2025{visit.id:06d}" and visit.status is VisitStatus.BUNDLED
    assert visit.agency_id == world.agency("410122").id and len(visit.members) == 2
    assert visits.waiting(world.bureau_administrator) == [] == visits.waiting(world.unit_administrator)
    with pytest.raises(FieldsRefused, match="已在其他批次"):
        bundled(world.unit_administrator, [below])

    # Taken out again, the subordinate's person can come with its own unit.
    with pytest.raises(Conflict):
        visits.rebundle(world.bureau_administrator, visit.id, visit.version + 1, [mine.id], **BEARER)
    version = visit.version
    visits.rebundle(world.bureau_administrator, visit.id, version, [mine.id], **BEARER)
    assert [member.application_id for member in visit.members] == [mine.id] and visit.version > version
    bundled(world.unit_administrator, [below])
    visits.dissolve(world.bureau_administrator, visit.id)
    assert visit.status is VisitStatus.CANCELLED and [one.id for one in visits.waiting(world.bureau_administrator)] == [
        mine.id
    ]
    assert [name for name in actions() if "visit" in name] == [
        "bundle_visit",
        "change_visit",
        "bundle_visit",
        "dissolve_visit",
    ]


def test_only_those_concerned_see_visits_times_and_originals(world: World) -> None:
    visit = bundled(world.bureau_administrator, waiting(world.school, "甲一鸣"))
    originals.receive(world.officer, visit.id, None)
    made = slot(world)
    for who in (world.bureau_administrator, world.officer, world.city_officer, world.province_officer, world.inspector):
        assert visits.find(who, visit.id).id == visit.id
        assert visits.by_number(who, f" {visit.number[:4]}-{visit.number[4:]} ").id == visit.id
        assert listing.run(originals.outstanding(who), {}).total == 5
    # The subordinate whose person came along sees the originals, not the other units' people.
    assert listing.run(originals.outstanding(world.unit_administrator), {}).total == 5
    for who in (world.unit_administrator, world.station_administrator, world.far_officer, world.far_inspector):
        with pytest.raises(NotFound):
            visits.find(who, visit.id)
    for who in (world.station_administrator, world.far_officer, world.far_inspector, world.applicant):
        assert listing.run(originals.outstanding(who), {}).total == 0
        assert listing.run(visits.listing(who), {}).total == 0
        with pytest.raises(Refused):
            visits.by_number(who, visit.number)
    for who in (world.far_officer, world.bureau_administrator):
        with pytest.raises(NotFound):
            visit_slots.find(who, made.id)
    # To see is not to change: that is the own agency's.
    for who in (world.city_officer, world.province_manager):
        with pytest.raises(Refused, match="您只能查看"):
            originals.give_back(who, visit.id, None, "管一鸣")
        with pytest.raises(Refused, match="您只能查看"):
            visit_slots.find(who, made.id)
    for who in (world.bureau_administrator, world.inspector):
        with pytest.raises(Refused):
            originals.give_back(who, visit.id, None, "管一鸣")
        with pytest.raises(Refused):
            visit_slots.require_agency(who)


def test_originals_are_seen_by_who_brought_them_and_by_who_they_belong_to_after_a_move(world: World) -> None:
    """The bureau brings the school's person; then the school comes under no supervising unit any more."""
    visit = bundled(world.bureau_administrator, waiting(world.school, "甲一鸣"))
    originals.receive(world.officer, visit.id, None)
    with transaction():
        units.move(world.officer, world.school, None)
    for who in (world.bureau_administrator, world.unit_administrator):
        page = listing.run(originals.outstanding(who), {})
        assert page.total == 5 and page.rows[0].cells[0].text == world.school.name
    originals.give_back(world.officer, visit.id, None, "管一鸣")
    for who in (world.bureau_administrator, world.unit_administrator):
        assert listing.run(originals.outstanding(who), {}).total == 0


def test_times_are_set_one_by_one_and_as_a_series_within_the_window(world: World) -> None:
    series: dict[str, Any] = {"times": "09:00-10:30\n14:30-16:30", "weekends": False, "capacity": "8", "place": PLACE}
    slot(world, day="2025-03-24")
    # 20 and 21 March, 24 March: the first morning has passed or not by the time of day, one morning is taken.
    made, left_out = visit_slots.add_series(world.officer, first="2025-03-21", last="2025-03-24", **series)
    assert (made, left_out) == (3, 1)
    assert visit_slots.add_series(world.officer, first="2025-03-21", last="2025-03-24", **series) == (0, 4)
    assert listing.run(visit_slots.listing(world.officer), {}).total == 4
    assert listing.run(visit_slots.listing(world.unit_administrator), {}).total == 4
    assert listing.run(visit_slots.listing(world.far_unit_administrator), {}).total == 0
    for field, changes, message in (
        ("day", {"day": "2025-04-12"}, "3月13日至4月11日"),
        ("day", {"day": "2025-03-19"}, "不能早于今天"),
        ("starts", {"starts": "9点"}, "不是时间"),
        ("ends", {"ends": "08:00"}, "应晚于开始时间"),
        ("capacity", {"capacity": "0"}, "1至999"),
        ("place", {"place": " "}, "请填写办理地点"),
        ("starts", {"starts": "10:00", "ends": "11:00"}, "重叠"),
    ):
        sent = {"day": "2025-03-21", "starts": "11:00", "ends": "12:00", "capacity": "5", "place": PLACE, **changes}
        with pytest.raises(FieldsRefused, match=message) as refused:
            visit_slots.save(world.officer, None, **sent)
        assert set(refused.value.fields) == {field}


def test_a_booked_time_keeps_its_hours_and_is_only_taken_back_with_a_reason(world: World) -> None:
    visit = bundled(world.station_administrator, waiting(world.station, "甲一鸣", "乙晓岚"))
    made = slot(world, capacity=2)
    visits.book(world.station_administrator, visit.id, made.id)
    facts = {"day": "2025-03-21", "starts": "09:00", "ends": "10:00", "place": PLACE}
    with pytest.raises(FieldsRefused, match="已预约2人"):
        visit_slots.save(world.officer, made.id, capacity="1", **facts)
    with pytest.raises(FieldsRefused, match="不能再改日期和时间"):
        visit_slots.save(world.officer, made.id, capacity="2", **{**facts, "day": "2025-03-24"})
    assert visit_slots.save(world.officer, made.id, capacity="9", **facts).capacity == 9
    with pytest.raises(FieldsRefused, match="请填写取消的原因"):
        visit_slots.remove(world.officer, made.id, "")
    assert visit_slots.remove(world.officer, made.id, "当天停电") == 1
    assert visit.status is VisitStatus.BUNDLED and visit.slot is None
    told = db.session.scalars(select(Message).where(Message.unit_id == world.station.id)).all()[-1]
    assert "预约已被取消" in told.title and "当天停电" in told.body and told.about == f"visit {visit.id}"


def test_bookings_respect_capacity_and_change_until_the_day_before(world: World, at: At) -> None:
    actor = world.station_administrator
    first = bundled(actor, waiting(world.station, "甲一鸣", "乙晓岚"))
    second = bundled(actor, waiting(world.station, "丙知秋", "丁云舟", first=71))
    small, large = slot(world, capacity=3), slot(world, day="2025-03-24", capacity=4)
    visits.book(actor, first.id, small.id)
    assert [(one.left, one.fits) for one in visit_slots.choices(second)] == [(1, False), (4, True)]
    with pytest.raises(FieldsRefused, match="只剩1人的名额，本批有2人"):
        visits.book(actor, second.id, small.id)
    visits.book(actor, second.id, large.id)
    visits.book(actor, first.id, large.id)
    assert visit_slots.taken(large.id) == 4 and visit_slots.taken(small.id) == 0
    # One more does not fit in where everybody has booked.
    third = waiting(world.station, "戊清和", first=81)[0]
    people = [member.application_id for member in first.members]
    with pytest.raises(FieldsRefused, match="只剩2人的名额，本批有3人"):
        visits.rebundle(actor, first.id, first.version, [*people, third.id], **BEARER)
    at(date(2025, 3, 23))
    assert visits.cancel_booking(actor, second.id).status is VisitStatus.BUNDLED
    with pytest.raises(FieldsRefused, match="最迟在前一天预约"):
        at(date(2025, 3, 24))
        visits.book(actor, second.id, large.id)
    for change in (visits.cancel_booking, visits.dissolve):
        with pytest.raises(NotAllowed, match="最迟在前一天办理"):
            change(actor, first.id)
    # Missed: another time may be booked.
    at(date(2025, 3, 25))
    later = slot(world, day="2025-03-26")
    assert visits.book(actor, first.id, later.id).slot_id == later.id
    at(date(2025, 4, 12))
    with pytest.raises(WindowClosed, match="3月13日至4月11日"):
        visits.book(actor, second.id, later.id)
    with pytest.raises(WindowClosed):
        originals.receive(world.officer, first.id, None)


def test_of_two_units_booking_the_last_place_at_once_one_wins(app: Flask, world: World, together: Together) -> None:
    made = slot(world, capacity=3)
    ids = []
    for place, actor in enumerate((world.station_administrator, world.bureau_administrator)):
        assert actor.unit is not None
        people = waiting(actor.unit, f"甲{'东西'[place]}", f"乙{'东西'[place]}", first=61 + 10 * place)
        ids.append((actor.id, bundled(actor, people).id))
    slot_id = made.id

    def books(actor_id: int, visit_id: int) -> Callable[[], Any]:
        return lambda: visits.book(db.session.get_one(Account, actor_id), visit_id, slot_id).id

    outcomes = together(*(books(*pair) for pair in ids))
    lost = [one for one in outcomes if isinstance(one, Exception)]
    assert len(lost) == 1 and isinstance(lost[0], FieldsRefused) and "只剩1人" in lost[0].message, outcomes
    assert visit_slots.taken(slot_id) == 2
    assert sorted(db.session.scalars(select(Visit.status))) == [VisitStatus.BOOKED, VisitStatus.BUNDLED]


def test_one_person_is_brought_along_by_one_of_two_at_once(app: Flask, world: World, together: Together) -> None:
    application_id = waiting(world.school, "甲一鸣")[0].id
    ids = [world.unit_administrator.id, world.bureau_administrator.id]

    def bundles(actor_id: int) -> Callable[[], Any]:
        return lambda: visits.bundle(db.session.get_one(Account, actor_id), [application_id], **BEARER).id

    outcomes = together(*(bundles(one) for one in ids))
    assert sum(isinstance(one, FieldsRefused) for one in outcomes) == 1, outcomes
    assert len(db.session.scalars(select(VisitMember)).all()) == len(db.session.scalars(select(Visit)).all()) == 1


def test_originals_are_ticked_in_confirmed_and_given_back(world: World, at: At) -> None:
    people = waiting(world.school, "甲一鸣", "乙晓岚")
    visit = bundled(world.bureau_administrator, people)
    officer = world.officer
    one, two = originals.detail(officer, visit.id).people
    assert [line.label for line in one.lines] == [
        "身份证",
        "岗位聘用材料",
        "工作年限材料",
        "原等级证书",
        "年度考核材料",
    ]
    identity = (one.member.id, "身份证")
    assert originals.receive(officer, visit.id, [identity], {identity: "2"}) == 1
    with pytest.raises(Refused, match="没有可接收的原件"):
        originals.receive(officer, visit.id, [identity])
    work = (one.member.id, "工作年限材料")
    with pytest.raises(FieldsRefused, match="甲一鸣的工作年限材料的件数请填写1至99"):
        originals.receive(officer, visit.id, [work], {work: "很多"})
    with pytest.raises(Refused, match="甲一鸣还有原件没有接收：岗位聘用材料、"):
        originals.confirm(officer, visit.id, one.member.id, people[0].version)
    assert visit.status is VisitStatus.RECEIVED
    originals.receive(officer, visit.id, None, member_id=one.member.id)
    extra = originals.add(officer, visit.id, one.member.id, "劳动合同补充协议", "3")
    for label, pieces, field in (("身份证", "1", "label"), ("", "1", "label"), ("表彰文件", "0", "pieces")):
        with pytest.raises(FieldsRefused) as refused:
            originals.add(officer, visit.id, one.member.id, label, pieces)
        assert set(refused.value.fields) == {field}
    wrong = originals.add(officer, visit.id, two.member.id, "别人的证书", "1")
    originals.undo(officer, visit.id, wrong.id)
    assert db.session.get(Original, wrong.id) is None

    # Whoever is complete is confirmed, the other waits on.
    done, refused_people = originals.confirm_complete(officer, visit.id)
    assert ([made.person.name for made in done], refused_people) == (["甲一鸣"], [])
    assert (people[0].status, people[1].status) == (Status.QUALIFIED, Status.ONSITE_CONFIRMATION)
    event = db.session.scalars(
        select(ApplicationEvent)
        .where(ApplicationEvent.application_id == people[0].id)
        .order_by(ApplicationEvent.sequence.desc())
    ).first()
    assert event is not None and event.action is Action.PASS and event.items and event.account_id == officer.id
    with pytest.raises(Refused, match="没有原件已收齐"):
        originals.confirm_complete(officer, visit.id)

    at(date(2025, 7, 1))
    with pytest.raises(FieldsRefused):
        originals.give_back(officer, visit.id, None, "")
    assert originals.give_back(officer, visit.id, [extra.id], "管一鸣") == 1
    assert visit.status is VisitStatus.RECEIVED and originals.held_counts(officer).value == (5, 5)
    assert originals.give_back(officer, visit.id, None, "管一鸣") == 5
    assert visit.status is VisitStatus.RETURNED and originals.held_counts(officer).value == (0, 0)
    with pytest.raises(Refused, match="没有可退还"):
        originals.give_back(officer, visit.id, None, "管一鸣")
    for unit in (world.bureau, world.school):
        told = db.session.scalars(
            select(Message).where(Message.unit_id == unit.id, Message.kind == "onsite").order_by(Message.id)
        ).all()
        assert [message.title for message in told] == ["申报材料原件已退还3件", "申报材料原件已退还6件"]
        assert "甲一鸣" in told[0].body and "由管一鸣领取" in told[0].body
    assert [name for name in actions() if "original" in name or "receipt" in name] == [
        *["receive_originals"] * 4,
        "undo_receipt",
        *["return_originals"] * 2,
    ]


def test_of_two_confirmations_at_once_one_is_taken(app: Flask, world: World, together: Together) -> None:
    visit = bundled(world.station_administrator, waiting(world.station, "甲一鸣"))
    originals.receive(world.officer, visit.id, None)
    holder = originals.detail(world.officer, visit.id).people[0]
    visit_id, member_id, version = visit.id, holder.member.id, holder.application.version
    application_id = holder.application.id
    ids = [world.officer.id, world.manager.id]

    def confirms(actor_id: int) -> Callable[[], Any]:
        return lambda: originals.confirm(db.session.get_one(Account, actor_id), visit_id, member_id, version).id

    outcomes = together(*(confirms(one) for one in ids))
    assert [type(one) for one in outcomes if isinstance(one, Exception)] == [Conflict], outcomes
    kept = db.session.get_one(Application, application_id)
    assert kept.status is Status.QUALIFIED
    events = db.session.scalars(
        select(ApplicationEvent.action).where(ApplicationEvent.application_id == application_id)
    )
    assert list(events).count(Action.PASS) == 3


def test_originals_ticked_by_two_at_once_are_taken_in_once(app: Flask, world: World, together: Together) -> None:
    visit_id = bundled(world.station_administrator, waiting(world.station, "甲一鸣")).id
    ids = [world.officer.id, world.manager.id]

    def receives(actor_id: int) -> Callable[[], Any]:
        return lambda: originals.receive(db.session.get_one(Account, actor_id), visit_id, None)

    outcomes = together(*(receives(one) for one in ids))
    assert sorted(type(one).__name__ for one in outcomes) == ["Refused", "int"], outcomes
    assert len(db.session.scalars(select(Original)).all()) == 5


def test_what_is_held_too_long_is_a_list_that_everybody_concerned_sees(world: World, at: At) -> None:
    old = bundled(world.station_administrator, waiting(world.station, "甲一鸣"))
    new = bundled(world.bureau_administrator, waiting(world.school, "乙晓岚", first=71))
    originals.receive(world.officer, old.id, None)
    at(date(2025, 3, 24))
    originals.receive(world.officer, new.id, None)
    at(date(2025, 3, 26))
    for who, held, late in (
        (world.officer, 10, 5),
        (world.inspector, 10, 5),
        (world.province_officer, 10, 5),
        (world.station_administrator, 5, 5),
        (world.unit_administrator, 5, 0),
        (world.far_officer, 0, 0),
    ):
        assert originals.held_counts(who).value == (held, late), who.username
    page = listing.run(originals.outstanding(world.officer), {"late": "yes"})
    assert page.total == 5 and {row.cells[0].text for row in page.rows} == {"中牟县云溪站"}
    days = page.rows[0].cells[-1]
    assert (days.text, days.chip) == ("6天，请尽快退还", "needs")
    fresh = listing.run(originals.outstanding(world.officer), {"late": "no", "q": "晴川"})
    assert fresh.total == 5 and fresh.rows[0].cells[-1].chip == "neutral"
    assert listing.run(originals.outstanding(world.officer), {"unit": str(world.school.id)}).total == 5
    assert listing.run(originals.outstanding(world.officer), {"q": old.number}).total == 5
    assert listing.export(originals.outstanding(world.officer), {})[:2] == b"PK"


def test_who_was_sent_back_on_site_comes_again_in_a_later_visit(world: World) -> None:
    application = waiting(world.station, "甲一鸣")[0]
    visit = bundled(world.station_administrator, [application])
    originals.receive(world.officer, visit.id, None)
    applicant = db.session.scalars(select(Account).where(Account.person_id == application.person_id)).one()
    with transaction():
        workflow.advance(application, Action.SEND_BACK, world.officer, reason="请核对。")
    assert originals.detail(world.officer, visit.id).to_confirm == 0
    with pytest.raises(Refused, match="不再接收原件"):
        member = originals.detail(world.officer, visit.id).people[0].member
        originals.add(world.officer, visit.id, member.id, "表彰文件", "1")
    with transaction():
        workflow.advance(application, Action.RESUBMIT, applicant)
    # As long as the agency holds something of theirs they belong to the earlier visit.
    assert visits.waiting(world.station_administrator) == []
    originals.give_back(world.officer, visit.id, None, "管一鸣")
    again = bundled(world.station_administrator, [application])
    assert again.id != visit.id and originals.detail(world.officer, again.id).to_receive == 5
    kept = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "leave_visit")).one()
    assert len(kept.detail["originals"]) == 5 and kept.detail["originals"][0]["returned_to"] == "管一鸣"


def test_the_papers_name_what_changes_hands_and_no_whole_identity_number(world: World) -> None:
    people = waiting(world.school, "甲一鸣", "乙晓岚")
    visit = bundled(world.bureau_administrator, people)
    visits.book(world.bureau_administrator, visit.id, slot(world).id)
    for paper in (visit_papers.receipt, visit_papers.return_slip):
        with pytest.raises(Refused, match="还没有接收原件"):
            paper(world.officer, visit.id)
    data, number = visit_papers.visit_list(world.bureau_administrator, visit.id)
    found = read(data)
    assert number == visit.number and len(found.pages) == 1
    for words in ("现场审查确认人员名单", number, "甲一鸣", "乙晓岚", "原等级证书", "2025-03-2109:00-10:00", PLACE):
        assert words in found.text
    assert people[0].person.identity_number not in found.text
    holder = originals.detail(world.officer, visit.id).people[0]
    originals.receive(world.officer, visit.id, None, {(holder.member.id, "身份证"): "2"}, member_id=holder.member.id)
    receipt = read(visit_papers.receipt(world.officer, visit.id)[0])
    assert [page[:3] for page in receipt.pages] == ["第一联", "第二联"]
    assert "身份证（2）" in receipt.text and "共1人，原件6件" in receipt.text and "乙晓岚" not in receipt.text
    first = originals.detail(world.officer, visit.id).people[0].lines[0].original
    assert first is not None
    originals.give_back(world.officer, visit.id, [first.id], "李四方")
    slip = read(visit_papers.return_slip(world.bureau_administrator, visit.id)[0])
    assert "已于2025-03-20退还李四方：身份证" in slip.text and "领取人签名" in slip.text
    with pytest.raises(NotFound):
        visit_papers.visit_list(world.far_officer, visit.id)
