"""Units from a spreadsheet: each bad row with its row, column and reason; all of it or nothing."""

import csv
import io
from typing import Any

import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import AuditEntry, Unit
from gongkao.services import unit_import, units
from gongkao.services.errors import FieldsRefused
from gongkao.storage.spreadsheets import read_table, write_table
from tests.services.test_units import _paths_hold, facts
from tests.storage.old_excel import write_xls
from tests.world import World, credit_code

HEADS = list(unit_import.COLUMNS)


def row(serial: int, name: str | None = None, above: str = "", **changes: str) -> list[str]:
    cells = {
        "单位名称": name or f"中牟县测试{serial}站",
        "统一社会信用代码": credit_code(serial),
        "单位层级": "县级",
        "所在地区": "郑州市中牟县",
        "主管单位": above,
        "联系电话": "",
        **changes,
    }
    return [cells[head] for head in HEADS]


def xlsx(*rows: list[str], heads: list[str] = HEADS) -> bytes:
    return write_table(heads, rows, title="单位")


def text(*rows: list[str], encoding: str = "utf-8") -> bytes:
    target = io.StringIO()
    csv.writer(target).writerows([HEADS, *rows])
    return target.getvalue().encode(encoding)


def _count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Unit)) or 0


def _take(world: World, data: bytes, name: str = "名单.xlsx") -> unit_import.ImportPreview:
    preview = unit_import.read_import(world.officer, data, name)
    assert preview.errors == [] and _count() == 8
    return unit_import.commit_import(world.officer, preview.digest, name)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (xlsx, "名单.xlsx"),
        (text, "名单.csv"),
        (lambda *rows: text(*rows, encoding="utf-8-sig"), "名单.csv"),
        (lambda *rows: text(*rows, encoding="gb18030"), "名单.csv"),
        (lambda *rows: write_xls([HEADS, *rows]), "名单.xls"),
    ],
)
def test_every_kind_of_table_is_taken(world: World, make: Any, name: str) -> None:
    rows = [row(50, "中牟县新溪局", 联系电话="0371-62181234"), row(51, "中牟县新溪站", "中牟县新溪局")]
    done = _take(world, make(*rows), name)
    assert (done.total, len(done.rows)) == (2, 2)
    bureau, station = world.unit("中牟县新溪局"), world.unit("中牟县新溪站")
    assert station.supervising_unit_id == bureau.id and bureau.contact_phone == "0371-62181234"
    assert bureau.agency.code == "410122"
    _paths_hold()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "create_unit")).all()
    assert len(entries) == 2 and all(entry.detail["file"] == name for entry in entries)


def test_supervising_units_stand_anywhere_in_the_file_or_are_registered(world: World) -> None:
    _take(
        world,
        xlsx(
            row(52, "中牟县丙溪站", "中牟县乙溪站"),
            row(51, "中牟县乙溪站", credit_code(50).lower()),
            row(50, "中牟县甲溪局", world.bureau.credit_code),
            row(53, "中牟县丁溪站", "中牟县 晴川学校"),
        ),
    )
    low = world.unit("中牟县丙溪站")
    top = world.unit("中牟县甲溪局")
    assert top.supervising_unit_id == world.bureau.id
    assert low.path == f"{top.path}{world.unit('中牟县乙溪站').id}/{low.id}/"
    assert world.unit("中牟县丁溪站").supervising_unit_id == world.school.id
    _paths_hold()


def test_headings_are_found_in_any_order_below_a_title(world: World) -> None:
    order = [3, 1, 0, 2]
    heads = [f"{HEADS[place]}*" for place in order]
    lines = [["2025年单位名单"], [], heads, [row(50)[place] for place in order], ["", "", "", ""]]
    target = io.StringIO()
    csv.writer(target).writerows(lines)
    preview = unit_import.read_import(world.officer, target.getvalue().encode(), "名单.csv")
    assert preview.errors == [] and [planned.number for planned in preview.rows] == [4]


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"单位名称": ""}, "单位名称", "请输入单位名称"),
        ({"单位名称": "站"}, "单位名称", "4至60个字"),
        ({"单位名称": "中牟县晴川学校"}, "单位名称", "已有名为"),
        ({"统一社会信用代码": ""}, "统一社会信用代码", "请输入"),
        ({"统一社会信用代码": "123"}, "统一社会信用代码", "应为18位，现为3位"),
        ({"统一社会信用代码": "12410122000000050A"}, "统一社会信用代码", "校验未通过"),
        ({"统一社会信用代码": credit_code(2)}, "统一社会信用代码", "已有单位使用"),
        ({"单位层级": "乡级"}, "单位层级", "省直"),
        ({"单位层级": ""}, "单位层级", "县级"),
        ({"所在地区": ""}, "所在地区", "请填写所在地区"),
        ({"所在地区": "火星"}, "所在地区", "没有这个地区"),
        ({"所在地区": "郑州市"}, "所在地区", "县级单位应选择"),
        ({"所在地区": "巩义市"}, "所在地区", "不在本机构办理范围内"),
        ({"单位层级": "市直"}, "所在地区", "不在本机构办理范围内"),
        ({"主管单位": "没有的单位"}, "主管单位", "没有找到这个主管单位"),
        ({"联系电话": "123"}, "联系电话", "带区号"),
    ],
)
def test_a_bad_row_is_told_with_row_column_value_and_reason(
    world: World, cells: dict[str, str], column: str, words: str
) -> None:
    data = xlsx(row(50), row(51, **cells), row(52))
    preview = unit_import.read_import(world.officer, data, "名单.xlsx")
    assert [(error.number, error.column) for error in preview.errors] == [(3, column)]
    error = preview.errors[0]
    assert words in error.reason and error.value == row(51, **cells)[HEADS.index(column)]
    assert [planned.number for planned in preview.rows] == [2, 4]
    # Nothing half done.
    after = unit_import.commit_import(world.officer, preview.digest, "名单.xlsx")
    assert after.errors == preview.errors and _count() == 8


