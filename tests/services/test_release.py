"""Release is a step of two people: one proposes what is complete, somebody else confirms; in between scores stand."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, Application, Release, ReleaseProposal, Role
from gongkao.rules.workflow import Status
from gongkao.services import listing, release, results, scores, waiting
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.services.test_scores import marks
from tests.world import World

NUMBER = "牟人社〔2025〕12号"


@pytest.fixture
def complete(world: World, at: Callable[[date], None]) -> Application:
    """One person of grade four with every mark, in the window of results."""
    made = factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED)
    at(date(2025, 11, 3))
    scores.enter(world.officer, 4, marks(made, "60", "85.5", "100"))
    return made


def second_manager(world: World) -> Account:
    with transaction() as session:
        made = Account(
            username="gl410122b",
            password_hash="!",
            role=Role.AGENCY_MANAGER,
            display_name="负责二",
            agency_id=world.manager.agency_id,
        )
        session.add(made)
    return made


def test_nothing_shows_until_somebody_else_has_confirmed(world: World, complete: Application) -> None:
    with pytest.raises(Refused, match="还没有提请公布"):
        release.confirm(world.manager, 4)
    release.propose(world.officer, 4, NUMBER)
    assert [waiting.counts(one)["proposals"] for one in (world.manager, world.far_manager)] == [1, 0]
    assert "proposals" not in waiting.counts(world.officer)
    assert listing.run(results.result_listing(world.officer), {}).total == 0
    assert db.session.scalar(select(func.count(Release.id))) == 0
    state = next(state for state in scores.grade_states(world.officer) if state.grade == 4)
    assert state.proposed and state.release is None
    with pytest.raises(Refused, match="已提请公布"):
        release.propose(world.officer, 4, NUMBER)
    made = release.confirm(world.manager, 4)
    assert (made.proposed_by_id, made.released_by_id) == (world.officer.id, world.manager.id)
    assert listing.run(results.result_listing(world.officer), {}).total == 1
    assert release.open_proposal(world.officer, 4) is None


def test_scores_stand_still_while_proposed_and_move_again_once_returned(world: World, complete: Application) -> None:
    release.propose(world.officer, 4, NUMBER)
    change = marks(complete, "61", "85.5", "100", seen=("60", "85.5", "100"))
    with pytest.raises(Refused, match="已提请公布，成绩不能修改"):
        scores.enter(world.officer, 4, change)
    with pytest.raises(FieldsRefused, match="退回原因"):
        release.send_back(world.manager, 4, " ")
    release.send_back(world.manager, 4, "请再核对缺考名单。")
    returned = release.last_returned(world.officer, 4)
    assert returned is not None and returned.reason == "请再核对缺考名单。"
    assert scores.enter(world.officer, 4, change) == 1
    release.propose(world.officer, 4, NUMBER)
    assert release.last_returned(world.officer, 4) is None
    release.confirm(world.manager, 4)
    assert db.session.scalar(select(func.count(ReleaseProposal.id))) == 2


def test_the_only_manager_cannot_propose_and_nobody_confirms_the_own_proposal(
    world: World, complete: Application
) -> None:
    with pytest.raises(Refused, match="只有您一个负责人账户"):
        release.propose(world.manager, 4, NUMBER)
    other = second_manager(world)
    release.propose(world.manager, 4, NUMBER)
    with pytest.raises(Refused, match="公布须两人办理"):
        release.confirm(world.manager, 4)
    assert release.confirm(other, 4).released_by_id == other.id


def test_strangers_propose_and_confirm_only_their_own(world: World, complete: Application) -> None:
    release.propose(world.officer, 4, NUMBER)
    for stranger in (world.far_manager, world.province_manager):
        with pytest.raises(Refused, match="还没有提请公布"):
            release.confirm(stranger, 4)
