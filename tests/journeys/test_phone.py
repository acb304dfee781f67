"""The application form on a phone, with a slow line that breaks, and without scripts: nothing typed is lost."""

import io
from datetime import date
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from gongkao.rules.workflow import Status
from tests import factories, world
from tests.journeys.conftest import COUNTY, SCHOOL, Site
from tests.journeys.pages import Applicant, Phone

NAME, MOBILE = "岳晓川", "13800000057"
NUMBER = world.identity_number(COUNTY, date(1986, 4, 9), 57)
PASSWORD = "wanshang-qu-kan-shan"
TRADE = "汽车驾驶员"
LINE_IS_BACK = "window.dispatchEvent(new Event('online'))"

pytestmark = pytest.mark.parametrize("site", ["phone"], indirect=True)


def _pdf(name: str) -> dict[str, Any]:
    return {"name": f"{name}.pdf", "mimeType": "application/pdf", "buffer": factories.pdf()}


def _photo() -> dict[str, Any]:
    return {"name": "照片.jpg", "mimeType": "image/jpeg", "buffer": factories.jpeg(900, 1200)}


def _certificate(applicant: Applicant) -> None:
    applicant.tick("has_certificate", "yes").pick("certificate_grade", "五级（初级工）")
    applicant.fill(certificate_trade=TRADE, certificate_number="1641000000500057")
    applicant.fill(certificate_issued_on="2015-12-01", certificate_issuer="河南省人力资源和社会保障厅")


def _lose_one_answer(site: Site, path: str) -> None:
    """What the proxy before the server says when the server's answer to the next request is lost."""
    answered, left = site.app.wsgi_app, [path]

    def in_between(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] not in left:
            return answered(environ, start_response)
        left.remove(environ["PATH_INFO"])
        for _ in answered(environ, lambda *_args: None):
            pass
        start_response("504 Gateway Timeout", [("Content-Type", "text/plain")])
        return [b""]

    site.app.wsgi_app = in_between  # type: ignore[method-assign]


def test_on_a_slow_line_that_breaks_twice(site: Site) -> None:
    site.today(date(2025, 3, 20))
    phone = site.visit(Phone, "phone").on_a_slow_line()
    phone.register(NAME, NUMBER, MOBILE, PASSWORD)
    phone.press("开始填报").headed("个人信息").pick("education", "高中")
    phone.next_step("所在单位和岗位")

    # The line breaks while a page is being typed; it is saved once the line is back.
    phone.fill(unit_name=SCHOOL, department="后勤科")
    with phone.cut_off():
        phone.fill(post="驾驶岗", work_started_on="2004-07-01").tick("staff_kind", "在岗正式工作人员")
        phone.page.evaluate(LINE_IS_BACK)
        expect(phone.page.locator("[data-saved-at]")).to_contain_text("内容保存在本机")
        phone.look("phone-line-cut")
    phone.page.evaluate(LINE_IS_BACK)
    expect(phone.page.locator("[data-saved-at]")).to_contain_text("已保存")

    # It breaks again at the moment of sending: the person comes back by the front door and finds what was typed.
    phone.fill(post_started_on="2010-03-01", department="车队")
    with phone.cut_off():
        phone.press("保存并继续")
        phone.page.wait_for_url("chrome-error://**")
    phone.open("/application").headed("我的申报").follow("继续填写：所在单位和岗位")
    phone.headed("所在单位和岗位")
    expect(phone.field("post_started_on")).to_have_value("2010-03-01")
    expect(phone.field("department")).to_have_value("车队")
    expect(phone.page.locator("[data-saved-at]")).to_contain_text("已保存")

    phone.next_step("申报工种").fill(q="驾驶")
    phone.press("查找")
    phone.page.get_by_label(TRADE, exact=True).check()
    phone.next_step("申报等级").look("phone-grade").tick("grade", "4")
    phone.next_step("工作经历")
    phone.fill(**{"work-0-started_on": "2004-07-01", "work-0-unit_name": SCHOOL, "work-0-post": "驾驶岗"})
    phone.next_step("原等级证书")
    _certificate(phone)
    phone.next_step("年度考核")
    for year in (2022, 2023, 2024):
        phone.pick(f"year_{year}", "合格")
    phone.next_step("申报材料")

    # And in the middle of a file.
    phone.page.wait_for_load_state()
    part = phone.page.locator("#material-identity_card")
    with phone.cut_off():
        part.locator("input[type=file]").last.set_input_files(_pdf("身份证正面"))  # type: ignore[arg-type]
        expect(part).to_contain_text("网络中断，恢复后自动继续上传")
        phone.look("phone-upload-cut")
    phone.page.evaluate(LINE_IS_BACK)
    expect(part).to_contain_text("已上传1个")
    # Or after the whole file has arrived, before the answer comes back: sent again by itself, it counts once.
    with phone.troubled("504"):
        _lose_one_answer(site, "/application/materials/photo")
        phone.upload("photo", _photo())
        expect(phone.page.locator("#material-photo")).to_contain_text("已上传1个")
    for kind in ("post", "work_years", "certificate", "assessment"):
        phone.upload(kind, _pdf(kind))
    phone.look("phone-materials")

    # Signed out meanwhile, and in again: straight on where the person was.
    phone.page.context.clear_cookies()
    phone.open("/application").headed("登录").fill(username=NUMBER, password=PASSWORD)
    phone.press("登录").headed("我的申报").follow("继续填写：申报材料").headed("申报材料").follow("继续")
    phone.headed("真实性承诺").tick("pledged")
    phone.next_step("核对提交").confirm("提交申报").says("申报已提交").says(Status.UNIT_REVIEW.label)
    phone.done()


