"""The one way through (notice 二（三）—（五）), walked at random."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import NotAllowed
from gongkao.rules.workflow import (
    Action,
    Desk,
    Route,
    Status,
    allowed_actions,
    desk_of,
    status_of,
    transition,
    window_key,
)

routes = st.builds(Route, supervised=st.booleans(), onsite=st.booleans())
ALL_DESKS = (Desk.UNIT, Desk.SUPERVISING, Desk.AGENCY, Desk.ONSITE)


class Walk(RuleBasedStateMachine):
    """One application: whatever anybody does, it gets qualified only past each desk of its way, and is never lost."""

    @initialize(route=routes)
    def start(self, route: Route) -> None:
        self.begin(route)

    def begin(self, route: Route) -> None:
        self.route = route
        self.status = Status.DRAFT
        self.returned_to: Desk | None = None
        self.passed: set[Desk] = set()

    def take(self, action: Action) -> None:
        before = self.status
        step = transition(before, action, route=self.route, returned_to=self.returned_to)
        if action is Action.PASS:
            desk = desk_of(before)
            assert desk is not None
            self.passed.add(desk)
        self.status, self.returned_to = step.status, step.returned_to

    @rule(action=st.sampled_from(Action))
    def act(self, action: Action) -> None:
        before, returned_to = self.status, self.returned_to
        if action not in allowed_actions(before):
            with pytest.raises(NotAllowed):
                transition(before, action, route=self.route, returned_to=returned_to)
            return
        self.take(action)
        match action:
            case Action.SUBMIT:
                assert self.status is Status.UNIT_REVIEW
            case Action.WITHDRAW:
                assert self.status is Status.DRAFT
                self.passed.clear()
            case Action.SEND_BACK:
                assert (self.status, self.returned_to) == (Status.RETURNED, desk_of(before))
                assert self.returned_to is not None
            case Action.RESUBMIT:
                assert returned_to is not None
                assert self.status is status_of(returned_to)
            case Action.REFUSE | Action.EXPIRE:
                assert self.status is Status.REFUSED
            case Action.CANCEL:
                assert self.status is Status.CANCELLED
            case Action.FIRST_PASS:
                assert self.status is before
            case Action.PASS:
                assert self.status is not before
            case Action.OVERTURN if before is Status.QUALIFIED:
                assert self.status is Status.REFUSED
            case Action.OVERTURN | Action.RESTORE:
                assert returned_to is not None
                assert self.status is status_of(returned_to), "judged anew where it ended, never passed by that"

    @precondition(lambda self: self.status in (Status.DRAFT, Status.RETURNED))
    @rule()
    def hand_in(self) -> None:
        self.take(Action.SUBMIT if self.status is Status.DRAFT else Action.RESUBMIT)

    @precondition(lambda self: desk_of(self.status) is not None)
    @rule()
    def go_on(self) -> None:
        self.take(Action.PASS)

    @invariant()
    def qualified_only_past_every_desk(self) -> None:
        if self.status is Status.QUALIFIED:
            assert self.passed == set(self.route.desks)

    @invariant()
    def never_at_a_desk_off_the_way(self) -> None:
        desk = desk_of(self.status)
        assert desk is None or desk in self.route.desks

    @invariant()
    def never_lost(self) -> None:
        assert allowed_actions(self.status), "there is always a way on, if only through oversight or an appeal"
        left_the_desks = self.status in (Status.RETURNED, Status.REFUSED, Status.CANCELLED)
        assert (self.returned_to is not None) == left_the_desks
        assert self.status.label
        assert self.status.tone in {"neutral", "info", "needs", "done", "refused"}


TestWalk = Walk.TestCase


@pytest.mark.parametrize(
    ("supervised", "onsite", "desks"),
    [
        pytest.param(True, True, ALL_DESKS, id="二（二）（四）（五） all desks"),
        pytest.param(True, False, (Desk.UNIT, Desk.SUPERVISING, Desk.AGENCY), id="二（二） no confirmation on site"),
        pytest.param(False, True, (Desk.UNIT, Desk.AGENCY, Desk.ONSITE), id="二（四） nobody above the unit"),
        pytest.param(False, False, (Desk.UNIT, Desk.AGENCY), id="二（五） the shortest way"),
    ],
)
def test_the_desks_of_a_way(supervised: bool, onsite: bool, desks: tuple[Desk, ...]) -> None:
    route = Route(supervised, onsite)
    assert route.desks == desks
    status, passed = transition(Status.DRAFT, Action.SUBMIT, route=route).status, []
    while status is not Status.QUALIFIED:
        passed.append(desk_of(status))
        status = transition(status, Action.PASS, route=route).status
    assert tuple(passed) == desks


REVIEWING = {Action.PASS, Action.SEND_BACK, Action.REFUSE, Action.WITHDRAW, Action.EXPIRE, Action.CANCEL}
ALLOWED = {
    Status.DRAFT: {Action.SUBMIT},
    Status.UNIT_REVIEW: REVIEWING,
    Status.SUPERVISING_REVIEW: REVIEWING,
    Status.AGENCY_REVIEW: REVIEWING | {Action.FIRST_PASS},
    Status.ONSITE_CONFIRMATION: REVIEWING,
    Status.RETURNED: {Action.RESUBMIT, Action.WITHDRAW, Action.EXPIRE, Action.CANCEL},
    Status.QUALIFIED: {Action.EXPIRE, Action.OVERTURN, Action.CANCEL},
    Status.REFUSED: {Action.OVERTURN, Action.CANCEL},
    Status.CANCELLED: {Action.RESTORE},
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", Action)
def test_what_is_allowed(status: Status, action: Action) -> None:
    route = Route(True, True)
    if action in ALLOWED[status]:
        assert transition(status, action, route=route, returned_to=Desk.UNIT).status in Status
    else:
        with pytest.raises(NotAllowed, match=f"申报现为“{status.label}”，不能{action.label}"):
            transition(status, action, route=route)


@given(routes, st.sampled_from(Desk))
def test_a_corrected_application_never_passes_by_itself(route: Route, desk: Desk) -> None:
    """Even where the desk that sent it back is no longer on the way."""
    step = transition(Status.RETURNED, Action.RESUBMIT, route=route, returned_to=desk)
    assert desk_of(step.status) in route.desks
    if desk in route.desks:
        assert desk_of(step.status) is desk


@pytest.mark.parametrize(
    ("action", "desk", "key"),
    [
        pytest.param(Action.SUBMIT, None, WindowKey.REGISTRATION, id="三（二） applying"),
        pytest.param(Action.WITHDRAW, None, WindowKey.REGISTRATION, id="三（二） withdrawing a draft"),
        pytest.param(Action.PASS, Desk.UNIT, WindowKey.UNIT_REVIEW, id="三（三） unit's first review"),
        pytest.param(Action.SEND_BACK, Desk.SUPERVISING, WindowKey.UNIT_REVIEW, id="三（三） supervising unit's"),
        pytest.param(Action.RESUBMIT, Desk.UNIT, WindowKey.UNIT_REVIEW, id="三（三） answering the unit"),
        pytest.param(Action.PASS, Desk.AGENCY, WindowKey.AGENCY_REVIEW, id="三（三） agency's review"),
        pytest.param(Action.REFUSE, Desk.ONSITE, WindowKey.AGENCY_REVIEW, id="三（三） on site"),
        pytest.param(Action.RESUBMIT, Desk.AGENCY, WindowKey.AGENCY_REVIEW, id="三（三） answering the agency"),
    ],
)
def test_the_window_of_an_action(action: Action, desk: Desk | None, key: WindowKey) -> None:
    assert window_key(action, desk) is key
