"""The applicant's pages: the whole way through them, and what they answer when something is wrong."""

import io
import re
import sqlite3
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from gongkao.extensions import db
from gongkao.models import Account, Trade
from gongkao.rules.application_form import FormStep
from gongkao.rules.workflow import Action, Status
from gongkao.services import drafts, workflow
from gongkao.services.transaction import transaction
from tests import factories
from tests.pages.conftest import Counted
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
Clock = Callable[[date], None]


def _version(page: TestResponse) -> str:
    found = re.search(r'name="version"[^>]*value="([^"]*)"', page.text)
    assert found is not None
    return found.group(1)


def _post(browser: FlaskClient, step: str, **typed: Any) -> TestResponse:
    address = f"/application/steps/{step}"
    return browser.post(address, data={"version": _version(browser.get(address)), **typed})


def _upload(browser: FlaskClient, kind: str, *files: tuple[bytes, str]) -> TestResponse:
    data = {"files": [(io.BytesIO(content), name) for content, name in files]}
    return browser.post(f"/application/materials/{kind}", data=data, content_type="multipart/form-data")


def _typed(world: World) -> tuple[tuple[str, dict[str, str]], ...]:
    """What somebody types who applies for grade five, step by step."""
    trade = str(db.session.scalars(select(Trade.id).where(Trade.code == "01001")).one())
    return (
        ("person", {"education": "高中"}),
        (
            "unit",
            {
                "unit_name": world.school.name,
                "unit_id": str(world.school.id),
                "department": "后勤科",
                "post": "驾驶岗",
                "staff_kind": "其他聘用工作人员",
                "work_started_on": "20180701",
                "post_started_on": "20200301",
            },
        ),
        ("trade", {"trade_id": trade}),
        ("grade", {"grade": "5"}),
        ("work", {"work-0-started_on": "20180701", "work-0-unit_name": "云溪站", "work-0-post": "驾驶岗"}),
        ("certificate", {"has_certificate": "no"}),
        ("assessments", {"year_2024": "合格", "year_2023": "合格", "year_2022": "未参加考核"}),
    )


@pytest.fixture
def browser(world: World, sign_in: SignIn) -> FlaskClient:
    """The applicant's browser, with a draft begun."""
    client = sign_in(world.applicant)
    client.post("/application/start")
    return client


def test_the_whole_way_from_nothing_to_submitted(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.applicant)
    first = browser.get("/application")
    assert "2025年3月13日至3月31日" in first.text and "开始填报" in first.text
    answer = browser.post("/application/start")
    for step, typed in _typed(world):
        assert answer.location == f"/application/steps/{step}"
        answer = _post(browser, step, **typed)
        assert answer.status_code == 302, step
    assert answer.location == "/application/materials"
    for kind in ("identity_card", "post", "work_years"):
        assert _upload(browser, kind, (factories.pdf(), f"{kind}.pdf")).status_code == 302
    _upload(browser, "photo", (factories.jpeg(), "近照.jpg"))
    assert _post(browser, "pledge", pledged="y").location == "/application/preview"
    look = browser.get("/application/preview")
    assert "处需要补充或改正" not in look.text
    assert world.applicant.sign_in_name not in look.text
    assert browser.post("/application/preview", data={"version": _version(look)}).location == "/application"
    home = browser.get("/application")
    assert Status.UNIT_REVIEW.label in home.text and "提交申报" in home.text
    paper = browser.get("/application/form.pdf")
    assert paper.mimetype == "application/pdf" and paper.data.startswith(b"%PDF")


def test_filling_in_asks_the_database_for_each_thing_once(
    world: World, browser: FlaskClient, statements: Counted
) -> None:
    """Whole forms in the last hour of registration: a page, saving it, and sending a file."""
    steps = _typed(world)
    for step, typed in steps:
        _post(browser, step, **typed)
    for step, typed in steps:
        with statements() as shown:
            page = browser.get(f"/application/steps/{step}")
        assert page.status_code == 200 and len(shown) <= 13, (step, shown)
        with statements() as saved:
            answer = browser.post(f"/application/steps/{step}", data={"version": _version(page), **typed})
        assert answer.status_code == 302 and len(saved) <= 16, (step, saved)
    headers = {"Accept": "application/json", "X-Autosave": "1"}
    with statements() as sent:
        data = {"files": [(io.BytesIO(factories.pdf()), "post.pdf")]}
        answer = browser.post("/application/materials/post", data=data, headers=headers)
    assert answer.status_code == 200 and len(sent) <= 17, sent
    for asked in (shown, saved, sent):
        # Twice at most: before a use case, and within it.
        assert all(asked.count(one) <= 2 for one in asked), asked


