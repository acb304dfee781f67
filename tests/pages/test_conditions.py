"""The conditions' pages: read by many, changed by the provincial centre a step at a time, by form or by file."""

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gongkao.models import Account, ConditionSet
from gongkao.rules.grades import Grade
from gongkao.services import conditions, cycles
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
FOUR = "/settings/conditions/grades/4"


def _current() -> ConditionSet:
    return conditions.current(cycles.current_cycle())


class _Inputs(HTMLParser):
    """What a browser would send of the page's inputs, without any button."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.select: str | None = None
        self.chosen: str | None = None
        self.option: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        name, value = own.get("name"), own.get("value")
        if tag == "input" and name and own.get("type") not in ("file", "search"):
            if own.get("type") != "checkbox" or "checked" in own:
                self.found.append((name, value or ""))
        elif tag == "select":
            self.select, self.chosen = name, None
        elif tag == "option" and (self.chosen is None or "selected" in own):
            self.option, self.chosen = value, value
        elif tag == "option":
            self.option = None

    def handle_data(self, data: str) -> None:
        if self.option is None and self.select and self.chosen is None:
            self.chosen = data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select:
            self.found.append((self.select, self.chosen or ""))
            self.select = None


def _sent(page: str, **changes: str) -> dict[str, Any]:
    """The page's form as it stands, with changes by name ("." written as "__")."""
    parser = _Inputs()
    parser.feed(page)
    sent: dict[str, Any] = {}
    for name, value in parser.found:
        sent.setdefault(name, []).append(value)
    return sent | {name.replace("__", "."): value for name, value in changes.items()}


def _step(browser: FlaskClient, page: str, step: str, address: str = FOUR, **changes: str) -> TestResponse:
    return browser.post(address, data=_sent(page, **changes) | {"step": step})


def _held(page: str) -> str:
    found = re.search(r'name="held" value="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


def test_whoever_sees_the_settings_reads_the_conditions(world: World, sign_in: SignIn) -> None:
    for reader in (world.officer, world.inspector, world.province_officer):
        browser = sign_in(reader)
        page = browser.get("/settings/conditions").text
        assert "途径2：工作满18年" in page and "取得四级（中级工）证书满5年且工种相同" in page
        assert "现行条件：第1版" in page and "待核对" in page and "豫人社函〔2025〕21号一（一）" in page
        assert FOUR not in page and browser.get(FOUR).status_code == 403
        assert "系统" in browser.get("/settings/conditions/versions").text
        assert browser.get("/settings/conditions/versions/export").mimetype.endswith("sheet")
        assert browser.get("/settings/conditions/versions/1").status_code == 200
        assert browser.get("/settings/conditions/versions/9").status_code == 404
    assert sign_in(world.applicant).get("/settings/conditions").status_code == 403
    assert sign_in(world.manager).get(FOUR).status_code == 403
    assert FOUR in sign_in(world.province_manager).get("/settings/conditions").text
    assert sign_in(world.province_manager).get("/settings/conditions/grades/6").status_code == 404


@pytest.mark.parametrize("address", [*(f"/settings/conditions/grades/{int(one)}" for one in Grade), "common"])
def test_the_form_says_what_is_stored(world: World, sign_in: SignIn, address: str) -> None:
    """Sent back as it came, nothing has changed: every input is shown and read."""
    address = address if address.startswith("/") else f"/settings/conditions/{address}"
    browser = sign_in(world.province_manager)
    answer = _step(browser, browser.get(address).text, "review", address)
    assert answer.status_code == 422 and "与现行条件相同，没有需要保存的修改" in answer.text


def test_a_value_is_changed_seen_in_words_and_confirmed(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.province_manager)
    answer = _step(browser, browser.get(FOUR).text, "review", ways__0__parts__0__at_least="6")
    assert answer.status_code == 200 and _current().version == 1
    assert "<del>取得五级（初级工）证书满5年且工种相同</del>" in answer.text
    held = _held(answer.text)
    # Back to the form with what was typed, and on again.
    again = browser.post(FOUR, data={"step": "reopen", "held": held}).text
    assert 'name="ways.0.parts.0.at_least" value="6"' in again and "尚未保存" in again
    answer = browser.post("/settings/conditions/commit", data={"held": held, "note": ""})
    assert answer.status_code == 422 and "请写明修改的依据或原因" in answer.text and _current().version == 1
    sent = {"held": _held(answer.text), "note": "按19号文件核对"}
    answer = browser.post("/settings/conditions/commit", data=sent, follow_redirects=True)
    assert "申报条件已改为第2版" in answer.text and (_current().version, _current().note) == (2, "按19号文件核对")
    assert "与第1版相比" in browser.get("/settings/conditions/versions/2").text
    # The same confirmation twice, or one that was made against an older version, changes nothing.
    answer = browser.post("/settings/conditions/commit", data=sent, follow_redirects=True)
    assert "您的修改没有保存" in answer.text and _current().version == 2
    for broken in ("", "nonsense"):
        answer = browser.post(
            "/settings/conditions/commit", data={"held": broken, "note": "按文件"}, follow_redirects=True
        )
        assert "预览已过期" in answer.text and _current().version == 2


def test_terms_groups_and_ways_come_and_go_without_a_script(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.province_manager)
    page = browser.get(FOUR).text
    page = _step(browser, page, "way").text
    page = _step(browser, page, "add:ways.2.parts", **{"new:ways__2__parts": "any_of", "ways__2__title": "获奖"}).text
    page = _step(browser, page, "add:ways.2.parts.0.parts", **{"new:ways__2__parts__0__parts": "awards"}).text
    page = _step(browser, page, "add:ways.2.parts.0.parts", **{"new:ways__2__parts__0__parts": "schooling"}).text
    assert 'value="获奖"' in page and "尚未保存" in page
    page = _step(browser, page, "remove:ways.0.parts.1").text
    answer = _step(browser, page, "review")
    assert answer.status_code == 422 and "请先改正以下 3 处" in answer.text
    for words in ("途径3第1项第1项：请填写至少几项。", "途径3第1项第1项：请填写奖励级别。", "请填写最低学历。"):
        assert f"{words}</a>" in answer.text, words
    assert "at_least）" not in answer.text and _current().version == 1
    answer = _step(
        browser,
        answer.text,
        "review",
        ways__2__parts__0__parts__0__at_least="1",
        ways__2__parts__0__parts__0__level="省级及以上",
        ways__2__parts__0__parts__1__at_least="大专",
    )
    assert answer.status_code == 200 and "删去：<del>原等级证书已备案在册</del>" in answer.text
    browser.post("/settings/conditions/commit", data={"held": _held(answer.text), "note": "增加途径"})
    four = conditions.rules_of(_current()).by_grade[4]
    assert [way.title for way in four.ways] == ["取得五级证书满5年", "工作满10年", "获奖"]
    assert len(four.ways[0].parts) == 1 and len(four.ways[2].parts[0].parts) == 2  # type: ignore[union-attr]
    page = browser.get(FOUR).text
    for _ in range(3):
        page = _step(browser, page, "remove:ways.0").text
    assert "四级（中级工）" in page and "至少要有一条途径" in _step(browser, page, "review").text


def test_what_is_wrong_stands_beside_the_field_and_stays_typed(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.province_manager)
    typed = {"ways__0__parts__0__at_least": "五", "ways__1__parts__0__at_least": "9" * 8, "ways__1__title": ""}
    answer = _step(browser, browser.get(FOUR).text, "review", **typed)
    assert answer.status_code == 422 and "请先改正以下 3 处" in answer.text
    assert "至少满几年应为1至60的整数，现为“五”。" in answer.text and 'value="五"' in answer.text
    assert "途径应有名称和全部须符合的条件。" in answer.text
    common = "/settings/conditions/common"
    answer = _step(browser, browser.get(common).text, "review", common, counted_to="2019-12-31", source="")
    assert answer.status_code == 422 and "年限计算截止日期应在考核年度当年或上一年。" in answer.text
    assert _current().version == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"step": "remove:ways.77"},
        {"step": "remove:"},
        {"step": "add:ways.0.parts.0.parts", "new:ways.0.parts.0.parts": "nonsense"},
        {"step": "add:also.٣.parts"},
        {"step": "review", "ways.0": "x", "ways.0.title": "y", "ways.x.parts.0.kind": "awards"},
        {"step": "review", "also.0.kind": "nonsense", "also." + ".".join("0" * 60): "x", "based_on": "x" * 300},
        {"step": "reopen", "held": "nonsense"},
        {},
    ],
)
def test_a_form_sent_by_no_browser_harms_nothing(world: World, sign_in: SignIn, sent: dict[str, str]) -> None:
    assert sign_in(world.province_manager).post(FOUR, data=sent).status_code in (200, 422)
    assert _current().version == 1


