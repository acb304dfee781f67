"""Sites of the tests (考点): their checklist (notice 四（三）), incidents and rooms."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Agency, ExamRoom, ExamSite, Seat, SiteIncident, SittingRoom, StoredFile
from gongkao.rules import fields, onsite
from gongkao.rules.errors import InvalidInput
from gongkao.rules.seating import ExamKind
from gongkao.services import audit, cycles, files
from gongkao.services.errors import NotFound, Refused
from gongkao.services.exam_office import FormReader, moment, own_office, require_own, whole_number, words
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, counting
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import MEGABYTE, UploadRefused, inspect_upload

PLAN_FORMATS = ("pdf",)
PLAN_MAX_BYTES = 20 * MEGABYTE
# The checklist's points that are answered 是 or 否, with what each asks.
POINTS = {
    "power": ("电力保障", "双路供电或备用电源，已检查试用"),
    "recording": ("全程监控录像", "每个考场全程录像，设备已检查试用"),
    "rooms": ("标准化考场", "座位、计算机、标识、信号屏蔽等符合标准"),
}


@dataclass(frozen=True)
class SiteView:
    """One site with what its page shows; `editable` where the actor's own office holds it."""

    site: ExamSite
    editable: bool


def find(actor: Account, site_id: int, *, lock: bool = False) -> ExamSite:
    """A site in the actor's scope. Raises NotFound."""
    query = narrow(select(ExamSite), ExamSite, actor).where(ExamSite.id == site_id)
    found = db.session.scalar(query.with_for_update(of=ExamSite) if lock else query)
    if found is None:
        raise NotFound("site")
    return found


def _own(actor: Account, site_id: int) -> ExamSite:
    """A site of the actor's own office, locked. Raises NotFound, Refused."""
    site = find(actor, site_id, lock=True)
    require_own(actor, site.agency)
    return site


def view(actor: Account, site_id: int) -> SiteView:
    site = find(actor, site_id)
    return SiteView(site, may(actor, Permission.MANAGE_EXAMS) and actor.agency_id == site.agency_id)


def save(actor: Account, site_id: int | None, typed: Mapping[str, str]) -> ExamSite:
    """Add a site, or change what is known of one of the own office (name, address, contact_name, contact_phone).

    Raises FieldsRefused by field, Refused, NotFound.
    """
    with transaction() as session:
        agency = own_office(actor, lock=True)
        site = _own(actor, site_id) if site_id is not None else None
        reader = FormReader()
        facts = {
            "name": reader.read("name", lambda: words(typed["name"], "考点名称", 60)),
            "address": reader.read("address", lambda: words(typed["address"], "地址", 120)),
            "contact_name": reader.read("contact_name", lambda: fields.person_name(typed["contact_name"])),
            "contact_phone": reader.read("contact_phone", lambda: _phone(typed["contact_phone"])),
        }
        cycle = cycles.current_cycle()
        same = select(ExamSite.id).where(
            ExamSite.cycle_id == cycle.id, ExamSite.agency_id == agency.id, ExamSite.name == facts["name"]
        )
        if facts["name"] and db.session.scalar(same.where(ExamSite.id != (site.id if site else 0))) is not None:
            reader.wrong["name"] = "本机构已有同名的考点，请核对或换一个名称。"
        reader.finish()
        if site is None:
            site = ExamSite(cycle_id=cycle.id, agency_id=agency.id)
            session.add(site)
        before = {name: getattr(site, name) for name in facts}
        for name, value in facts.items():
            setattr(site, name, value)
        session.flush()
        audit.record(actor, "save_exam_site", site, before=before, after=facts)
    return site


def _phone(text: str) -> str:
    try:
        return fields.mobile(text)
    except InvalidInput:
        return fields.office_phone(text)


