"""The pages of a region's own dates."""

from collections.abc import Callable
from datetime import date

from flask.testing import FlaskClient

from gongkao.extensions import db
from gongkao.models import Account, CalendarFiling, FilingStatus
from gongkao.rules.calendar import WindowKey
from gongkao.services import calendar_filings
from tests.pages.reading import error_beside, main_of
from tests.world import World

SignIn = Callable[[Account], FlaskClient]


def typed(**changes: object) -> dict[str, object]:
    return {"key": "registration", "opens": "2025-03-14", "closes": "2025-03-25", "reason": "", **changes}


def test_a_city_files_and_the_centre_records(world: World, sign_in: SignIn) -> None:
    city, centre = sign_in(world.account("gl410100")), sign_in(world.province_manager)
    wrong = city.post("/settings/filings/new", data=typed(opens="2025-03-11", closes="2025-04-02"))
    assert wrong.status_code == 422
    assert error_beside(wrong.text, "opens", "早2天") and error_beside(wrong.text, "closes", "晚2天")
    assert "2025-04-02" in wrong.text
    filed = city.post("/settings/filings/new", data=typed(grades=["4", "5"]))
    found = db.session.query(CalendarFiling).one()
    assert filed.location == f"/settings/filings/{found.id}"
    shown = main_of(city.get("/settings/filings"))
    assert "本地，五级、四级：2025-03-14至2025-03-25" in shown and "三级、二级、一级：2025-03-13至2025-03-31" in shown

    desk = main_of(centre.get("/settings/filings?status=filed"))
    assert "郑州市" in desk and "待办理备案" in desk
    assert centre.post(f"/settings/filings/{found.id}/object", data={"version": 1, "reason": ""}).status_code == 422
    assert centre.post(f"/settings/filings/{found.id}/record", data={"version": 9}).status_code == 422
    assert centre.post(f"/settings/filings/{found.id}/record", data={"version": 1}).status_code == 302
    db.session.expire_all()
    assert found.status is FilingStatus.RECORDED
    assert "予以备案" not in main_of(centre.get(f"/settings/filings/{found.id}"))
    assert city.post(f"/settings/filings/{found.id}/withdraw", data={"version": 2}).status_code == 302


def test_an_objection_is_shown_to_the_city(world: World, sign_in: SignIn) -> None:
    made = calendar_filings.file(
        world.account("gl410100"), key=WindowKey.REGISTRATION, opens=date(2025, 3, 14), closes=date(2025, 3, 25)
    )
    sign_in(world.province_manager).post(
        f"/settings/filings/{made.id}/object", data={"version": 1, "reason": "报名时间太短"}
    )
    page = main_of(sign_in(world.account("gl410100")).get(f"/settings/filings/{made.id}"))
    assert "省中心的异议：报名时间太短" in page and "现按省的时间办理" in page
    # The message opens where the matter is.
    inbox = sign_in(world.account("gl410100"))
    assert f"/settings/filings/{made.id}" in inbox.get("/inbox/" + _last_message(inbox)).location


def _last_message(client: FlaskClient) -> str:
    return client.get("/inbox").text.partition('data-href="/inbox/')[2].partition('"')[0]


def test_an_extension_shows_on_the_countys_page_and_bar(
    world: World, sign_in: SignIn, at: Callable[[date], None]
) -> None:
    centre = sign_in(world.province_manager)
    answer = centre.post(
        "/settings/filings/extend",
        data=typed(region_code="410122", closes="2025-04-03", reason="网络故障影响报名", opens=""),
    )
    assert answer.status_code == 302
    at(date(2025, 4, 2))
    county = sign_in(world.officer).get("/settings/filings").text
    assert "延期，全部等级：2025-03-13至2025-04-03" in county and "网上注册报名 剩1天" in county
    far = sign_in(world.far_officer).get("/settings/filings").text
    assert "延期，全部等级" not in far and "网上注册报名 剩" not in far


def test_who_may_not_file_is_told_who_does(world: World, sign_in: SignIn) -> None:
    page = sign_in(world.manager).get("/settings/filings/new")
    assert page.status_code == 200 and "由省辖市、济源示范区工考管理机构负责人" in page.text
    assert sign_in(world.city_officer).get("/settings/filings/new").status_code == 403
    assert sign_in(world.account("gl410100")).get("/settings/filings/extend").status_code == 403