def test_a_region_of_one_name_in_two_cities_must_be_told_whole(world: World) -> None:
    preview = unit_import.read_import(
        world.province_officer,
        xlsx(row(50, 所在地区="鼓楼区"), row(51, 所在地区="新华区"), row(52, 所在地区="410122")),
        "名单.xlsx",
    )
    ambiguous = {error.value for error in preview.errors if "有多个地区" in error.reason}
    assert ambiguous <= {"鼓楼区", "新华区"}
    assert 4 in [planned.number for planned in preview.rows]


def test_rows_are_judged_against_each_other(world: World) -> None:
    data = xlsx(
        row(50, "中牟县甲溪站"),
        row(50, "中牟县乙溪站"),
        row(52, "中牟县甲溪站"),
        row(53, "中牟县丁溪站", "中牟县丙溪站"),
        row(54, "中牟县丙溪站", 联系电话="1"),
    )
    preview = unit_import.read_import(world.officer, data, "名单.xlsx")
    assert [(error.number, error.column) for error in preview.errors] == [
        (3, "统一社会信用代码"),
        (4, "单位名称"),
        (5, "主管单位"),
        (6, "联系电话"),
    ]
    reasons = [error.reason for error in preview.errors]
    assert "第2行" in reasons[0] and "第2行" in reasons[1] and "先改正那一行" in reasons[2]


def test_circular_supervising_is_found(world: World) -> None:
    data = xlsx(
        row(50, "中牟县甲溪站", "中牟县丙溪站"),
        row(51, "中牟县乙溪站", "中牟县甲溪站"),
        row(52, "中牟县丙溪站", "中牟县乙溪站"),
        row(53, "中牟县丁溪站", "中牟县丁溪站"),
        row(54, "中牟县戊溪站", "中牟县甲溪站"),
    )
    preview = unit_import.read_import(world.officer, data, "名单.xlsx")
    assert [error.number for error in preview.errors] == [2, 3, 4, 5]
    assert all(error.column == "主管单位" and "循环" in error.reason for error in preview.errors)
    assert unit_import.commit_import(world.officer, preview.digest, "名单.xlsx").errors and _count() == 8


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "名单.xlsx", "空文件"),
        (b"MZ" + bytes(60), "名单.xlsx", "可执行程序"),
        (xlsx(row(50))[:-300], "名单.xlsx", "名单.xlsx"),
        (xlsx(), "名单.xlsx", "没有可导入的内容"),
        (xlsx(["甲"], heads=["名称"]), "名单.xlsx", "缺少“单位名称”“统一社会信用代码”“单位层级”“所在地区”列"),
        (xlsx(heads=[*HEADS, "单位名称"]), "名单.xlsx", "出现了两次"),
    ],
)
def test_a_file_that_is_no_list_is_refused(world: World, data: bytes, name: str, words: str) -> None:
    with pytest.raises(FieldsRefused) as caught:
        unit_import.read_import(world.officer, data, name)
    assert words in caught.value.fields["file"]


def test_what_changed_since_the_preview_is_judged_again(world: World) -> None:
    preview = unit_import.read_import(world.officer, xlsx(row(50), row(51)), "名单.xlsx")
    assert preview.errors == []
    units.create_unit(world.officer, **facts(51, name="中牟县抢先站"))
    after = unit_import.commit_import(world.officer, preview.digest, "名单.xlsx")
    assert [(error.number, error.column) for error in after.errors] == [(3, "统一社会信用代码")]
    assert _count() == 9
    # And taken twice, it is refused the second time.
    preview = unit_import.read_import(world.officer, xlsx(row(60)), "名单.xlsx")
    assert unit_import.commit_import(world.officer, preview.digest, "名单.xlsx").errors == []
    assert unit_import.commit_import(world.officer, preview.digest, "名单.xlsx").errors
    assert _count() == 10


def test_a_file_no_longer_kept_is_asked_for_again(world: World) -> None:
    with pytest.raises(FieldsRefused) as caught:
        unit_import.commit_import(world.officer, "0" * 64, "名单.xlsx")
    assert "重新上传" in caught.value.fields["file"]


def test_five_thousand_rows(world: World) -> None:
    rows = [row(1000, "中牟县总溪局")]
    rows += [row(1000 + serial, f"中牟县第{serial}溪站", "中牟县总溪局") for serial in range(1, 5000)]
    done = _take(world, xlsx(*rows))
    assert len(done.rows) == 5000 and _count() == 5008
    assert len(units.detail(world.officer, world.unit("中牟县总溪局").id).subordinates) == 4999


def test_the_template_is_an_empty_list(world: World) -> None:
    assert read_table(unit_import.template(), "模板.xlsx") == [HEADS]
