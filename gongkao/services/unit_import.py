"""Units from a spreadsheet: read and judged row by row, previewed, then all taken or none."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from gongkao.access.scope import narrow
from gongkao.extensions import db
from gongkao.models import Account, Agency, RegionEntry, Unit
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.rules.routing import UnitLevel
from gongkao.services import audit, units
from gongkao.services.errors import Conflict, FieldsRefused
from gongkao.services.sheet_import import RowError, Table, read_table_rows
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.spreadsheets import write_table
from gongkao.storage.store import MissingFile

NAME, CODE, LEVEL, REGION = "单位名称", "统一社会信用代码", "单位层级", "所在地区"
SUPERVISING, PHONE = "主管单位", "联系电话"
NEEDED = (NAME, CODE, LEVEL, REGION)
COLUMNS = (*NEEDED, SUPERVISING, PHONE)


@dataclass
class PlannedUnit:
    """One good row; `number` is its number in the file. The supervising unit may be another row."""

    number: int
    name: str
    credit_code: str
    level: UnitLevel
    region: RegionEntry
    agency: Agency
    contact_phone: str
    supervising: str
    parent_id: int | None = None
    parent_row: int | None = None


@dataclass
class ImportPreview:
    """What a file would do. It may be committed only without errors."""

    digest: str
    filename: str
    rows: list[PlannedUnit] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    total: int = 0


def template() -> bytes:
    """An empty table to fill in."""
    return write_table(COLUMNS, [], title="单位导入模板", widths=(36, 24, 14, 20, 36, 18))


def read_import(actor: Account, data: bytes, filename: str) -> ImportPreview:
    """Judge every row of an uploaded table and keep the file for `commit_import`; changes no unit.

    Raises FieldsRefused for a file that cannot be read or lacks a column.
    """
    table = read_table_rows(data, filename, needed=NEEDED, optional=(SUPERVISING, PHONE))
    preview = _judge(actor, table, filename)
    preview.digest = store().put(data)
    return preview


def commit_import(actor: Account, digest: str, filename: str) -> ImportPreview:
    """Add every unit of a previewed file, all or nothing.

    The file is judged once more: where the data has changed since the preview, what comes back holds errors
    and nothing was added. Raises FieldsRefused where the file is no longer kept.
    """
    try:
        data = store().get(digest)
    except MissingFile as error:
        raise FieldsRefused({"file": "上传的表格已不在系统中，请重新上传。"}) from error
    table = read_table_rows(data, filename, needed=NEEDED, optional=(SUPERVISING, PHONE))
    try:
        with transaction() as session:
            units.lock_tree()
            preview = _judge(actor, table, filename)
            preview.digest = digest
            if preview.errors:
                return preview
            made: dict[int, Unit] = {}
            for generation in _from_the_top(preview.rows):
                pairs = []
                for planned in generation:
                    parent = made[planned.parent_row] if planned.parent_row else None
                    if planned.parent_id is not None:
                        parent = session.get(Unit, planned.parent_id)
                    pairs.append((_facts(planned), parent))
                for planned, unit in zip(generation, units.add_all(pairs), strict=True):
                    made[planned.number] = unit
                    audit.record(actor, "create_unit", unit, after=units.snapshot(unit), file=filename[:120])
    except IntegrityError as error:
        raise Conflict("导入期间有其他人录入了同一单位，本次没有导入任何单位。请重新预览后再导入。") from error
    return preview


def _facts(planned: PlannedUnit) -> dict[str, Any]:
    return {
        "name": planned.name,
        "credit_code": planned.credit_code,
        "level": planned.level,
        "region_code": planned.region.code,
        "agency_id": planned.agency.id,
        "contact_phone": planned.contact_phone,
    }


def _from_the_top(rows: Sequence[PlannedUnit]) -> Iterator[list[PlannedUnit]]:
    """The rows by generations: those under nobody of the file first, then those right below them, and so on."""
    below: dict[int | None, list[PlannedUnit]] = {}
    for row in rows:
        below.setdefault(row.parent_row, []).append(row)
    generation = below.get(None, [])
    while generation:
        yield generation
        generation = [child for row in generation for child in below.get(row.number, ())]


def _judge(actor: Account, table: Table, filename: str) -> ImportPreview:
    preview = ImportPreview(digest="", filename=filename, total=len(table.rows))
    judge = _Judge(actor, table)
    for number, row in table.rows:
        planned = judge.row(number, row)
        if planned is not None:
            preview.rows.append(planned)
    judge.supervise(preview.rows)
    preview.errors = sorted(judge.errors, key=lambda error: (error.number, COLUMNS.index(error.column)))
    bad = {error.number for error in preview.errors}
    preview.rows = [row for row in preview.rows if row.number not in bad]
    return preview


class _Judge:
    """Judges the rows of one file against each other and against what is registered already."""

    def __init__(self, actor: Account, table: Table) -> None:
        self.errors: list[RowError] = []
        self.regions = _Regions()
        self.levels = {level.label: level for level in UnitLevel}
        self.scope = set(db.session.scalars(narrow(select(Agency.id), Agency, actor)))
        self.agencies: dict[tuple[UnitLevel, str], Agency | InvalidInput] = {}
        known = db.session.execute(select(Unit.id, Unit.name, Unit.credit_code, Unit.region_code, Unit.active)).all()
        self.codes = {code: id for id, _, code, _, _ in known}
        self.active = {id for id, _, _, _, active in known if active}
        self.places = {(name, region) for _, name, _, region, active in known if active}
        self.named: dict[str, list[int]] = {}
        for id, name, _, _, active in known:
            if active:
                self.named.setdefault(name, []).append(id)
        self.code_rows: dict[str, int] = {}
        self.place_rows: dict[tuple[str, str], int] = {}
        self.typed = Counter(row[CODE].upper() for _, row in table.rows)
        self.typed.update(units.tidy(row[NAME]) for _, row in table.rows)

    def wrong(self, number: int, column: str, value: str, reason: str) -> None:
        self.errors.append(RowError(number, column, value, reason))

    def row(self, number: int, row: Mapping[str, str]) -> PlannedUnit | None:
        before = len(self.errors)
        name = self.clean(number, row, NAME, fields.unit_name)
        code = self.clean(number, row, CODE, fields.credit_code)
        phone = self.clean(number, row, PHONE, fields.office_phone) if row[PHONE] else ""
        level = self.levels.get(row[LEVEL].replace(" ", ""))
        if level is None:
            self.wrong(number, LEVEL, row[LEVEL], f"单位层级应填写以下之一：{'、'.join(self.levels)}。")
        region = self.region(number, row[REGION])
        if code:
            self.unique_code(number, code)
        if name and region:
            self.unique_name(number, name, region)
        agency = self.agency(number, row[REGION], level, region) if level and region else None
        if len(self.errors) > before:
            return None
        assert name and code and level and region and agency and phone is not None
        return PlannedUnit(number, name, code, level, region, agency, phone, row[SUPERVISING])

    def clean(self, number: int, row: Mapping[str, str], column: str, check: Any) -> str | None:
        try:
            result: str = check(row[column])
        except InvalidInput as error:
            self.wrong(number, column, row[column], error.message)
            return None
        return result

    def region(self, number: int, text: str) -> RegionEntry | None:
        found = self.regions.find(text)
        if len(found) == 1:
            return found[0]
        if not text:
            reason = "请填写所在地区，如“郑州市中牟县”。"
        elif found:
            reason = f"有多个地区名为“{text}”，请连同省辖市填写，如“{found[0].full_name}”。"
        else:
            reason = "没有这个地区，请填写省辖市和县（市、区）全称，如“郑州市中牟县”，或6位区划代码。"
        self.wrong(number, REGION, text, reason)
        return None

    def unique_code(self, number: int, code: str) -> None:
        first = self.code_rows.setdefault(code, number)
        if first != number:
            self.wrong(number, CODE, code, f"与第{first}行的统一社会信用代码重复。")
        elif code in self.codes:
            self.wrong(number, CODE, code, "该统一社会信用代码已有单位使用；如需修改请在单位页面办理。")

    def unique_name(self, number: int, name: str, region: RegionEntry) -> None:
        first = self.place_rows.setdefault((name, region.code), number)
        if first != number:
            self.wrong(number, NAME, name, f"与第{first}行的单位名称、地区都相同。")
        elif (name, region.code) in self.places:
            self.wrong(number, NAME, name, units.name_taken(name))

    def agency(self, number: int, text: str, level: UnitLevel, region: RegionEntry) -> Agency | None:
        key = (level, region.code)
        if key not in self.agencies:
            try:
                self.agencies[key] = units.agency_for(level, region)
            except InvalidInput as error:
                self.agencies[key] = error
        found = self.agencies[key]
        if isinstance(found, InvalidInput):
            self.wrong(number, REGION, text, found.message)
            return None
        if found.id not in self.scope:
            self.wrong(number, REGION, text, units.outside_scope(level, found))
            return None
        return found

    def supervise(self, rows: Sequence[PlannedUnit]) -> None:
        """Find every supervising unit: by credit code or name, in the file or among those registered."""
        by_code = {row.credit_code: row for row in rows}
        by_name: dict[str, list[PlannedUnit]] = {}
        for row in rows:
            by_name.setdefault(row.name, []).append(row)
        for row in rows:
            if row.supervising:
                self.supervising(row, by_code, by_name)
        self.refuse_circles(rows)

    def supervising(
        self, row: PlannedUnit, by_code: Mapping[str, PlannedUnit], by_name: Mapping[str, list[PlannedUnit]]
    ) -> None:
        text = row.supervising
        code = text.upper()
        if code in by_code:
            row.parent_row = by_code[code].number
            return
        if code in self.codes and self.codes[code] in self.active:
            row.parent_id = self.codes[code]
            return
        name = units.tidy(text)
        in_file, registered = by_name.get(name, []), self.named.get(name, [])
        if len(in_file) + len(registered) > 1:
            self.wrong(row.number, SUPERVISING, text, "有多个单位使用这个名称，请改填主管单位的统一社会信用代码。")
        elif in_file:
            row.parent_row = in_file[0].number
        elif registered:
            row.parent_id = registered[0]
        elif self.typed[code] or self.typed[name]:
            self.wrong(row.number, SUPERVISING, text, "主管单位所在的行有误，请先改正那一行。")
        else:
            self.wrong(
                row.number,
                SUPERVISING,
                text,
                "没有找到这个主管单位。请核对全称或统一社会信用代码，或在本表中先填写主管单位。",
            )

    def refuse_circles(self, rows: Sequence[PlannedUnit]) -> None:
        above = {row.number: row.parent_row for row in rows}
        for row in rows:
            seen = {row.number}
            at = row.parent_row
            while at is not None and at not in seen:
                seen.add(at)
                at = above.get(at)
            if at == row.number:
                self.wrong(row.number, SUPERVISING, row.supervising, "主管单位互为上下级，形成循环，请核对隶属关系。")


class _Regions:
    """Finds a region by its code, its full name or, where only one bears it, its own name."""

    def __init__(self) -> None:
        entries = db.session.scalars(select(RegionEntry).options(selectinload(RegionEntry.parent)))
        self.found: dict[str, list[RegionEntry]] = {}
        for entry in entries:
            for text in {entry.code, entry.name, entry.full_name, "河南省" + entry.full_name}:
                self.found.setdefault(text, []).append(entry)

    def find(self, text: str) -> list[RegionEntry]:
        return self.found.get("".join(text.split()), [])
