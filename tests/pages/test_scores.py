"""Import, double entry, panels, rechecks, pass lines and the published lists, through their pages."""

import io
import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Application, Recheck, Result, ReviewPanel, Score
from gongkao.rules.workflow import Status
from gongkao.services import panels, scores
from tests import factories
from tests.pages.reading import main_of, workbook
from tests.services.test_scores import marks
from tests.world import World

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def qualified(world: World, at: Callable[[date], None]) -> Application:
    made = factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED)
    at(date(2025, 11, 3))
    return made


def own_account(application: Application) -> Account:
    return db.session.scalars(select(Account).where(Account.person_id == application.person_id)).one()


def held(page: str) -> dict[str, str]:
    """The hidden fields that the preview's form would send."""
    fields = re.findall(r'name="(held|map-[a-z_]+)"[^>]*value="([^"]+)"', page)
    return {name: value for name, value in fields if value}


def test_a_table_is_mapped_previewed_kept_and_undone(world: World, qualified: Application, sign_in: SignIn) -> None:
    officer = sign_in(world.officer)
    assert officer.get("/scores/4/template.xlsx").status_code == 200
    table = workbook([["考号", "技能分", "道德分", "能力分"], [qualified.number or "", "85", "90.5", "缺考"]])
    upload = {"file": (io.BytesIO(table), "成绩.xlsx")}
    first = officer.post("/scores/4/import", data=upload)
    assert first.status_code == 422 and "请指明哪一列" in first.text and "确认导入" not in first.text
    chosen = {"map-number": "考号", "map-post_skills": "技能分", "map-ethics": "道德分", "map-ability": "能力分"}
    second = officer.post("/scores/4/import/map", data={**held(first.text), **chosen})
    assert second.status_code == 200 and "全部1行检查无误" in second.text
    assert qualified.person.identity_number not in second.text
    assert officer.post("/scores/4/import/commit", data={"held": "x", **chosen}).location == "/scores/4/import"
    done = officer.post("/scores/4/import/commit", data={**held(second.text), **chosen}, follow_redirects=True)
    assert "已导入1人的成绩" in done.text and 'value="90.5"' in done.text
    assert "成绩.xlsx" in officer.get("/scores/4/import").text
    undone = officer.post("/scores/imports/1/undo", follow_redirects=True)
    assert "已撤销导入，恢复3项成绩" in undone.text
    assert db.session.scalars(select(Score)).all() == []


def test_a_breach_is_put_on_record(world: World, qualified: Application, sign_in: SignIn) -> None:
    officer, address = sign_in(world.officer), f"/scores/4/breach/{qualified.id}"
    refused = officer.post(address, data={"subject": "", "note": "携带手机"})
    assert refused.status_code == 422 and "请选择违纪的科目" in refused.text and "携带手机" in refused.text
    done = officer.post(address, data={"subject": "ethics", "note": "携带手机进入考场"}, follow_redirects=True)
    assert "已登记孟听雨甲违纪" in done.text and 'value="违纪"' in done.text
    assert sign_in(world.far_officer).get(address).status_code == 404


def test_two_people_enter_and_settle(world: World, qualified: Application, sign_in: SignIn) -> None:
    officer, manager = sign_in(world.officer), sign_in(world.manager)
    assert officer.post("/scores/double-entry", data={"on": "yes"}).status_code == 403
    manager.post("/scores/double-entry", data={"on": "yes"})
    officer.post("/scores/4", data=marks(qualified, "85", "60", "70"))
    assert 'value="85"' not in manager.get("/scores/4").text
    manager.post("/scores/4", data=marks(qualified, "85", "66", "70"))
    page = manager.get("/scores/4/differences").text
    name = scores.field_name(qualified.id, "ethics")
    assert "60（经办）" in page and "66（负责）" in page and f'name="{name}"' in page
    assert manager.post("/scores/4/differences", data={name: "六十"}).status_code == 422
    settled = manager.post("/scores/4/differences", data={name: "66"}, follow_redirects=True)
    assert "已核定1项" in settled.text and "没有不一致的成绩" in settled.text


