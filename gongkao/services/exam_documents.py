"""The papers of a test's day from the records: tickets, and what hangs and lies in the rooms."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.clock import today
from gongkao.documents import exam_papers
from gongkao.documents.exam_papers import (
    AdmissionTicketPaper,
    DoorPaper,
    DoorSitting,
    RoomPaper,
    SeatLine,
    SiteSummaryPaper,
    SummaryRoom,
    SummarySitting,
)
from gongkao.documents.text import chinese_date
from gongkao.extensions import db
from gongkao.models import Account, Application, ExamRoom, ExamSite, ExamSitting, Material, Seat
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialKind
from gongkao.rules.seating import ExamKind
from gongkao.services import cycles, files, seats, sites, sittings, unmasking
from gongkao.services.errors import NotFound, Refused
from gongkao.services.listing import rows
from gongkao.storage.store import MissingFile

TOGETHER = 300


def ticket(actor: Account, application_id: int, *, issued: bool) -> tuple[Seat, bytes]:
    """One person's ticket in the actor's scope, and the seat it is for; taking it is on record.

    Raises NotFound, CharacterMissing.
    """
    seat = seats.find_seat(actor, application_id, issued=issued)
    paper = exam_papers.admission_tickets(tickets([seat]))
    unmasking.record_papers(actor, seat, "准考证", of=seat.application.person.name, number=seat.ticket_number)
    return seat, paper


def own_ticket(actor: Account) -> tuple[Seat, bytes]:
    """The applicant's own ticket. Raises NotFound until it is issued."""
    seat = seats.own_seat(actor)
    if seat is None:
        raise NotFound("seat")
    return seat, exam_papers.admission_tickets(tickets([seat]))


def unit_tickets(actor: Account, args: dict[str, str]) -> tuple[int, bytes]:
    """The issued tickets of everybody in the unit's list as it is filtered, and how many, on record.

    Raises Refused, NotFound.
    """
    found = rows(seats.unit_listing(actor), args, TOGETHER + 1)
    if not found:
        raise NotFound("tickets")
    if len(found) > TOGETHER:
        raise Refused(f"一次最多下载{TOGETHER}人的准考证，请先查询再下载。")
    paper = exam_papers.admission_tickets(tickets([one.seat for one in found]))
    unmasking.record_papers(actor, actor, "准考证", people=f"{len(found)}人")
    return len(found), paper


def tickets(found: Sequence[Seat]) -> list[AdmissionTicketPaper]:
    """The tickets of seats in sight, in the order given."""
    ids = [seat.application_id for seat in found]
    photos = db.session.scalars(
        select(Material)
        .where(Material.application_id.in_(ids), Material.kind == MaterialKind.PHOTO)
        .order_by(Material.id)
    )
    by_person = {one.application_id: one for one in photos}
    query = (
        select(Seat)
        .where(Seat.application_id.in_(ids))
        .options(
            joinedload(Seat.application).options(
                joinedload(Application.person), joinedload(Application.unit), joinedload(Application.trade)
            ),
            joinedload(Seat.sitting).joinedload(ExamSitting.agency),
            joinedload(Seat.room).joinedload(ExamRoom.site),
        )
    )
    loaded = {seat.application_id: seat for seat in db.session.scalars(query)}
    return [_ticket(loaded[number], by_person.get(number)) for number in ids]


def _ticket(seat: Seat, photo: Material | None) -> AdmissionTicketPaper:
    application, sitting, room = seat.application, seat.sitting, seat.room
    person = application.person
    computer = sitting.kind is ExamKind.COMPUTER
    return AdmissionTicketPaper(
        cycle_year=application.cycle.year,
        ticket_number=seat.ticket_number,
        name=person.name,
        sex=person.sex,
        identity_number=person.identity_number,
        unit_name=application.unit.name if application.unit else "",
        trade=application.trade.name if application.trade else "",
        grade=_grade(application).label,
        time=sittings.long_time(sitting),
        kind=sitting.kind.label,
        site=room.site.name,
        address=room.site.address,
        room=room.label + (f"（{room.location}）" if room.location else ""),
        seat=str(seat.number),
        agency_name=sitting.agency.name,
        rules=exam_papers.COMPUTER_RULES if computer else exam_papers.PAPER_RULES,
        photo=_photo(photo),
    )


def _photo(material: Material | None) -> bytes | None:
    if material is None:
        return None
    try:
        return files.read(material.file)
    except MissingFile:
        return None


def _grade(application: Application) -> Grade:
    assert application.grade is not None
    return Grade(application.grade)


# For the rooms: only the office that holds the sitting, and whoever oversees it, prints them.


def rooms(actor: Account, sitting_id: int, room_id: int | None = None) -> list[RoomPaper]:
    """The rooms of a sitting in which somebody sits, or one of them. Raises NotFound where there is none."""
    sitting = sittings.find(actor, sitting_id)
    by_room: dict[int, list[Seat]] = {}
    for seat in seats.seats_of(actor, sitting, room_id):
        by_room.setdefault(seat.room_id, []).append(seat)
    if not by_room:
        raise NotFound("nobody sits there")
    return [_room(sitting, there[0].room, there) for there in by_room.values()]


