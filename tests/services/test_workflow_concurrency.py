"""People at one application in the same moment: real parallel transactions on either database."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, AuditEntry, ReviewNote
from gongkao.rules.workflow import Action, Status
from gongkao.services import claims, review, review_notes, workflow
from gongkao.services.errors import Conflict, Refused
from gongkao.services.review import Verdict
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

# Every round starts both at once; over several rounds either of them comes first.
ROUNDS = 5
_AGENCY = Status.AGENCY_REVIEW


def both_at_once(app: Flask, *use_cases: Callable[[], object]) -> list[BaseException | None]:
    """Run use cases in threads with app contexts of their own; what each of them raised."""
    start = Barrier(len(use_cases), timeout=30)
    raised: list[BaseException | None] = [None] * len(use_cases)

    def run(place: int, use_case: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                use_case()
            except BaseException as error:
                raised[place] = error
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=pair) for pair in enumerate(use_cases)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return raised


def decides(username: str, application_id: int, version: int, action: Action) -> Callable[[], object]:
    def use_case() -> object:
        actor = db.session.scalars(select(Account).where(Account.username == username)).one()
        application = review.find(actor, application_id)
        verdicts = {item.key: Verdict(True) for item in review.checklist(application)}
        if action is Action.SEND_BACK:
            verdicts["work"] = Verdict(False, "起止时间不连续，请核对。")
        return review.decide(actor, application_id, version, action, verdicts, reason="不符合申报条件。")

    return use_case


def count(model: type, *where: object) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0  # type: ignore[arg-type]


def test_of_two_decisions_on_the_same_application_exactly_one_is_taken(app: Flask, world: World) -> None:
    outcomes = {Action.PASS: Status.ONSITE_CONFIRMATION, Action.REFUSE: Status.REFUSED}
    for serial in range(ROUNDS):
        person = factories.person(f"同时{serial}", 81 + serial)
        made = factories.application(person, world.station, status=Status.AGENCY_REVIEW)
        application_id, version = made.id, made.version
        before = count(ApplicationEvent, ApplicationEvent.application_id == application_id)
        audited = count(AuditEntry)
        db.session.remove()
        raised = both_at_once(
            app,
            decides("gk410122", application_id, version, Action.PASS),
            decides("gl410122", application_id, version, Action.REFUSE),
        )
        lost = [error for error in raised if error is not None]
        assert len(lost) == 1 and isinstance(lost[0], Conflict), raised
        assert "刚刚" in str(lost[0])
        won = (Action.PASS, Action.REFUSE)[raised.index(None)]
        kept = db.session.get_one(Application, application_id)
        assert kept.status is outcomes[won] and kept.version > version
        events = db.session.scalars(
            select(ApplicationEvent.action)
            .where(ApplicationEvent.application_id == application_id)
            .order_by(ApplicationEvent.sequence)
        ).all()
        assert len(events) == before + 1 and events[-1] is won
        assert count(AuditEntry) == audited + 1


def account(username: str) -> Account:
    return db.session.scalars(select(Account).where(Account.username == username)).one()


def opens(username: str, application_id: int) -> Callable[[], object]:
    return lambda: claims.claim(account(username), application_id)


def takes_over(username: str, application_id: int) -> Callable[[], object]:
    return lambda: claims.take_over(account(username), application_id)


def test_of_two_who_open_the_same_application_exactly_one_has_it(app: Flask, world: World) -> None:
    """One claims it, the other is told; the one who took it over in the same moment has it in the end."""
    for serial in range(ROUNDS):
        made = factories.application(factories.person(f"打开{serial}", 81 + serial), world.station, status=_AGENCY)
        application_id, version = made.id, made.version
        holders = {name: account(name).id for name in ("gk410122", "gl410122")}
        db.session.remove()
        raised = both_at_once(
            app,
            opens("gk410122", application_id),
            opens("gl410122", application_id),
        )
        assert raised == [None, None]
        kept = db.session.get_one(Application, application_id)
        assert kept.claimed_by_id in holders.values() and kept.version == version
        loser = next(name for name, key in holders.items() if key != kept.claimed_by_id)
        db.session.remove()
        with pytest.raises(Refused, match="正在审查该申报"):
            decides(loser, application_id, version, Action.PASS)()
        db.session.remove()


def test_a_take_over_and_a_decision_at_the_same_moment(app: Flask, world: World) -> None:
    """Either the decision came first and nothing is left to take over, or it is refused to whoever lost it."""
    for serial in range(ROUNDS):
        made = factories.application(factories.person(f"接手{serial}", 81 + serial), world.station, status=_AGENCY)
        application_id, version = made.id, made.version
        claims.claim(world.officer, application_id)
        db.session.remove()
        raised = both_at_once(
            app,
            decides("gk410122", application_id, version, Action.REFUSE),
            takes_over("gl410122", application_id),
        )
        kept = db.session.get_one(Application, application_id)
        if raised[0] is None:
            assert isinstance(raised[1], Refused) and kept.status is Status.REFUSED and kept.claimed_by_id is None
        else:
            assert isinstance(raised[0], Refused) and raised[1] is None, raised
            assert kept.status is _AGENCY and kept.claimed_by_id == world.manager.id
        db.session.remove()


def test_of_two_first_looks_at_the_same_moment_none_counts_as_the_second(app: Flask, world: World) -> None:
    with transaction():
        world.officer.agency.second_review = True
    for serial in range(ROUNDS):
        made = factories.application(factories.person(f"初审{serial}", 81 + serial), world.station, status=_AGENCY)
        application_id, version = made.id, made.version
        db.session.remove()
        raised = both_at_once(
            app,
            decides("gk410122", application_id, version, Action.PASS),
            decides("gl410122", application_id, version, Action.PASS),
        )
        assert sorted(type(error) for error in raised if error is not None) == [Conflict], raised
        kept = db.session.get_one(Application, application_id)
        assert kept.status is _AGENCY and kept.first_reviewed_by_id is not None
        # The second look: the first reviewer never, of the rest whoever comes first.
        again, first = kept.version, kept.first_reviewed_by_id
        db.session.remove()
        raised = both_at_once(
            app,
            decides("gk410122", application_id, again, Action.PASS),
            decides("gl410122", application_id, again, Action.PASS),
        )
        assert len([error for error in raised if isinstance(error, Refused)]) == 1, raised
        kept = db.session.get_one(Application, application_id)
        assert kept.status is Status.ONSITE_CONFIRMATION
        looks = db.session.scalars(
            select(ApplicationEvent.account_id)
            .where(ApplicationEvent.application_id == application_id)
            .order_by(ApplicationEvent.sequence.desc())
            .limit(2)
        ).all()
        assert looks[1] == first and looks[0] != first
        db.session.remove()


def test_two_bulk_passes_and_a_send_back_decide_each_application_once(app: Flask, world: World) -> None:
    """The same rows passed in bulk from two windows, in opposite order, while somebody sends one of them back."""
    made = []
    for serial in range(4):
        one = factories.application(factories.person(f"批量{serial}", 81 + serial), world.station, status=_AGENCY)
        verdicts = {item.key: Verdict(True) for item in review.checklist(one)}
        review_notes.save(world.officer, one.id, one.version, verdicts)
        made.append(one)
    ids, version = [one.id for one in made], made[1].version
    before = count(ApplicationEvent)
    db.session.remove()
    outcomes: dict[int, list[review_notes.Outcome]] = {}

    def passes(place: int, order: list[int]) -> Callable[[], object]:
        def use_case() -> None:
            outcomes[place] = review_notes.pass_ready(account("gk410122"), order)

        return use_case

    sends_back = decides("gl410122", ids[1], version, Action.SEND_BACK)
    raised = both_at_once(app, passes(0, ids), passes(1, ids[::-1]), sends_back)
    assert raised[:2] == [None, None] and isinstance(raised[2], Conflict | None), raised
    done = [one.application_id for each in outcomes.values() for one in each if one.done]
    sent_back = raised[2] is None
    assert sorted(done) == [key for key in ids if not (sent_back and key == ids[1])]
    assert all(one.reason for each in outcomes.values() for one in each)
    for key in ids:
        status = db.session.get_one(Application, key).status
        assert status is (Status.RETURNED if sent_back and key == ids[1] else Status.ONSITE_CONFIRMATION)
    assert count(ApplicationEvent) == before + len(ids)
    assert count(ReviewNote) == 0


def test_a_decision_and_a_withdrawal_at_the_same_moment_leave_one_of_them(app: Flask, world: World) -> None:
    """The applicant takes back what the unit is just passing: no step is taken from a status that is gone."""

    def withdraws(application_id: int, version: int) -> Callable[[], object]:
        def use_case() -> None:
            with transaction() as session:
                made = session.scalars(
                    select(Application).where(Application.id == application_id).with_for_update(of=Application)
                ).one()
                if made.version != version:
                    raise Conflict("已被处理")
                actor = session.scalars(select(Account).where(Account.person_id == made.person_id)).one()
                workflow.advance(made, Action.WITHDRAW, actor)

        return use_case

    for serial in range(ROUNDS):
        person = factories.person(f"撤回{serial}", 91 + serial)
        made = factories.application(person, world.station, status=Status.UNIT_REVIEW)
        application_id, version = made.id, made.version
        db.session.remove()
        raised = both_at_once(
            app,
            decides("dwstation", application_id, version, Action.SEND_BACK),
            withdraws(application_id, version),
        )
        assert [type(error) for error in raised if error is not None] == [Conflict], raised
        kept = db.session.get_one(Application, application_id)
        assert kept.status is (Status.RETURNED if raised[0] is None else Status.DRAFT)
        assert count(ApplicationEvent, ApplicationEvent.application_id == application_id) == 2
