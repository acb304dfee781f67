"""A unit's list of its people: imported to prefill their applications, and to see who has not finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import contains_eager, selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import Account, Application, Person, RosterEntry, Unit
from gongkao.rules import fields
from gongkao.rules.application_form import EDUCATIONS, STAFF_KINDS
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.retirement import PostKind
from gongkao.rules.workflow import Status
from gongkao.sealing import lookup
from gongkao.services import audit, cycles, units
from gongkao.services.errors import FieldsRefused, NotFound
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, of_identity
from gongkao.services.sheet_import import Preview, RowError, Table, read_table_rows
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.spreadsheets import write_table
from gongkao.storage.store import MissingFile

NAME, NUMBER, MOBILE, UNIT = "姓名", "身份证号", "手机号码", "所在单位"
EDUCATION, DEPARTMENT, POST, POST_KIND, STAFF_KIND = "文化程度", "工作部门", "现任岗位", "岗位类别", "人员类别"
WORK_STARTED, POST_STARTED = "参加工作时间", "现岗位开始时间"
GRADE, TRADE, CERTIFICATE, ISSUED = "原证书等级", "原证书工种", "原证书编号", "原证书发证日期"
NEEDED = (NAME, NUMBER)
OPTIONAL = (
    MOBILE,
    UNIT,
    EDUCATION,
    DEPARTMENT,
    POST,
    POST_KIND,
    STAFF_KIND,
    WORK_STARTED,
    POST_STARTED,
    GRADE,
    TRADE,
    CERTIFICATE,
    ISSUED,
)
COLUMNS = (*NEEDED, *OPTIONAL)
_EARLIEST = date(1940, 1, 1)
_POST_KINDS = {kind.label: kind.value for kind in PostKind} | {"工人": "worker", "干部": "cadre"}
_GRADES = {text: int(grade) for grade in Grade for text in (grade.level, grade.title, grade.label, str(int(grade)))}


@dataclass(frozen=True)
class PlannedEntry:
    """One good row. `effect` is 新增, 修改 or 无变化."""

    number: int
    facts: Mapping[str, Any]
    unit: Unit
    effect: str

    @property
    def masked_number(self) -> str:
        return fields.mask_identity_number(self.facts["identity_number"])


RosterPreview = Preview[PlannedEntry]


def template() -> bytes:
    """An empty table to fill in."""
    return write_table(COLUMNS, [], title="人员名单模板", widths=(12, 22, 16, 32, *[16] * 11))


def read_import(actor: Account, data: bytes, filename: str) -> RosterPreview:
    """Judge every row of an uploaded table and keep the file for `commit_import`; changes nothing else.

    Raises FieldsRefused for a file that cannot be read or lacks a column.
    """
    preview = _judge(actor, read_table_rows(data, filename, needed=NEEDED, optional=OPTIONAL), filename)
    preview.digest = store().put(data)
    return preview


def commit_import(actor: Account, digest: str, filename: str) -> RosterPreview:
    """Keep every person of a previewed file, all or nothing; a person listed already is brought up to date.

    The file is judged once more: where it no longer fits, what comes back holds errors and nothing was kept.
    Raises FieldsRefused where the file is no longer kept.
    """
    try:
        data = store().get(digest)
    except MissingFile as error:
        raise FieldsRefused({"file": "上传的表格已不在系统中，请重新上传。"}) from error
    table = read_table_rows(data, filename, needed=NEEDED, optional=OPTIONAL)
    with transaction() as session:
        assert actor.unit is not None
        # Two imports at once would both find a person missing.
        session.execute(select(Unit.id).where(Unit.id == actor.unit_id).with_for_update())
        preview = _judge(actor, table, filename)
        preview.digest = digest
        if preview.errors:
            return preview
        cycle_id = cycles.current_cycle().id
        known = _known(cycle_id, [row.facts["identity_number"] for row in preview.rows])
        for row in preview.rows:
            entry = known.get(row.facts["identity_number"])
            if entry is None:
                entry = RosterEntry(cycle_id=cycle_id)
                session.add(entry)
            for name, value in row.facts.items():
                setattr(entry, name, value)
            entry.unit_id = row.unit.id
            entry.imported_by_id = actor.id
            entry.imported_at = now()
        audit.record(
            actor,
            "import_roster",
            actor.unit,
            file=filename[:120],
            added=preview.count("新增"),
            changed=preview.count("修改"),
        )
    return preview


def _known(cycle_id: int, numbers: Sequence[str]) -> dict[str, RosterEntry]:
    query = select(RosterEntry).where(
        RosterEntry.cycle_id == cycle_id, RosterEntry.identity_hash.in_(map(lookup, numbers))
    )
    return {entry.identity_number: entry for entry in db.session.scalars(query)}


def _judge(actor: Account, table: Table, filename: str) -> RosterPreview:
    preview = RosterPreview(digest="", filename=filename, total=len(table.rows))
    own = actor.unit
    assert own is not None
    found = db.session.scalars(narrow(select(Unit), Unit, actor).where(Unit.active)).all()
    by_text: dict[str, Unit] = {unit.credit_code: unit for unit in found} | {unit.name: unit for unit in found}
    known = _known(cycles.current_cycle().id, [row[NUMBER].upper() for _, row in table.rows])
    first: dict[str, int] = {}
    for number, row in table.rows:
        before = len(preview.errors)
        facts = _facts(number, row, preview.errors)
        unit = by_text.get(units.tidy(row[UNIT]) if row[UNIT] else own.name) or by_text.get(row[UNIT].upper())
        if unit is None:
            reason = "不是本单位或下属单位，请填写规范全称或统一社会信用代码；本单位的可以留空。"
            preview.errors.append(RowError(number, UNIT, row[UNIT], reason))
        identity = facts.get("identity_number", "")
        if identity and first.setdefault(identity, number) != number:
            preview.errors.append(RowError(number, NUMBER, row[NUMBER], f"与第{first[identity]}行的身份证号重复。"))
        entry = known.get(identity)
        if entry is not None and entry.unit_id not in {one.id for one in found}:
            preview.errors.append(RowError(number, NUMBER, row[NUMBER], "此人已在其他单位的名单中，请与对方核实。"))
        if len(preview.errors) == before and unit is not None:
            preview.rows.append(PlannedEntry(number, facts, unit, _effect(entry, facts, unit)))
    preview.errors.sort(key=lambda error: (error.number, COLUMNS.index(error.column)))
    return preview


def _effect(entry: RosterEntry | None, facts: Mapping[str, Any], unit: Unit) -> str:
    if entry is None:
        return "新增"
    same = entry.unit_id == unit.id and all(getattr(entry, name) == value for name, value in facts.items())
    return "无变化" if same else "修改"


def _facts(number: int, row: Mapping[str, str], errors: list[RowError]) -> dict[str, Any]:
    facts: dict[str, Any] = {}

    def take(name: str, column: str, read: Any, empty: Any) -> None:
        text = row[column].strip()
        if not text and column not in NEEDED:
            facts[name] = empty
            return
        try:
            facts[name] = read(text)
        except InvalidInput as error:
            errors.append(RowError(number, column, row[column], error.message))

    def words(label: str, longest: int) -> Any:
        return lambda text: fields.short_text(text, label, longest)

    def choice(column: str, choices: Mapping[str, Any]) -> Any:
        def read(text: str) -> Any:
            if text not in choices:
                raise InvalidInput(f"{column}应填写以下之一：{'、'.join(choices)}。")
            return choices[text]

        return read

    def day(column: str) -> Any:
        return lambda text: fields.day(text, column, earliest=_EARLIEST, latest=today())

    take("name", NAME, fields.person_name, "")
    take("identity_number", NUMBER, fields.identity_number, "")
    take("mobile", MOBILE, fields.mobile, "")
    take("education", EDUCATION, choice(EDUCATION, {one: one for one in EDUCATIONS}), "")
    take("department", DEPARTMENT, words(DEPARTMENT, 40), "")
    take("post", POST, words(POST, 40), "")
    take("post_kind", POST_KIND, choice(POST_KIND, _POST_KINDS), "")
    take("staff_kind", STAFF_KIND, choice(STAFF_KIND, {one: one for one in STAFF_KINDS}), "")
    take("work_started_on", WORK_STARTED, day(WORK_STARTED), None)
    take("post_started_on", POST_STARTED, day(POST_STARTED), None)
    take("certificate_grade", GRADE, choice(GRADE, _GRADES), None)
    take("certificate_trade", TRADE, words(TRADE, 40), "")
    take("certificate_number", CERTIFICATE, words(CERTIFICATE, 40), "")
    take("certificate_issued_on", ISSUED, day(ISSUED), None)
    return facts


def entry_of(identity_number: str, cycle_id: int) -> RosterEntry | None:
    """What a unit has listed of the person in the cycle, to prefill an application."""
    return db.session.scalar(
        select(RosterEntry).where(
            RosterEntry.cycle_id == cycle_id, RosterEntry.identity_hash == lookup(identity_number)
        )
    )


def find(actor: Account, entry_id: int) -> RosterEntry:
    """An entry of the own unit's list or of one below it. Raises NotFound."""
    entry = db.session.scalar(narrow(select(RosterEntry), RosterEntry, actor).where(RosterEntry.id == entry_id))
    if entry is None:
        raise NotFound("roster entry")
    return entry


