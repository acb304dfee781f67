"""Making up a yearly assessment later (notice 二（四）): pledged, agreed to, made up in time, or failed by itself."""

from collections.abc import Callable
from datetime import date

import pytest

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Application, ApplicationEvent, Deferral, DeferralStatus, Message, YearlyAssessment
from gongkao.rules.application_form import NOT_FILED
from gongkao.rules.workflow import Action, Status
from gongkao.services import deferrals, listing, waiting
from gongkao.services.deferrals import DeadlineRun
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

NAME = "丁小满"
DUE = date(2025, 6, 30)


@pytest.fixture
def made(world: World) -> Application:
    """A qualified application whose assessment of 2024 is to be made up."""
    application = factories.application(factories.person(NAME), world.school, status=Status.QUALIFIED)
    with transaction():
        newest = next(one for one in application.assessments if one.year == 2024)
        newest.outcome = NOT_FILED
        deferrals.pledge(world.account(application.person.identity_number), application)
        deferrals.agree(world.unit_administrator, application)
    return application


def _deferral(application: Application) -> Deferral:
    assert application.deferral is not None
    return application.deferral


def _make_up(world: World, application: Application, outcome: str = "合格") -> Deferral:
    applicant = world.account(application.person.identity_number)
    return deferrals.make_up(applicant, {"year_2024": outcome}, factories.pdf(), "2024年度考核.pdf")


def test_only_what_is_not_filed_may_be_deferred(world: World) -> None:
    application = factories.application(factories.person(NAME), world.school)
    applicant = world.account(application.person.identity_number)
    with transaction(), pytest.raises(Refused, match="尚未备案"):
        deferrals.pledge(applicant, application)


def test_made_up_in_time_and_accepted(world: World, made: Application, at: Callable[[date], None]) -> None:
    at(DUE)
    deferral = _make_up(world, made)
    assert deferral.status is DeferralStatus.MADE_UP
    outcome = db.session.query(YearlyAssessment).filter_by(application_id=made.id, year=2024).one().outcome
    assert outcome == "合格"
    assert waiting.counts(world.officer)["deferrals"] == 1
    assert waiting.counts(world.far_officer)["deferrals"] == 0
    deferrals.accept(world.officer, deferral.id, deferral.version)
    at(date(2025, 7, 1))
    assert deferrals.run_deadlines() == DeadlineRun(0, 0)
    assert made.status is Status.QUALIFIED


def test_a_day_late_is_refused_and_fails_once_by_itself(
    world: World, made: Application, at: Callable[[date], None]
) -> None:
    at(date(2025, 7, 1))
    with pytest.raises(Refused, match="2025年6月30日"):
        _make_up(world, made)
    assert deferrals.run_deadlines() == DeadlineRun(failed=1, reminded=0)
    assert deferrals.run_deadlines() == DeadlineRun(failed=0, reminded=0)
    assert made.status is Status.REFUSED
    events = db.session.query(ApplicationEvent).filter_by(application_id=made.id, action=Action.EXPIRE).all()
    assert len(events) == 1 and events[0].account_id is None and events[0].office == "系统自动办理"
    applicant = world.account(made.person.identity_number)
    told = db.session.query(Message).filter_by(account_id=applicant.id, title="资格审查不通过").all()
    assert len(told) == 1 and "6月30日" in told[0].body


@pytest.mark.parametrize(
    "status", [Status.UNIT_REVIEW, Status.SUPERVISING_REVIEW, Status.AGENCY_REVIEW, Status.RETURNED]
)
def test_it_fails_wherever_the_application_stands(world: World, at: Callable[[date], None], status: Status) -> None:
    application = factories.application(factories.person(NAME), world.school, status=status)
    with transaction() as session:
        application.deferral = Deferral(status=DeferralStatus.PLEDGED, years=[2024], pledged_at=now())
        session.flush()
    at(date(2025, 7, 1))
    assert deferrals.run_deadlines().failed == 1
    assert application.status is Status.REFUSED


def test_a_pledge_in_a_draft_is_nobody_elses_yet(world: World, made: Application) -> None:
    """Neither listed nor counted, also by the province, until it is handed in, and no more once it is taken back."""
    draft = factories.application(factories.person("牧青禾", 91), world.school)
    with transaction() as session:
        draft.deferral = Deferral(status=DeferralStatus.PLEDGED, years=[2024], pledged_at=now())
        session.flush()
    for account in (world.province_officer, world.officer, world.unit_administrator):
        page = listing.run(deferrals.listing(account), {})
        assert [row.id for row in page.rows] == [_deferral(made).id] and page.total == 1, account.username


def test_reminders_come_at_their_days_and_once_each(
    world: World, made: Application, at: Callable[[date], None]
) -> None:
    reminded = []
    for day in range(1, 31):
        at(date(2025, 6, day))
        first, second = deferrals.run_deadlines(), deferrals.run_deadlines()
        assert second.reminded == 0
        if first.reminded:
            reminded.append((DUE - date(2025, 6, day)).days)
    assert reminded == [29, 14, 7, 3, 1, 0]


def test_what_is_made_up_may_be_asked_for_again_or_fail(
    world: World, made: Application, at: Callable[[date], None]
) -> None:
    at(date(2025, 5, 6))
    deferral = _make_up(world, made)
    stale = deferral.version
    with pytest.raises(FieldsRefused):
        deferrals.ask_again(world.officer, deferral.id, stale, "缺")
    deferrals.ask_again(world.officer, deferral.id, stale, "缺少单位盖章。")
    assert deferral.status is DeferralStatus.AGREED and deferrals.years_not_filed(made) == [2024]
    with pytest.raises(Conflict):
        deferrals.accept(world.officer, deferral.id, stale)
    _make_up(world, made, "不合格")
    deferrals.fail(world.officer, deferral.id, deferral.version, "2024年度考核不合格。")
    assert made.status is Status.REFUSED and deferral.status is DeferralStatus.FAILED


def test_after_the_last_day_the_agency_still_decides_what_came_in_time(
    world: World, made: Application, at: Callable[[date], None]
) -> None:
    at(DUE)
    deferral = _make_up(world, made)
    at(date(2025, 7, 8))
    assert deferrals.run_deadlines().failed == 0
    with pytest.raises(Refused, match="不能再要求补交"):
        deferrals.ask_again(world.officer, deferral.id, deferral.version, "缺少单位盖章。")
    deferrals.accept(world.officer, deferral.id, deferral.version)


def test_strangers_and_bad_files(world: World, made: Application) -> None:
    applicant = world.account(made.person.identity_number)
    with pytest.raises(FieldsRefused) as refused:
        deferrals.make_up(applicant, {"year_2024": NOT_FILED}, b"MZ\x90", "考核.pdf")
    assert set(refused.value.fields) == {"file", "year_2024"}
    deferral = _make_up(world, made)
    for stranger in (world.far_officer, world.far_unit_administrator, world.other_applicant):
        with pytest.raises(NotFound):
            deferrals.find(stranger, deferral.id)
    with pytest.raises(Refused, match="只能查看"):
        deferrals.accept(world.city_officer, deferral.id, deferral.version)
    with pytest.raises(NotFound):
        deferrals.make_up(world.other_applicant, {}, factories.pdf(), "x.pdf")


def test_the_pledge_as_a_paper(world: World, made: Application) -> None:
    paper = deferrals.paper(made)
    assert paper.years == ("2024年度",) and paper.due_on == DUE
    assert made.person.identity_number not in repr(paper)
    assert _deferral(made).status is DeferralStatus.AGREED
