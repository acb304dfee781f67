"""Oversight's pages: the dashboard, samples and the second look, the bans; inspectors read and change nothing."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Application, Sample, SampleMember
from gongkao.rules.workflow import Status
from gongkao.services import samples
from tests import factories
from tests.pages.reading import error_beside, main_of
from tests.statements import sent
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
REASON = "工作年限证明缺单位盖章，不应认定合格。"


@pytest.fixture
def made(world: World) -> list[Application]:
    plan = [
        (world.station, 4, Status.QUALIFIED),
        (world.station, 3, Status.QUALIFIED),
        (world.far_school, 4, Status.REFUSED),
        (world.station, 4, Status.AGENCY_REVIEW),
    ]
    return [
        factories.application(factories.person(f"监督{serial}", 41 + serial), unit, grade=grade, status=status)
        for serial, (unit, grade, status) in enumerate(plan)
    ]


def test_the_dashboard_draws_pictures_that_need_nothing_from_outside(
    world: World, made: list[Application], sign_in: SignIn
) -> None:
    answer = sign_in(world.city_officer).get("/oversight")
    page = main_of(answer)
    pictures = re.findall(r'<img class="chart" src="data:image/svg\+xml,([^"]+)" alt="([^"]+)"', page)
    assert len(pictures) == 5 and all(alt for _, alt in pictures)
    for picture, _ in pictures:
        svg = unquote(unescape(picture))
        root = ElementTree.fromstring(svg)
        assert not list(root.iter("{http://www.w3.org/2000/svg}script")) and "@import" not in svg
        assert not re.search(r'(?:href|src)="(?!#)', svg) and "url(" not in svg
    around = re.sub(r'src="data:[^"]*"', "", page)
    assert "<style" not in around and "style=" not in around
    assert "1人在审查中" in page and page.count("<details>") == 5
    for chart in ("stage", "region", "grade", "trade", "day", "slow"):
        file = sign_in(world.city_officer).get(f"/oversight/export?table={chart}&region=410122")
        assert file.mimetype.endswith("sheet"), chart


def test_the_pages_ask_the_database_little(world: World, made: list[Application], sign_in: SignIn) -> None:
    for who in ("province_manager", "city_officer", "inspector"):
        browser = sign_in(getattr(world, who))
        for address in ("/oversight", "/oversight/slow", "/oversight?grade=4", "/oversight/samples", "/cases"):
            db.session.remove()
            with sent() as asked:
                assert browser.get(address).status_code == 200
            assert len(asked) <= 12, (address, asked)


def test_filters_stay_in_the_address(world: World, made: list[Application], sign_in: SignIn) -> None:
    browser = sign_in(world.city_officer)
    page = main_of(browser.get("/oversight?region=410122&grade=4"))
    assert '<option value="410122" selected>' in page and "table=stage&amp;region=410122&amp;grade=4" in page
    slow = main_of(browser.get("/oversight/slow"))
    assert "中牟县工考管理机构" in slow and "status=agency_review" in slow
    assert "没有等待办理的申报" in main_of(browser.get("/oversight/slow?grade=1"))
    assert browser.get("/oversight?region=%25&grade=x").status_code == 200


def test_drawing_looking_again_and_overturning(world: World, made: list[Application], sign_in: SignIn) -> None:
    browser = sign_in(world.city_officer)
    refused = browser.post("/oversight/samples/new", data={"title": "四月抽查", "people": "9", "seed": "12"})
    assert refused.status_code == 422 and error_beside(refused.text, "people", "符合条件的共3人")
    assert 'value="四月抽查"' in refused.text and 'value="12"' in refused.text
    answer = browser.post("/oversight/samples/new", data={"title": "四月抽查", "percent": "100", "seed": "12"})
    sample = db.session.scalars(select(Sample)).one()
    assert answer.location == f"/oversight/samples/{sample.id}"
    page = main_of(browser.get(answer.location + "?check=1"))
    assert "重新抽取的结果与记录一致" in page and "0 / 3" in page
    assert browser.get(f"/oversight/samples/{sample.id}/export?state=open").mimetype.endswith("sheet")

    first, second, third = sample.members
    address = f"/oversight/members/{first.id}"
    look = main_of(browser.get(address))
    assert "维持原结论" in look and "工作经历" in look and first.application.person.identity_number not in look
    empty = browser.post(address, data={"decision": "overturn", "reason": ""})
    assert empty.status_code == 422 and "请填写改变结论的原因" in empty.text and first.upheld is None
    assert browser.post(address, data={"decision": "uphold"}).location == f"/oversight/members/{second.id}"
    answer = browser.post(f"/oversight/members/{second.id}", data={"decision": "overturn", "reason": REASON})
    assert answer.location == f"/oversight/members/{third.id}" and second.upheld is False
    again = browser.post(f"/oversight/members/{second.id}", data={"decision": "uphold"})
    assert again.status_code == 422 and "已复核" in again.text
    answer = browser.post(f"/oversight/members/{third.id}", data={"decision": "uphold"})
    assert answer.location == f"/oversight/samples/{sample.id}"
    assert "已完成" in main_of(browser.get("/oversight/samples"))


def test_overturning_from_the_page_of_an_application(world: World, made: list[Application], sign_in: SignIn) -> None:
    qualified = made[0]
    browser = sign_in(world.city_officer)
    link = f"/oversight/applications/{qualified.id}"
    assert link in browser.get(f"/review/{qualified.id}").text
    assert link not in sign_in(world.officer).get(f"/review/{qualified.id}").text
    assert link not in sign_in(world.inspector).get(f"/review/{qualified.id}").text
    stale = browser.post(link, data={"version": qualified.version - 1, "reason": REASON})
    assert stale.status_code == 422 and "刚刚被更新" in stale.text and REASON in stale.text
    answer = browser.post(link, data={"version": qualified.version, "reason": REASON})
    assert answer.location == f"/review/{qualified.id}" and qualified.status is Status.REFUSED
    page = main_of(browser.get(answer.location))
    assert "监督复核改变结论" in page and REASON in page
    assert "只有已作出" in browser.get(f"/oversight/applications/{made[3].id}").text


def test_inspectors_read_everything_in_their_region_and_change_nothing(
    world: World, made: list[Application], sign_in: SignIn
) -> None:
    sample = samples.draw(world.city_officer, {"title": "四月抽查", "percent": "100"})
    member = sample.members[0]
    inspector = sign_in(world.inspector)
    for address in ("/oversight", "/oversight/slow", "/oversight/samples", "/oversight/bans", "/cases"):
        answer = inspector.get(address)
        assert answer.status_code == 200 and 'method="post"' not in main_of(answer), address
        assert "巩义市" not in main_of(answer), address
    changes = {
        "/oversight/samples/new": {"title": "四月抽查", "percent": "100"},
        f"/oversight/members/{member.id}": {"decision": "uphold"},
        f"/oversight/applications/{made[0].id}": {"version": "1", "reason": REASON},
        f"/review/{made[0].id}/false-materials": {"description": REASON},
    }
    for address, data in changes.items():
        assert inspector.post(address, data=data).status_code == 403, address
    assert db.session.scalars(select(Sample.id)).all() == [sample.id]
    assert not db.session.scalars(select(SampleMember).where(SampleMember.upheld.is_not(None))).all()
    assert made[0].status is Status.QUALIFIED
    # A county's officers oversee nobody, and see nothing of what the city drew.
    county = sign_in(world.officer)
    assert county.get("/oversight/samples/new").status_code == 403
    assert county.get(f"/oversight/samples/{sample.id}").status_code == 404
    assert county.get(f"/oversight/members/{member.id}").status_code == 404
    assert sign_in(world.applicant).get("/oversight").status_code == 403
    assert sign_in(world.unit_administrator).get("/oversight").status_code == 403
