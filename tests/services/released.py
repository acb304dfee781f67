"""People whose results are released, for tests of what comes after."""

from collections.abc import Callable, Sequence
from datetime import date

from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Result
from gongkao.rules.workflow import Status
from gongkao.services import results, scores
from tests import factories
from tests.services.test_scores import marks
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
    typed: dict[str, str] = {}
    for place, application in enumerate(applications):
        typed.update(marks(application, "60", "85.5", "100" if place < len(names) else "59.5"))
    scores.enter(world.officer, 4, typed)
    results.release(world.manager, 4, NUMBER)
    found = {one.application_id: one for one in db.session.scalars(select(Result))}
    return [found[application.id] for application in applications]