def test_typing_goes_on_while_the_script_arrives(site: Site) -> None:
    """The script comes late on a slow line: whoever types already keeps the place, and what is typed."""
    site.today(date(2025, 3, 20))
    phone = site.visit(Applicant, "phone")
    phone.register(NAME, NUMBER, MOBILE, PASSWORD)
    phone.press("开始填报").headed("个人信息").pick("education", "高中").next_step("所在单位和岗位")
    held: list[Route] = []
    phone.page.route("**/app.js*", lambda route: held.append(route))
    for path, name, whole in (("/application/steps/unit", "unit_name", SCHOOL), ("/password", "current", PASSWORD)):
        with phone.page.expect_request("**/app.js*"):
            phone.page.goto(site.address + path, wait_until="commit")
        phone.field(name).press_sequentially(whole[:3])
        held.pop().continue_()
        phone.page.wait_for_load_state()
        phone.page.keyboard.type(whole[3:])
        expect(phone.field(name)).to_have_value(whole)
    phone.done()


def test_what_a_camera_takes_is_made_lighter_before_it_is_sent(site: Site) -> None:
    site.today(date(2025, 3, 20))
    phone = site.visit(Applicant, "phone")
    phone.register(NAME, NUMBER, MOBILE, PASSWORD)
    phone.press("开始填报").headed("个人信息").open("/application/materials").headed("申报材料")
    taken = factories.camera_picture()
    assert len(taken) > 10 * 1024 * 1024, "more than the page says a file may have"
    phone.upload("identity_card", {"name": "IMG_0001.JPG", "mimeType": "image/jpeg", "buffer": taken})
    part = phone.page.locator("#material-identity_card")
    address = part.locator("a.file-name").get_attribute("href")
    arrived = phone.page.request.get(f"{site.address}{address}").body()
    assert len(arrived) < 4 * 1024 * 1024
    with Image.open(io.BytesIO(arrived)) as picture:
        assert picture.format == "JPEG" and picture.size == (1950, 2600), "upright"
        red, green, _ = picture.getpixel((975, 100))  # type: ignore[misc]
        assert red > 200 and green < 90, "what was left is on top now"
    # What lacks its end goes as it is, and is refused with the reason.
    broken = {"name": "IMG_0002.jpg", "mimeType": "image/jpeg", "buffer": taken[: 2 * 1024 * 1024]}
    part.locator("input[type=file]").last.set_input_files(broken)  # type: ignore[arg-type]
    expect(part).to_contain_text("图片可能已损坏")
    phone.look("phone-picture-refused")
    phone.done()