def test_outside_registration_the_page_names_the_window(world: World, sign_in: SignIn, at: Clock) -> None:
    at(date(2025, 4, 1))
    browser = sign_in(world.applicant)
    assert "3月13日至3月31日，现已截止" in browser.get("/application").text
    browser.post("/application/start")
    assert drafts.find_own(world.applicant) is None


def test_a_draft_can_still_be_read_after_registration(browser: FlaskClient, at: Clock) -> None:
    _post(browser, "person", education="大专")
    at(date(2025, 4, 1))
    page = browser.get("/application/steps/person")
    assert "大专" in page.text and "<form" not in page.text.partition("<main")[2]
    assert "现已截止" in browser.get("/application/preview").text
    assert browser.post("/application/steps/person", data={"education": "本科"}).status_code == 422


def test_a_refused_step_keeps_what_was_typed(world: World, browser: FlaskClient) -> None:
    answer = _post(browser, "unit", unit_name=world.school.name, department="后勤科", work_started_on="2050-01-01")
    assert answer.status_code == 422
    for text in (world.school.name, "后勤科", "2050-01-01", "请填写现任岗位。", "不能晚于", 'href="#work_started_on"'):
        assert text in answer.text
    assert drafts.own(world.applicant).department is None


def test_rows_with_mistakes_tell_them_in_their_own_place(browser: FlaskClient) -> None:
    typed = {
        "work-0-started_on": "",
        "work-2-started_on": "2004-07-01",
        "work-2-unit_name": "云溪站",
        "work-5-started_on": "后天",
        "work-5-unit_name": "晴川学校",
        "work-5-post": "驾驶岗",
    }
    answer = _post(browser, "work", **typed)
    assert answer.status_code == 422
    assert 'id="work-1-post-error"' in answer.text and 'id="work-2-started_on-error"' in answer.text
    assert "后天" in answer.text


def test_rows_are_added_and_taken_away_without_a_script(browser: FlaskClient) -> None:
    more = _post(browser, "work", **{"work-0-unit_name": "云溪站", "go": "row-add"})
    assert more.status_code == 200 and more.text.count('data-repeat-row="') == 3  # with the blank one in the template
    assert "云溪站" in more.text
    fewer = _post(
        browser, "work", **{"work-2-unit_name": "云溪站", "work-4-unit_name": "晴川学校", "go": "row-remove-2"}
    )
    assert "晴川学校" in fewer.text and "云溪站" not in fewer.text


def test_units_are_found_with_and_without_a_script(world: World, browser: FlaskClient) -> None:
    found = browser.get("/application/units?q=晴川").get_json()
    assert {one["label"] for one in found} == {world.school.name, world.bureau.name}
    with transaction():
        world.bureau.active = False
    assert [one["label"] for one in browser.get("/application/units?q=晴川").get_json()] == [world.school.name]
    page = _post(browser, "unit", unit_name="晴川", department="后勤科", go="find")
    assert page.status_code == 200
    assert f'name="unit_pick" value="{world.school.id}"' in page.text and "后勤科" in page.text


def test_trades_are_searched(browser: FlaskClient) -> None:
    page = browser.get("/application/steps/trade?q=汽车驾驶").text
    assert "汽车驾驶员" in page and "绿化" not in page.partition("<main")[2].partition("trade_id")[2]
    assert "没有找到含“飞船”的工种" in browser.get("/application/steps/trade?q=飞船").text


def _save_by_itself(browser: FlaskClient, step: str, **typed: Any) -> TestResponse:
    return browser.post(f"/application/steps/{step}", data=typed, headers={"X-Autosave": "1"})


def test_a_page_saves_by_itself(world: World, browser: FlaskClient) -> None:
    version = _version(browser.get("/application/steps/unit"))
    answer = _save_by_itself(browser, "unit", version=version, department="后勤科")
    assert answer.status_code == 200
    assert re.fullmatch(r"\d\d:\d\d", answer.json["saved"])
    wrong = _save_by_itself(
        browser, "unit", version=answer.json["version"], department="后勤科", work_started_on="明天"
    )
    assert wrong.status_code == 422 and "参加工作时间" in wrong.json["message"]
    stale = _save_by_itself(browser, "unit", version=version, department="保卫科")
    assert stale.status_code == 409 and "还没有保存" in stale.json["message"]
    assert drafts.own(world.applicant).department == "后勤科"


def test_two_windows_do_not_overwrite_each_other(world: World, browser: FlaskClient) -> None:
    seen = _version(browser.get("/application/steps/person"))
    _post(browser, "person", education="大专")
    answer = browser.post("/application/steps/person", data={"version": seen, "education": "本科"})
    assert answer.status_code == 409
    assert "没有保存" in answer.text and "大专" in answer.text
    assert '<option selected value="本科">' in answer.text
    again = browser.post("/application/steps/person", data={"version": _version(answer), "education": "本科"})
    assert again.status_code == 302
    assert drafts.own(world.applicant).education == "本科"


