"""Those above the desks: the city, the centre, who decides on false materials, and who only looks."""

import io
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, FalseMaterialsCase, Unit
from gongkao.rules.calendar import WindowKey
from gongkao.rules.workflow import Status
from gongkao.services import calendar_filings, false_materials
from tests import factories, world
from tests.journeys.conftest import CITY, COUNTY, SCHOOL, Site
from tests.journeys.pages import Desk, pdf_text

DAY = date(2025, 3, 20)
CENTRE = "gl410000"
COUNTY_OFFICE, RENAMED = "中牟县工考管理机构", "中牟县晴川中学"

pytestmark = pytest.mark.parametrize("site", ["office"], indirect=True)


def made(site: Site, name: str, serial: int, status: Status) -> int:
    """A person of the school with an application; its id."""
    with site.app.app_context():
        school = db.session.scalars(select(Unit).where(Unit.name == SCHOOL)).one()
        return factories.application(factories.person(name, serial), school, status=status).id


def account(username: str) -> Account:
    return db.session.scalars(select(Account).where(Account.username == username)).one()


def signed_in(site: Site, username: str) -> Desk:
    desk = site.visit(Desk, username)
    desk.sign_in(username, world.PASSWORD)
    desk.page.wait_for_url(lambda address: "sign-in" not in address)
    return desk


def test_the_city_sets_its_dates_and_looks_over_its_counties(site: Site) -> None:
    site.today(DAY)
    drawn = made(site, "乔木森", 61, Status.QUALIFIED)
    made(site, "乔木林", 62, Status.AGENCY_REVIEW)
    city = signed_in(site, f"gl{CITY}")

    # Its own dates must lie inside the province's: refused, saying by how many days, and kept for mending.
    city.open("/settings/filings").headed("本地日程").follow("报备本地日程").headed("报备本地日程")
    city.field("key").select_option(WindowKey.TRAINING.value)
    city.fill(opens="2025-03-25", closes="2025-08-03", reason="承训单位场地安排。").confirm("执行并报备")
    city.says("比省定的开始日期早7天").says("比省定的截止日期晚3天").look("city-dates-refused")
    expect(city.field("closes")).to_have_value("2025-08-03")
    city.fill(opens="2025-04-14", closes="2025-07-04").confirm("执行并报备")
    city.says("本地日程已执行并报省中心备案").look("city-dates-filed")

    # Over its counties: where they stand, then a sample, looked at again, one word overturned.
    city.open("/oversight").headed("监督").says("中牟县").look("city-oversight")
    city.open("/oversight/samples/new").headed("抽取样本").fill(title="三月抽查", people="1", seed="20250320")
    city.press("抽取").says("随机种子20250320已记录").look("city-sample").follow("继续复核")
    city.headed("乔木森：监督复核").press("改变结论")
    city.page.locator("dialog").get_by_role("button", name="确定").click()
    city.says("请填写改变结论的原因").fill(reason="聘用合同缺少起止时间，不能证明在岗年限。").look("city-second-look")
    city.confirm("改变结论").says("乔木森：").headed("三月抽查").says("改变1人").look("city-overturned")
    city.done()
    with site.app.app_context():
        assert db.session.get_one(Application, drawn).status is Status.REFUSED


def test_the_centre_on_dates(site: Site) -> None:
    site.today(DAY)
    made(site, "骆长河", 61, Status.AGENCY_REVIEW)
    with site.app.app_context():
        for key, opens, closes in (
            (WindowKey.TRAINING, date(2025, 4, 14), date(2025, 7, 4)),
            (WindowKey.EXAMINATION, date(2025, 10, 30), date(2025, 10, 31)),
        ):
            calendar_filings.file(account(f"gl{CITY}"), key=key, opens=opens, closes=closes)
        county = db.session.scalars(select(Agency).where(Agency.code == COUNTY)).one().region.full_name
    centre = signed_in(site, CENTRE)

    # One filing is put on record, to the other the centre objects, and a county gets more time.
    centre.open("/settings/filings").headed("本地日程").says("待办理备案").look("centre-filings")
    rows = centre.page.locator("tbody tr", has_text="已报备")
    rows.filter(has_text="培训").get_by_role("link").click()
    centre.headed("培训").press("予以备案").says("已备案")
    centre.open("/settings/filings").headed("本地日程")
    rows.filter(has_text="考试").get_by_role("link").click()
    centre.headed("考试").fill(reason="只留两天，考点容量不够。").press("提出异议").says("即日起按省的时间办理")
    centre.open("/settings/filings/extend").headed("准予延期")
    centre.pick("region_code", county).field("key").select_option(WindowKey.REGISTRATION.value)
    centre.fill(closes="2025-04-02", reason="网络故障影响报名。").confirm("准予延期")
    centre.says("即日起执行").look("centre-extension")
    centre.done()


