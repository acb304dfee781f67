"""The pages of reports upward."""

import io
from collections.abc import Callable

from flask.testing import FlaskClient

from gongkao.extensions import db
from gongkao.models import Account, UpwardReport
from gongkao.rules.workflow import Status
from tests import factories
from tests.pages.reading import error_beside, main_of
from tests.world import World

SignIn = Callable[[Account], FlaskClient]


def test_a_report_goes_up_is_returned_and_comes_again(world: World, sign_in: SignIn) -> None:
    factories.application(factories.person("范知秋", 101), world.school, status=Status.QUALIFIED)
    county, city = sign_in(world.manager), sign_in(world.account("gl410100"))
    assert "未报送" in main_of(city.get("/reports")) and "/reports" in county.get("/review/all").text
    shown = main_of(county.get("/reports/preview"))
    assert "中牟县晴川学校" in shown and "四级（中级工）" in shown
    refused = county.post("/reports/preview", data={})
    assert refused.status_code == 422 and error_beside(refused.text, "sure", "核对后勾选")
    sent = county.post("/reports/preview", data={"sure": "y"})
    report = db.session.query(UpwardReport).one()
    path = f"/reports/{report.id}"
    assert sent.location == path and "已报送，待接收" in county.get(path).text
    assert county.get(f"{path}/paper.pdf").data.startswith(b"%PDF")
    assert county.get(f"{path}/sheet.xlsx").data.startswith(b"PK")
    assert county.get(f"{path}/signed").status_code == 404
    wrong = county.post(f"{path}/signed", data={"scan": (io.BytesIO(b"x"), "a.pdf")})
    assert wrong.status_code == 422 and 'id="scan-error"' in wrong.text
    scan = county.post(f"{path}/signed", data={"scan": (io.BytesIO(factories.pdf()), "扫描.pdf")})
    assert scan.location == path and city.get(f"{path}/signed").status_code == 200

    version = db.session.get_one(UpwardReport, report.id).version
    empty = city.post(f"{path}/return", data={"version": version, "reason": ""})
    assert empty.status_code == 422 and error_beside(empty.text, "reason", "退回原因")
    assert city.post(f"{path}/receive", data={"version": version}).location == path
    assert city.post(f"{path}/return", data={"version": version + 1, "reason": "人数与名单不符"}).location == path
    assert "退回原因：人数与名单不符" in county.get(path).text
    assert "报送" in main_of(county.get("/reports/preview"))
    assert county.post("/reports/preview", data={"sure": "y"}).status_code == 302
    assert "已重新报送" in county.get("/reports").text


def test_a_report_says_that_what_it_sums_up_has_changed(world: World, sign_in: SignIn) -> None:
    city = sign_in(world.account("gl410100"))
    city.post("/reports/preview", data={"sure": "y"})
    path = f"/reports/{db.session.query(UpwardReport).one().id}"
    title = f"下级机构的汇总有变化：{world.agency('410122').name}"
    assert all(title not in city.get(page).text for page in ("/reports", path))
    sign_in(world.manager).post("/reports/preview", data={"sure": "y"})
    assert all(title in city.get(page).text for page in ("/reports", path))
    assert title in sign_in(world.province_manager).get(path).text


def test_officers_and_inspectors_read_only(world: World, sign_in: SignIn) -> None:
    for account in (world.officer, world.inspector):
        client = sign_in(account)
        assert client.get("/reports").status_code == 200
        assert client.post("/reports/preview", data={"sure": "y"}).status_code == 403
    assert "机构负责人报送" in sign_in(world.officer).get("/reports/preview").text
    assert sign_in(world.inspector).get("/reports/preview").status_code == 409
    assert sign_in(world.unit_administrator).get("/reports").status_code == 403
    assert "汇总上报" not in main_of(sign_in(world.unit_administrator).get("/review/all"))
