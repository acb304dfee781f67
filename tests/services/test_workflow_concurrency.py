"""Two people decide on one application in the same moment: real parallel transactions on either database."""

from collections.abc import Callable
from threading import Barrier, Thread

from flask import Flask
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, AuditEntry
from gongkao.rules.workflow import Action, Status
from gongkao.services import review, workflow
from gongkao.services.errors import Conflict
from gongkao.services.review import Verdict
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

# Every round starts both at once; over several rounds either of them comes first.
ROUNDS = 5


def both_at_once(app: Flask, first: Callable[[], object], second: Callable[[], object]) -> list[BaseException | None]:
    """Run two use cases in threads with app contexts of their own; what each of them raised."""
    start = Barrier(2, timeout=30)
    raised: list[BaseException | None] = [None, None]

    def run(place: int, use_case: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                use_case()
            except BaseException as error:
                raised[place] = error
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=pair) for pair in enumerate((first, second))]
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
