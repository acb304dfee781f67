"""The desk's page and what is done from it: few statements, claims, kept verdicts, bulk passes, views."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete

from gongkao.extensions import db
from gongkao.models import Account, Application, UnitStatement
from gongkao.rules.workflow import Action, Status
from gongkao.services import claims, phrases, review, review_notes
from gongkao.services.review import Verdict
from gongkao.services.transaction import transaction
from tests import factories
from tests.pages.conftest import Counted
from tests.world import World

SignIn = Callable[[Account], FlaskClient]


def form(application: Application, action: str, **changes: str) -> dict[str, Any]:
    sent = {f"check-{item.key}": "pass" for item in review.checklist(application)}
    return {**sent, "version": str(application.version), "action": action, "reason": "", **changes}


def checked(actor: Account, application: Application) -> None:
    verdicts = {item.key: Verdict(True) for item in review.checklist(application)}
    review_notes.save(actor, application.id, application.version, verdicts)


@pytest.fixture
def queue(world: World) -> list[int]:
    people = [factories.person(f"排队{serial}", 61 + serial) for serial in range(6)]
    made = [factories.application(one, world.school, grade=4, status=Status.AGENCY_REVIEW) for one in people]
    made += [
        factories.application(world.person("孟听雨"), world.station, grade=3, status=Status.AGENCY_REVIEW),
        factories.application(world.person("祝晓川"), world.school, status=Status.UNIT_REVIEW),
    ]
    return [one.id for one in made]


@pytest.mark.parametrize("second_review", [False, True])
def test_no_page_of_a_desk_takes_more_than_a_dozen_statements(
    world: World, sign_in: SignIn, queue: list[int], statements: Counted, second_review: bool
) -> None:
    with transaction():
        world.officer.agency.second_review = second_review
    checked(world.officer, db.session.get_one(Application, queue[0]))
    officer, unit = sign_in(world.officer), sign_in(world.unit_administrator)
    for browser, path in (
        (officer, "/review"),
        (officer, "/review?status=agency_review&grade=4&age=today&sort=name"),
        (officer, f"/review?unit={world.school.id}&note=none"),
        (officer, "/review?q=排队"),
        (officer, "/review?q=1234"),
        (officer, "/review/all"),
        (officer, f"/review/{queue[1]}"),
        (unit, "/review"),
        (unit, f"/review/{queue[7]}"),
    ):
        with statements() as sent:
            assert browser.get(path).status_code == 200
        assert len(sent) <= 12, "\n".join([path, *(" ".join(one.split()) for one in sent)])


def test_a_second_reviewer_is_told_and_takes_over_without_losing_anything(
    world: World, sign_in: SignIn, queue: list[int]
) -> None:
    address = f"/review/{queue[6]}"
    application = db.session.get_one(Application, queue[6])
    assert 'value="take_over"' not in sign_in(world.officer).get(address).text
    manager = sign_in(world.manager)
    page = manager.get(address).text
    assert (
        "经办自3月20日" in page and 'value="take_over"' in page and 'value="pass"' not in page.split("decision-bar")[1]
    )
    assert "经办正在审查" in manager.get("/review").text
    typed = form(application, "pass", **{"check-work-comment": "已核对原件。"})
    answer = manager.post(address, data=typed)
    assert answer.status_code == 422 and "请先“接手审查”" in answer.text and "已核对原件。" in answer.text
    answer = manager.post(address, data={**typed, "action": "take_over"})
    assert answer.status_code == 200 and "已核对原件。" in answer.text and 'value="take_over"' not in answer.text
    assert manager.post(address, data=typed).status_code == 302
    assert application.status is Status.QUALIFIED


def test_what_is_saved_stands_in_the_form_again_and_can_be_passed_in_bulk(
    world: World, sign_in: SignIn, queue: list[int]
) -> None:
    browser, first, second = sign_in(world.officer), *(db.session.get_one(Application, key) for key in queue[:2])
    partly = form(first, "save", **{"check-work": "fail", "check-work-comment": "缺2012年的证明。", "reason": "等来电"})
    del partly["check-person"]
    answer = browser.post(f"/review/{first.id}?grade=4", data=partly)
    assert answer.location == f"/review/{second.id}?grade=4" and first.status is Status.AGENCY_REVIEW
    page = browser.get(f"/review/{first.id}").text
    assert (
        'value="缺2012年的证明。"' in page
        and 'name="check-work" value="fail" checked' in page
        and 'value="等来电"' in page
    )
    assert "保存了审查意见，已填入" in page and 'name="check-person" value="pass" checked' not in page
    assert browser.post(f"/review/{second.id}", data=form(second, "save")).status_code == 302

    desk = browser.get("/review").text
    total = len(review.checklist(first))
    assert f"已存 {total - 1}/{total} 项" in desk and "可批量通过" in desk
    assert re.findall(r'name="ids" value="(\d+)"', desk) == [str(second.id)]
    answer = browser.post("/review/pass-ready", data={"ids": [str(first.id), str(second.id), "x"]})
    assert "通过 1 人，1 人没有办理" in answer.text and "还有项目没有审查，或有问题。" in answer.text
    assert (first.status, second.status) == (Status.AGENCY_REVIEW, Status.QUALIFIED)
    assert browser.post("/review/pass-ready", data={}).location == "/review"

    # It changed meanwhile: what was saved is shown, and not filled in.
    with transaction():
        first.education = "大专"
    page = browser.get(f"/review/{first.id}").text
    assert "此后申报有变动，没有填入" in page and 'value="缺2012年的证明。"' not in page and "缺2012年的证明。" in page


def test_views_are_saved_opened_and_deleted(world: World, sign_in: SignIn, queue: list[int]) -> None:
    browser = sign_in(world.officer)
    browser.post("/review/views?grade=3&sort=name", data={"name": "三级"})
    desk = browser.get("/review").text
    link = re.search(r'<a href="(/review[^"]*)">三级</a>', desk)
    assert link is not None
    page = browser.get(link[1].replace("&amp;", "&")).text
    assert "孟听雨" in page and "排队1" not in page and "删除视图“三级”" in page
    assert "请填写视图名称" in browser.post("/review/views?grade=3", data={"name": " "}, follow_redirects=True).text
    action = re.search(r'action="(/review/views/\d+/delete)"', page)
    assert action is not None and sign_in(world.manager).post(action[1]).status_code == 404
    assert "已删除视图“三级”" in browser.post(action[1], follow_redirects=True).text


def test_ones_own_sentences_are_listed_and_dropped(world: World, sign_in: SignIn, queue: list[int]) -> None:
    browser = sign_in(world.officer)
    with transaction():
        phrases.remember(world.officer, ["请补全2019年的经历。", "证书编号有误。"])
    assert "/review/phrases" in browser.get("/profile").text and "/review/phrases" in browser.get("/review").text
    page = browser.get("/review/phrases").text
    found = re.search(
        r'name="ids" value="(\d+)"[^>]*>.*?证书编号有误。', page[page.index("请补全2019年的经历。") :], re.S
    )
    assert "还没有常用意见" in sign_in(world.manager).get("/review/phrases").text and found is not None
    refused = browser.post("/review/phrases/delete", follow_redirects=True).text
    assert "没有勾选要删除的意见" in refused and "证书编号有误。" in refused
    left = browser.post("/review/phrases/delete", data={"ids": found[1]}, follow_redirects=True).text
    assert "已删除1条常用意见" in left and "证书编号有误。" not in left and "请补全2019年的经历。" in left
    assert "证书编号有误。" not in browser.get(f"/review/{queue[0]}").text


def test_two_looks_have_their_own_filters_and_buttons(world: World, sign_in: SignIn, queue: list[int]) -> None:
    with transaction():
        world.officer.agency.second_review = True
    application = db.session.get_one(Application, queue[0])
    officer, manager = sign_in(world.officer), sign_in(world.manager)
    assert "初审通过</button>" in officer.get(f"/review/{application.id}").text
    answer = officer.post(f"/review/{application.id}", data=form(application, "pass"), follow_redirects=True)
    assert "初审通过：排队0" in answer.text and "待本机构其他人员复审" in answer.text
    page = officer.get(f"/review/{application.id}").text
    assert "复审须由本机构其他人员办理" in page and 'value="pass" data-needs' not in page
    claims.claim(world.manager, application.id)
    desk = manager.get("/review?status=agency_review&look=second").text
    assert "排队0" in desk and "排队1" not in desk and "待初审" in desk
    assert "排队0" not in manager.get("/review?status=agency_review&look=first").text


def test_the_unit_fills_in_its_statement_and_everybody_concerned_reads_it(
    world: World, sign_in: SignIn, queue: list[int]
) -> None:
    application = db.session.get_one(Application, queue[7])
    with transaction() as session:
        session.execute(delete(UnitStatement))
    unit = sign_in(world.unit_administrator)
    assert "还没有确认本年度的岗位空缺和聘用说明" in unit.get("/review").text
    answer = unit.post(f"/review/{application.id}", data=form(application, Action.PASS))
    assert answer.status_code == 422 and 'href="/review/statement"' in answer.text
    typed = {"version": "0", "vacant": "yes", "terms": "竞聘上岗", "responsible_name": "管事", "posts-4-post": "电工岗"}
    answer = unit.post("/review/statement", data=typed)
    assert answer.status_code == 422 and "第1行 岗位等级" in answer.text and 'value="电工岗"' in answer.text
    typed |= {"posts-4-grade": "3", "posts-4-vacancies": "2", "posts-4-terms": "取得三级证书"}
    added = unit.post("/review/statement", data={**typed, "go": "add"}).text
    assert 'name="posts-3-post"' not in added and 'name="posts-2-post"' in added and "电工岗" in added
    assert unit.post("/review/statement", data=typed).location == "/review"
    assert unit.post("/review/statement", data=typed).status_code == 409
    for reader, path in (
        (world.bureau_administrator, f"/review/{application.id}"),
        (world.officer, f"/review/{application.id}"),
        (world.other_applicant, "/application"),
    ):
        assert "电工岗" in sign_in(reader).get(path).text, path
    assert unit.post(f"/review/{application.id}", data=form(application, Action.PASS)).status_code == 302
    assert sign_in(world.officer).get("/review/statement").status_code == 403