def check(actor: Account, site_id: int, typed: Mapping[str, str], plan: tuple[bytes, str] | None) -> ExamSite:
    """Fill in the checklist: for each of POINTS "yes" or "no" and a note (needed with a no), where recordings are kept
    and who holds them, and the emergency plan as a PDF (bytes, file name); None keeps the one that is there.

    Raises FieldsRefused by field, Refused, NotFound.
    """
    with transaction() as session:
        site = _own(actor, site_id)
        reader = FormReader()
        found: dict[str, Any] = {}
        for key, (label, _) in POINTS.items():
            answer = typed.get(key, "")
            if answer not in ("yes", "no"):
                reader.wrong[key] = f"请选择{label}是否符合要求。"
            found[key] = answer == "yes"
            note = f"{key}_note"
            found[note] = reader.read(note, partial(_problem, typed.get(note, ""), needed=answer == "no"))
        kept = reader.read("kept_at", lambda: words(typed.get("kept_at", ""), "录像保存地点", 120))
        holder = reader.read("holder", lambda: words(typed.get("holder", ""), "录像保管人", 60))
        upload = reader.read("plan", lambda: _plan(plan)) if plan is not None else None
        if plan is None and site.plan_file_id is None:
            reader.wrong["plan"] = "请上传考试应急预案（PDF）。"
        reader.finish()
        site.power_ready, site.power_note = found["power"], found["power_note"]
        site.recording_ready, site.recording_note = found["recording"], found["recording_note"]
        site.rooms_standard, site.rooms_note = found["rooms"], found["rooms_note"]
        site.recordings_kept_at, site.recordings_holder = kept, holder
        if upload is not None and plan is not None:
            site.plan_file_id = files.keep(upload, plan[1]).id
        site.checked_by_id, site.checked_at = actor.id, now()
        session.flush()
        audit.record(actor, "check_exam_site", site, **found, kept_at=kept, holder=holder, new_plan=upload is not None)
    return site


def _problem(text: str, *, needed: bool) -> str:
    return words(text, "存在的问题", 200, needed=needed)


def _plan(plan: tuple[bytes, str]) -> Any:
    try:
        return inspect_upload(plan[0], plan[1], formats=PLAN_FORMATS, max_bytes=PLAN_MAX_BYTES, label="应急预案")
    except UploadRefused as error:
        raise InvalidInput(error.message) from error


def plan_file(actor: Account, site_id: int) -> tuple[StoredFile, bytes]:
    """The emergency plan. Raises NotFound where there is none."""
    site = find(actor, site_id)
    if site.plan_file is None:
        raise NotFound("plan")
    return site.plan_file, files.read(site.plan_file)


def record_incident(actor: Account, site_id: int, *, day: str, at: str, what: str, measures: str) -> SiteIncident:
    """Add an entry to a site's log of incidents; entries are never changed.

    Raises FieldsRefused by field (day, at, what, measures), Refused, NotFound.
    """
    with transaction() as session:
        site = _own(actor, site_id)
        today = now().date()
        reader = FormReader()
        earliest = today.replace(month=1, day=1)
        on = reader.read("day", lambda: fields.day(day, "发生日期", earliest=earliest, latest=today))
        clock = reader.read("at", lambda: onsite.clock_time(at))
        happened = reader.read("what", lambda: fields.short_text(what, "事件经过", 1000, 4))
        done = reader.read("measures", lambda: fields.short_text(measures, "处置情况", 1000, 4))
        if on and clock and moment(on, clock) > now():
            reader.wrong["at"] = "发生时间不能晚于现在。"
        reader.finish()
        entry = SiteIncident(
            site_id=site.id, happened_at=moment(on, clock), what=happened, measures=done, recorded_by_id=actor.id
        )
        session.add(entry)
        session.flush()
        audit.record(actor, "record_incident", entry, site=site.name)
    return entry


def find_room(actor: Account, site_id: int, room_id: int) -> ExamRoom:
    """A room of a site in the actor's scope. Raises NotFound."""
    site = find(actor, site_id)
    room = db.session.get(ExamRoom, room_id)
    if room is None or room.site_id != site.id:
        raise NotFound("room")
    return room


def save_room(
    actor: Account, site_id: int, room_id: int | None, typed: Mapping[str, str], *, accessible: bool
) -> ExamRoom:
    """Add a room to a site, or change one (number, location, rows, columns, computers).

    Raises FieldsRefused by field; Refused where people sit on seats that would be gone; NotFound.
    """
    with transaction() as session:
        site = _own(actor, site_id)
        room = find_room(actor, site_id, room_id) if room_id is not None else None
        reader = FormReader()
        number = reader.read("number", lambda: whole_number(typed["number"], "考场号", 1, 999))
        location = reader.read("location", lambda: words(typed["location"], "位置", 60, needed=False))
        rows = reader.read("rows", lambda: whole_number(typed["rows"], "排数", 1, 30))
        columns = reader.read("columns", lambda: whole_number(typed["columns"], "列数", 1, 30))
        computers = reader.read("computers", lambda: whole_number(typed["computers"], "可用计算机", 0, 900))
        if rows and columns and computers is not None and computers > rows * columns:
            reader.wrong["computers"] = f"可用计算机不能多于座位数（{rows}排×{columns}列，共{rows * columns}座）。"
        same = select(ExamRoom.id).where(ExamRoom.site_id == site.id, ExamRoom.number == number)
        if number and db.session.scalar(same.where(ExamRoom.id != (room.id if room else 0))) is not None:
            reader.wrong["number"] = f"该考点已有第{number}考场，请换一个考场号。"
        reader.finish()
        if room is None:
            room = ExamRoom(site_id=site.id)
            session.add(room)
        elif (room.rows, room.columns, room.computers, room.accessible) != (rows, columns, computers, accessible):
            _refuse_used(room)
        before = _room_facts(room)
        room.number, room.location, room.rows, room.columns = number, location, rows, columns
        room.computers, room.accessible = computers, accessible
        session.flush()
        audit.record(actor, "save_exam_room", room, site=site.name, before=before, after=_room_facts(room))
    return room


