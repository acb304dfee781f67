"""People whose results are released, for tests of what comes after."""

from collections.abc import Callable, Sequence
from datetime import date

from gongkao.clock import now
from gongkao.models import Release, Result
from gongkao.rules.workflow import Status
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

RESULTS_DAY = date(2025, 11, 3)
NUMBER = "牟人社〔2025〕12号"


def release(world: World, at: Callable[[date], None], names: Sequence[str], failed: Sequence[str] = ()) -> list[Result]:
    """Results of grade four released by the county on RESULTS_DAY, in the names' order; every second person works at
    the school, the others at the station."""
    applications = [
        factories.application(
            factories.person(name, 11 + 2 * place),
            world.station if place % 2 else world.school,
            status=Status.QUALIFIED,
        )
        for place, name in enumerate([*names, *failed])
    ]
    at(RESULTS_DAY)
    manager = world.manager
    with transaction() as session:
        released = Release(
            cycle_id=applications[0].cycle_id,
            agency_id=manager.agency_id,
            grade=4,
            document_number=NUMBER,
            released_by_id=manager.id,
            released_at=now(),
        )
        session.add(released)
        session.flush()
        made = [
            Result(
                application_id=application.id,
                release_id=released.id,
                reviewing_agency_id=application.agency_id,
                passed=place < len(names),
                marks=_marks("100" if place < len(names) else "59.5"),
                number=f"20254101224{place + 1:05d}",
                verification_code=f"ABCDEFGH{'JKMNPQRSTUVWXYZ2'[place % 16]}{'JKMNPQRSTUVWXYZ2'[place // 16]}34",
            )
            for place, application in enumerate(applications)
        ]
        session.add_all(made)
    return made


def _marks(last: str) -> list[dict[str, object]]:
    marks = (("岗位技能", "60"), ("职业道德", "85.5"), ("职业能力", last))
    return [
        {"name": name, "full_mark": "100", "pass_mark": "60", "mark": mark, "passed": float(mark) >= 60}
        for name, mark in marks
    ]
