"""The charts of oversight in a real browser: pictures that show under the pages' policy, each with its table."""

from datetime import date

from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Agency, Role, Unit
from gongkao.rules.workflow import Status
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