def figures(screen: Desk) -> list[str]:
    """What the page of a report says in numbers: its cards, and every table with its totals."""
    shown = screen.page.locator("main").locator(".stat, caption, th, td")
    return [" ".join(text.split()) for text in shown.all_inner_texts()]


def papers(screen: Desk) -> dict[str, bytes]:
    """The Excel file, the paper to sign and its stamped scan, as the links of the report's page give them."""
    found = {}
    for link in ("Excel 明细", "汇总表", "查看扫描件"):
        address = screen.page.get_by_role("link", name=link).get_attribute("href")
        answer = screen.page.request.get(f"{screen.address}{address}")
        assert answer.status == 200, (link, answer.status)
        found[link] = answer.body()
    return found


def test_what_is_reported_upward_stays_as_it_was_sent(site: Site) -> None:
    site.today(DAY)
    made(site, "骆长河", 61, Status.AGENCY_REVIEW)
    county, late = signed_in(site, f"gl{COUNTY}"), signed_in(site, f"gl{COUNTY}")
    for screen in (county, late):
        screen.open("/reports/preview").headed("当前汇总").says("报送郑州市").tick("sure")
    previewed = figures(county)
    county.confirm("报送").says("已报送，编号HZ202541012201")
    county.field("scan").set_input_files(
        {"name": "盖章扫描件.pdf", "mimeType": "application/pdf", "buffer": factories.pdf()}
    )
    county.press("上传扫描件").says("盖章扫描件已上传").look("report-county")
    address, sent, kept = county.page.url.removeprefix(county.address), figures(county), papers(county)
    assert sent == previewed and f"{SCHOOL} {COUNTY_OFFICE} 1 0 1 0 0 0 0 0" in " ".join(sent)
    paper = pdf_text(kept["汇总表"])
    assert COUNTY_OFFICE in paper and "HZ202541012201" in paper and SCHOOL in paper
    assert kept["查看扫描件"].startswith(b"%PDF")

    # The next day one is decided, another hands in, and the school is renamed.
    site.today(DAY + timedelta(days=1))
    county.open_first("骆长河").field("onsite").uncheck()
    county.pass_on().says("已通过：骆长河")
    made(site, "骆长路", 62, Status.AGENCY_REVIEW)
    county.open("/units").headed("单位").follow(SCHOOL).follow("修改").headed("修改单位")
    county.fill(name=RENAMED).press("保存").says("单位信息已修改")

    def unchanged(screen: Desk) -> None:
        screen.open(address).headed(f"{COUNTY_OFFICE}汇总").says("数据截至").says(f"{DAY}")
        assert figures(screen) == sent and papers(screen) == kept

    unchanged(county)
    county.open("/reports/preview").headed("当前汇总").says("已于2025年3月20日报送（HZ202541012201）")
    assert f"{RENAMED} {COUNTY_OFFICE} 2 0 1 0 1 0 0 0" in " ".join(figures(county))
    expect(county.page.get_by_role("button", name="报送", exact=True)).to_have_count(0)
    # Nor twice from a page that was open all the while.
    late.confirm("报送").says("已于2025年3月20日报送（HZ202541012201）").look("report-twice")

    # The city counts on what was sent, not on what has come since; and only what it returns comes anew.
    city = signed_in(site, f"gl{CITY}")
    city.open("/reports/preview").headed("当前汇总")
    assert f"{SCHOOL} {COUNTY_OFFICE} 1 0 1 0 0 0 0 0" in " ".join(figures(city))
    unchanged(city)
    city.fill(reason="晴川学校已更名，请更正后报送。").press("退回").says("已退回")
    county.open("/reports/preview").tick("sure").confirm("报送").says("已报送，编号HZ202541012202")
    assert f"{RENAMED} {COUNTY_OFFICE} 2 0 1 0 1 0 0 0" in " ".join(figures(county))
    unchanged(county)
    expect(county.says("已重新报送").page.locator("main form")).to_have_count(0)
    city.open("/reports").headed("汇总上报").follow("HZ202541012202").headed("汇总").press("接收").says("已接收汇总")

    # The city's own goes up to the centre, with the county's second and not its first.
    city.open("/reports/preview").headed("当前汇总").tick("sure").confirm("报送").says("已报送，编号HZ202541010001")
    centre = signed_in(site, CENTRE)
    centre.open("/reports").headed("汇总上报").look("centre-reports").follow("HZ202541010001").headed("郑州市")
    assert f"{COUNTY_OFFICE} HZ202541012202 2 0 1 0 1 0 0 0" in " ".join(figures(centre))
    assert "郑州市工考管理机构" in centre.pdf("汇总表")
    assert RENAMED in [sheet.cell(2, 1).value for sheet in load_workbook(io.BytesIO(centre.download("Excel 明细")))]
    centre.press("接收").says("已接收汇总").look("centre-report")
    for screen in (county, late, city, centre):
        screen.done()


