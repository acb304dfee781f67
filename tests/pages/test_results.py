"""From scores to the notices, through the pages, as each role meets them."""

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Application, Release, Result
from gongkao.rules.workflow import Status
from gongkao.services import scores
from tests import factories
from tests.documents.reading import read
from tests.services.test_scores import marks
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
RESULTS_DAY = date(2025, 11, 3)
NUMBER = "牟人社〔2025〕12号"


@pytest.fixture
def qualified(world: World, at: Callable[[date], None]) -> Application:
    made = factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED)
    at(RESULTS_DAY)
    return made


@pytest.fixture
def released(world: World, qualified: Application) -> Result:
    scores.enter(world.officer, 4, marks(qualified, "60", "85.5", "100"))
    factories.release_results(world.officer, world.manager)
    return db.session.scalars(select(Result)).one()


def account_of(application: Application) -> Account:
    return db.session.scalars(select(Account).where(Account.person_id == application.person_id)).one()


def test_marks_are_typed_into_a_grid(world: World, qualified: Application, sign_in: SignIn) -> None:
    officer = sign_in(world.officer)
    start = officer.get("/scores")
    assert start.status_code == 302 and start.location == "/scores/4"
    page = officer.get("/scores/4").text
    name = scores.field_name(qualified.id, "ethics")
    assert f'name="{name}"' in page and "孟听雨甲" in page and "四级（0/1）" in page
    assert qualified.person.identity_number not in page

    refused = officer.post("/scores/4", data=marks(qualified, "85", "101", "80"))
    assert refused.status_code == 422
    assert 'value="101"' in refused.text and 'value="85"' in refused.text
    assert f'id="{name}-error"' in refused.text and f'href="#{name}"' in refused.text
    assert "职业道德满分为100分" in refused.text

    saved = officer.post("/scores/4?q=孟听雨", data={**marks(qualified, "85", "缺考", "80"), "next": "2"})
    assert saved.status_code == 302 and "page=2" in saved.location and "q=" in saved.location
    page = officer.get("/scores/4").text
    assert 'value="缺考"' in page and "四级（1/1）" in page
    assert officer.get("/scores/4/export?entered=yes").status_code == 200


def test_strangers_neither_see_nor_enter_marks(world: World, qualified: Application, sign_in: SignIn) -> None:
    far = sign_in(world.far_officer)
    assert "孟听雨甲" not in far.get("/scores/4").text
    assert far.post("/scores/4", data=marks(qualified, "85", "85", "80")).status_code == 422
    for account in (world.unit_administrator, world.inspector, world.applicant):
        assert sign_in(account).get("/scores/4").status_code == 403
    assert sign_in(world.officer).get("/scores/6").status_code == 404
    # Arguments that mean something to the building of addresses are no way in.
    crafted = sign_in(world.officer).get("/scores/4?endpoint=x&_external=1&_scheme=javascript&_anchor=y")
    assert crafted.status_code == 200 and "javascript:" not in crafted.text
    assert sign_in(world.officer).get("/results?endpoint=x&_scheme=javascript").status_code == 200


def test_outside_the_window_the_grid_is_closed(
    world: World, qualified: Application, sign_in: SignIn, at: Callable[[date], None]
) -> None:
    at(date(2025, 5, 1))
    officer = sign_in(world.officer)
    page = officer.get("/scores/4").text
    assert "现在不能录入成绩" in page and "2025年6月1日至12月31日" in page and "保存本页成绩" not in page
    assert officer.post("/scores/4", data=marks(qualified, "85", "85", "80")).status_code == 422