def remove_room(actor: Account, site_id: int, room_id: int) -> None:
    """Take a room away that no sitting uses. Raises Refused, NotFound."""
    with transaction() as session:
        site = _own(actor, site_id)
        room = find_room(actor, site_id, room_id)
        if db.session.scalar(select(func.count()).where(SittingRoom.room_id == room.id)):
            raise Refused(f"{room.label}已列入场次，不能删除。请先在场次中取消使用该考场。")
        audit.record(actor, "remove_exam_room", room, site=site.name, before=_room_facts(room))
        session.delete(room)


def _refuse_used(room: ExamRoom) -> None:
    seated = db.session.scalar(select(func.count()).where(Seat.room_id == room.id))
    if seated:
        raise Refused(
            f"{room.label}已编排{seated}人，不能再改排数、列数、计算机数和无障碍设置。需要调整的，请先撤销编排。"
        )


def _room_facts(room: ExamRoom) -> dict[str, Any]:
    names = ("number", "location", "rows", "columns", "computers", "accessible")
    return {name: getattr(room, name) for name in names}


def rooms_of(agency: Agency) -> list[ExamRoom]:
    """All rooms of an office in the current cycle, by site and number."""
    query = (
        select(ExamRoom)
        .join(ExamRoom.site)
        .where(ExamSite.cycle_id == cycles.current_cycle().id, ExamSite.agency_id == agency.id)
        .order_by(ExamSite.name, ExamSite.id, ExamRoom.number)
        .options(selectinload(ExamRoom.site))
    )
    return list(db.session.scalars(query))


def listing(actor: Account) -> Listing:
    """The sites in the actor's scope of the current cycle."""

    def of_rooms(figure: Any) -> Any:
        return select(figure).where(ExamRoom.site_id == ExamSite.id).correlate(ExamSite).scalar_subquery()

    def seats(kind: ExamKind) -> Any:
        return func.coalesce(func.sum(ExamRoom.seats_in_sql(kind)), 0)

    query = (
        narrow(select(ExamSite), ExamSite, actor)
        .where(ExamSite.cycle_id == cycles.current_cycle().id)
        .join(ExamSite.agency)
        .options(selectinload(ExamSite.agency))
    )
    query = counting(
        query,
        room_count=of_rooms(func.count()),
        computer_seats=of_rooms(seats(ExamKind.COMPUTER)),
        desk_seats=of_rooms(seats(ExamKind.PAPER)),
    )

    def state(site: ExamSite) -> Cell:
        if site.checked_at is None:
            return Cell("未检查", chip="needs")
        missing = site.open_points
        return (
            Cell(f"{len(missing)}项未落实", chip="refused", title="、".join(missing))
            if missing
            else Cell("已落实", chip="done")
        )

    done = ExamSite.checked_at.is_not(None)
    return Listing(
        title="考点",
        query=query,
        tie=ExamSite.id,
        sort="name",
        search=[contains(ExamSite.name), contains(ExamSite.address)],
        search_hint="考点名称、地址",
        columns=[
            Column("name", "考点", lambda row: row.name, ExamSite.name),
            Column("agency", "组织机构", lambda row: row.agency.name, Agency.code),
            Column("address", "地址", lambda row: row.address),
            Column("rooms", "考场（个）", lambda row: str(row.room_count), kind="number"),
            Column("computers", "机考座位", lambda row: str(row.computer_seats), kind="number"),
            Column("seats", "纸笔座位", lambda row: str(row.desk_seats), kind="number"),
            Column("state", "安全检查", state, kind="status"),
        ],
        filters=[
            Filter(
                "checked",
                "安全检查",
                [("", "全部"), ("yes", "已检查"), ("no", "未检查")],
                lambda value: done if value == "yes" else ~done,
            )
        ],
        empty_text="还没有考点。新增考点，填写考场和安全检查情况后，才能安排场次。",
    )
