"""A region's own dates: who sets them, what they change and for whom, the centre's word, and extensions."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, CalendarFiling, FilingStatus, Message
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import RuleError, WindowClosed
from gongkao.rules.routing import UnitLevel
from gongkao.rules.workflow import Action, Status
from gongkao.services import accounts, calendar_filings, cycles, listing, workflow
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.services.conftest import Together
from tests.statements import sent
from tests.world import World, identity_number

At = Callable[[date], None]
REGISTRATION = WindowKey.REGISTRATION


def march(day: int) -> date:
    return date(2025, 3, day)


def file(world: World, opens: date = march(14), closes: date = march(25), **changes: Any) -> CalendarFiling:
    """What the city of Zhengzhou, in which the world's counties lie, sets for registration."""
    facts = {"key": REGISTRATION, "opens": opens, "closes": closes, **changes}
    return calendar_filings.file(world.account("gl410100"), **facts)


def extend(world: World, closes: date = date(2025, 4, 3), **changes: Any) -> CalendarFiling:
    facts = {
        "region_code": "410122",
        "key": REGISTRATION,
        "closes": closes,
        "reason": "网络故障影响报名",
        **changes,
    }
    return calendar_filings.extend(world.province_manager, **facts)


def closes(world: World, name: str, grade: int | None = None) -> date:
    window = cycles.find_window(REGISTRATION, world.unit(name), grade)
    assert window is not None
    return window.closes


def _submit(world: World, name: str, serial: int, unit: str) -> None:
    """Somebody of the unit hands in, through the one workflow service."""
    made = factories.application(factories.person(name, serial), world.unit(unit))
    with transaction():
        assert made.unit is not None
        made.agency_id, made.supervising_unit_id = made.unit.agency_id, made.unit.supervising_unit_id
        made.submitted_at = made.created_at
        workflow.advance(made, Action.SUBMIT, None)
    assert made.status is Status.UNIT_REVIEW


def told(code: str, world: World) -> list[str]:
    query = select(Message).where(Message.agency_id == world.agency(code).id).order_by(Message.id)
    return [message.title for message in db.session.scalars(query)]


def test_own_dates_hold_at_once_and_only_there(world: World, at: At) -> None:
    filing = file(world)
    assert filing.status is FilingStatus.FILED
    assert closes(world, "中牟县晴川学校") == closes(world, "郑州市长河中心") == march(25)
    # Neither for another city, nor for the province's own units, nor for those whose place is not known.
    assert closes(world, "杞县平野站") == closes(world, "河南省高岗中心") == march(31)
    found = cycles.find_window(REGISTRATION)
    assert found is not None and found.closes == march(31)
    assert told("410000", world) == ["郑州市报备本地日程，请办理备案"]
    assert told("410122", world) == told("410181", world) == ["郑州市确定了网上注册报名时间"]
    assert not told("410100", world) and not told("410200", world)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "file_calendar")).one()
    assert entry.detail["closes"] == "2025-03-25" and entry.account_id == world.account("gl410100").id

    at(march(25))
    _submit(world, "范知秋", 58, "中牟县云溪站")
    at(march(26))
    with pytest.raises(WindowClosed, match="3月14日至3月25日，现已截止（通知三（二），本地日程）"):
        _submit(world, "安知行", 59, "中牟县云溪站")
    _submit(world, "卓明远", 60, "杞县平野站")


def test_central_units_in_the_capital_keep_to_the_province(world: World) -> None:
    with transaction():
        unit = world.unit("郑州市长河中心")
        unit.level = UnitLevel.CENTRAL_IN_CAPITAL
        unit.agency_id = world.agency("410000").id
    file(world)
    assert closes(world, "郑州市长河中心") == march(31)
    assert closes(world, "中牟县晴川学校") == march(25)


