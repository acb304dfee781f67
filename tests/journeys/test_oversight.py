"""The charts of oversight in a real browser: pictures that show under the pages' policy, each with its table."""

from datetime import date

from playwright.sync_api import Browser
from sqlalchemy import select

from gongkao.documents import charts
from gongkao.extensions import db
from gongkao.models import Account, Agency, Role, Unit
from gongkao.rules.workflow import Status
from gongkao.services import dashboard
from tests import factories, world
from tests.journeys.conftest import COUNTY, SCHOOL, Site
from tests.journeys.pages import Desk


def test_the_charts_show_under_the_policy_of_the_pages(site: Site) -> None:
    site.today(date(2025, 3, 20))
    with site.app.app_context():
        unit = db.session.scalars(select(Unit).where(Unit.name == SCHOOL)).one()
        factories.application(factories.person("监督一", 41), unit, status=Status.AGENCY_REVIEW)
        manager = select(Account).join(Account.agency).where(Agency.code == COUNTY, Account.role == Role.AGENCY_MANAGER)
        username = db.session.scalars(manager).one().username
    desk = site.visit(Desk, "manager")
    desk.sign_in(username, world.PASSWORD)
    desk.open("/oversight").headed("监督")
    desk.page.wait_for_function("Array.from(document.images).every(picture => picture.complete)")
    widths = desk.page.eval_on_selector_all("img.chart", "pictures => pictures.map(one => one.naturalWidth)")
    assert len(widths) == 5 and all(width > 0 for width in widths)
    desk.page.locator("#chart-grade summary").click()
    desk.says("四级")
    assert desk.failures == []


def test_every_word_of_a_chart_stands_inside_it(browser: Browser) -> None:
    labels = ["省直、中央驻郑", "水工混凝土维修工", "济源示范区"]
    outside = """() => {
      const picture = document.querySelector("svg").getBoundingClientRect();
      return Array.from(document.querySelectorAll("text"))
        .filter(one => { const box = one.getBoundingClientRect();
                         return box.width && (box.left < picture.left || box.right > picture.right); })
        .map(one => one.textContent);
    }"""
    page = browser.new_page(viewport={"width": 460, "height": 800})
    for highest in (1, 9_999, 10_000, 150_000):
        values = [highest, highest // 100, 0]
        four = {name: [number // 4 for number in values] for name in dashboard.GROUPS}
        for series, across in (({"人数": values}, True), (four, True), (four, False)):
            page.set_content(charts.bars(labels, series, [charts.WAITING] * 4, across=across).decode())
            assert page.evaluate(outside) == [], (highest, across)
    page.close()
