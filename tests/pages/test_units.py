"""Units through their pages: list, editing, import from Excel, and the yearly check of names."""

import io
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, Unit, UnitCheck, UnitCheckStatus
from gongkao.services import unit_checks
from gongkao.storage.spreadsheets import MAX_BYTES
from tests.pages.reading import error_beside, workbook
from tests.world import World, credit_code

SignIn = Callable[[Account], FlaskClient]
At = Callable[[date], None]
CHECK_DAY = date(2025, 3, 11)
TYPED = {
    "name": "中牟县清溪中心",
    "credit_code": credit_code(90),
    "level": "county",
    "region_code": "410122",
    "supervising_unit": "中牟县晴川局",
    "contact_phone": "0371-62181234",
    "active": "y",
}
HEADS = ["单位名称", "统一社会信用代码", "单位层级", "所在地区", "主管单位", "联系电话"]


def count() -> int:
    return db.session.scalar(select(func.count(Unit.id))) or 0


def upload(data: bytes, name: str = "单位.xlsx") -> dict[str, Any]:
    return {"file": (io.BytesIO(data), name)}


def test_an_agency_adds_finds_and_changes_a_unit(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.officer)
    answer = browser.post("/units/new", data=TYPED)
    assert answer.status_code == 302
    page = browser.get(answer.location).text
    assert "已新增单位“中牟县清溪中心”，由中牟县工考管理机构负责资格审查。" in page
    assert f'href="/units/{world.bureau.id}"' in page
    listed = browser.get("/units?q=清溪").text
    assert TYPED["credit_code"] in listed and "中牟县云溪站" not in listed
    assert browser.get("/units/lookup?q=清溪").json[0]["label"] == "中牟县清溪中心"
    form = browser.get(f"{answer.location}/edit").text
    assert f'value="{world.bureau.credit_code}"' in form
    changed = {**TYPED, "name": "中牟县清溪服务中心", "supervising_unit": ""}
    assert browser.post(f"{answer.location}/edit", data=changed).location == answer.location
    assert world.unit("中牟县清溪服务中心").supervising_unit_id is None
    assert browser.get("/units/export").mimetype.endswith("sheet")
    assert sign_in(world.far_officer).get(answer.location).status_code == 404


@pytest.mark.parametrize("edit", [False, True], ids=["new", "edit"])
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "请输入单位名称"),
        ("name", "清溪", "单位名称应为4至60个字"),
        ("name", "中牟县清溪中心!", "单位名称只能有汉字、字母、数字和括号"),
        ("name", "中牟县云溪站", "该地区已有名为“中牟县云溪站”的单位"),
        ("credit_code", "", "请输入18位统一社会信用代码"),
        ("credit_code", "12410122", "应为18位，现为8位"),
        ("credit_code", "124101220000000909", "校验未通过"),
        ("credit_code", credit_code(3), "已有单位使用"),
        ("level", "", "请选择单位层级。"),
        ("level", "village", "不是有效的选择"),
        ("level", "provincial", "不在本机构办理范围内"),
        ("region_code", "", "请选择单位所在地区。"),
        ("region_code", "410181", "不是有效的选择"),
        ("supervising_unit", "中牟县没有这个局", "没有找到“中牟县没有这个局”"),
        ("contact_phone", "62181234", "请带区号填写"),
    ],
)
def test_a_unit_is_refused_beside_the_field(
    world: World, sign_in: SignIn, edit: bool, field: str, value: str, message: str
) -> None:
    address = f"/units/{world.school.id}/edit" if edit else "/units/new"
    sent = {**TYPED, field: value}
    answer = sign_in(world.officer).post(address, data=sent)
    place = {"level": "region_code"}.get(field, field) if value == "provincial" else field
    assert answer.status_code == 422 and error_beside(answer.text, place, message)
    kept = [text for name, text in sent.items() if name not in ("level", "region_code", "active") and text]
    assert all(f'value="{text}"' in answer.text for text in kept)
    assert count() == 8 and world.unit("中牟县晴川学校").credit_code == credit_code(2)