@pytest.mark.parametrize(
    ("opens", "closes", "fields"),
    [
        (march(10), march(25), {"opens": "早3天（省定时间为2025年3月13日至3月31日），请改为3月13日或以后"}),
        (march(14), date(2025, 4, 2), {"closes": "晚2天"}),
        (march(12), date(2025, 4, 1), {"opens": "早1天", "closes": "晚1天"}),
        (date(2025, 4, 5), date(2025, 4, 6), {"closes": "晚6天"}),
        (march(25), march(24), {"closes": "不能早于开始日期"}),
        (march(13), march(19), {"closes": "已经过去"}),
    ],
)
def test_days_that_do_not_fit_are_refused_saying_by_how_much(
    world: World, opens: date, closes: date, fields: dict[str, str]
) -> None:
    with pytest.raises(FieldsRefused) as caught:
        file(world, opens, closes)
    assert set(caught.value.fields) == set(fields)
    assert all(words in caught.value.fields[name] for name, words in fields.items())
    assert not db.session.scalars(select(CalendarFiling)).all()


def test_grades_may_differ_and_may_not_overlap(world: World) -> None:
    file(world)
    file(world, closes=march(22), grades=[1])
    file(world, closes=march(28), grades=[5, 4])
    unit = "中牟县晴川学校"
    assert [closes(world, unit, grade) for grade in (1, 2, 4, 5, None)] == [
        march(22),
        march(25),
        march(28),
        march(28),
        march(25),
    ]
    with pytest.raises(FieldsRefused, match="四级已另有本地时间"):
        file(world, grades=[3, 4])
    # Exactly the same grades replace, so that there is never more than one.
    first = file(world, closes=march(27), grades=[4, 5])
    assert closes(world, unit, 4) == march(27)
    states = db.session.scalars(select(CalendarFiling).where(CalendarFiling.grades.is_not(None))).all()
    assert sum(one.in_force and one.grades == first.grades for one in states) == 1
    lines = {line.title: line for line in calendar_filings.lines(world.officer)}
    assert [(one.grades, one.window.closes) for one in lines["网上注册报名"].effective] == [
        ("一级", march(22)),
        ("三级、二级", march(25)),
        ("五级、四级", march(27)),
    ]
    assert [one.grades for one in lines["培训"].effective] == ["全部等级"]


def test_the_centre_records_or_objects(world: World, at: At) -> None:
    filing = file(world)
    for actor in (world.account("gl410100"), world.province_officer):
        with pytest.raises(RuleError):
            calendar_filings.record(actor, filing.id, filing.version)
    calendar_filings.record(world.province_manager, filing.id, filing.version)
    assert filing.status is FilingStatus.RECORDED and closes(world, "中牟县晴川学校") == march(25)
    with pytest.raises(Refused):
        calendar_filings.object_to(world.province_manager, filing.id, filing.version, "报名时间太短")

    second = file(world, closes=march(21))
    assert not calendar_filings.find(world.province_manager, filing.id).in_force
    with pytest.raises(FieldsRefused):
        calendar_filings.object_to(world.province_manager, second.id, second.version, " ")
    calendar_filings.object_to(world.province_manager, second.id, second.version, "报名时间太短，不足两周")
    assert closes(world, "中牟县晴川学校") == march(31)
    assert "异议" in told("410100", world)[-1] and "异议" in told("410122", world)[-1]
    at(march(28))
    _submit(world, "范知秋", 58, "中牟县云溪站")


def test_one_word_of_the_centre_counts(world: World, together: Together) -> None:
    filing = file(world)
    number, version, manager = filing.id, filing.version, world.province_manager.id

    def actor() -> Account:
        found = db.session.get(Account, manager)
        assert found is not None
        return found

    outcomes = together(
        lambda: calendar_filings.record(actor(), number, version),
        lambda: calendar_filings.object_to(actor(), number, version, "报名时间太短"),
    )
    assert sum(isinstance(one, RuleError) for one in outcomes) == 1


