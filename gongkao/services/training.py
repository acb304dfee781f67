"""Training (培训, notice 三（四）): classes of one trade and grade, who is in them, attendance and completion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Person, Trade, TrainingClass, TrainingMember, Unit
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.services import audit, cycles, unmasking
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.exam_office import (
    FormReader,
    candidates,
    chosen_grade,
    day_within,
    own_office,
    require_own,
    whole_number,
    words,
)
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, counting, of_identity
from gongkao.services.sheet_import import Preview, RowError, Table, read_table_rows
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.spreadsheets import write_table
from gongkao.storage.store import MissingFile

MAX_HOURS = 400
MAX_CAPACITY = 500
NAME, NUMBER, HOURS, OUTCOME, REMARK = "姓名", "身份证号", "出勤学时", "培训结果", "备注"
NEEDED = (NAME, NUMBER)
OPTIONAL = (HOURS, OUTCOME, REMARK)
OUTCOMES = {"结业": True, "未结业": False}


def outcome_text(completed: bool | None) -> str:
    """结业, 未结业, or nothing while not decided."""
    return {True: "结业", False: "未结业", None: ""}[completed]


def find(actor: Account, class_id: int, *, lock: bool = False) -> TrainingClass:
    """A class in the actor's scope. Raises NotFound."""
    query = narrow(select(TrainingClass), TrainingClass, actor).where(TrainingClass.id == class_id)
    found = db.session.scalar(query.with_for_update(of=TrainingClass) if lock else query)
    if found is None:
        raise NotFound("training class")
    return found


def editable(actor: Account, training: TrainingClass) -> bool:
    """Whether the actor's own office holds the class."""
    return may(actor, Permission.MANAGE_EXAMS) and actor.agency_id == training.agency_id


def period(training: TrainingClass) -> str:
    """The days of the training where the class is held, such as 2025年4月14日至7月4日."""
    window = cycles.find_window(WindowKey.TRAINING, training.agency, training.grade)
    return period_text(window) if window is not None else ""


def recording(actor: Account, training: TrainingClass) -> bool:
    """Whether attendance and completion are the actor's to record today."""
    return editable(actor, training) and cycles.is_open(WindowKey.TRAINING, training.agency, training.grade)


def _own(actor: Account, class_id: int) -> TrainingClass:
    """A class of the own office, locked, until its training window is over: classes are planned and filled before."""
    training = find(actor, class_id, lock=True)
    require_own(actor, training.agency)
    cycles.require_not_over(WindowKey.TRAINING, training.agency, training.grade)
    return training


def _under_way(actor: Account, class_id: int) -> TrainingClass:
    """A class of the own office, locked, while its training window is open."""
    training = _own(actor, class_id)
    cycles.require_open(WindowKey.TRAINING, training.agency, training.grade)
    return training


def save(actor: Account, class_id: int | None, typed: Mapping[str, str]) -> TrainingClass:
    """Add a class, or change one of the own office (name, trade, grade, starts, ends, place, hours, capacity).

    Trade and grade stay once people are in it. Raises FieldsRefused by field, WindowClosed, Refused, NotFound.
    """
    with transaction() as session:
        agency = own_office(actor, lock=True)
        training = _own(actor, class_id) if class_id is not None else None
        reader = FormReader()
        name = reader.read("name", lambda: words(typed["name"], "班次名称", 60))
        trade = reader.read("trade", lambda: _trade(typed["trade"]))
        grade = reader.read("grade", lambda: chosen_grade(typed["grade"]))
        starts = reader.read("starts", lambda: _day(agency, typed["starts"], "开班日期", grade))
        ends = reader.read("ends", lambda: _day(agency, typed["ends"], "结束日期", grade))
        place = reader.read("place", lambda: words(typed["place"], "培训地点", 120))
        hours = reader.read("hours", lambda: whole_number(typed["hours"], "学时", 1, MAX_HOURS))
        capacity = reader.read("capacity", lambda: whole_number(typed["capacity"], "名额", 1, MAX_CAPACITY))
        if starts and ends and ends < starts:
            reader.wrong["ends"] = "结束日期不能早于开班日期。"
        if training is not None:
            _check_members(training, trade, grade, hours, capacity, reader.wrong)
        reader.finish()
        cycles.require_not_over(WindowKey.TRAINING, agency, grade)
        before = _facts(training) if training is not None else None
        if training is None:
            training = TrainingClass(cycle_id=cycles.current_cycle().id, agency_id=agency.id, created_by_id=actor.id)
            session.add(training)
        training.name, training.trade_id, training.grade, training.place = name, trade.id, grade, place
        training.starts_on, training.ends_on, training.hours, training.capacity = starts, ends, hours, capacity
        session.flush()
        audit.record(actor, "save_training_class", training, before=before, after=_facts(training))
    return training