def test_two_people_release_deliberately(world: World, qualified: Application, sign_in: SignIn) -> None:
    officer, manager, address = sign_in(world.officer), sign_in(world.manager), "/results/release/4"
    page = officer.get(address).text
    assert "成绩录全后才能公布" in page and "孟听雨甲" in page and "<form" in page and "document_number" not in page
    assert officer.post(address, data={"document_number": NUMBER, "sure": "y"}).status_code == 422
    scores.enter(world.officer, 4, marks(qualified, "60", "85.5", "100"))
    assert "提请公布" in officer.get("/results").text

    untouched = officer.post(address, data={"document_number": NUMBER})
    assert untouched.status_code == 422 and f'value="{NUMBER}"' in untouched.text
    assert "请核对全部成绩后勾选" in untouched.text
    wrong = officer.post(address, data={"document_number": "十二号", "sure": "y"})
    assert wrong.status_code == 422 and "请按“牟人社〔2025〕12号”的格式填写" in wrong.text
    assert manager.post(address, data={"document_number": NUMBER, "sure": "y"}).status_code == 422
    assert officer.post(address, data={"document_number": NUMBER, "sure": "y"}).status_code == 302
    assert db.session.scalar(select(Release.id)) is None
    assert "确认公布" not in officer.get(address).text and "等待" in officer.get(address).text
    assert officer.post(f"{address}/confirm", data={"sure": "y"}).status_code == 403

    assert "确认公布" in manager.get("/results").text and NUMBER in manager.get(address).text
    unsure = manager.post(f"{address}/confirm")
    assert unsure.status_code == 422 and "请核对后勾选确认" in unsure.text
    returned = manager.post(f"{address}/return", data={"reason": ""})
    assert returned.status_code == 422 and "请填写退回原因" in returned.text
    done = manager.post(f"{address}/confirm", data={"sure": "y"}, follow_redirects=True)
    assert done.status_code == 200 and "考核结果已公布" in done.text and "合格人员通知" in done.text
    again = officer.post(address, data={"document_number": NUMBER, "sure": "y"})
    assert again.status_code == 422 and "不能重复公布" in again.text
    for account in (world.unit_administrator, world.inspector, world.applicant):
        assert sign_in(account).post(address).status_code == 403


def test_each_downloads_what_concerns_them_and_nothing_else(world: World, released: Result, sign_in: SignIn) -> None:
    notice = f"/results/{released.id}/notice.pdf"
    passes = f"/results/releases/{released.release_id}/passes.pdf"
    application = released.application
    for account in (world.unit_administrator, world.bureau_administrator, world.officer, world.inspector):
        client = sign_in(account)
        assert "孟听雨甲" in client.get("/results").text, account.username
        found = client.get(notice)
        assert found.status_code == 200 and found.mimetype == "application/pdf"
        assert client.get("/results/export").status_code == 200
    for account in (world.officer, world.city_officer, world.inspector):
        assert NUMBER in read(sign_in(account).get(passes).data).text
        assert NUMBER in sign_in(account).get("/results/releases").text
    assert sign_in(world.unit_administrator).get(passes).status_code == 404
    for account in (
        world.station_administrator,
        world.far_unit_administrator,
        world.far_officer,
        world.far_manager,
        world.far_inspector,
    ):
        client = sign_in(account)
        assert "孟听雨甲" not in client.get("/results").text, account.username
        assert client.get(notice).status_code == 404
        assert client.post("/batches/notices", data={"form": "pdf"}).status_code == 422
        assert client.get(passes).status_code == 404

    own = sign_in(account_of(application)).get("/application/result.pdf")
    assert "孟听雨甲同志" in read(own.data).text
    assert application.person.identity_number not in read(own.data).text
    assert sign_in(world.applicant).get("/application/result.pdf").status_code == 404
    assert sign_in(account_of(application)).get(notice).status_code == 403


def test_nothing_shows_before_the_release(world: World, qualified: Application, sign_in: SignIn) -> None:
    scores.enter(world.officer, 4, marks(qualified, "60", "85.5", "100"))
    for account in (world.unit_administrator, world.officer, world.inspector):
        client = sign_in(account)
        assert "85.5" not in client.get("/results").text
        assert client.post("/batches/notices", data={"form": "pdf"}).status_code == 422
    assert sign_in(account_of(qualified)).get("/application/result.pdf").status_code == 404


def test_anyone_can_check_a_notice(released: Result, client: FlaskClient) -> None:
    page = client.get(f"/verify/{released.verification_code}")
    assert page.status_code == 200 and "校验码有效" in page.text and "孟***" in page.text
    assert "孟听雨甲" not in page.text and released.application.person.identity_number not in page.text
    unknown = client.get("/verify/NOPE")
    assert unknown.status_code == 404 and "没有查到这个校验码" in unknown.text


def test_a_name_no_face_can_draw_is_told_on_a_plain_page(
    world: World, at: Callable[[date], None], sign_in: SignIn
) -> None:
    made = factories.application(factories.person("孟\ue123雨"), world.school, status=Status.QUALIFIED)
    at(RESULTS_DAY)
    scores.enter(world.officer, 4, marks(made, "60", "85.5", "100"))
    factories.release_results(world.officer, world.manager)
    released_id = db.session.scalars(select(Result.id)).one()
    for client, address in (
        (sign_in(account_of(made)), "/application/result.pdf"),
        (sign_in(world.unit_administrator), f"/results/{released_id}/notice.pdf"),
    ):
        refused = client.get(address)
        assert refused.status_code == 409 and "文书未生成" in refused.text and "U+E123" in refused.text
