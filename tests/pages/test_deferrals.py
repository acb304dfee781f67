"""The pages of what is made up later: the applicant's pledge and upload, the agency's list and decision."""

import io
import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gongkao.models import Account, Application, DeferralStatus
from gongkao.rules.application_form import NOT_FILED
from gongkao.rules.workflow import Status
from gongkao.services import deferrals
from gongkao.services.transaction import transaction
from tests import factories
from tests.documents.reading import read
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
Clock = Callable[[date], None]


@pytest.fixture
def made(world: World) -> Application:
    """A qualified application of the world's applicant, with the assessment of 2024 to be made up."""
    application = factories.application(world.person("孟听雨"), world.school, status=Status.QUALIFIED)
    with transaction():
        application.assessments[0].outcome = NOT_FILED
        deferrals.pledge(world.applicant, application)
        deferrals.agree(world.unit_administrator, application)
    return application


def _make_up(browser: FlaskClient, outcome: str = "合格") -> TestResponse:
    data = {"year_2024": outcome, "file": (io.BytesIO(factories.pdf()), "2024年度考核.pdf")}
    return browser.post("/application/deferral", data=data, content_type="multipart/form-data")


def _decide(browser: FlaskClient, deferral_id: int, action: str, reason: str = "") -> TestResponse:
    address = f"/deferrals/{deferral_id}"
    found = re.search(r'name="version"[^>]*value="(\d+)"', browser.get(address).text)
    assert found is not None
    return browser.post(address, data={"version": found[1], "action": action, "reason": reason})


def test_the_pledge_is_read_printed_and_made_up(world: World, sign_in: SignIn, made: Application) -> None:
    browser = sign_in(world.applicant)
    assert 'href="/application/deferral"' in browser.get("/application").text
    page = browser.get("/application/deferral").text
    for words in ("2024年度", "2025年6月30日前上传完毕", "视为资格审查不通过", "单位已同意，请本人"):
        assert words in page
    paper = browser.get("/application/deferral/pledge.pdf")
    assert paper.mimetype == "application/pdf" and paper.data.startswith(b"%PDF")
    notice = read(browser.get("/application/deferral/notice.pdf").data).text
    assert "办理结果同意容缺后补" in notice and "中牟县晴川学校2025年3月20日" in notice
    wrong = browser.post("/application/deferral", data={})
    assert wrong.status_code == 422
    assert "请选择2024年度备案后的考核结果。" in wrong.text and "请选择要上传的年度考核材料文件" in wrong.text
    assert _make_up(browser).status_code == 302
    assert "2024年度考核.pdf" in browser.get("/application/deferral").text


def test_after_the_day_nothing_is_taken(world: World, sign_in: SignIn, made: Application, at: Clock) -> None:
    at(date(2025, 7, 1))
    browser = sign_in(world.applicant)
    page = browser.get("/application/deferral").text
    assert "现已截止" in page and 'name="file"' not in page
    _make_up(browser)
    assert made.deferral is not None and made.deferral.status is DeferralStatus.AGREED


def test_without_a_deferral_the_page_leads_home(world: World, sign_in: SignIn) -> None:
    assert sign_in(world.other_applicant).get("/application/deferral").location == "/application"


def test_the_agency_looks_and_decides(world: World, sign_in: SignIn, made: Application) -> None:
    assert made.deferral is not None
    _make_up(sign_in(world.applicant))
    officer = sign_in(world.officer)
    assert "容缺后补 1" in officer.get("/review").text
    assert "孟听雨" in officer.get("/deferrals").text
    page = officer.get(f"/deferrals/{made.deferral.id}").text
    assert "2024年度考核" in page and f"/review/{made.id}/materials/" in page
    refused = _decide(officer, made.deferral.id, "fail")
    assert refused.status_code == 422 and 'id="reason-error"' in refused.text
    assert _decide(officer, made.deferral.id, "ask", "缺少单位盖章。").location == "/deferrals"
    assert "缺少单位盖章。" in sign_in(world.applicant).get("/application/deferral").text
    _make_up(sign_in(world.applicant), "优秀")
    assert _decide(officer, made.deferral.id, "accept").location == "/deferrals"
    assert made.deferral.status is DeferralStatus.ACCEPTED


def test_units_and_inspectors_read_only(world: World, sign_in: SignIn, made: Application) -> None:
    assert made.deferral is not None
    _make_up(sign_in(world.applicant))
    for reader in (world.unit_administrator, world.bureau_administrator, world.inspector):
        page = sign_in(reader).get(f"/deferrals/{made.deferral.id}")
        assert page.status_code == 200 and 'value="accept"' not in page.text
        assert world.applicant.sign_in_name not in page.text
    for stranger in (world.far_officer, world.far_unit_administrator):
        assert sign_in(stranger).get(f"/deferrals/{made.deferral.id}").status_code == 404
        assert "孟听雨" not in sign_in(stranger).get("/deferrals").text


def test_the_notice_of_a_deferral_is_for_those_concerned(world: World, sign_in: SignIn, made: Application) -> None:
    address = f"/deferrals/{made.deferral.id}"
    for account in (world.unit_administrator, world.officer, world.inspector):
        browser = sign_in(account)
        assert f"{address}/notice.pdf" in browser.get(address).text
        assert "孟听雨同志" in read(browser.get(f"{address}/notice.pdf").data).text
    for account in (world.far_officer, world.station_administrator):
        assert sign_in(account).get(f"{address}/notice.pdf").status_code == 404
    assert "/batches/deferrals" in sign_in(world.officer).get("/deferrals").text
    _make_up(sign_in(world.applicant))
    _decide(sign_in(world.officer), made.deferral.id, "fail", "备案表没有组织人事部门盖章。")
    notice = read(sign_in(world.applicant).get("/application/deferral/notice.pdf").data).text
    assert "办理结果不通过" in notice and "没有组织人事部门盖章" in notice and "中牟县工考管理机构" in notice