def _trade(text: str) -> Trade:
    found = db.session.scalar(select(Trade).where(Trade.code == text.strip()))
    if found is None:
        raise InvalidInput("请选择工种。")
    return found


def _day(agency: Agency, text: str, label: str, grade: int | None) -> date:
    year = cycles.current_cycle().year
    day = fields.day(text, label, earliest=date(year, 1, 1), latest=date(year, 12, 31))
    if grade is not None:
        day_within(agency, WindowKey.TRAINING, grade, day, label)
    return day


def _check_members(
    training: TrainingClass,
    trade: Trade | None,
    grade: int | None,
    hours: int | None,
    capacity: int | None,
    wrong: dict[str, str],
) -> None:
    count = _count(training)
    if not count:
        return
    if trade is not None and trade.id != training.trade_id:
        wrong["trade"] = f"班内已有{count}人，不能再改工种。"
    if grade is not None and grade != training.grade:
        wrong["grade"] = f"班内已有{count}人，不能再改等级。"
    if capacity is not None and capacity < count:
        wrong["capacity"] = f"班内已有{count}人，名额不能少于已报人数。"
    most = db.session.scalar(select(func.max(TrainingMember.hours)).where(TrainingMember.class_id == training.id))
    if hours is not None and most is not None and hours < most:
        wrong["hours"] = f"已登记的出勤最多为{most}学时，学时不能少于它。"


def _count(training: TrainingClass) -> int:
    return db.session.scalar(select(func.count()).where(TrainingMember.class_id == training.id)) or 0


def _facts(training: TrainingClass) -> dict[str, Any]:
    return {
        "name": training.name,
        "trade": training.trade_id,
        "grade": training.grade,
        "days": [training.starts_on.isoformat(), training.ends_on.isoformat()],
        "place": training.place,
        "hours": training.hours,
        "capacity": training.capacity,
    }


def remove(actor: Account, class_id: int) -> None:
    """Take a class away in which nobody is. Raises Refused, WindowClosed, NotFound."""
    with transaction() as session:
        training = _own(actor, class_id)
        count = _count(training)
        if count:
            raise Refused(f"班内已有{count}人，不能删除。请先将学员移出。")
        audit.record(actor, "remove_training_class", training, before=_facts(training))
        session.delete(training)


def _may_join(training: TrainingClass) -> Any:
    """The qualified of the class's trade and grade who are in no class yet."""
    inside = select(TrainingMember.id).where(TrainingMember.application_id == Application.id).exists()
    return (
        candidates(training.agency, cycles.current_cycle())
        & (Application.trade_id == training.trade_id)
        & (Application.grade == training.grade)
        & ~inside
    )


def enrol(actor: Account, class_id: int, application_ids: Sequence[int]) -> int:
    """Put qualified people of the class's trade and grade in it. Returns how many.

    Raises Refused where there are not enough places, WindowClosed, NotFound.
    """
    with transaction() as session:
        training = _own(actor, class_id)
        wanted = select(Application.id).where(_may_join(training), Application.id.in_(application_ids))
        found = session.scalars(wanted.order_by(Application.id)).all()
        left = training.capacity - _count(training)
        if len(found) > left:
            raise Refused(f"名额还剩{left}个，所选{len(found)}人报不下。请减少人数，或先增加名额。")
        session.add_all(
            TrainingMember(class_id=training.id, application_id=one, enrolled_by_id=actor.id) for one in found
        )
        if found:
            audit.record(actor, "enrol_in_training", training, applications=list(found))
    return len(found)


def expel(actor: Account, class_id: int, member_ids: Sequence[int]) -> int:
    """Take people out of a class. Returns how many. Raises Refused, WindowClosed, NotFound."""
    with transaction() as session:
        training = _own(actor, class_id)
        query = select(TrainingMember).where(TrainingMember.class_id == training.id, TrainingMember.id.in_(member_ids))
        found = session.scalars(query).all()
        if found:
            audit.record(actor, "remove_from_training", training, applications=[one.application_id for one in found])
        for one in found:
            session.delete(one)
    return len(found)