def test_withdrawing_gives_the_provinces_days_back(world: World) -> None:
    filing = file(world)
    for actor in (world.account("gl410200"), world.far_manager):
        with pytest.raises(NotFound):
            calendar_filings.withdraw(actor, filing.id, filing.version)
    for actor in (world.city_officer, world.province_manager):
        with pytest.raises(Refused):
            calendar_filings.withdraw(actor, filing.id, filing.version)
    with pytest.raises(Conflict):
        calendar_filings.withdraw(world.account("gl410100"), filing.id, filing.version + 1)
    calendar_filings.withdraw(world.account("gl410100"), filing.id, filing.version)
    assert closes(world, "中牟县晴川学校") == march(31)
    with pytest.raises(Refused):
        calendar_filings.withdraw(world.account("gl410100"), filing.id, filing.version)


def test_only_a_citys_manager_files_and_only_the_centre_extends(world: World) -> None:
    for actor in (world.manager, world.province_manager, world.city_officer, world.inspector):
        with pytest.raises(Refused):
            calendar_filings.file(actor, key=REGISTRATION, opens=march(14), closes=march(25))
    for actor in (world.account("gl410100"), world.province_officer):
        with pytest.raises(Refused):
            calendar_filings.extend(
                actor, region_code="410122", key=REGISTRATION, closes=date(2025, 4, 3), reason="网络故障"
            )


def test_an_extension_goes_beyond_the_province_for_its_region_alone(world: World, at: At) -> None:
    file(world)
    extension = extend(world)
    assert extension.opens == march(13) and extension.in_force
    assert closes(world, "中牟县晴川学校") == date(2025, 4, 3)
    assert closes(world, "巩义市远山学校") == march(25)
    assert "准予" in told("410122", world)[-1] and "准予" not in told("410181", world)[-1]
    at(date(2025, 4, 2))
    # Whoever is not registered yet may still be from there.
    accounts.register_applicant(
        name="范知秋",
        identity_number=identity_number("410122", date(1986, 4, 9), 71),
        mobile="13800000000",
        password="Quiet-River-41",
    )
    _submit(world, "安知行", 58, "中牟县云溪站")
    with pytest.raises(WindowClosed):
        _submit(world, "卓明远", 59, "巩义市远山学校")
    at(date(2025, 4, 4))
    with pytest.raises(WindowClosed, match="省中心准予延期"):
        _submit(world, "邵一帆", 60, "中牟县云溪站")
    with pytest.raises(WindowClosed):
        cycles.require_open(REGISTRATION)
    calendar_filings.withdraw(world.province_manager, extension.id, extension.version)
    assert closes(world, "中牟县晴川学校") == march(25)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"closes": march(31)}, "closes"),
        ({"closes": date(2026, 1, 1)}, "closes"),
        ({"reason": " "}, "reason"),
        ({"region_code": "410000"}, "region_code"),
        ({"region_code": "999999"}, "region_code"),
        ({"grades": [7]}, "grades"),
    ],
)
def test_an_extension_must_give_more_time_somewhere(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldsRefused) as caught:
        extend(world, **changes)
    assert field in caught.value.fields


def test_filings_are_seen_in_their_region_and_above(world: World) -> None:
    filing = file(world)
    for actor in (world.account("gl410100"), world.province_officer):
        assert listing.run(calendar_filings.listing(actor), {"status": "filed"}).total == 1
        assert calendar_filings.find(actor, filing.id) is filing
    for actor in (world.officer, world.account("gl410200"), world.unit_administrator, world.applicant):
        assert listing.run(calendar_filings.listing(actor), {}).total == 0
        with pytest.raises(NotFound):
            calendar_filings.find(actor, filing.id)
    assert calendar_filings.waiting(world.province_manager) == 1
    assert calendar_filings.waiting(world.account("gl410100")) == 0


def test_what_is_filed_is_read_once_a_transaction(world: World) -> None:
    file(world)
    unit = world.school
    with sent() as statements:
        for key in (REGISTRATION, WindowKey.UNIT_REVIEW, WindowKey.TRAINING):
            assert cycles.find_window(key, unit, 4) is not None
    assert sum("FROM calendar_filing" in one for one in statements) == 1