def test_of_two_who_edit_the_later_is_told(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.province_manager)
    page = browser.get(FOUR).text
    data = conditions.read_toml(conditions.toml(conditions.rules_of(_current())).encode())
    conditions.change(world.province_manager, data | {"calendar_years": True}, "按年头计算")
    answer = _step(browser, page, "review", ways__0__parts__0__at_least="6")
    assert answer.status_code == 422 and "改为第2版，您的修改没有保存" in answer.text
    answer = _step(browser, answer.text, "review")
    assert answer.status_code == 200 and "证书满6年" in answer.text and "按年头计算" not in answer.text


def test_the_file_goes_out_and_comes_back(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.province_manager)
    answer = browser.get("/settings/conditions/versions/1/file")
    text = answer.data.decode()
    assert "attachment" in answer.headers["Content-Disposition"] and text.startswith("# 2025 年度申报条件")

    def upload(content: str) -> TestResponse:
        sent = {"file": (BytesIO(content.encode()), "2025年度申报条件.toml")}
        return browser.post("/settings/conditions/import", data=sent)

    answer = upload(text.replace("at_least = 18", "at_least = 180").replace("2024-12-31", "2019-12-31"))
    assert answer.status_code == 422 and "有2处错误，没有改动申报条件" in answer.text
    assert "三级（高级工）途径2第1项" in answer.text and "至少满几年应为1至60的整数，现为“180”" in answer.text
    assert upload("year = =").status_code == 422 and "第1行写法有误" in upload("year = =").text
    assert "请选择要上传的文件" in browser.post("/settings/conditions/import", data={}).text
    assert "与现行条件相同" in upload(text).text
    answer = upload(text.replace("at_least = 18", "at_least = 20"))
    assert answer.status_code == 200 and "<ins>工作满20年</ins>" in answer.text
    browser.post("/settings/conditions/commit", data={"held": _held(answer.text), "note": "上传核对后的条件"})
    assert _current().version == 2 and "工作满20年" in browser.get("/settings/conditions").text
