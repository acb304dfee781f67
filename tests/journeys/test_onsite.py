"""On-site confirmation at the counter, with a tablet and a scanner: originals in, confirmed, and back again."""

from datetime import date

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Unit, Visit
from gongkao.rules.workflow import Status
from gongkao.services import visit_slots
from tests import factories, world
from tests.journeys.conftest import COUNTY, SCHOOL, Site
from tests.journeys.pages import Desk

BUREAU_ACCOUNT = "dw" + world.credit_code(1)[-8:].lower()
PEOPLE = ("沈听泉", "沈听松")

pytestmark = pytest.mark.parametrize("site", ["tablet"], indirect=True)


def _prepared(site: Site) -> None:
    """Two people wait for their confirmation; of the agency's two times the first has room for one."""
    with site.app.app_context():
        school = db.session.scalars(select(Unit).where(Unit.name == SCHOOL)).one()
        for serial, name in enumerate(PEOPLE, start=61):
            factories.application(factories.person(name, serial), school, status=Status.ONSITE_CONFIRMATION)
        officer = db.session.scalars(select(Account).where(Account.username == f"gk{COUNTY}")).one()
        for starts, ends, capacity in (("09:00", "10:00", "1"), ("10:00", "11:00", "5")):
            visit_slots.save(
                officer, None, day="2025-03-20", starts=starts, ends=ends, capacity=capacity, place="二楼201室"
            )


def test_originals_in_confirmed_and_back(site: Site) -> None:
    site.today(date(2025, 3, 19))
    _prepared(site)
    unit = site.visit(Desk, "bureau")
    unit.sign_in(BUREAU_ACCOUNT, world.PASSWORD).headed("审查办理")
    unit.open("/onsite/new").headed("现场确认")
    for name in PEOPLE:
        unit.page.get_by_label(name).tap()
    unit.press("汇总为一批").says("已汇总2人").headed("预约时间")
    # The first time has too few places, and the page says so.
    early, late = unit.page.locator('[name="slot"]').all()
    expect(early).to_be_disabled()
    late.check()
    unit.says("名额不够").look("visit-book").press("预约").says("已预约：2025-03-20 10:00-11:00")
    with site.app.app_context():
        number = db.session.scalars(select(Visit.number)).one()
    listed = unit.pdf("打印名单")
    assert number in listed and all(name in listed for name in PEOPLE)

    # At the counter: the scanner types the list's code wherever the focus is.
    site.today(date(2025, 3, 20))
    counter = site.visit(Desk, "counter")
    counter.sign_in(f"gk{COUNTY}", world.PASSWORD).headed("审查办理")
    counter.open("/onsite").headed("现场确认").says(number).look("visit-day")
    counter.page.locator("h1").tap()
    counter.type_keys(*number, "Enter").headed(f"批次 {number}").look("visit-receive")

    # Some ticked one by one, the rest of one person, then everything.
    first, second = (counter.page.locator(".holder", has_text=name) for name in PEOPLE)
    code = first.locator("input[data-code]").nth(0).get_attribute("data-code") or ""
    counter.type_keys(*code, "Enter").says(f"已勾选：{PEOPLE[0]}的身份证")
    expect(first.locator("input[data-code]").nth(0)).to_be_checked()
    first.locator(".tick label").nth(1).tap()
    counter.press("接收勾选的原件").says("已接收2份原件")
    first.get_by_role("button", name="接收本人全部").tap()
    expect(first).to_contain_text("已收齐")
    expect(second).to_contain_text("待收")
    counter.look("visit-half").confirm("全部接收").says("已接收5份原件")
    counter.page.locator(".tabs a", has_text="确认").tap()
    counter.says("待确认 2 人").look("visit-confirm").confirm("确认已收齐的2人").says("已确认2人")
    receipt = counter.pdf("打印接收清单")
    assert number in receipt and all(name in receipt for name in PEOPLE)

    # One person's go back at once; the other's stand on the list of what is still held, until they do too.
    counter.follow("退还原件").fill(returned_to="管一")
    counter.page.locator("h1").tap()
    counter.type_keys(*code, "Enter").says(f"已勾选：{PEOPLE[0]}的身份证")
    counter.type_keys(*f"{number}-9-9", "Enter").says("不在待办理之列")
    first.get_by_role("button", name="退还本人全部").tap()
    counter.says("由管一领取").look("visit-return")
    counter.open("/onsite/originals").says(PEOPLE[1]).look("originals-held")
    expect(counter.page.locator("main")).not_to_contain_text(PEOPLE[0])
    unit.open("/onsite/originals").says(PEOPLE[1])
    counter.open("/onsite").follow(number)
    counter.fill(returned_to="管一").confirm("全部退还").says("由管一领取")
    slip = counter.pdf("打印退还清单")
    assert "管一" in slip and all(name in slip for name in PEOPLE)
    counter.open("/onsite/originals").headed("现场确认")
    expect(counter.page.locator("main")).not_to_contain_text(PEOPLE[1])
    for screen in (unit, counter):
        screen.done()