def remove(actor: Account, entry_ids: Sequence[int]) -> int:
    """Take people off the list, those in the scope; applications that were begun stay. Returns how many."""
    with transaction() as session:
        query = narrow(select(RosterEntry), RosterEntry, actor).where(RosterEntry.id.in_(entry_ids))
        found = session.scalars(query).all()
        if found:
            audit.record(actor, "remove_from_roster", actor.unit, names=[entry.name for entry in found])
        for entry in found:
            session.delete(entry)
    return len(found)


NOT_REGISTERED, NOT_BEGUN = "not_registered", "not_begun"
_PROGRESS = [
    ("", "全部"),
    ("unfinished", "未完成申报"),
    (NOT_REGISTERED, "未注册"),
    (NOT_BEGUN, "已注册，未填报"),
    *((status.value, status.label) for status in Status),
]


def _application_exists(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        Person.identity_hash == RosterEntry.identity_hash,
        Application.person_id == Person.id,
        Application.cycle_id == RosterEntry.cycle_id,
        *conditions,
    )


def _progress(value: str) -> ColumnElement[bool]:
    registered = exists().where(Person.identity_hash == RosterEntry.identity_hash)
    if value == NOT_REGISTERED:
        return ~registered
    if value == NOT_BEGUN:
        return registered & ~_application_exists()
    if value == "unfinished":
        return ~_application_exists(Application.status.not_in([Status.DRAFT, Status.RETURNED]))
    return _application_exists(Application.status == Status(value))