def test_what_cannot_be_written_now_is_kept_on_the_page_and_sent_again(world: World, browser: FlaskClient) -> None:
    """Somebody else writes for longer than one waits: nothing is lost, and the same page is saved a moment later."""
    address = "/application/steps/person"
    version = _version(browser.get(address))
    db.session.rollback()

    def impatient(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    event.listen(db.engine, "checkout", impatient)
    other = sqlite3.connect(str(db.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = browser.post(address, data={"version": version, "education": "大专"})
    assert answer.status_code == 422 and "请稍等片刻后再试" in answer.text
    assert re.search(r"<option[^>]* selected[^>]*>大专", answer.text)
    alone = browser.post(address, data={"version": version, "education": "大专"}, headers={"X-Autosave": "1"})
    assert alone.status_code == 409 and "请稍等片刻后再试" in alone.json["message"]
    other.execute("ROLLBACK")
    other.close()
    assert browser.post(address, data={"version": _version(answer), "education": "大专"}).status_code == 302
    assert drafts.own(world.applicant).education == "大专"


def test_a_file_is_shown_to_its_owner_alone(world: World, browser: FlaskClient, sign_in: SignIn) -> None:
    _upload(browser, "post", (factories.pdf(), "合同.pdf"))
    material_id = drafts.own(world.applicant).materials[0].id
    shown = browser.get(f"/application/files/{material_id}")
    assert shown.mimetype == "application/pdf"
    assert shown.headers["Content-Disposition"].startswith("inline")
    stranger = sign_in(world.other_applicant)
    assert stranger.get(f"/application/files/{material_id}").status_code == 404
    assert stranger.post(f"/application/files/{material_id}/remove").status_code == 404
    assert sign_in(world.unit_administrator).get(f"/application/files/{material_id}").status_code == 403


def test_a_bad_file_is_told_beside_its_kind(world: World, browser: FlaskClient) -> None:
    answer = _upload(browser, "post", (b"MZ" + b"\0" * 200, "合同.pdf"))
    assert answer.status_code == 422
    assert 'id="files-post-error"' in answer.text and 'href="#material-post"' in answer.text
    assert _upload(browser, "post").status_code == 422
    assert _upload(browser, "nothing", (factories.pdf(), "合同.pdf")).status_code == 404
    assert drafts.own(world.applicant).materials == []


def test_a_returned_application_shows_what_to_mend_and_locks_the_rest(world: World, sign_in: SignIn) -> None:
    factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    with transaction():
        items = [{"key": "certificate", "label": "原等级证书", "passed": False, "comment": "编号少一位。"}]
        workflow.advance(
            drafts.own(world.applicant), Action.SEND_BACK, world.unit_administrator, reason="请改。", items=items
        )
    browser = sign_in(world.applicant)
    home = browser.get("/application").text
    assert "编号少一位。" in home and 'href="/application/steps/certificate"' in home
    assert "编号少一位。" in browser.get("/application/steps/certificate").text
    locked = browser.get("/application/steps/person")
    assert "没有退回" in locked.text and 'name="education"' not in locked.text
    answer = _post(
        browser,
        "certificate",
        has_certificate="yes",
        certificate_grade="5",
        certificate_trade="汽车驾驶员",
        certificate_number="1641000000500002",
        certificate_issued_on="2015-12-01",
        certificate_issuer="河南省人力资源和社会保障厅",
    )
    assert answer.location == "/application/preview"
    look = browser.get("/application/preview")
    assert browser.post("/application/preview", data={"version": _version(look)}).status_code == 302
    assert drafts.own(world.applicant).status is Status.UNIT_REVIEW


def test_withdrawing_asks_first(world: World, sign_in: SignIn) -> None:
    factories.application(world.person("孟听雨"), world.school, status=Status.AGENCY_REVIEW)
    browser = sign_in(world.applicant)
    page = browser.get("/application/withdraw")
    assert "确认撤回" in page.text and "3月31日" in page.text
    assert drafts.own(world.applicant).status is Status.AGENCY_REVIEW
    browser.post("/application/withdraw", data={"version": _version(page)})
    assert drafts.own(world.applicant).status is Status.DRAFT


@pytest.mark.parametrize(
    "status", [Status.DRAFT, Status.UNIT_REVIEW, Status.RETURNED, Status.QUALIFIED, Status.REFUSED]
)
def test_every_page_can_be_seen_in_every_state(world: World, sign_in: SignIn, status: Status) -> None:
    factories.application(world.person("孟听雨"), world.school, status=status)
    browser = sign_in(world.applicant)
    addresses = [f"/application/steps/{step.value}" for step in FormStep]
    for address in ("/application", "/application/preview", "/application/materials", *addresses):
        assert browser.get(address, follow_redirects=True).status_code == 200, address
    assert browser.get("/application/steps/nothing").status_code == 404


def test_without_an_application_every_page_leads_home(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.applicant)
    for address in (
        "/application/preview",
        "/application/materials",
        "/application/withdraw",
        "/application/steps/unit",
    ):
        assert browser.get(address).location == "/application"
    assert browser.get("/application/form.pdf").status_code == 404


def _by_itself(browser: FlaskClient, address: str, **data: Any) -> TestResponse:
    return browser.post(address, data=data, content_type="multipart/form-data", headers={"X-Autosave": "1"})


def test_files_come_and_go_without_leaving_the_page(world: World, browser: FlaskClient) -> None:
    address = "/application/materials/post"
    sent = factories.pdf(3)
    added = _by_itself(browser, address, files=(io.BytesIO(sent), "合同.pdf"))
    assert added.status_code == 200 and added.json["message"] == "已上传岗位聘用材料。"
    assert "合同.pdf" in added.json["html"] and "3页" in added.json["html"] and "<html" not in added.json["html"]
    twice = _by_itself(browser, address, files=(io.BytesIO(sent), "合同.pdf"))
    assert twice.status_code == 422 and "内容相同" in twice.json["message"]
    lost = _by_itself(browser, address, files=(io.BytesIO(sent), "合同.pdf"), again="1")
    assert lost.status_code == 200 and lost.json["html"].count("合同.pdf</") == added.json["html"].count("合同.pdf</")
    bad = _by_itself(browser, address, files=(io.BytesIO(b"MZ" + b"\0" * 200), "合同.pdf"))
    assert bad.status_code == 422 and "可执行程序" in bad.json["message"]
    (material,) = drafts.own(world.applicant).materials
    new = _by_itself(
        browser, f"/application/files/{material.id}/replace", file=(io.BytesIO(factories.pdf()), "聘书.pdf")
    )
    assert "聘书.pdf" in new.json["html"] and "合同.pdf" not in new.json["html"]
    (material,) = drafts.own(world.applicant).materials
    gone = _by_itself(browser, f"/application/files/{material.id}/remove")
    assert "必须提供" in gone.json["html"] and drafts.own(world.applicant).materials == []


def test_a_picture_is_shown_in_small(world: World, browser: FlaskClient) -> None:
    _upload(browser, "photo", (factories.jpeg(590, 826), "近照.jpg"))
    _upload(browser, "post", (factories.pdf(), "合同.pdf"))
    photo, post = drafts.own(world.applicant).materials
    small = browser.get(f"/application/files/{photo.id}/small")
    assert small.mimetype == "image/jpeg" and len(small.data) < 20_000
    again = browser.get(f"/application/files/{photo.id}/small", headers={"If-None-Match": small.headers["ETag"]})
    assert again.status_code == 304
    assert browser.get(f"/application/files/{post.id}/small").status_code == 404


def test_the_page_of_the_grade_judges_each(world: World, browser: FlaskClient) -> None:
    trade = str(db.session.scalars(select(Trade.id).where(Trade.code == "01001")).one())
    _post(browser, "trade", trade_id=trade)
    _post(
        browser,
        "certificate",
        has_certificate="yes",
        certificate_grade="5",
        certificate_trade="绿化工",
        certificate_number="1641000000500002",
        certificate_issued_on="2015-12-01",
        certificate_issuer="河南省人力资源和社会保障厅",
    )
    page = browser.get("/application/steps/grade").text
    assert "申报二级（技师）属于越级申报" in page and "待确定" in page
    _post(browser, "grade", grade="2")
    assert "不能申报" in browser.get("/application/steps/work").text
    assert "请核对是否改报工种" in browser.get("/application/steps/assessments").text


def test_one_application_a_year(world: World, sign_in: SignIn) -> None:
    factories.application(world.person("孟听雨"), world.school, status=Status.REFUSED)
    browser = sign_in(world.applicant)
    answer = browser.post("/application/start", follow_redirects=True)
    assert "一个考核年度只能申报一次" in answer.text


def test_what_was_sent_when_signed_out_comes_back_to_its_page(browser: FlaskClient) -> None:
    browser.post("/sign-out")
    answer = browser.post("/application/steps/person", data={"education": "大专"})
    assert answer.location == "/sign-in?next=/application/steps/person"


def test_the_next_page_says_which_form_arrived(browser: FlaskClient) -> None:
    saved = 'data-saved="/application/steps/person"'
    assert _post(browser, "person").status_code == 422
    assert saved not in browser.get("/application").text
    _post(browser, "person", education="大专")
    assert saved in browser.get("/application").text
    assert saved not in browser.get("/application").text, "told once"