def _room(sitting: ExamSitting, room: ExamRoom, there: Sequence[Seat]) -> RoomPaper:
    grid = seats.grid_of(room, sitting.kind, {})
    return RoomPaper(
        cycle_year=cycles.current_cycle().year,
        agency_name=sitting.agency.name,
        site=room.site.name,
        room=room.label,
        location=room.location,
        sitting=sitting.label,
        time=sittings.long_time(sitting),
        kind=sitting.kind.label,
        grades=sittings.grades_text(list({_grade(seat.application) for seat in there})),
        lines=tuple(_line(seat) for seat in there),
        grid=tuple(tuple((number, usable) for number, _, usable in row) for row in grid),
    )


def _line(seat: Seat) -> SeatLine:
    application = seat.application
    return SeatLine(
        seat=seat.number,
        ticket_number=seat.ticket_number,
        name=application.person.name,
        last_four=application.person.identity_number[-4:],
        unit_name=application.unit.name if application.unit else "",
        trade=application.trade.name if application.trade else "",
        grade=_grade(application).level,
        remark="无障碍" if application.special_need is not None else "",
    )


def sign_in_sheets(actor: Account, sitting_id: int, room_id: int | None = None) -> bytes:
    """The sign-in sheets of a sitting's rooms, or of one. Raises NotFound, CharacterMissing."""
    return exam_papers.sign_in_sheets(rooms(actor, sitting_id, room_id))


def seat_maps(actor: Account, sitting_id: int, room_id: int | None = None) -> bytes:
    return exam_papers.seat_maps(rooms(actor, sitting_id, room_id))


def desk_labels(actor: Account, sitting_id: int, room_id: int | None = None) -> bytes:
    return exam_papers.desk_labels(rooms(actor, sitting_id, room_id))


def door_labels(actor: Account, site_id: int) -> bytes:
    """The labels for the doors of a site. Raises NotFound, CharacterMissing."""
    return exam_papers.door_labels(doors(actor, site_id))


def doors(actor: Account, site_id: int) -> list[DoorPaper]:
    """The rooms of a site that are used, each with all its sittings. Raises NotFound where none is."""
    site = sites.find(actor, site_id)
    found: dict[int, list[DoorSitting]] = {}
    for sitting in sittings.all_of(site.agency):
        for room in site.rooms:
            there = seats.seats_of(actor, sitting, room.id) if room.id in sitting.room_ids else []
            if there:
                numbers = sorted(seat.ticket_number for seat in there)
                grades = sittings.grades_text(list({_grade(seat.application) for seat in there}))
                found.setdefault(room.id, []).append(
                    DoorSitting(sitting.label, sittings.long_time(sitting), grades, len(there), numbers[0], numbers[-1])
                )
    if not found:
        raise NotFound("nobody sits there")
    year = cycles.current_cycle().year
    return [
        DoorPaper(year, site.name, room.label, room.location, tuple(found[room.id]))
        for room in site.rooms
        if room.id in found
    ]


def site_summary(actor: Account, site_id: int) -> bytes:
    """The summary of a site. Raises NotFound, CharacterMissing."""
    return exam_papers.site_summary(summary(actor, site_id))


def summary(actor: Account, site_id: int) -> SiteSummaryPaper:
    """A site's checklist, and how many of each grade sit in which room when. Raises NotFound."""
    site = sites.find(actor, site_id)
    counts = seats.site_counts(site, cycles.current_cycle())
    grades = sorted({grade for rooms in counts.values() for one in rooms.values() for grade in one}, reverse=True)
    held = [sitting for sitting in sittings.all_of(site.agency) if sitting.id in counts]
    return SiteSummaryPaper(
        cycle_year=cycles.current_cycle().year,
        agency_name=site.agency.name,
        site=site.name,
        address=site.address,
        contact=f"{site.contact_name}　{site.contact_phone}",
        checklist=tuple(checklist(site)),
        grades=tuple(Grade(grade).level for grade in grades),
        sittings=tuple(
            SummarySitting(
                sitting.label,
                sittings.long_time(sitting),
                sitting.kind.label,
                tuple(
                    SummaryRoom(
                        room.label,
                        room.seats(sitting.kind),
                        tuple(counts[sitting.id][room.id][grade] for grade in grades),
                    )
                    for room in site.rooms
                    if room.id in counts[sitting.id]
                ),
            )
            for sitting in held
        ),
        printed_on=chinese_date(today()),
    )


def checklist(site: ExamSite) -> list[tuple[str, str]]:
    """The points of a site's checklist with what was found, in words."""

    def answer(ready: bool | None, note: str) -> str:
        if ready is None:
            return "未检查"
        return ("符合要求" if ready else "不符合") + (f"：{note}" if note else "")

    kept = f"{site.recordings_kept_at}，保管人：{site.recordings_holder}" if site.recordings_kept_at else "未登记"
    return [
        ("电力保障", answer(site.power_ready, site.power_note)),
        ("全程监控录像", answer(site.recording_ready, site.recording_note)),
        ("标准化考场", answer(site.rooms_standard, site.rooms_note)),
        ("应急预案", "已制定并上传" if site.plan_file_id is not None else "未上传"),
        ("录像保存", kept),
    ]
