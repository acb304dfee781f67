"""The main job from the registration sheet to the result notice, each part by the person whose it is."""

import re
from datetime import date
from typing import Any

from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Unit
from gongkao.rules import fields
from gongkao.services import accounts, applications, unit_statements
from gongkao.services.passwords import hash_password
from gongkao.services.transaction import transaction
from tests import factories, world
from tests.journeys.conftest import COUNTY, SCHOOL, Site
from tests.journeys.pages import Applicant, Desk, SignIn, Visitor

NAME, MOBILE = "岳晓川", "13800000057"
NUMBER = world.identity_number(COUNTY, date(1986, 4, 9), 57)
NEW_PASSWORD = "wanshang-qu-kan-shan"
TRADE = "汽车驾驶员"


def _pdf(name: str) -> dict[str, Any]:
    return {"name": f"{name}.pdf", "mimeType": "application/pdf", "buffer": factories.pdf()}


def _photo() -> dict[str, Any]:
    return {"name": "照片.jpg", "mimeType": "image/jpeg", "buffer": factories.jpeg()}


def test_from_the_registration_sheet_to_the_result_notice(site: Site) -> None:
    site.today(date(2025, 3, 11))
    username, one_time = _register_administrator(site)
    unit = site.visit(Desk, "unit")
    unit.sign_in(username, one_time)
    unit.first_password(one_time, NEW_PASSWORD).headed("审查办理")

    site.today(date(2025, 3, 20))
    applicant = site.visit(Applicant, "applicant")
    _apply(applicant)

    _state_vacancies(unit)
    unit.open_first(NAME).look("review-unit")
    unit.pass_on().says(f"已通过：{NAME}")
    bureau = site.visit(Desk, "bureau")
    bureau.sign_in(_bureau_account(), world.PASSWORD).headed("审查办理")
    bureau.look("desk")
    bureau.open_first(NAME).pass_on().says(f"已通过：{NAME}")
    officer = site.visit(Desk, "officer")
    officer.sign_in(f"gk{COUNTY}", world.PASSWORD)
    officer.open_first(NAME)
    officer.tick("onsite")
    officer.pass_on().says("现为“待现场审查确认”")
    officer.open_first(NAME).look("review-onsite")
    officer.pass_on("原件无误，通过").says("现为“资格审查合格”")
    applicant.open("/application").headed("我的申报").says("资格审查合格").look("timeline")

    site.today(date(2025, 11, 3))
    _enter_scores(officer)
    site.today(date(2025, 11, 20))
    _propose(officer)
    manager = site.visit(SignIn, "manager")
    _release(manager)

    for text in (
        applicant.open("/application").pdf("考核结果通知"),
        unit.open("/results").headed("考核结果").look("results").pdf("2025410122"),
    ):
        assert NAME in text and TRADE in text and "88.5" in text and "合格" in text
        assert fields.mask_identity_number(NUMBER) in text and NUMBER not in text
    passes = manager.open("/results").pdf("合格人员通知")
    assert NAME in passes and SCHOOL in passes and "牟人社〔2025〕12号" in passes and NUMBER not in passes
    for screen in (applicant, unit, bureau, officer, manager):
        screen.done()


def _register_administrator(site: Site) -> tuple[str, str]:
    """The school fills in its sheet and sends it stamped; the agency accepts. Returns account and one-time password."""
    visitor = site.visit(Visitor, "visitor")
    visitor.open("/").look("home")
    visitor.choose_unit("晴川", SCHOOL).look("sheet-form")
    visitor.fill(filler="管二", name="管二", department="人事科", position="科员")
    visitor.fill(office_phone="0371-62181234", mobile="1380000000").tick("sex", "女")
    visitor.press("保存").says("手机号码应为11位数字，以1开头")
    assert visitor.field("department").input_value() == "人事科"
    visitor.fill(mobile="13800000002").press("保存").headed("管理人员登记表")
    text = visitor.look("sheet").pdf("下载打印")
    assert "网上报名管理人员信息登记表" in text and SCHOOL in text and "（人事部门盖章）" in text
    visitor.hand_in(_pdf("盖章扫描件")).done()

    officer = site.visit(Desk, "officer")
    officer.sign_in(f"gk{COUNTY}", world.PASSWORD)
    officer.open("/sheet-desk").headed("登记表审核").look("sheet-desk").follow("DJ2025")
    officer.headed(SCHOOL).look("sheet-decision").confirm("通过，发放账户").headed("账户已发放")
    shown = officer.page.locator("main").inner_text()
    slip = officer.pdf_by_button("下载领取单")
    officer.done()
    username, password = re.search(r"dw\w{8}", shown), re.search(r"\w{4}-\w{4}-\w{4}", shown)
    assert username is not None and password is not None
    assert username[0] in slip and password[0] in slip and SCHOOL in slip
    return username[0], password[0]


def _state_vacancies(unit: Desk) -> None:
    """Nobody is passed before the unit has said which posts are vacant."""
    unit.open("/review/statement").headed("岗位空缺和聘用说明").tick("vacant", "yes")
    unit.fill(**{"posts-0-post": "驾驶岗", "posts-0-vacancies": "2", "posts-0-terms": "取得四级证书，竞聘合格"})
    unit.pick("posts-0-grade", "四级（中级工）").fill(terms="空缺时择优聘用。", responsible_name="管二")
    unit.look("statement").press("确认说明").headed("审查办理")


def _bureau_account() -> str:
    return "dw" + world.credit_code(1)[-8:].lower()