def test_a_panel_from_its_making_to_its_opening(world: World, at: Callable[[date], None], sign_in: SignIn) -> None:
    made = factories.application(factories.person("贺远行"), world.school, grade=1, status=Status.QUALIFIED)
    at(date(2025, 11, 3))
    officer = sign_in(world.officer)
    typed = {"name": "第一评审组", "assessors": "甘一 云上站\n甘二 云中站", "criteria": "业绩 60\n答辩 40"}
    refused = officer.post("/panels/new", data=typed)
    assert refused.status_code == 422 and "评委至少3名" in refused.text and "甘二 云中站" in refused.text
    typed["assessors"] += "\n甘三 云下站"
    assert officer.post("/panels/new", data=typed).status_code == 302
    panel = db.session.scalars(select(ReviewPanel)).one()
    address = f"/panels/{panel.id}"
    assert "贺远行" in officer.get(address).text
    officer.post(f"{address}/add", data={"ids": [str(made.id)]})
    for one in panel.assessors:
        sheet = {panels.field_name(panel.candidates[0], part): "31" for part in panel.criteria}
        assert officer.post(f"/panels/assessors/{one.id}", data=sheet).status_code == 302
        assert 'value="31"' not in officer.get(f"/panels/assessors/{one.id}").text
    assert ">62<" not in officer.get(address).text and officer.post(f"{address}/open").status_code == 403
    manager = sign_in(world.manager)
    assert "请在主任评委在场时勾选确认" in manager.post(f"{address}/open").text
    opened = manager.post(f"{address}/open", data={"sure": "y"}, follow_redirects=True)
    assert "综合评审成绩已计入" in opened.text and ">62<" in opened.text
    # What the panel gives is shown among the scores and not typed.
    page = officer.get("/scores/1").text
    assert scores.field_name(made.id, "theory") in page and scores.field_name(made.id, "review") not in page


def test_a_recheck_and_the_published_list(
    world: World, qualified: Application, sign_in: SignIn, client: FlaskClient
) -> None:
    scores.enter(world.officer, 4, marks(qualified, "60", "59", "100"))
    assert "孟" not in main_of(client.get("/results/published"))
    release = factories.release_results(world.officer, world.manager)
    result = db.session.scalars(select(Result)).one()
    listed = f"/results/published/{release.id}"
    assert "中牟县工考管理机构" in client.get("/results/published").text
    for page in (client.get(listed), client.get(f"{listed}/print"), client.get(f"{listed}?q={result.number}")):
        assert page.status_code == 200 and "孟***" in page.text and result.number in page.text
        assert "孟听雨甲" not in page.text and qualified.person.masked_identity_number not in page.text
    for part in ("孟", result.number[:-1]):
        assert result.number not in main_of(client.get(f"{listed}?q={part}"))
    assert client.get("/results/published/999").status_code == 404

    code = result.verification_code
    own = sign_in(own_account(qualified))
    assert "成绩复核" in own.get("/application").text
    assert "请填写复核理由" in own.post("/application/recheck", data={"reason": ""}).text
    own.post("/application/recheck", data={"reason": "对职业道德的计分有疑问"})
    recheck = db.session.scalars(select(Recheck)).one()
    address = f"/rechecks/{recheck.id}"
    assert sign_in(world.far_officer).get(address).status_code == 404
    officer, manager = sign_in(world.officer), sign_in(world.manager)
    assert "孟听雨甲" in officer.get("/rechecks").text
    answer = {"answer": "漏计一题，应为61分。", "mark-ethics": "61"}
    assert "须由机构负责人办理" in officer.post(address, data=answer).text
    wrong = manager.post(address, data={**answer, "mark-ethics": "161"})
    assert wrong.status_code == 422 and 'value="161"' in wrong.text and "满分为100分" in wrong.text
    assert "成绩已更正" in manager.post(address, data=answer, follow_redirects=True).text
    seen = own.get("/application/recheck").text
    assert f"{result.number}" in seen and "原结果通知作废" in seen
    assert "该通知已作废" in client.get(f"/verify/{code}").text


def test_pass_lines_are_the_centres_to_change(world: World, sign_in: SignIn) -> None:
    assert "各科目均须达到合格线" in sign_in(world.officer).get("/settings/scoring").text
    assert sign_in(world.manager).get("/settings/scoring/4").status_code == 403
    centre = sign_in(world.province_manager)
    typed = {"each_subject": "yes", "total": "yes", "total_line": "70", "weight-post_skills": "50"}
    refused = centre.post("/settings/scoring/4", data=typed)
    assert refused.status_code == 422 and "权重合计应为100%" in refused.text and 'value="50"' in refused.text
    typed |= {"weight-ethics": "20", "weight-ability": "30"}
    assert "合格标准已修改" in centre.post("/settings/scoring/4", data=typed, follow_redirects=True).text
    common = {"recheck_days": "0", "panel_spread": "20"}
    assert "1至60" in centre.post("/settings/scoring/common", data=common).text
    common["recheck_days"] = "10"
    assert "公布后10天内" in centre.post("/settings/scoring/common", data=common, follow_redirects=True).text