def test_a_unit_cannot_stand_under_its_own_subordinate_nor_end_above_one(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.officer)
    address = f"/units/{world.bureau.id}/edit"
    own = {**TYPED, "name": "中牟县晴川局", "credit_code": credit_code(1), "supervising_unit": ""}
    below = browser.post(address, data={**own, "supervising_unit": "中牟县晴川学校"})
    assert below.status_code == 422 and error_beside(below.text, "supervising_unit", "不能作为主管单位")
    ended = browser.post(address, data={name: text for name, text in own.items() if name != "active"})
    assert ended.status_code == 422 and error_beside(ended.text, "active", "还有1个下属单位")
    assert world.bureau.active and world.bureau.supervising_unit_id is None


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "", "请选择"),
        (b"", "单位.xlsx", "空文件"),
        (b"MZ\x90\x00" + b"\x00" * 200, "单位.xlsx", "不能上传"),
        (b"%PDF-1.7", "单位.pdf", "不能上传"),
        (b"PK\x03\x04" + b"\x00" * 200, "单位.xlsx", "单位.xlsx"),
        (workbook([["单位名称", "单位层级"], ["清溪", "县级"]]), "单位.xlsx", "缺少“统一社会信用代码”“所在地区”列"),
        (workbook([HEADS]), "单位.xlsx", "表格中只有列名"),
        (b"x" * (MAX_BYTES + 1), "单位.csv", "请压缩后重新上传"),
    ],
    ids=["none", "empty", "renamed", "pdf", "broken", "columns", "headings", "large"],
)
def test_a_table_that_cannot_be_read_is_refused(
    world: World, sign_in: SignIn, data: bytes, name: str, message: str
) -> None:
    answer = sign_in(world.officer).post("/units/import", data=upload(data, name))
    assert answer.status_code == 422 and error_beside(answer.text, "file", message)
    assert count() == 8


def test_each_bad_row_is_told_with_row_column_and_reason_and_nothing_is_taken(world: World, sign_in: SignIn) -> None:
    table = workbook(
        [
            HEADS,
            ["中牟县清溪中心", credit_code(90), "县级", "中牟县", "中牟县晴川局", ""],
            ["清溪", credit_code(91), "县", "火星", "", "12"],
            ["中牟县清溪学校", credit_code(90), "县级", "中牟县", "", ""],
        ]
    )
    browser = sign_in(world.officer)
    answer = browser.post("/units/import", data=upload(table))
    assert answer.status_code == 422 and "有5处错误，暂不能导入。" in answer.text and "确认导入" not in answer.text
    text = re.sub(r"<[^>]+>", "|", answer.text)
    cells = [re.sub(r"\|+", "|", line) for line in text.splitlines()]
    for number, column, reason in (
        (3, "单位名称", "单位名称应为4至60个字"),
        (3, "单位层级", "单位层级应填写以下之一"),
        (3, "所在地区", "没有这个地区"),
        (3, "联系电话", "请带区号填写"),
        (4, "统一社会信用代码", "与第2行的统一社会信用代码重复"),
    ):
        assert any(f"|{number}|{column}|" in line and reason in line for line in cells), (column, cells)
    assert count() == 8


def test_a_good_table_is_previewed_then_taken_as_a_whole(world: World, sign_in: SignIn) -> None:
    rows = [
        ["中牟县清溪中心", credit_code(90), "县级", "郑州市中牟县", "", "0371-62181234"],
        ["中牟县清溪学校", credit_code(91), "县级", "410122", "中牟县清溪中心", ""],
    ]
    browser = sign_in(world.officer)
    assert browser.get("/units/template").mimetype.endswith("sheet")
    preview = browser.post("/units/import", data=upload(workbook([HEADS, *rows])))
    assert preview.status_code == 200 and "全部2行检查无误" in preview.text and count() == 8
    held = re.search(r'name="held"[^>]*value="([^"]+)"', preview.text)
    assert held is not None
    stranger = sign_in(world.far_officer).post("/units/import/commit", data={"held": held[1]})
    assert stranger.location == "/units/import" and count() == 8
    assert browser.post("/units/import/commit", data={"held": held[1]}).location == "/units"
    assert "已导入2个单位。" in browser.get("/units").text
    school = world.unit("中牟县清溪学校")
    assert school.supervising_unit is not None and school.supervising_unit.name == "中牟县清溪中心"
    again = browser.post("/units/import/commit", data={"held": held[1]})
    assert again.status_code == 422 and "已有单位使用" in again.text and count() == 10
    broken = browser.post("/units/import/commit", data={"held": "x"})
    assert broken.location == "/units/import" and "预览已过期，请重新上传表格。" in browser.get("/units/import").text


def check_of(unit: Unit) -> UnitCheck:
    return db.session.scalars(select(UnitCheck).where(UnitCheck.unit_id == unit.id)).one()


