"""Rechecks: asked in time and once, answered by the agency; a correction keeps both results on record."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Certificate, CertificateCounter, Message, Result, Score
from gongkao.rules.workflow import Status
from gongkao.services import listing, rechecks, results, scores, waiting
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.services.test_scores import marks
from tests.world import World

REASON = "对职业道德的计分有疑问"


@pytest.fixture
def released(world: World, at: Callable[[date], None]) -> Result:
    """Somebody who has failed one subject, released on 3 November."""
    made = factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED)
    at(date(2025, 11, 3))
    scores.enter(world.officer, 4, marks(made, "60", "59", "100"))
    factories.release_results(world.officer, world.manager)
    return db.session.scalars(select(Result)).one()


def applicant(result: Result) -> Account:
    return db.session.scalars(select(Account).where(Account.person_id == result.application.person_id)).one()


def titles(condition: object) -> list[str]:
    return list(db.session.scalars(select(Message.title).where(condition).order_by(Message.id)))  # type: ignore[arg-type]


def test_asking_is_open_for_the_days_of_the_cycle_and_once(
    world: World, released: Result, at: Callable[[date], None]
) -> None:
    own = applicant(released)
    with pytest.raises(FieldsRefused, match="复核理由"):
        rechecks.ask(own, "")
    at(date(2025, 11, 11))
    with pytest.raises(Refused, match="2025年11月10日前申请，现已截止"):
        rechecks.ask(own, REASON)
    at(date(2025, 11, 10))
    made = rechecks.ask(own, REASON)
    with pytest.raises(Refused, match="只能申请一次"):
        rechecks.ask(own, REASON)
    assert titles(Message.about == f"recheck {made.id}") == ["收到成绩复核申请：孟听雨甲"]
    assert [waiting.counts(one)["rechecks"] for one in (world.officer, world.far_officer)] == [1, 0]
    with pytest.raises(NotFound):
        rechecks.ask(world.applicant, REASON)


def test_an_answer_without_a_change_leaves_the_result(world: World, released: Result) -> None:
    made = rechecks.ask(applicant(released), REASON)
    for stranger in (world.far_officer, world.city_officer):
        with pytest.raises(NotFound):
            rechecks.answer(stranger, made.id, "经核对无误。", {})
        assert listing.run(rechecks.listing(stranger), {}).total == 0
    rechecks.answer(world.officer, made.id, "经核对无误。", {"mark-ethics": "59"})
    assert (made.state.label, released.version, rechecks.versions(released)) == ("成绩无误", 1, [])
    assert titles(Message.about == "own_recheck") == ["成绩复核已答复：成绩无误"]
    with pytest.raises(Refused, match="已经答复"):
        rechecks.answer(world.manager, made.id, "再核一次。", {})


def test_a_correction_keeps_both_and_renews_the_notice(world: World, released: Result) -> None:
    number, code = released.number, released.verification_code
    made = rechecks.ask(applicant(released), REASON)
    with pytest.raises(Refused, match="须由机构负责人办理"):
        rechecks.answer(world.officer, made.id, "漏计一题，应为61分。", {"mark-ethics": "61"})
    with pytest.raises(FieldsRefused) as refused:
        rechecks.answer(world.manager, made.id, "", {"mark-ethics": "161"})
    assert set(refused.value.fields) == {"answer", "mark-ethics"}
    rechecks.answer(world.manager, made.id, "漏计一题，应为61分。", {"mark-ethics": "61"})
    (before,) = rechecks.versions(released)
    assert (before.number, before.passed, before.marks[1]["mark"]) == (number, False, "59")
    assert (released.number, released.passed, released.marks[1]["mark"]) == (f"{number}-2", True, "61")
    kept = db.session.scalars(select(Score).where(Score.subject_key == "ethics")).one()
    assert scores.score_text(kept) == "61"
    earlier = rechecks.replaced(code)
    assert earlier is not None and earlier.id == before.id
    with pytest.raises(NotFound):
        results.by_code(code)
    assert results.by_code(released.verification_code).id == released.id
    for unit in (world.school, world.bureau):
        assert titles(Message.unit_id == unit.id)[-1] == "孟听雨甲的考核结果已更正"


def test_a_certificate_is_revoked_before_a_pass_is_taken_back(world: World, released: Result) -> None:
    first = rechecks.ask(applicant(released), REASON)
    with transaction() as session:
        released.passed = True
        session.add(CertificateCounter(cycle_id=released.application.cycle_id, agency_id=world.officer.agency_id))
        session.add(
            Certificate(
                cycle_id=released.application.cycle_id,
                agency_id=world.officer.agency_id,
                reviewing_agency_id=released.reviewing_agency_id,
                application_id=released.application_id,
                result_id=released.id,
                serial=1,
                number="1",
                verification_code="A",
                content={},
                issued_on=date(2025, 11, 4),
                issued_by_id=world.officer.id,
            )
        )
    with pytest.raises(Refused, match="先在“等级证书”中撤销证书"):
        rechecks.answer(world.manager, first.id, "误计一题，应为58分。", {"mark-ethics": "58"})
    assert rechecks.versions(released) == []