def test_without_scripts_the_same_form_is_finished(site: Site) -> None:
    site.today(date(2025, 3, 20))
    plain = site.visit(Applicant, "plain", javascript=False)
    plain.register(NAME, NUMBER, MOBILE, PASSWORD)
    plain.press("开始填报").headed("个人信息").pick("education", "高中")
    plain.next_step("所在单位和岗位").fill(unit_name="晴川学校").press("查找单位")
    plain.page.get_by_label(SCHOOL).check()
    plain.fill(department="后勤科", post="驾驶岗", work_started_on="2004-07-01", post_started_on="2010-03-01")
    plain.tick("staff_kind", "在岗正式工作人员").next_step("申报工种").fill(q="驾驶")
    plain.press("查找")
    plain.page.get_by_label(TRADE, exact=True).check()
    plain.next_step("申报等级").tick("grade", "4").next_step("工作经历")
    plain.fill(**{"work-0-started_on": "2004-07-01", "work-0-ended_on": "2010-02-28", "work-0-unit_name": "云溪站"})
    plain.fill(**{"work-0-post": "驾驶岗"}).press("再加一段经历")
    plain.fill(**{"work-1-started_on": "2010-03-01", "work-1-unit_name": SCHOOL, "work-1-post": "驾驶岗"})
    plain.next_step("原等级证书")
    _certificate(plain)
    plain.next_step("年度考核")
    for year in (2022, 2023, 2024):
        plain.pick(f"year_{year}", "合格")
    plain.next_step("申报材料")
    plain.upload("identity_card", _pdf("身份证"))
    for kind in ("post", "work_years", "certificate", "assessment"):
        plain.upload(kind, _pdf(kind))
    plain.upload("photo", {"name": "照片.jpg", "mimeType": "image/jpeg", "buffer": factories.jpeg(590, 826)})
    plain.follow("继续").headed("真实性承诺").tick("pledged").next_step("核对提交")
    plain.press("提交申报").says("申报已提交").says(Status.UNIT_REVIEW.label)
    plain.done()


def test_a_minute_saves_and_two_devices_do_not_overwrite_each_other(site: Site) -> None:
    site.today(date(2025, 3, 20))
    phone, other = site.visit(Applicant, "phone"), site.visit(Applicant, "other")
    phone.page.clock.install()
    phone.register(NAME, NUMBER, MOBILE, PASSWORD)
    phone.press("开始填报").headed("个人信息").pick("education", "高中")
    phone.next_step("所在单位和岗位")
    other.sign_in(NUMBER, PASSWORD).headed("我的申报").follow("继续填写：所在单位和岗位")
    other.headed("所在单位和岗位").fill(department="保卫科")

    phone.fill(department="后勤科", post="驾驶岗")
    phone.page.clock.fast_forward("01:01")
    expect(phone.page.locator("[data-saved-at]")).to_contain_text("已保存")

    # The other device was opened before: it is told, and shows both.
    other.press("暂存").says("这一页在别处改过").says("后勤科")
    expect(other.field("department")).to_have_value("保卫科")
    other.look("two-devices")
    # Signed in anew on the phone: where the person was, with what the minute has saved.
    phone.page.context.clear_cookies()
    phone.open("/application").headed("登录").fill(username=NUMBER, password=PASSWORD)
    phone.press("登录").headed("我的申报").follow("继续填写：所在单位和岗位")
    phone.headed("所在单位和岗位")
    expect(phone.field("post")).to_have_value("驾驶岗")
    with_conflict = [text for text in other.failures if "status of 409" not in text]
    assert (phone.failures, with_conflict) == ([], [])