def test_a_supervising_unit_checks_its_names_and_the_agency_accepts(world: World, sign_in: SignIn, at: At) -> None:
    at(CHECK_DAY)
    above, agency = sign_in(world.bureau_administrator), sign_in(world.officer)
    page = above.get("/units/check").text
    assert "核对时间：2025年3月10日至3月12日。" in page and "云溪站" not in page
    assert "其余2个单位名称均无误，全部确认" in page
    correct = f"/units/check/{world.school.id}"
    assert above.post(correct, data={"name": "中牟县晴川实验学校"}).location == "/units/check"
    assert above.post(f"/units/check/{world.bureau.id}/confirm").location == "/units/check"
    desk = agency.get("/units/check-desk").text
    assert "中牟县晴川实验学校" in desk and "无变化" in desk
    check = check_of(world.school)
    # Boxes stand where several are accepted at once: the unchanged ones, at their own agency.
    assert re.findall(r'name="ids" value="(\d+)"', desk) == [str(check_of(world.bureau).id)]
    above_them = sign_in(world.account("gl410100")).get("/units/check-desk").text
    assert "中牟县晴川实验学校" in above_them and 'name="ids"' not in above_them and "确认所选" not in above_them
    shown = agency.get(f"/units/check-desk/{check.id}").text
    assert "<del>中牟县晴川学校</del>" in shown and "<ins>中牟县晴川实验学校</ins>" in shown
    assert agency.post(f"/units/check-desk/{check.id}/accept", data={"version": check.version}).status_code == 302
    assert world.unit("中牟县晴川实验学校").id
    both = {"ids": [check_of(world.bureau).id, check.id]}
    assert agency.post("/units/check-desk/accept", data=both).status_code == 302
    assert "已确认1个单位的名称。其余1个" in agency.get("/units/check-desk").text
    late = above.post(correct, data={"name": "中牟县晴川第二学校"})
    assert late.status_code == 422 and "本年度已由工考管理机构确认，不能再改" in late.text
    assert sign_in(world.far_officer).get(f"/units/check-desk/{check.id}").status_code == 404
    assert sign_in(world.far_unit_administrator).get(correct).status_code == 404


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "请输入规范的单位全称"),
        ("学校", "单位名称应为4至60个字"),
        ("中牟县晴川学校", "与现名称相同"),
        ("中牟县云溪站", "该地区已有名为“中牟县云溪站”的单位"),
        ("中牟县（晴川学校", "括号不成对"),
    ],
)
def test_a_wrong_correction_is_refused_beside_the_name(
    world: World, sign_in: SignIn, at: At, name: str, message: str
) -> None:
    at(CHECK_DAY)
    answer = sign_in(world.unit_administrator).post(f"/units/check/{world.school.id}", data={"name": name})
    assert answer.status_code == 422 and error_beside(answer.text, "name", message)
    assert f'value="{name}"' in answer.text
    assert db.session.scalar(select(func.count(UnitCheck.id))) == 0


@pytest.mark.parametrize(("reason", "message"), [("", "请填写退回的原因"), ("不对", "至少4个字")])
def test_sending_a_name_back_needs_a_reason_which_the_unit_reads(
    world: World, sign_in: SignIn, at: At, reason: str, message: str
) -> None:
    at(CHECK_DAY)
    check = unit_checks.confirm_unit(world.unit_administrator, world.school.id)
    agency, address = sign_in(world.officer), f"/units/check-desk/{check.id}/refuse"
    answer = agency.post(address, data={"version": check.version, "reason": reason})
    assert answer.status_code == 422 and error_beside(answer.text, "reason", message)
    sent = {"version": check.version, "reason": "与印章不一致，请核对全称。"}
    assert agency.post(address, data=sent).location == "/units/check-desk"
    assert check_of(world.school).status is UnitCheckStatus.REFUSED
    page = sign_in(world.unit_administrator).get(f"/units/check/{world.school.id}").text
    assert "工考管理机构退回：与印章不一致，请核对全称。" in page
    again = agency.post(f"/units/check-desk/{check.id}/accept", data={"version": check.version})
    assert again.status_code == 422 and "您的操作没有生效" in again.text


def test_outside_the_window_the_check_is_closed_and_says_when_it_was(world: World, sign_in: SignIn) -> None:
    browser = sign_in(world.unit_administrator)
    page = browser.get("/units/check").text
    assert "现在不能核对。" in page and "全部确认" not in page
    for address, sent in (
        ("/units/check/confirm-all", {}),
        (f"/units/check/{world.school.id}/confirm", {}),
        (f"/units/check/{world.school.id}", {"name": "中牟县晴川实验学校"}),
    ):
        answer = browser.post(address, data=sent, follow_redirects=True)
        assert "单位信息核对时间为2025年3月10日至3月12日，现已截止（通知三（一））" in answer.text, address
    assert db.session.scalar(select(func.count(UnitCheck.id))) == 0
