"""Those who review, each through an ordinary day by keyboard: the supervising unit, two officers of an agency."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, select

from gongkao.extensions import db
from gongkao.models import Agency, Application, Unit, UnitStatement
from gongkao.rules.workflow import Status
from gongkao.services.transaction import transaction
from tests import factories, world
from tests.journeys.conftest import BUREAU, COUNTY, SCHOOL, Site
from tests.journeys.pages import Desk

DAY = date(2025, 3, 20)
BUREAU_ACCOUNT = "dw" + world.credit_code(1)[-8:].lower()

pytestmark = pytest.mark.parametrize("site", ["office"], indirect=True)


def unit(name: str) -> Unit:
    return db.session.scalars(select(Unit).where(Unit.name == name)).one()


def wait_at(site: Site, status: Status, *names: str) -> None:
    """People of the school whose applications wait there, in this order."""
    with site.app.app_context():
        for serial, name in enumerate(names, start=61):
            factories.application(factories.person(name, serial), unit(SCHOOL), status=status)


def status_of(site: Site, name: str) -> Status:
    with site.app.app_context():
        query = select(Application.status).join(Application.person).filter_by(name=name)
        return db.session.scalars(query).one()


def test_the_supervising_units_day(site: Site) -> None:
    site.today(DAY)
    wait_at(site, Status.SUPERVISING_REVIEW, "巫山云", "巫山雨", "巫山雪")
    with site.app.app_context():
        factories.application(factories.person("管一平", 71), unit(BUREAU), status=Status.UNIT_REVIEW)
        with transaction() as session:
            session.execute(delete(UnitStatement).where(UnitStatement.unit_id == unit(BUREAU).id))
    desk = site.visit(Desk, "bureau")
    desk.sign_in(BUREAU_ACCOUNT, world.PASSWORD).headed("审查办理")

    # Its own people it passes once it has said which posts are vacant.
    desk.says("本单位还没有确认本年度的岗位空缺和聘用说明").look("bureau-desk").follow("填写说明")
    desk.headed("岗位空缺和聘用说明").tick("vacant", "no").fill(terms="空缺时择优聘用。", responsible_name="管一")
    desk.press("确认说明").headed("审查办理")
    desk.open_first("管一平").pass_on().says("已通过：管一平")

    # Through the others without the mouse: judged and saved one by one, to and fro.
    desk.open("/review").headed("审查办理")
    desk.type_keys("j", "Enter").headed("巫山云")
    desk.pass_by_keys().type_keys("s").headed("巫山雨")
    desk.says("已保存审查意见：巫山云").type_keys("n").headed("巫山雪")
    desk.type_keys("p").headed("巫山雨")
    desk.pass_by_keys().type_keys("s").headed("巫山雪")

    # One is sent back, the comment typed where the key left the cursor.
    desk.pass_by_keys().move_to("certificate").type_keys("2")
    desk.page.keyboard.type("发证日期与档案不一致，请核对。")
    desk.type_keys("Enter").look("bureau-send-back")
    desk.decide_by_keys().says("已退回修改：巫山雪").headed("巫山云")

    # What was found all right passes in one go, ticked by key.
    desk.open("/review").headed("审查办理")
    desk.type_keys("j", "x", "j", "x").says("已选 2 条").look("bureau-bulk")
    desk.confirm("批量通过").says("巫山云").says("巫山雨").look("bureau-passed")
    desk.done()
    assert [status_of(site, name) for name in ("巫山云", "巫山雨", "巫山雪", "管一平")] == [
        Status.AGENCY_REVIEW,
        Status.AGENCY_REVIEW,
        Status.RETURNED,
        Status.AGENCY_REVIEW,
    ]


def test_two_officers_by_keyboard_alone_and_a_form_that_came_too_late(site: Site) -> None:
    site.today(DAY)
    wait_at(site, Status.AGENCY_REVIEW, "祝青山", "祝白水", "祝红叶")
    with site.app.app_context(), transaction() as session:
        session.scalars(select(Agency).where(Agency.code == COUNTY)).one().second_review = True
    first, second = site.visit(Desk, "first"), site.visit(Desk, "second")
    first.sign_in(f"gk{COUNTY}", world.PASSWORD).headed("审查办理")
    second.sign_in(f"gk{COUNTY}-2", world.PASSWORD).headed("审查办理")

    # 初审: the photo is opened, made larger and turned; the decision is two presses of Enter.
    first.type_keys("j", "Enter").headed("祝青山")
    expect(first.page.locator("iframe.viewer")).to_be_visible()
    first.pass_by_keys().move_to("material-photo").type_keys("o")
    picture = first.page.locator(".viewer-room img")
    expect(picture).to_have_js_property("complete", True)
    wide = picture.evaluate("picture => picture.clientWidth")
    first.type_keys("+", "r")
    expect(picture).to_have_css("transform", re.compile(r"matrix\(.*\b1, -1\b"))
    assert picture.evaluate("picture => picture.clientWidth") > wide
    # The material stays beside the last of the items that it proves.
    first.type_keys(*"jjjjj")
    expect(first.page.locator("[data-check]:focus")).to_be_in_viewport(ratio=1)
    expect(first.page.locator(".viewer-tools")).to_be_in_viewport(ratio=1)
    first.look("officer-photo").type_keys("-", "r").decide_by_keys()
    first.says("初审通过：祝青山").headed("祝白水")

    # Something wrong: a comment written before is offered again for the next.
    first.move_to("certificate").type_keys("2")
    first.page.keyboard.type("证书编号缺一位，请核对后填写。")
    first.type_keys("Enter").decide_by_keys().says("已退回修改：祝白水").headed("祝红叶")
    offered = first.page.locator("#phrases-step option").evaluate_all("found => found.map(one => one.value)")
    assert offered[0] == "证书编号缺一位，请核对后填写。"

    # 复审 by a colleague, who is told who looked first, and passes over what is open elsewhere.
    second.open("/review?look=second").headed("审查办理").look("second-desk")
    second.type_keys("j", "Enter").headed("祝青山").says("管事").says("待您复审").look("second-look")
    second.pass_by_keys().decide_by_keys().says("已通过：祝青山").headed("审查办理")

    # The colleague takes over what the first has open, and is quicker: the late form loses nothing and says why.
    first.move_to("work").type_keys("2")
    first.page.keyboard.type("2015年的经历缺证明，请补充。")
    second.open_first("祝红叶").says("正在审查该申报").press("接手审查")
    second.find_all_right().find_wrong("person", "学历与档案不符，请核对。").press("退回修改")
    second.says("已退回修改：祝红叶")
    with first.troubled("status of 409"):
        first.type_keys("Enter").decide_by_keys()
        first.says("您的操作没有生效").says("已退回").says("2015年的经历缺证明，请补充。").look("stale-form")
    for screen in (first, second):
        screen.done()
    assert [status_of(site, name) for name in ("祝青山", "祝白水", "祝红叶")] == [
        Status.ONSITE_CONFIRMATION,
        Status.RETURNED,
        Status.RETURNED,
    ]