def test_false_materials_from_the_desk_to_the_appeal(site: Site) -> None:
    site.today(DAY)
    application = made(site, "贺兰雪", 61, Status.AGENCY_REVIEW)
    manager = signed_in(site, f"gl{COUNTY}")
    manager.open_first("贺兰雪").follow("反映虚假材料").headed("反映虚假材料")
    manager.fill(description="证书编号查询不到，钢印样式与存档不一致。").press("提交").says("已通知申报人说明情况")
    with site.app.app_context():
        case = db.session.scalars(select(FalseMaterialsCase)).one()
        applicant = db.session.scalars(select(Account).where(Account.person_id == case.application.person_id)).one()
        false_materials.give_statement(applicant, case.id, case.version, "证书是托人代办的，愿意接受处理。")
        address = f"/cases/{case.id}"

    # Confirmed with the statement on file: cancelled, banned for two years to the day.
    manager.open(address).headed("虚假材料：贺兰雪").says("证书是托人代办的").tick("outcome", "confirm")
    manager.fill(decision="经发证机关核实无此证书，认定提供虚假材料。").look("case-decide").confirm("作出认定")
    manager.says("2025年3月20日至2027年3月19日").look("case-confirmed")
    assert "贺兰雪" in manager.pdf("取消申报资格通知书")
    assert "2027年3月19日" in manager.pdf("禁止申报通知书")
    manager.open("/oversight/bans").says("贺兰雪").look("bans").done()

    # On appeal the province lifts it, and the review goes on where it was.
    centre = signed_in(site, CENTRE)
    centre.open(address).headed("虚假材料：贺兰雪")
    centre.fill(appeal="经复核，原发证机关补录了存根，证书属实。").confirm("撤销处理决定")
    centre.says("已撤销处理决定，禁考解除").look("case-lifted")
    assert "贺兰雪" in centre.pdf("撤销处理决定通知书")
    centre.done()
    with site.app.app_context():
        assert db.session.get_one(Application, application).status is Status.AGENCY_REVIEW


def test_an_inspector_reads_everything_and_changes_nothing(site: Site) -> None:
    site.today(DAY)
    application = made(site, "温故新", 61, Status.AGENCY_REVIEW)
    inspector = signed_in(site, f"xs{COUNTY}")
    inspector.headed("申报查询").says("温故新").look("inspector-home")
    pages = [f"/review/{application}"]
    pages += inspector.page.locator(".places a").evaluate_all("links => links.map(one => one.getAttribute('href'))")
    pages += ["/onsite/originals", "/oversight/slow", "/oversight/samples", "/oversight/bans", "/cases", "/reports"]
    pages += ["/training", "/sites", "/sittings", "/certificates", "/settings/filings", "/settings/agencies"]
    # Asking for a whole number is put on record, and changes nothing.
    changing = 'main form[method="post"]:not([action$="/numbers"])'
    for path in pages:
        inspector.open(path)
        assert inspector.page.locator(changing).count() == 0, path
        expect(inspector.page.locator("h1")).not_to_contain_text("无权")
    inspector.open(pages[0]).headed("温故新").says("410122********0614").look("inspector-application")

    # Nor by a request of one's own making.
    token = inspector.page.locator('input[name="csrf_token"]').first.get_attribute("value") or ""
    for path, sent in ((f"/review/{application}", {"action": "pass", "version": "1"}), ("/review/pass-ready", {})):
        answer = inspector.page.request.post(inspector.address + path, form={"csrf_token": token, **sent})
        assert answer.status == 403, (path, answer.status)
    inspector.done()
    with site.app.app_context():
        assert db.session.get_one(Application, application).status is Status.AGENCY_REVIEW
