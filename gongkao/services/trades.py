"""The catalogue of trades (豫人社办〔2022〕93号), the grades open in the current cycle, and their import."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from gongkao.extensions import db
from gongkao.models import Account, Trade, TradeOpening
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.services import audit, cycles
from gongkao.services.errors import FieldsRefused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.sheet_import import Preview, RowError, Table, read_table_rows
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.spreadsheets import write_table
from gongkao.storage.store import MissingFile

CODE, NAME, CATEGORY, GRADES = "工种代码", "工种名称", "类别", "开考等级"
COLUMNS = (CODE, NAME, CATEGORY, GRADES)
_NUMERALS = str.maketrans("一二三四五１２３４５", "1234512345", "级 　")
_RANGE = re.compile(r"([1-5])(?:[-—－–~～至到]([1-5]))?")


@dataclass(frozen=True)
class PlannedTrade:
    """One good row and what it would do: 新增, 修改 or 无变化. `before` tells what would change."""

    number: int
    code: str
    name: str
    category: str
    grades: list[int]
    effect: str
    before: str

    @property
    def grades_text(self) -> str:
        return grades_text(self.grades)


TradePreview = Preview[PlannedTrade]


def grades_text(grades: list[int]) -> str:
    """[3, 4, 5] -> "五至三级"; [1, 5] -> "五级、一级"."""
    ordered = sorted(grades, reverse=True)
    if len(ordered) > 1 and ordered == list(range(ordered[0], ordered[-1] - 1, -1)):
        return f"{Grade(ordered[0]).level[0]}至{Grade(ordered[-1]).level}"
    return "、".join(Grade(grade).level for grade in ordered)


def parse_grades(text: str) -> list[int]:
    """ "5-1", "五至三级", "五级、四级" -> the grades, ascending. Raises InvalidInput."""
    plain = text.translate(_NUMERALS)
    found: set[int] = set()
    for part in re.split("[、,，;；/]", plain):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise InvalidInput("开考等级应填写如“5-1”“五至三级”或“五级、四级”，等级为一级至五级。")
        bounds = sorted((int(match[1]), int(match[2] or match[1])))
        found.update(range(bounds[0], bounds[1] + 1))
    return sorted(found)


def listing() -> Listing:
    """All trades with the grades open in the current cycle."""
    cycle_id = cycles.current_cycle().id
    categories = db.session.scalars(select(Trade.category).distinct().order_by(Trade.category)).all()
    opened = Trade.openings.any(TradeOpening.cycle_id == cycle_id)

    def state(trade: Trade) -> Cell:
        opening = _opening(trade, cycle_id)
        return Cell("开考", chip="done") if opening else Cell("未开考", chip="neutral")

    def grades(trade: Trade) -> str:
        opening = _opening(trade, cycle_id)
        return grades_text(opening.grades) if opening else ""

    return Listing(
        title="工种目录",
        query=select(Trade).options(selectinload(Trade.openings.and_(TradeOpening.cycle_id == cycle_id))),
        tie=Trade.id,
        sort="code",
        search=[contains(Trade.name), contains(Trade.code)],
        search_hint="工种名称、代码",
        columns=[
            Column("code", CODE, lambda row: row.code, Trade.code, kind="mono"),
            Column("name", NAME, lambda row: row.name, Trade.name),
            Column("category", CATEGORY, lambda row: row.category, Trade.category),
            Column("grades", GRADES, grades),
            Column("state", "本年度", state, kind="status"),
        ],
        filters=[
            Filter(
                "category",
                CATEGORY,
                [("", "全部类别"), *((one, one) for one in categories)],
                lambda value: Trade.category == value,
            ),
            Filter(
                "state",
                "本年度",
                [("", "全部"), ("open", "开考"), ("closed", "未开考")],
                lambda value: opened if value == "open" else ~opened,
            ),
        ],
        empty_text="没有符合条件的工种。可以从 Excel 表格导入。",
    )


def _opening(trade: Trade, cycle_id: int) -> TradeOpening | None:
    return next((row for row in trade.openings if row.cycle_id == cycle_id), None)


def template() -> bytes:
    """An empty table to fill in."""
    return write_table(COLUMNS, [], title="工种导入模板", widths=(14, 30, 24, 18))


def read_import(data: bytes, filename: str) -> TradePreview:
    """Judge every row and keep the file for `commit_import`; changes no trade. Raises FieldsRefused."""
    preview = _judge(read_table_rows(data, filename, needed=COLUMNS), filename)
    preview.digest = store().put(data)
    return preview


def commit_import(actor: Account, digest: str, filename: str) -> TradePreview:
    """Add and change the trades of a previewed file, all or nothing; those it leaves out stay as they are.

    Where the data has changed since, what comes back holds errors and nothing was kept. Raises FieldsRefused.
    """
    try:
        data = store().get(digest)
    except MissingFile as error:
        raise FieldsRefused({"file": "上传的表格已不在系统中，请重新上传。"}) from error
    table = read_table_rows(data, filename, needed=COLUMNS)
    with transaction() as session:
        cycle = cycles.current_cycle()
        # Two imports at once would judge against what the other is about to change.
        session.scalars(select(Trade.id).with_for_update()).all()
        preview = _judge(table, filename)
        preview.digest = digest
        if preview.errors:
            return preview
        known = {trade.code: trade for trade in session.scalars(select(Trade))}
        # Names may be exchanged between two trades: free them all before giving the new ones.
        renamed = [row for row in preview.rows if row.code in known and known[row.code].name != row.name]
        for row in renamed:
            known[row.code].name = f"#{row.code}"
        session.flush()
        for row in preview.rows:
            trade = known.get(row.code)
            if trade is None:
                trade = Trade(code=row.code, name=row.name, category=row.category)
                session.add(trade)
                session.flush()
            trade.name, trade.category = row.name, row.category
            opening = session.scalar(
                select(TradeOpening).where(TradeOpening.cycle_id == cycle.id, TradeOpening.trade_id == trade.id)
            )
            if opening is None:
                session.add(TradeOpening(cycle_id=cycle.id, trade_id=trade.id, grades=row.grades))
            else:
                opening.grades = row.grades
        audit.record(
            actor,
            "import_trades",
            cycle,
            file=filename[:120],
            added=preview.count("新增"),
            changed=[f"{row.code} {row.before} → {_described(row)}" for row in preview.rows if row.effect == "修改"],
        )
    return preview


def _described(row: PlannedTrade) -> str:
    return f"{row.name}（{row.category}，{row.grades_text}）"


def _judge(table: Table, filename: str) -> TradePreview:
    preview = TradePreview(digest="", filename=filename, total=len(table.rows))
    cycle_id = cycles.current_cycle().id
    known = {trade.code: trade for trade in db.session.scalars(select(Trade).options(selectinload(Trade.openings)))}
    # A name is free again where the same file gives its trade another one.
    given = {_code(row[CODE]) for _, row in table.rows}
    names = {trade.name: trade.code for trade in known.values() if trade.code not in given}
    codes: dict[str, int] = {}
    name_rows: dict[str, int] = {}
    for number, row in table.rows:
        clean = _clean(number, row, preview.errors)
        if clean is None:
            continue
        code, name, category, grades = clean
        before = len(preview.errors)
        if codes.setdefault(code, number) != number:
            preview.errors.append(RowError(number, CODE, code, f"与第{codes[code]}行的工种代码重复。"))
        if name_rows.setdefault(name, number) != number:
            preview.errors.append(RowError(number, NAME, name, f"与第{name_rows[name]}行的工种名称重复。"))
        elif name in names:
            preview.errors.append(RowError(number, NAME, name, f"该名称已用于代码为{names[name]}的工种。"))
        if len(preview.errors) == before:
            preview.rows.append(_planned(number, code, name, category, grades, known.get(code), cycle_id))
    preview.errors.sort(key=lambda error: (error.number, COLUMNS.index(error.column)))
    return preview


def _planned(
    number: int, code: str, name: str, category: str, grades: list[int], trade: Trade | None, cycle_id: int
) -> PlannedTrade:
    if trade is None:
        return PlannedTrade(number, code, name, category, grades, "新增", "")
    opening = _opening(trade, cycle_id)
    now = (trade.name, trade.category, sorted(opening.grades) if opening else [])
    if now == (name, category, grades):
        return PlannedTrade(number, code, name, category, grades, "无变化", "")
    before = f"{trade.name}（{trade.category}，{grades_text(now[2]) or '未开考'}）"
    return PlannedTrade(number, code, name, category, grades, "修改", before)


def _code(text: str) -> str:
    return text.strip().upper()


def _clean(number: int, row: Mapping[str, str], errors: list[RowError]) -> tuple[str, str, str, list[int]] | None:
    before = len(errors)
    code, name, category, grades = _code(row[CODE]), "", "", []
    if not re.fullmatch(r"[0-9A-Z][0-9A-Z-]{0,9}", code):
        errors.append(RowError(number, CODE, row[CODE], "工种代码应为1至10位数字、字母或短横线。"))
    try:
        name = fields.short_text(row[NAME], NAME, 40, 2)
    except InvalidInput as error:
        errors.append(RowError(number, NAME, row[NAME], error.message))
    try:
        category = fields.short_text(row[CATEGORY], CATEGORY, 40)
    except InvalidInput as error:
        errors.append(RowError(number, CATEGORY, row[CATEGORY], error.message))
    try:
        grades = parse_grades(row[GRADES])
    except InvalidInput as error:
        errors.append(RowError(number, GRADES, row[GRADES], error.message))
    return None if len(errors) > before else (code, name, category, grades)