def field_name(member_id: int, what: str) -> str:
    """The name of a member's field ("hours", "outcome", "remark") in the form of the class."""
    return f"{what}-{member_id}"


def record(actor: Account, class_id: int, typed: Mapping[str, str]) -> int:
    """Keep attendance and completion of the members whose fields are there, all or nothing. Returns how many changed.

    Raises FieldsRefused by `field_name`, WindowClosed, Refused, NotFound.
    """
    with transaction() as session:
        training = _under_way(actor, class_id)
        members = session.scalars(select(TrainingMember).where(TrainingMember.class_id == training.id)).all()
        reader = FormReader()
        changes = []
        for one in members:
            names = {what: field_name(one.id, what) for what in ("hours", "outcome", "remark")}
            if not any(name in typed for name in names.values()):
                continue
            texts = {what: typed.get(name, "") for what, name in names.items()}
            facts = {
                what: reader.read(names[what], partial(_record_fact, training, what, text))
                for what, text in texts.items()
            }
            changes.append((one, facts))
        reader.finish()
        changed = sum(_keep(one, facts["hours"], facts["outcome"], facts["remark"]) for one, facts in changes)
        if changed:
            audit.record(actor, "record_training", training, changed=changed)
    return changed


def _record_fact(training: TrainingClass, what: str, text: str) -> Any:
    if what == "hours":
        return whole_number(text, HOURS, 0, training.hours) if text.strip() else None
    if what == "outcome":
        if text.strip() and text.strip() not in OUTCOMES:
            raise InvalidInput("培训结果应填写“结业”或“未结业”，未确定的留空。")
        return OUTCOMES.get(text.strip())
    return words(text, REMARK, 60, needed=False)


def _keep(one: TrainingMember, hours: int | None, completed: bool | None, remark: str) -> bool:
    if (one.hours, one.completed, one.remark) == (hours, completed, remark):
        return False
    one.hours, one.completed, one.remark, one.recorded_at = hours, completed, remark, now()
    return True


# Excel.


@dataclass(frozen=True)
class PlannedMember:
    """One good row. `effect` is 新增, 修改 or 无变化."""

    number: int
    name: str
    masked_number: str
    application_id: int
    hours: int | None
    completed: bool | None
    remark: str
    effect: str


TrainingPreview = Preview[PlannedMember]


def members_sheet(actor: Account, class_id: int) -> tuple[TrainingClass, bytes]:
    """The class's list as the table that `read_import` takes back; only for the office that holds the class, since it
    carries whole identity numbers. Raises Refused, NotFound."""
    training = find(actor, class_id)
    require_own(actor, training.agency)
    rows = [
        (
            one.application.person.name,
            one.application.person.identity_number,
            "" if one.hours is None else str(one.hours),
            outcome_text(one.completed),
            one.remark,
        )
        for one in _members(training)
    ]
    title = f"{training.name}学员名单"
    unmasking.record_papers(actor, training, title, people=f"{len(rows)}人")
    return training, write_table((*NEEDED, *OPTIONAL), rows, title=title, widths=(14, 24, 12, 12, 30))


def _members(training: TrainingClass) -> Sequence[TrainingMember]:
    query = (
        select(TrainingMember)
        .where(TrainingMember.class_id == training.id)
        .join(TrainingMember.application)
        .join(Application.person)
        .order_by(Person.name, TrainingMember.id)
        .options(contains_eager(TrainingMember.application).contains_eager(Application.person))
    )
    return db.session.scalars(query).all()


def read_import(actor: Account, class_id: int, data: bytes, filename: str) -> TrainingPreview:
    """Judge every row of an uploaded table and keep the file for `commit_import`; changes nothing else.

    Raises FieldsRefused for a file that cannot be read or lacks a column, WindowClosed, Refused, NotFound.
    """
    training = find(actor, class_id)
    require_own(actor, training.agency)
    cycles.require_open(WindowKey.TRAINING, training.agency, training.grade)
    preview = _judge(training, read_table_rows(data, filename, needed=NEEDED, optional=OPTIONAL), filename)
    preview.digest = store().put(data)
    return preview