def progress(entry: RosterEntry) -> Cell:
    """How far the person has come with this cycle's application."""
    if entry.person is None:
        return Cell("未注册", chip="needs")
    mine = next((one for one in entry.person.applications if one.cycle_id == entry.cycle_id), None)
    if mine is None:
        return Cell("已注册，未填报", chip="needs")
    return Cell(mine.status.label, chip=mine.status.tone)


def listing(actor: Account) -> Listing:
    """The people of the own unit and of those below it, with how far each has come."""
    cycle_id = cycles.current_cycle().id
    bare = narrow(select(RosterEntry), RosterEntry, actor).where(RosterEntry.cycle_id == cycle_id)
    return Listing(
        title="人员名单",
        bare=bare,
        query=bare.join(RosterEntry.unit).options(
            contains_eager(RosterEntry.unit),
            selectinload(RosterEntry.person).selectinload(Person.applications.and_(Application.cycle_id == cycle_id)),
        ),
        tie=RosterEntry.id,
        sort="name",
        search=[contains(RosterEntry.name), of_identity(RosterEntry), contains(Unit.name)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("name", NAME, lambda row: row.name, RosterEntry.name),
            Column("number", NUMBER, lambda row: fields.mask_identity_number(row.identity_number), kind="mono"),
            Column("mobile", MOBILE, lambda row: fields.mask_mobile(row.mobile) if row.mobile else "", kind="mono"),
            Column("unit", UNIT, lambda row: row.unit.name, Unit.name),
            Column("post", POST, lambda row: row.post),
            Column("progress", "申报进展", progress, kind="status"),
        ],
        filters=[Filter("progress", "申报进展", _PROGRESS, _progress)],
        empty_text="名单为空。导入人员名单后，他们填报时会自动带出基本信息，这里能看到谁还没有完成。",
    )


def counts(actor: Account) -> dict[str, int]:
    """How many are on the list, and how many of them have not finished: total, unfinished."""
    query = narrow(select(RosterEntry.id), RosterEntry, actor).where(RosterEntry.cycle_id == cycles.current_cycle().id)
    return {
        "total": db.session.scalar(select(func.count()).select_from(query.subquery())) or 0,
        "unfinished": db.session.scalar(
            select(func.count()).select_from(query.where(_progress("unfinished")).subquery())
        )
        or 0,
    }
