"""Seating a whole province through the database: the people, units and rooms of every office, and the seats checked by
queries that know nothing of how they were given."""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, insert, select, text

from app import create_app
from bench import Measurement
from gongkao import clock
from gongkao.clock import ZONE
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    ExamRoom,
    ExamSite,
    ExamSitting,
    Person,
    Role,
    Seat,
    SittingRoom,
    SpecialNeed,
    Trade,
    Unit,
)
from gongkao.rules.routing import RegionLevel, UnitLevel
from gongkao.rules.seating import ExamKind
from gongkao.rules.workflow import Status
from gongkao.services import cycles, seating, starting_data
from gongkao.services.transaction import transaction
from tests.postgres import start_postgres

_UNITS = 10_000
_SEED = 2025
_SECONDS = 60.0
_DAY = date(2025, 6, 20)
_AT_ONCE = 5000
_SIZES = ((5, 6), (6, 8), (8, 10))


def measure(people: int) -> Iterator[Measurement]:
    """Seconds of seating everybody and keeping it, and how many rules the seats break, on both databases."""
    for engine, database in (("sqlite", _sqlite), ("postgresql", _postgres)):
        with database() as app, app.app_context():
            actor = _fill(people)
            # As PostgreSQL does by itself after a while.
            db.session.execute(text("ANALYZE"))
            db.session.commit()
            start = time.perf_counter()
            seated = seating.commit(actor, _SEED, whole_province=True)
            seconds = time.perf_counter() - start
            yield Measurement(f"seating_database_{engine}", seconds, "s", _SECONDS, seated)
            checked = db.session.scalar(select(func.count(Seat.id))) or 0
            wrong = sum(db.session.scalar(text(query)) or 0 for query in _VIOLATIONS)
            yield Measurement(f"seating_database_{engine}_violations", wrong, "violations", 0, checked)


@contextmanager
def _sqlite() -> Iterator[Flask]:
    with tempfile.TemporaryDirectory(prefix="gongkao-bench-") as name, _app(Path(name), "") as app:
        yield app


@contextmanager
def _postgres() -> Iterator[Flask]:
    with (
        tempfile.TemporaryDirectory(prefix="gongkao-bench-") as name,
        start_postgres() as url,
        _app(Path(name), url) as app,
    ):
        yield app


@contextmanager
def _app(folder: Path, url: str) -> Iterator[Flask]:
    secret = "a key for measuring only, long enough to be taken"
    app = create_app(Settings(mode="test", instance=folder, database_url=url, secret_key=secret, clock=_DAY))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        starting_data.load()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    clock.install(clock.real_time)