def commit_import(actor: Account, class_id: int, digest: str, filename: str) -> TrainingPreview:
    """Keep every row of a previewed file, all or nothing: who is not in the class yet is put in it.

    The file is judged once more: where it no longer fits, what comes back holds errors and nothing was kept.
    Raises FieldsRefused where the file is no longer kept, WindowClosed, Refused, NotFound.
    """
    try:
        data = store().get(digest)
    except MissingFile as error:
        raise FieldsRefused({"file": "上传的表格已不在系统中，请重新上传。"}) from error
    table = read_table_rows(data, filename, needed=NEEDED, optional=OPTIONAL)
    with transaction() as session:
        training = _under_way(actor, class_id)
        preview = _judge(training, table, filename)
        preview.digest = digest
        if preview.errors:
            return preview
        known = {one.application_id: one for one in _members(training)}
        for row in preview.rows:
            one = known.get(row.application_id)
            if one is None:
                one = TrainingMember(
                    class_id=training.id,
                    application_id=row.application_id,
                    enrolled_by_id=actor.id,
                    remark="",
                )
                session.add(one)
            _keep(one, row.hours, row.completed, row.remark)
        audit.record(
            actor,
            "import_training",
            training,
            file=filename[:120],
            added=preview.count("新增"),
            changed=preview.count("修改"),
        )
    return preview


def _judge(training: TrainingClass, table: Table, filename: str) -> TrainingPreview:
    preview = TrainingPreview(digest="", filename=filename, total=len(table.rows))
    members = {one.application.person.identity_number: one for one in _members(training)}
    joining = {
        number: (application_id, name)
        for application_id, number, name in db.session.execute(
            select(Application.id, Person.identity_number, Person.name)
            .join(Application.person)
            .where(_may_join(training))
        )
    }
    first: dict[str, int] = {}
    for number, row in table.rows:
        before = len(preview.errors)

        def wrong(column: str, reason: str, number: int = number, row: Mapping[str, str] = row) -> None:
            preview.errors.append(RowError(number, column, row[column], reason))

        identity = row[NUMBER].strip().upper()
        facts: dict[str, Any] = {}
        for what, column in (("hours", HOURS), ("outcome", OUTCOME), ("remark", REMARK)):
            try:
                facts[what] = _record_fact(training, what, row[column])
            except InvalidInput as error:
                wrong(column, error.message)
        if first.setdefault(identity, number) != number:
            wrong(NUMBER, f"与第{first[identity]}行的身份证号重复。")
        one, new = members.get(identity), joining.get(identity)
        if one is None and new is None:
            wrong(NUMBER, "不是本班学员，也不是本工种、等级未参加其他班次的审查合格人员，请核对。")
        else:
            name = one.application.person.name if one is not None else new[1] if new is not None else ""
            if row[NAME].strip() != name:
                wrong(NAME, "姓名与身份证号不符，请核对。")
        if len(preview.errors) > before:
            continue
        effect = "新增"
        if one is not None:
            same = (one.hours, one.completed, one.remark) == (facts["hours"], facts["outcome"], facts["remark"])
            effect = "无变化" if same else "修改"
        preview.rows.append(
            PlannedMember(
                number,
                row[NAME].strip(),
                fields.mask_identity_number(identity),
                one.application_id if one is not None else new[0] if new is not None else 0,
                facts["hours"],
                facts["outcome"],
                facts["remark"],
                effect,
            )
        )
    places = training.capacity - len(members)
    if preview.count("新增") > places:
        last = next(row for row in reversed(preview.rows) if row.effect == "新增")
        reason = f"表格新增{preview.count('新增')}人，名额只剩{max(places, 0)}个，请减少人数或先增加名额。"
        preview.errors.append(RowError(last.number, NUMBER, last.masked_number, reason))
    order = (*NEEDED, *OPTIONAL)
    preview.errors.sort(key=lambda error: (error.number, order.index(error.column)))
    return preview


# Lists.


