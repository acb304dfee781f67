"""Releasing results: complete, once, by the own agency; then and only then they are seen, by whom they concern."""

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, Application, AuditEntry, Release, Result, Score
from gongkao.rules.errors import WindowClosed
from gongkao.rules.workflow import Status
from gongkao.services import listing, notices, release, results, scores
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from tests import factories
from tests.documents.reading import read
from tests.services.test_scores import marks
from tests.services.test_workflow_concurrency import both_at_once
from tests.statements import sent
from tests.world import World

RESULTS_DAY = date(2025, 11, 3)
NUMBER = "牟人社〔2025〕12号"
ADDRESS = "http://gongkao.example/"


@pytest.fixture
def people(world: World, at: Callable[[date], None]) -> tuple[Application, Application]:
    """One of the school who will pass and one of the station who will not; the clock stands in the results window."""
    made = (
        factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED),
        factories.application(factories.person("祝晓川乙", 58), world.station, status=Status.QUALIFIED),
    )
    at(RESULTS_DAY)
    return made


def enter_all(world: World, people: tuple[Application, Application]) -> None:
    typed = {**marks(people[0], "60", "85.5", "100"), **marks(people[1], "90", "59.9", "缺考")}
    scores.enter(world.officer, 4, typed)


def account_of(application: Application) -> Account:
    return db.session.scalars(select(Account).where(Account.person_id == application.person_id)).one()


def seen_by(account: Account) -> int:
    return listing.run(results.result_listing(account), {}).total


def test_a_release_freezes_marks_and_verdicts(world: World, people: tuple[Application, Application]) -> None:
    enter_all(world, people)
    made = factories.release_results(world.officer, world.manager, 4, "牟人社[2025]第12号")
    assert made.document_number == NUMBER
    passed, failed = db.session.scalars(select(Result).order_by(Result.number)).all()
    assert (passed.application_id, passed.passed, failed.passed) == (people[0].id, True, False)
    assert [mark["mark"] for mark in failed.marks] == ["90", "59.9", "缺考"]
    assert [mark["passed"] for mark in failed.marks] == [True, False, False]
    assert passed.number == "2025410122400001" and failed.number == "2025410122400002"
    assert len(passed.verification_code) == results.CODE_LENGTH
    assert db.session.scalar(select(func.count()).where(AuditEntry.action == "release_results")) == 1
    state = next(state for state in scores.grade_states(world.officer) if state.grade == 4)
    assert state.release is not None and state.passed == 1
    with pytest.raises(Refused, match="已公布，不能再修改"):
        scores.enter(world.officer, 4, marks(people[0], "61", "85.5", "100", seen=("60", "85.5", "100")))


def test_missing_scores_are_named_and_nothing_is_released(
    world: World, people: tuple[Application, Application]
) -> None:
    scores.enter(world.officer, 4, {**marks(people[0], "60", "85.5", "100"), **marks(people[1], "90", "", "缺考")})
    with pytest.raises(Refused, match="还有1人成绩未录全（祝晓川乙）"):
        factories.release_results(world.officer, world.manager)
    assert db.session.scalar(select(func.count(Release.id))) == 0
    assert db.session.scalar(select(func.count(Result.id))) == 0


def test_a_second_release_and_an_empty_one_are_refused(world: World, people: tuple[Application, Application]) -> None:
    enter_all(world, people)
    factories.release_results(world.officer, world.manager)
    with pytest.raises(Refused, match="已经公布过"):
        factories.release_results(world.officer, world.manager)
    with pytest.raises(Refused, match="没有审查合格的人员"):
        release.propose(world.officer, 3, NUMBER)
    with pytest.raises(Refused, match="没有审查合格的人员"):
        release.propose(world.far_officer, 4, NUMBER)


@pytest.mark.parametrize("number", ["", "12号", "牟人社2025-12", "牟人社〔2025〕号"])
def test_a_document_number_must_look_like_one(
    world: World, people: tuple[Application, Application], number: str
) -> None:
    enter_all(world, people)
    with pytest.raises(FieldsRefused) as refused:
        release.propose(world.officer, 4, number)
    assert "合格人员通知文号" in refused.value.fields["document_number"]


@pytest.mark.parametrize("day", [date(2025, 9, 30), date(2026, 1, 1)])
def test_outside_the_window_nothing_is_released(
    world: World, people: tuple[Application, Application], at: Callable[[date], None], day: date
) -> None:
    enter_all(world, people)
    at(day)
    with pytest.raises(WindowClosed, match="公布结果"):
        factories.release_results(world.officer, world.manager)


def test_results_are_seen_after_the_release_by_whom_they_concern(
    world: World, people: tuple[Application, Application]
) -> None:
    enter_all(world, people)
    own, other = account_of(people[0]), account_of(people[1])
    for account in (own, world.unit_administrator, world.officer, world.inspector):
        assert seen_by(account) == 0
    with pytest.raises(NotFound):
        results.find_own(own)

    made = factories.release_results(world.officer, world.manager)
    expected = {
        world.unit_administrator: 1,
        world.bureau_administrator: 1,
        world.station_administrator: 1,
        world.officer: 2,
        world.city_officer: 2,
        world.province_officer: 2,
        world.inspector: 2,
        world.far_unit_administrator: 0,
        world.far_officer: 0,
        world.far_city_officer: 0,
        world.far_inspector: 0,
    }
    for account, total in expected.items():
        assert seen_by(account) == total, account.username
        can_see_release = total == 2
        assert (listing.run(results.release_listing(account), {}).total == 1) is can_see_release, account.username
        if not can_see_release:
            with pytest.raises(NotFound):
                results.find_release(account, made.id)
    mine, theirs = results.find_own(own), results.find_own(other)
    assert (mine.application_id, theirs.application_id) == (people[0].id, people[1].id)
    with pytest.raises(NotFound):
        results.find(own, theirs.id)
    with pytest.raises(NotFound):
        results.find(world.unit_administrator, theirs.id)
    with pytest.raises(NotFound):
        results.find_own(world.applicant)