def _apply(applicant: Applicant) -> None:
    applicant.register(NAME, NUMBER, MOBILE, NEW_PASSWORD).look("applicant-home")
    applicant.press("开始填报").headed("个人信息").look("step-person")
    applicant.says("1986-04-09").pick("education", "高中")
    _fill_in_steps(applicant)
    applicant.headed("申报材料").look("step-materials")
    applicant.upload("identity_card", _pdf("身份证正面")).upload("photo", _photo())
    for kind in ("post", "work_years", "certificate", "assessment"):
        applicant.upload(kind, _pdf(kind))
    applicant.follow("继续")
    applicant.headed("真实性承诺").look("step-pledge").tick("pledged")
    applicant.next_step("核对提交").look("preview")
    applicant.confirm("提交申报").says("申报已提交")
    form = applicant.pdf("打印申报表")
    assert NAME in form and NUMBER in form and TRADE in form and SCHOOL in form


def _fill_in_steps(applicant: Applicant) -> None:
    """From the unit to the yearly assessments."""
    applicant.next_step("所在单位和岗位")
    applicant.fill(unit_name=SCHOOL, department="后勤科", post="驾驶岗").tick("staff_kind", "在岗正式工作人员")
    applicant.fill(work_started_on="2004-07-01", post_started_on="2010-03-01").look("step-unit")
    applicant.next_step("申报工种").fill(q="驾驶")
    applicant.press("查找").look("step-trade")
    applicant.page.get_by_label(TRADE, exact=True).check()
    applicant.next_step("申报等级").look("step-grade").tick("grade", "4")
    applicant.next_step("工作经历")
    applicant.fill(**{"work-0-started_on": "2004-07-01", "work-0-unit_name": SCHOOL, "work-0-post": "驾驶岗"})
    applicant.fill(**{"work-0-trade_name": TRADE}).look("step-work")
    applicant.next_step("原等级证书").tick("has_certificate", "yes").pick("certificate_grade", "五级（初级工）")
    applicant.fill(certificate_trade=TRADE, certificate_number="1641000000500057")
    applicant.fill(certificate_issued_on="2015-12-01", certificate_issuer="河南省人力资源和社会保障厅")
    applicant.look("step-certificate").next_step("年度考核")
    for year in (2022, 2023, 2024):
        applicant.pick(f"year_{year}", "合格")
    applicant.look("step-assessments").next_step("申报材料")


def _enter_scores(officer: Desk) -> None:
    officer.open("/scores/4").headed("成绩录入").look("scores")
    marks = officer.page.locator("input.table-field")
    for place, mark in enumerate(("188", "76", "91")):
        marks.nth(place).fill(mark)
    officer.press("保存本页成绩").says("本页成绩都没有保存")
    assert marks.nth(1).input_value() == "76"
    marks.nth(0).fill("88.5")
    officer.press("保存本页成绩").says("已保存")


def _propose(officer: Desk) -> None:
    officer.open("/results").headed("考核结果").follow("提请公布")
    officer.headed("公布四级").look("propose")
    officer.fill(document_number="牟人社〔2025〕12号").tick("sure").press("提请公布").says("等待负责人确认")


def _release(manager: SignIn) -> None:
    manager.sign_in(f"gl{COUNTY}", world.PASSWORD)
    manager.open("/results").headed("考核结果").follow("确认公布")
    manager.headed("公布四级").look("release").tick("sure").press("确认公布")
    manager.says("考核结果已公布")


def test_a_returned_application_is_corrected_and_goes_on(site: Site) -> None:
    site.today(date(2025, 3, 20))
    name = "祝远山"
    username = _handed_in(site, name)
    unit = site.visit(Desk, "unit")
    unit.sign_in(f"dw{world.credit_code(2)[-8:].lower()}", world.PASSWORD)
    unit.open_first(name).find_all_right().find_wrong("certificate", "发证机关与证书不一致，请按证书填写。")
    unit.look("review-wrong").press("退回修改").says(f"已退回修改：{name}")

    applicant = site.visit(Applicant, "applicant")
    applicant.sign_in(username, world.PASSWORD).headed("我的申报").look("returned")
    applicant.says("发证机关与证书不一致，请按证书填写。").follow("开始修改")
    applicant.headed("原等级证书").fill(certificate_issuer="郑州市人力资源和社会保障局")
    applicant.press("保存并继续").headed("核对并重新提交")
    applicant.look("preview-returned").confirm("重新提交").says("申报已提交")
    applicant.done()

    unit.open_first(name).says("河南省人力资源和社会保障厅").says("郑州市人力资源和社会保障局")
    unit.look("review-corrected").pass_on().says("现为“主管单位审核中”")
    unit.done()


def _handed_in(site: Site, name: str) -> str:
    """An application that waits at the school, whose administrator has an account; the applicant's account name."""
    with site.app.app_context():
        person = factories.person(name)
        school = db.session.scalars(select(Unit).where(Unit.name == SCHOOL)).one()
        made = factories.application(person, school)
        hashed = hash_password(world.PASSWORD)
        with transaction() as session:
            officer = session.scalars(select(Account).where(Account.username == f"gk{COUNTY}")).one()
            issued = accounts.issue_unit_administrator(officer, school, name="管二", mobile="13800000002").account
            applicant = session.scalars(select(Account).where(Account.person_id == person.id)).one()
            for account in (issued, applicant):
                account.password_hash = hashed
                account.must_change_password = False
        applications.submit(applicant, made.version)
        unit_statements.confirm(
            issued, vacant=False, posts=(), terms="出现空缺后按规定竞聘。", responsible_name="管二", version=0
        )
        return applicant.sign_in_name