def listing(actor: Account) -> Listing:
    """The classes in the actor's scope of the current cycle."""
    bare = narrow(select(TrainingClass), TrainingClass, actor).where(
        TrainingClass.cycle_id == cycles.current_cycle().id
    )
    enrolled = select(func.count()).where(TrainingMember.class_id == TrainingClass.id).correlate(TrainingClass)
    graduated = enrolled.where(TrainingMember.completed.is_(True))
    query = (
        bare.join(TrainingClass.agency)
        .join(TrainingClass.trade)
        .options(contains_eager(TrainingClass.agency), contains_eager(TrainingClass.trade))
    )
    query = counting(query, enrolled=enrolled.scalar_subquery(), graduated=graduated.scalar_subquery())
    return Listing(
        title="培训班次",
        query=query,
        bare=bare,
        tie=TrainingClass.id,
        sort="starts",
        search=[contains(TrainingClass.name), contains(Trade.name)],
        search_hint="班次名称、工种",
        columns=[
            Column("name", "班次", lambda row: row.name, TrainingClass.name),
            Column("agency", "组织机构", lambda row: row.agency.name, Agency.code),
            Column("trade", "工种", lambda row: row.trade.name, Trade.name),
            Column("grade", "等级", lambda row: Grade(row.grade).level, TrainingClass.grade),
            Column(
                "starts",
                "起止日期",
                lambda row: f"{row.starts_on:%Y-%m-%d} 至 {row.ends_on:%m-%d}",
                TrainingClass.starts_on,
                kind="date",
            ),
            Column("hours", "学时", lambda row: str(row.hours), kind="number"),
            Column("people", "学员/名额", lambda row: f"{row.enrolled}/{row.capacity}", kind="number"),
            Column("completed", "结业（人）", lambda row: str(row.graduated), kind="number"),
        ],
        filters=[
            Filter(
                "grade",
                "等级",
                [("", "全部"), *((str(int(grade)), grade.level) for grade in sorted(Grade, reverse=True))],
                lambda value: TrainingClass.grade == int(value),
            )
        ],
        empty_text="还没有培训班次。新增班次后，从审查合格人员中选择学员。",
    )


def members_listing(actor: Account, training: TrainingClass) -> Listing:
    """The people of a class, those in the actor's scope."""
    query = (
        select(TrainingMember)
        .where(TrainingMember.class_id == training.id)
        .join(TrainingMember.application)
        .join(Application.person)
        .join(Application.unit)
        .options(
            contains_eager(TrainingMember.application).options(
                contains_eager(Application.person), contains_eager(Application.unit)
            )
        )
    )

    def outcome(row: TrainingMember) -> Cell:
        if row.completed is None:
            return Cell("未登记", chip="neutral")
        return Cell(outcome_text(row.completed), chip="done" if row.completed else "refused")

    return Listing(
        title=f"{training.name}学员",
        query=narrow(query, Application, actor),
        tie=TrainingMember.id,
        sort="name",
        search=[contains(Person.name), of_identity(Person), contains(Unit.name)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("name", "姓名", lambda row: row.application.person.name, Person.name, kind="name"),
            Column("identity", "身份证号", lambda row: row.application.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.application.unit.name, Unit.name),
            Column("hours", HOURS, lambda row: "" if row.hours is None else str(row.hours), kind="number"),
            Column("outcome", OUTCOME, outcome, kind="status"),
            Column("remark", REMARK, lambda row: row.remark),
        ],
        filters=[
            Filter(
                "state",
                OUTCOME,
                [("", "全部"), ("open", "未登记"), ("yes", "结业"), ("no", "未结业")],
                lambda value: (
                    TrainingMember.completed.is_(None)
                    if value == "open"
                    else TrainingMember.completed.is_(value == "yes")
                ),
            )
        ],
        empty_text="班里还没有学员。从审查合格人员中选择，或从 Excel 导入。",
    )


def candidates_listing(actor: Account, training: TrainingClass) -> Listing:
    """Who may still join a class: the qualified of its trade and grade in no class yet."""
    query = (
        narrow(select(Application), Application, actor)
        .where(_may_join(training))
        .join(Application.person)
        .join(Application.unit)
        .options(contains_eager(Application.person), contains_eager(Application.unit))
    )
    return Listing(
        title="可报名人员",
        query=query,
        tie=Application.id,
        sort="name",
        search=[contains(Person.name), of_identity(Person), contains(Unit.name)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("name", "姓名", lambda row: row.person.name, Person.name, kind="name"),
            Column("identity", "身份证号", lambda row: row.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.unit.name, Unit.name),
            Column("number", "申报编号", lambda row: row.number, Application.number, kind="mono"),
        ],
        empty_text="没有可报名的人员：本工种、等级的审查合格人员都已在班里，或还没有人审查合格。",
    )