def listed(actor: Account) -> list[Result]:
    return results.gather(actor, listing.ids(results.result_listing(actor), {}, 100))


def test_the_notices_say_what_was_released(world: World, people: tuple[Application, Application]) -> None:
    enter_all(world, people)
    made = factories.release_results(world.officer, world.manager)
    found = results.find_own(account_of(people[1]))
    notice = read(notices.result_notice(found, ADDRESS)).text
    assert "祝晓川乙同志：" in notice and people[1].person.identity_number not in notice
    assert "职业道德1006059.9不合格职业能力10060缺考不合格考核结论不合格" in notice
    assert f"http://gongkao.example/verify/{found.verification_code}" in notice
    assert "中牟县工考管理机构2025年11月3日" in notice

    together = read(notices.result_notices(listed(world.officer), ADDRESS))
    assert len(together.pages) == 2 and "孟听雨甲同志" in together.pages[0]

    found_release, passed = results.find_release(world.officer, made.id)
    official = read(notices.notice_of_passes(found_release, passed)).text
    assert NUMBER in official and "孟听雨甲同志" in official and "祝晓川乙" not in official
    assert "各有关单位：" in official and "共1人" in official
    assert people[0].person.identity_number not in official


def test_nobody_passed_means_no_notice_of_passes(world: World, people: tuple[Application, Application]) -> None:
    scores.enter(world.officer, 4, {**marks(people[0], "1", "1", "1"), **marks(people[1], "缺考", "缺考", "缺考")})
    made = factories.release_results(world.officer, world.manager)
    with pytest.raises(Refused, match="没有合格人员"):
        results.find_release(world.officer, made.id)


def test_a_code_stands_for_masked_facts(world: World, people: tuple[Application, Application]) -> None:
    enter_all(world, people)
    factories.release_results(world.officer, world.manager)
    own = results.find_own(account_of(people[0]))
    code = notices.shown_code(own.verification_code).lower()
    facts = dict(notices.verification_facts(results.by_code(f" {code} ")))
    number = people[0].person.identity_number
    assert facts["姓名"] == "孟***" and facts["身份证号"] == f"{number[:6]}********{number[-4:]}"
    assert facts["考核结论"] == "合格" and facts["公布机构"] == "中牟县工考管理机构"
    for wrong in ("", "AAAABBBBCCCC", own.verification_code[:-1]):
        with pytest.raises(NotFound):
            results.by_code(wrong)


def test_many_notices_take_no_query_each(world: World, people: tuple[Application, Application]) -> None:
    enter_all(world, people)
    factories.release_results(world.officer, world.manager)
    officer = world.officer
    assert officer.agency is not None
    with sent() as counted:
        notices.result_notices(listed(officer), ADDRESS)
    assert len(counted) <= 3, counted


def test_releasing_and_entering_at_once_never_part_the_result_from_the_marks(
    app: Flask, world: World, people: tuple[Application, Application]
) -> None:
    enter_all(world, people)
    typed = marks(people[0], "99", "85.5", "100", seen=("60", "85.5", "100"))
    own = people[0].id
    db.session.remove()

    def manager() -> Account:
        return db.session.scalars(select(Account).where(Account.username == "gl410122")).one()

    def both() -> Release:
        officer = db.session.scalars(select(Account).where(Account.username == "gk410122")).one()
        return factories.release_results(officer, manager())

    raised = both_at_once(app, both, lambda: scores.enter(manager(), 4, typed))
    assert raised[0] is None
    # Either the new mark came first and is the released one, or it came too late and was refused.
    assert raised[1] is None or (isinstance(raised[1], Refused) and "公布" in raised[1].message)
    kept = db.session.scalars(
        select(Score.value).where(Score.application_id == own, Score.subject_key == "post_skills")
    ).one()
    frozen = db.session.scalars(select(Result).where(Result.application_id == own)).one().marks[0]["mark"]
    assert scores.mark_text(kept, False) == frozen == ("99" if raised[1] is None else "60")


def test_of_two_releases_at_once_one_is_made(app: Flask, world: World, people: tuple[Application, Application]) -> None:
    enter_all(world, people)
    release.propose(world.officer, 4, NUMBER)
    db.session.remove()

    def confirm() -> Release:
        return release.confirm(db.session.scalars(select(Account).where(Account.username == "gl410122")).one(), 4)

    raised = both_at_once(app, confirm, confirm)
    refused = [error for error in raised if error is not None]
    assert len(refused) == 1 and isinstance(refused[0], Refused) and "已经公布过" in refused[0].message
    assert db.session.scalar(select(func.count(Release.id))) == 1
    assert db.session.scalar(select(func.count(Result.id))) == 2
