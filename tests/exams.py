"""A city's sites, rooms and sittings for tests, and qualified people to seat."""

from datetime import date

from gongkao import clock
from gongkao.models import Application, ExamRoom, ExamSite, ExamSitting, TrainingClass
from gongkao.rules.workflow import Status
from gongkao.services import sites, sittings, training
from tests import factories
from tests.world import World

SITE = {
    "name": "晴川职业学院",
    "address": "郑州市远山路1号",
    "contact_name": "管一",
    "contact_phone": "0371-62181234",
}
ROOM = {"number": "1", "location": "实训楼301室", "rows": "4", "columns": "5", "computers": "18"}
SITTING = {"kind": "computer", "day": "2025-06-14", "starts": "9:00", "ends": "11:00"}
CLASS = {
    "name": "汽车驾驶员四级第1班",
    "trade": "01001",
    "grade": "4",
    "starts": "2025-05-12",
    "ends": "2025-05-16",
    "place": "晴川职业学院",
    "hours": "40",
    "capacity": "3",
}
PLANNING_DAY = date(2025, 5, 6)
_NAMES = "春夏秋冬山川云溪松竹梅兰"


def qualified(world: World, count: int = 6, *, grade: int = 4) -> list[Application]:
    """People of the school and the station, in turn, whose applications are qualified; made on a day of review."""
    before = clock.source()
    clock.install(clock.on_day(date(2025, 3, 20)))
    made = []
    for place in range(count):
        person = factories.person(f"温听{_NAMES[place]}", 100 + place)
        unit = world.school if place % 2 else world.station
        made.append(factories.application(person, unit, grade=grade, status=Status.QUALIFIED))
    clock.install(before)
    return made


def site(world: World) -> ExamSite:
    return sites.save(world.city_officer, None, SITE)


def room(world: World, where: ExamSite, **changes: str) -> ExamRoom:
    accessible = bool(changes.pop("accessible", ""))
    return sites.save_room(world.city_officer, where.id, None, {**ROOM, **changes}, accessible=accessible)


def sitting(world: World, *rooms: ExamRoom, grades: tuple[str, ...] = ("4",), **changes: str) -> ExamSitting:
    return sittings.save(world.city_officer, None, {**SITTING, **changes}, list(grades), [str(one.id) for one in rooms])


def training_class(world: World, **changes: str) -> TrainingClass:
    return training.save(world.city_officer, None, {**CLASS, **changes})
