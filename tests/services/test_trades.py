"""The catalogue of trades and its import."""

import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import AuditEntry, Trade, TradeOpening
from gongkao.rules.errors import InvalidInput
from gongkao.services import cycles, listing, trades
from gongkao.services.errors import FieldsRefused
from gongkao.storage.spreadsheets import read_table, write_table
from tests.world import World

HEADS = list(trades.COLUMNS)


def xlsx(*rows: list[str]) -> bytes:
    return write_table(HEADS, rows, title="工种")


def _count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Trade)) or 0


def _trade(code: str) -> Trade:
    return db.session.scalars(select(Trade).where(Trade.code == code)).one()


def _grades(code: str) -> list[int]:
    cycle = cycles.current_cycle()
    query = select(TradeOpening.grades).join(TradeOpening.trade)
    return db.session.scalars(query.where(Trade.code == code, TradeOpening.cycle_id == cycle.id)).one()


@pytest.mark.parametrize(
    ("text", "grades"),
    [
        ("5-1", [1, 2, 3, 4, 5]),
        ("五至三级", [3, 4, 5]),
        ("五级、四级", [4, 5]),
        ("五级—一级", [1, 2, 3, 4, 5]),
        ("５－３", [3, 4, 5]),
        ("3,5", [3, 5]),
        ("一级", [1]),
        ("1～2", [1, 2]),
    ],
)
def test_grades_are_read_as_people_write_them(text: str, grades: list[int]) -> None:
    assert trades.parse_grades(text) == grades
    assert trades.parse_grades(trades.grades_text(grades)) == grades


@pytest.mark.parametrize("text", ["", "六级", "0", "5-6", "高级工", "5-", "5--1", "、"])
def test_other_grades_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        trades.parse_grades(text)
    assert "一级至五级" in caught.value.message


def test_a_table_adds_and_changes_and_leaves_the_rest(world: World) -> None:
    before = _count()
    first, second = _trade("01001"), _trade("01002")
    data = xlsx(
        ["01001", first.name, first.category, "5-1"],
        ["01002", second.name, "机关后勤", "5-3"],
        ["99001", "无人机驾驶员", "交通运输", "五至四级"],
    )
    preview = trades.read_import(data, "工种.xlsx")
    assert preview.errors == [] and [row.effect for row in preview.rows] == ["无变化", "修改", "新增"]
    assert preview.rows[1].before == f"{second.name}（{second.category}，五至一级）"
    assert _count() == before
    trades.commit_import(world.province_manager, preview.digest, "工种.xlsx")
    assert _count() == before + 1
    assert _trade("01002").category == "机关后勤" and _grades("01002") == [3, 4, 5] and _grades("99001") == [4, 5]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "import_trades")).one()
    assert entry.detail["added"] == 1 and len(entry.detail["changed"]) == 1  # type: ignore[arg-type]
    # The same table again changes nothing.
    again = trades.commit_import(world.province_manager, preview.digest, "工种.xlsx")
    assert {row.effect for row in again.rows} == {"无变化"}


def test_two_trades_exchange_their_names(world: World) -> None:
    first, second = _trade("01001").name, _trade("01002").name
    data = xlsx(["01001", second, "交通运输", "5-1"], ["01002", first, "交通运输", "5-1"])
    preview = trades.read_import(data, "工种.xlsx")
    assert preview.errors == []
    trades.commit_import(world.province_manager, preview.digest, "工种.xlsx")
    assert (_trade("01001").name, _trade("01002").name) == (second, first)


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        (["", "无人机驾驶员", "交通", "5-1"], "工种代码", "1至10位"),
        (["工种1", "无人机驾驶员", "交通", "5-1"], "工种代码", "1至10位"),
        (["99001", "", "交通", "5-1"], "工种名称", "请填写工种名称"),
        (["99001", "长" * 41, "交通", "5-1"], "工种名称", "最多40个字"),
        (["99001", "汽车驾驶员", "交通", "5-1"], "工种名称", "已用于代码为01001"),
        (["99001", "无人机驾驶员", "", "5-1"], "类别", "请填写类别"),
        (["99001", "无人机驾驶员", "交通", "6"], "开考等级", "一级至五级"),
        (["99000", "无人机驾驶员", "交通", "5-1"], "工种代码", "与第2行的工种代码重复"),
        (["99001", "测试工种", "交通", "5-1"], "工种名称", "与第2行的工种名称重复"),
    ],
)
def test_a_bad_row_is_told_and_nothing_is_kept(world: World, cells: list[str], column: str, words: str) -> None:
    before = _count()
    preview = trades.read_import(xlsx(["99000", "测试工种", "交通", "5-1"], cells), "工种.xlsx")
    assert [(error.number, error.column) for error in preview.errors] == [(3, column)]
    assert words in preview.errors[0].reason
    assert trades.commit_import(world.province_manager, preview.digest, "工种.xlsx").errors
    assert _count() == before


def test_a_file_that_is_no_catalogue_is_refused(world: World) -> None:
    for data, words in ((b"", "空文件"), (write_table(["甲"], [["1"]], title="甲"), "缺少")):
        with pytest.raises(FieldsRefused) as caught:
            trades.read_import(data, "工种.xlsx")
        assert words in caught.value.fields["file"]
    with pytest.raises(FieldsRefused):
        trades.commit_import(world.province_manager, "0" * 64, "工种.xlsx")


def test_the_catalogue_goes_out_and_in_again(world: World) -> None:
    data = listing.export(trades.listing(), {})
    rows = read_table(data, "工种目录.xlsx")
    assert len(rows) == _count() + 1
    preview = trades.read_import(data, "工种目录.xlsx")
    assert preview.errors == [] and preview.count("无变化") == _count()
    assert read_table(trades.template(), "模板.xlsx") == [HEADS]


def test_the_list_is_searched_and_filtered(world: World) -> None:
    assert listing.run(trades.listing(), {"q": "汽车驾驶"}).rows[0].cells[0].text == "01001"
    assert listing.run(trades.listing(), {"state": "closed"}).total == 0
    category = _trade("01001").category
    page = listing.run(trades.listing(), {"category": category, "sort": "code", "order": "desc"})
    codes = [row.cells[0].text for row in page.rows]
    assert codes == sorted(codes, reverse=True) and 0 < page.total < _count()