def _fill(people: int) -> Account:
    """The province: every city's and the centre's people, rooms and sittings; returns the centre's officer."""
    chance = random.Random(_SEED)
    with transaction() as session:
        cycle = cycles.current_cycle().id
        trades = list(session.scalars(select(Trade.id)))
        agencies = session.scalars(select(Agency).order_by(Agency.code)).all()
        offices = [one for one in agencies if one.level is not RegionLevel.COUNTY]
        reviewing = {one.id: [one, *(each for each in agencies if each.parent_id == one.id)] for one in offices}
        centre = next(one for one in offices if one.level is RegionLevel.PROVINCE)
        # The centre examines its own people alone; the counties' parent is their city.
        reviewing[centre.id] = [centre]
        actor = Account(
            username="bench", password_hash="!", role=Role.AGENCY_OFFICER, display_name="经办", agency_id=centre.id
        )
        session.add(actor)
        session.flush()
        units = _units(chance, [one for found in reviewing.values() for one in found])
        shares = {one.id: people // len(offices) for one in offices}
        shares[centre.id] += people - sum(shares.values())
        first = 1
        for office in offices:
            chosen = [unit for agency in reviewing[office.id] for unit in units[agency.id]]
            first += _people(chance, first, shares[office.id], chosen, cycle, trades)
            _rooms(chance, office.id, cycle, shares[office.id], actor.id)
    return actor


def _insert(model: Any, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        db.session.execute(insert(model.__table__), rows[start : start + _AT_ONCE])


def _units(chance: random.Random, agencies: Sequence[Agency]) -> dict[int, list[tuple[int, int]]]:
    """(unit, agency) by agency; each agency has as many."""
    found: dict[int, list[tuple[int, int]]] = {agency.id: [] for agency in agencies}
    rows = []
    for number in range(1, _UNITS + 1):
        agency = agencies[number % len(agencies)]
        found[agency.id].append((number, agency.id))
        rows.append(
            {
                "id": number,
                "name": f"第{number}单位",
                "credit_code": f"{number:018d}",
                "level": UnitLevel.MUNICIPAL,
                "region_code": agency.region_code,
                "path": f"/{number}/",
                "agency_id": agency.id,
                "created_at": clock.now(),
            }
        )
    _insert(Unit, rows)
    return found


def _people(
    chance: random.Random, first: int, count: int, units: Sequence[tuple[int, int]], cycle: int, trades: Sequence[int]
) -> int:
    """Qualified people of an office; a few units are large, most are small. Returns how many."""
    numbers = range(first, first + count)
    moment = clock.now()
    _insert(
        Person,
        [
            {
                "id": number,
                "identity_number": f"{number:018d}",
                "identity_hash": f"{number:043d}",
                "identity_tail": f"{number % 10000:04d}",
                "name": f"考生{number}",
                "mobile": "",
                "created_at": moment,
            }
            for number in numbers
        ],
    )
    rows = []
    for number in numbers:
        unit, agency = units[int(len(units) * chance.random() ** 2)]
        rows.append(
            {
                "id": number,
                "number": f"2025{number:07d}",
                "cycle_id": cycle,
                "person_id": number,
                "status": Status.QUALIFIED,
                "unit_id": unit,
                "agency_id": agency,
                "trade_id": chance.choice(trades),
                "grade": chance.choice((5, 4, 4, 3, 3, 3, 3, 2, 2, 1)),
                "submitted_at": moment,
            }
        )
    _insert(Application, rows)
    special = [number for number in numbers if chance.random() < 0.005]
    _insert(SpecialNeed, [{"application_id": number, "recorded_by_id": 1, "recorded_at": moment} for number in special])
    return count


def _rooms(chance: random.Random, office: int, cycle: int, people: int, actor: int) -> None:
    """Rooms for a tenth of the people at once, eight sittings at computers and one on paper."""
    site = ExamSite(
        cycle_id=cycle, agency_id=office, name="考点", address="考点路1号", contact_name="管一", contact_phone="1"
    )
    site.checked_by_id, site.checked_at = actor, clock.now()
    db.session.add(site)
    db.session.flush()
    seats, rooms = 0, []
    while seats < people / 6:
        rows, columns = chance.choice(_SIZES)
        seats += rows * columns
        room = ExamRoom(site_id=site.id, number=len(rooms) + 1, rows=rows, columns=columns)
        room.computers, room.accessible = rows * columns - chance.randrange(4), len(rooms) % 8 == 0
        rooms.append(room)
    db.session.add_all(rooms)
    first = datetime(2025, 7, 5, 9, tzinfo=ZONE)
    starts = [first + timedelta(days=day, hours=4 * half) for day in range(4) for half in range(2)]
    times = [(ExamKind.COMPUTER, start, [2, 3, 4, 5]) for start in starts]
    times.append((ExamKind.PAPER, first + timedelta(days=7), [1]))
    for number, (kind, start, grades) in enumerate(times, start=1):
        sitting = ExamSitting(cycle_id=cycle, agency_id=office, number=number, kind=kind, grades=grades)
        sitting.starts_at, sitting.ends_at = start, start + timedelta(hours=2)
        sitting.uses = [SittingRoom(room=room) for room in rooms]
        db.session.add(sitting)
    db.session.flush()


# Each counts what breaks one rule. A seat's row and column are worked out from its number, which winds from column to
# column.
_PLACES = """
    WITH place AS (
        SELECT seat.id, seat.sitting_id, seat.room_id, seat.number, application.unit_id, application.trade_id,
               application.grade, (seat.number - 1) / exam_room.rows AS across,
               CASE WHEN (seat.number - 1) / exam_room.rows % 2 = 0 THEN (seat.number - 1) % exam_room.rows
                    ELSE exam_room.rows - 1 - (seat.number - 1) % exam_room.rows END AS along
        FROM seat
        JOIN application ON application.id = seat.application_id
        JOIN exam_room ON exam_room.id = seat.room_id
    )
"""
_VIOLATIONS = (
    # Nobody without a seat, nobody with two, no seat with two.
    "SELECT count(*) FROM application LEFT JOIN seat ON seat.application_id = application.id WHERE seat.id IS NULL",
    "SELECT count(*) FROM (SELECT 1 FROM seat GROUP BY application_id HAVING count(*) > 1) AS twice",
    "SELECT count(*) FROM (SELECT 1 FROM seat GROUP BY sitting_id, room_id, number HAVING count(*) > 1) AS taken",
    # The seat is there and its computer works, the room belongs to the sitting, the sitting to the person's office.
    """SELECT count(*) FROM seat JOIN exam_room ON exam_room.id = seat.room_id
       JOIN exam_sitting ON exam_sitting.id = seat.sitting_id
       WHERE seat.number < 1 OR seat.number > exam_room.rows * exam_room.columns
          OR (exam_sitting.kind = 'computer' AND seat.number > exam_room.computers)""",
    """SELECT count(*) FROM seat LEFT JOIN sitting_room
       ON sitting_room.sitting_id = seat.sitting_id AND sitting_room.room_id = seat.room_id
       WHERE sitting_room.room_id IS NULL""",
    """SELECT count(*) FROM seat JOIN application ON application.id = seat.application_id
       JOIN agency ON agency.id = application.agency_id JOIN exam_sitting ON exam_sitting.id = seat.sitting_id
       WHERE exam_sitting.agency_id <> CASE WHEN length(agency.region_code) = 6 AND agency.level = 'county'
                                            THEN agency.parent_id ELSE agency.id END""",
    # The sitting is for the person's grade; special needs sit in accessible rooms.
    """SELECT count(*) FROM seat JOIN application ON application.id = seat.application_id
       JOIN exam_sitting ON exam_sitting.id = seat.sitting_id
       WHERE CAST(exam_sitting.grades AS text) NOT LIKE '%' || application.grade || '%'""",
    """SELECT count(*) FROM seat JOIN special_need ON special_need.application_id = seat.application_id
       JOIN exam_room ON exam_room.id = seat.room_id WHERE NOT exam_room.accessible""",
    # Nobody beside, before or behind a colleague.
    _PLACES
    + """SELECT count(*) FROM place AS one JOIN place AS other
         ON other.sitting_id = one.sitting_id AND other.room_id = one.room_id AND other.unit_id = one.unit_id
        AND other.id > one.id
       WHERE abs(other.across - one.across) + abs(other.along - one.along) = 1""",
    # On paper a trade and grade of an office sit at one time, and without a stranger between them.
    """SELECT count(*) FROM (
         SELECT 1 FROM seat JOIN application ON application.id = seat.application_id
         JOIN exam_sitting ON exam_sitting.id = seat.sitting_id WHERE exam_sitting.kind = 'paper'
         GROUP BY exam_sitting.agency_id, application.trade_id, application.grade
         HAVING count(DISTINCT exam_sitting.id) > 1) AS apart""",
    _PLACES
    + """, run AS (
         SELECT place.*, CASE WHEN trade_id = lag(trade_id) OVER beside AND grade = lag(grade) OVER beside
                              THEN 0 ELSE 1 END AS begins
         FROM place JOIN exam_sitting ON exam_sitting.id = place.sitting_id WHERE exam_sitting.kind = 'paper'
         WINDOW beside AS (PARTITION BY sitting_id, room_id ORDER BY place.number))
       SELECT count(*) FROM (SELECT 1 FROM run GROUP BY sitting_id, room_id, trade_id, grade
                             HAVING sum(begins) > 1) AS torn""",
    # No room is used twice at the same moment.
    """SELECT count(*) FROM (SELECT DISTINCT room_id, sitting_id FROM seat) AS used
       JOIN (SELECT DISTINCT room_id, sitting_id FROM seat) AS also
         ON also.room_id = used.room_id AND also.sitting_id > used.sitting_id
       JOIN exam_sitting AS first ON first.id = used.sitting_id
       JOIN exam_sitting AS second ON second.id = also.sitting_id
       WHERE first.starts_at < second.ends_at AND second.starts_at < first.ends_at""",
)
