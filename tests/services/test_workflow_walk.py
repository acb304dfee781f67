"""The one way through (notice 二（三）—（五）), walked at random through the use cases themselves, on either database.

`tests/rules/test_workflow.py` walks the bare rules; here the same holds of what is kept: rows, events and queues.
"""

from collections.abc import Callable
from itertools import count, pairwise

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gongkao.access.scope import holds
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, CaseStatus, FalseMaterialsCase
from gongkao.rules.errors import RuleError
from gongkao.rules.workflow import FINAL, Action, Desk, Route, Status, desk_of
from gongkao.services import applications, drafts, false_materials, oversight, review
from gongkao.services.errors import NotFound
from gongkao.services.review import Verdict
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

# Men's numbers: their form asks for nothing more.
_serial = count(101, 2)
_OFFICIALS = ("unit_administrator", "bureau_administrator", "officer", "manager", "city_officer", "far_officer")
_DECISIONS = (Action.PASS, Action.SEND_BACK, Action.REFUSE)
_TEXT = "与档案记载不一致，请核对。"


class Walker:
    """One application of the school, and everybody who may have a hand in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        serial = next(_serial)
        person = factories.person(f"行人{'甲乙丙丁戊己庚辛壬癸'[serial // 2 % 10]}", serial)
        made = factories.application(person, world.school, status=Status.UNIT_REVIEW)
        self.id, self.person_id = made.id, person.id

    @property
    def application(self) -> Application:
        return db.session.get_one(Application, self.id)

    @property
    def applicant(self) -> Account:
        return db.session.scalars(select(Account).where(Account.person_id == self.person_id)).one()

    @property
    def events(self) -> list[ApplicationEvent]:
        query = select(ApplicationEvent).where(ApplicationEvent.application_id == self.id)
        return list(db.session.scalars(query.order_by(ApplicationEvent.sequence)))

    def decide(self, actor: Account, action: Action, late: int = 0) -> None:
        made = self.application
        verdicts = {item.key: Verdict(True) for item in review.checklist(made)}
        if action is Action.SEND_BACK:
            verdicts["work"] = Verdict(False, _TEXT)
        review.decide(actor, self.id, made.version - late, action, verdicts, reason=_TEXT)

    def go_on(self) -> None:
        """Whoever's turn it is takes the step that leads on."""
        made = self.application
        if made.status in (Status.DRAFT, Status.RETURNED):
            applications.submit(self.applicant, made.version, note="已核对。" if made.status is Status.RETURNED else "")
            return
        turn = [one for name in _OFFICIALS if holds(one := getattr(self.world, name), made)]
        fresh = [one for one in turn if one.id != made.first_reviewed_by_id]
        if fresh:
            self.decide(fresh[0], Action.PASS)

    def withdraw(self) -> None:
        applications.withdraw(self.applicant, drafts.own(self.applicant).version)

    def overturn(self, actor: Account) -> None:
        oversight.overturn(actor, self.id, self.application.version, _TEXT)

    def accuse(self, actor: Account, outcome: str) -> None:
        case = false_materials.raise_case(actor, self.id, "证书编号查询不到，钢印样式与存档不一致。")
        false_materials.give_statement(self.applicant, case.id, case.version, "情况属实，愿意接受处理。")
        false_materials.decide(self.world.manager, case.id, case.version, outcome, _TEXT)

    def appeal(self) -> None:
        query = select(FalseMaterialsCase).where(
            FalseMaterialsCase.application_id == self.id, FalseMaterialsCase.status == CaseStatus.CONFIRMED
        )
        for case in db.session.scalars(query).all():
            false_materials.lift(self.world.province_manager, case.id, case.version, _TEXT)


Move = Callable[[Walker], None]


def _decision(name: str, action: Action, late: int) -> Move:
    return lambda walker: walker.decide(getattr(walker.world, name), action, late)


def _overturning(name: str) -> Move:
    return lambda walker: walker.overturn(getattr(walker.world, name))


moves = st.one_of(
    st.just(Walker.go_on),
    st.just(Walker.go_on),
    st.builds(_decision, st.sampled_from(_OFFICIALS), st.sampled_from(_DECISIONS), st.sampled_from((0, 0, 1))),
    st.builds(_overturning, st.sampled_from(("city_officer", "province_manager", "far_city_officer", "manager"))),
    st.just(Walker.withdraw),
    st.sampled_from(("confirm", "dismiss")).map(
        lambda outcome: lambda walker: walker.accuse(walker.world.officer, outcome)
    ),
    st.just(Walker.appeal),
)


# Without looking for the shortest way to a failure: on a database that takes minutes.
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
@given(second_review=st.booleans(), supervised=st.booleans(), way=st.lists(moves, min_size=4, max_size=10))
def test_whatever_anybody_does_each_desk_has_passed_it_and_it_is_somewhere(
    app: Flask, world: World, second_review: bool, supervised: bool, way: list[Move]
) -> None:
    with transaction():
        world.officer.agency.second_review = second_review
        world.school.supervising_unit_id = world.bureau.id if supervised else None
    walker = Walker(world)
    # What is left standing in the end goes all the way.
    for move in [*way, *[Walker.go_on] * 6]:
        before = _snapshot(walker)
        try:
            move(walker)
        except (RuleError, NotFound):
            db.session.rollback()
            db.session.expire_all()
            assert _snapshot(walker) == before, "what was refused has changed nothing"
        db.session.expire_all()
        _whole(walker)
    assert walker.application.status in FINAL


def _snapshot(walker: Walker) -> tuple[Status, int]:
    return walker.application.status, len(walker.events)


def _whole(walker: Walker) -> None:
    made, events = walker.application, walker.events
    # Nothing lost, nothing taken twice: the events follow each other without a gap and end where the row stands.
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert all(one.status_after is other.status_before for one, other in pairwise(events))
    assert events[-1].status_after is made.status
    # It lies at one desk where it waits at one, and with the applicant otherwise.
    names = [name for name in _OFFICIALS if holds(getattr(walker.world, name), made)]
    offices = {getattr(walker.world, name).office_name for name in names}
    assert len(offices) == (1 if desk_of(made.status) is not None else 0)
    assert drafts.own(walker.applicant).id == made.id
    # Each desk was passed by its own office, the agency's by two people where it asks for two.
    for event in events:
        if event.action in (Action.PASS, Action.FIRST_PASS):
            _passed_by_its_own(walker, event)
    if made.status is Status.QUALIFIED:
        since = max(place for place, event in enumerate(events) if event.action is Action.SUBMIT)
        passed = {event.desk for event in events[since:] if event.action is Action.PASS}
        assert passed >= set(Route(made.supervising_unit_id is not None, bool(made.onsite)).desks)
        looked = [event for event in events[since:] if event.desk is Desk.AGENCY and event.action is Action.PASS]
        if walker.world.officer.agency.second_review:
            first = events[events.index(looked[-1]) - 1]
            assert first.action is Action.FIRST_PASS and first.account_id != looked[-1].account_id


def _passed_by_its_own(walker: Walker, event: ApplicationEvent) -> None:
    by = db.session.get_one(Account, event.account_id)
    world = walker.world
    own = {Desk.UNIT: (world.school.id, None), Desk.SUPERVISING: (world.bureau.id, None)}
    assert event.desk is not None
    assert (by.unit_id, by.agency_id) == own.get(event.desk, (None, world.agency("410122").id))
