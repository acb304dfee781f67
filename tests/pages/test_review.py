"""The desks' pages: what they show, what they keep when refused, and where they lead next."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask.testing import FlaskClient

from gongkao.models import Account, Application
from gongkao.rules.workflow import Action, Status
from gongkao.services import review, workflow
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

SignIn = Callable[[Account], FlaskClient]


def address(application: Application) -> str:
    return f"/review/{application.id}"


def form(application: Application, action: Action, **changes: str) -> dict[str, Any]:
    """The whole form with every item passed; changes by input name, "-" written as "_"."""
    sent = {f"check-{item.key}": "pass" for item in review.checklist(application)}
    sent |= {"version": str(application.version), "action": action.value, "reason": ""}
    return sent | {name.replace("_", "-"): value for name, value in changes.items()}


def test_the_desk_lists_searches_filters_and_exports_its_queue(world: World, sign_in: SignIn) -> None:
    factories.application(world.person("孟听雨"), world.school, grade=3, status=Status.AGENCY_REVIEW)
    factories.application(world.person("祝晓川"), world.station, grade=4, status=Status.ONSITE_CONFIRMATION)
    browser = sign_in(world.officer)
    page = browser.get("/review").text
    assert "孟听雨" in page and "祝晓川" in page
    identity = world.person("孟听雨").identity_number
    assert identity not in page and world.person("孟听雨").masked_identity_number in page
    for query in (f"q={identity[-4:]}", "q=晴川学校", "grade=3", "status=agency_review", f"unit={world.school.id}"):
        found = browser.get(f"/review?{query}").text
        assert "孟听雨" in found and "祝晓川" not in found, query
    assert browser.get("/review/export?grade=3").mimetype.endswith("sheet")
    empty = sign_in(world.far_officer).get("/review").text
    assert "单位和主管单位审核通过后，会出现在这里" in empty
    listed = sign_in(world.inspector).get("/review/all?status=onsite_confirmation").text
    assert "祝晓川" in listed and "孟听雨" not in listed
    assert sign_in(world.inspector).get("/review").status_code == 403
    assert sign_in(world.applicant).get("/review/all").status_code == 403


def test_after_a_decision_the_next_of_the_filtered_queue_opens(world: World, sign_in: SignIn) -> None:
    made = [
        factories.application(factories.person(f"申报{serial}", serial), world.station, grade=grade)
        for serial, grade in ((61, 4), (62, 3), (63, 4))
    ]
    for application in made:
        factories.move(application, Status.AGENCY_REVIEW)
    browser = sign_in(world.officer)
    first, last = made[0], made[2]
    answer = browser.post(f"{address(first)}?grade=4", data=form(first, Action.PASS, onsite="y"))
    assert answer.status_code == 302 and answer.location == f"{address(last)}?grade=4"
    page = browser.get(answer.location).text
    assert "已通过：申报61" in page and "待现场审查确认" in page
    answer = browser.post(f"{address(last)}?grade=4", data=form(last, Action.PASS))
    assert (answer.location, last.status) == ("/review?grade=4", Status.QUALIFIED)


def test_a_refused_form_keeps_what_was_ticked_and_typed(world: World, sign_in: SignIn) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    browser = sign_in(world.unit_administrator)
    sent = form(
        application, Action.PASS, check_work="fail", check_work_comment="2010年前的经历缺证明。", reason="说明如下"
    )
    del sent["check-person"]
    answer = browser.post(address(application), data=sent)
    assert answer.status_code == 422
    page = answer.text
    assert "请先改正以下 2 处" in page and "这一项还没有审查" in page and "这一项有问题，不能通过" in page
    assert 'value="2010年前的经历缺证明。"' in page and 'value="说明如下"' in page
    assert 'name="check-work" value="fail" checked' in page and 'name="check-unit" value="pass" checked' in page
    assert browser.post(address(application), data=form(application, Action.REFUSE)).status_code == 422
    answer = browser.post(address(application), data={"version": "x", "action": "nonsense"})
    assert answer.status_code == 409 and application.status is Status.UNIT_REVIEW


def test_a_stale_form_shows_the_newer_decision_and_loses_nothing(world: World, sign_in: SignIn) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=Status.AGENCY_REVIEW)
    mine = form(application, Action.SEND_BACK, check_work="fail", check_work_comment="缺2012年的证明。")
    sign_in(world.manager).post(
        address(application), data=form(application, Action.REFUSE, reason="不在本单位岗位工作。")
    )
    answer = sign_in(world.officer).post(address(application), data=mine)
    assert answer.status_code == 409
    assert "不予通过" in answer.text and "您的操作没有生效" in answer.text and "缺2012年的证明。" in answer.text
    assert application.status is Status.REFUSED

    # It came back meanwhile and waits here again: the same ticks stand in a form for the newer state.
    again = factories.application(world.person("祝晓川"), world.station, status=Status.AGENCY_REVIEW)
    stale = form(again, Action.PASS, check_work_comment="已核对原件。")
    with transaction():
        workflow.advance(again, Action.SEND_BACK, world.manager, reason="请核对。")
        workflow.advance(again, Action.RESUBMIT, world.other_applicant)
    answer = sign_in(world.officer).post(address(again), data=stale)
    assert answer.status_code == 409 and 'value="已核对原件。"' in answer.text
    assert f'name="version" value="{again.version}"' in answer.text


def test_strangers_find_nothing_and_onlookers_only_read(world: World, sign_in: SignIn) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    file = f"{address(application)}/materials/{application.materials[0].id}"
    for stranger in (world.station_administrator, world.far_unit_administrator, world.far_officer, world.far_inspector):
        browser = sign_in(stranger)
        assert browser.get(address(application)).status_code == browser.get(file).status_code == 404
    assert sign_in(world.far_officer).post(address(application), data=form(application, Action.PASS)).status_code == 404
    identity = application.person.identity_number
    for onlooker in (world.bureau_administrator, world.officer, world.city_officer, world.inspector):
        page = sign_in(onlooker).get(address(application)).text
        assert "由中牟县晴川学校（所在单位）审核" in page
        assert 'name="action"' not in page and identity not in page
    assert sign_in(world.officer).post(address(application), data=form(application, Action.PASS)).status_code == 422
    answer = sign_in(world.unit_administrator).get(file)
    assert (answer.status_code, answer.mimetype) == (200, application.materials[0].file.media_type)


def test_the_conditions_stand_beside_what_proves_them(world: World, sign_in: SignIn) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=Status.UNIT_REVIEW)
    worked = {"result": "met", "text": "您2004年7月参加工作，要求工作满18年：符合", "source": "豫人社办〔2024〕19号"}
    held = {"result": "judgement", "text": "您的原等级证书是否备案由审核人员查对：需审核人员认定", "source": "同上"}
    way = {"result": "judgement", "text": "逐级晋升：需审核人员认定", "source": "同上", "parts": [held]}
    with transaction():
        application.evaluation = {"verdict": "undecided", "ways": [way], "common": [worked]}
    page = sign_in(world.station_administrator).get(address(application)).text
    for words in ("尚不能确定", "2004年7月参加工作，要求工作满18年 <", "豫人社办〔2024〕19号"):
        assert words in page
    assert " 原等级证书是否备案由审核人员查对 <" in page
    assert "您2004年" not in page


def test_outside_the_window_the_page_names_it_and_offers_no_decision(
    world: World, sign_in: SignIn, at: Callable[[date], None]
) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    at(date(2025, 4, 4))
    browser = sign_in(world.unit_administrator)
    page = browser.get(address(application)).text
    assert "单位资格初审时间为2025年3月13日至4月3日，现已截止" in page and 'name="action"' not in page
    answer = browser.post(address(application), data=form(application, Action.PASS))
    assert answer.status_code == 422 and application.status is Status.UNIT_REVIEW


def test_asking_for_whole_numbers_keeps_what_was_ticked(world: World, sign_in: SignIn) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.AGENCY_REVIEW)
    person = application.person
    officer = sign_in(world.officer)
    masked = officer.get(address(application)).text
    assert person.masked_identity_number in masked and person.identity_number not in masked
    assert person.mobile not in masked
    sent = form(application, Action.PASS, reason="照片模糊") | {"unmask_reason": "original"}
    shown = officer.post(f"{address(application)}/numbers", data=sent)
    assert shown.status_code == 200 and person.identity_number in shown.text and person.mobile in shown.text
    items = len(review.checklist(application))
    assert shown.text.count('value="pass" checked') == items and "照片模糊" in shown.text
    assert application.status is Status.AGENCY_REVIEW
    # And what stands there can still be sent.
    assert f'action="{address(application)}"' in shown.text
    assert officer.post(address(application), data=form(application, Action.PASS)).status_code == 302
