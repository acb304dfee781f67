"""What makes a desk quick and safe: claims, kept verdicts, two pairs of eyes, the unit's statement, views."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select

from gongkao import clock
from gongkao.clock import ZONE, now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    AuditEntry,
    Deferral,
    DeferralStatus,
    Message,
    Phrase,
    ReviewNote,
    UnitStatement,
)
from gongkao.rules.errors import WindowClosed
from gongkao.rules.workflow import CLAIM, Action, Status
from gongkao.services import (
    claims,
    listing,
    phrases,
    review,
    review_lists,
    review_notes,
    review_page,
    saved_views,
    timeline,
    unit_statements,
    workflow,
)
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.review import Verdict
from gongkao.services.transaction import transaction
from gongkao.services.unit_statements import Post, StatementMissing
from tests import factories
from tests.world import World

At = Callable[[date], None]
POST = Post("驾驶岗", "4", "2", "取得四级证书")


def all_passed(application: Application) -> dict[str, Verdict]:
    return {item.key: Verdict(True) for item in review.checklist(application)}


def decides(actor: Account, application: Application, action: Action = Action.PASS, **more: object) -> Application:
    verdicts = all_passed(application)
    return review.decide(actor, application.id, application.version, action, verdicts, **more)  # type: ignore[arg-type]


def saves(actor: Account, application: Application, **more: object) -> ReviewNote:
    return review_notes.save(actor, application.id, application.version, all_passed(application), **more)  # type: ignore[arg-type]


def found(actor: Account, **args: str) -> list[int]:
    return [row.id for row in listing.run(review_lists.desk_listing(actor), args).rows]


def two_looks(world: World) -> None:
    with transaction():
        world.officer.agency.second_review = True


@pytest.fixture
def at_agency(world: World) -> Application:
    return factories.application(world.person("孟听雨"), world.station, status=Status.AGENCY_REVIEW)


# Claims


def test_what_one_has_open_another_may_read_take_over_and_only_then_decide(
    world: World, at_agency: Application
) -> None:
    officer, manager, version = world.officer, world.manager, at_agency.version
    claims.claim(officer, at_agency.id)
    claims.claim(manager, at_agency.id)
    db.session.refresh(at_agency)
    assert (at_agency.claimed_by_id, at_agency.version) == (officer.id, version)
    held = review_page.page(manager, at_agency.id).held_by
    assert held is not None and held.name == officer.display_name
    assert review_page.page(officer, at_agency.id).held_by is None
    for refused in (lambda: decides(manager, at_agency), lambda: saves(manager, at_agency)):
        with pytest.raises(Refused, match=r"经办自3月20日.*起正在审查该申报"):
            refused()
    claims.take_over(manager, at_agency.id)
    told = db.session.scalars(select(Message.title).where(Message.account_id == officer.id)).all()
    assert told == ["负责已接手审查：孟听雨"]
    assert decides(manager, at_agency).status is Status.ONSITE_CONFIRMATION
    assert (at_agency.claimed_by_id, at_agency.claimed_at) == (None, None)


def test_a_claim_ends_by_itself(world: World, at_agency: Application) -> None:
    claims.claim(world.officer, at_agency.id)
    moment = now()
    clock.install(lambda: moment + CLAIM)
    assert not claims.lasts(at_agency)
    assert found(world.officer, note="mine") == []
    claims.claim(world.manager, at_agency.id)
    with pytest.raises(Refused, match="负责自"):
        decides(world.officer, at_agency)


def test_nobody_claims_what_is_not_at_their_desk(world: World, at_agency: Application) -> None:
    for stranger in (world.station_administrator, world.city_officer, world.far_officer, world.inspector):
        claims.claim(stranger, at_agency.id)
        with pytest.raises((NotFound, Refused)):
            claims.take_over(stranger, at_agency.id)
    db.session.refresh(at_agency)
    assert at_agency.claimed_by_id is None


# Kept verdicts, and passing what was checked


def test_kept_verdicts_come_back_and_end_with_the_decision(world: World, at_agency: Application) -> None:
    verdicts = {**all_passed(at_agency), "work": Verdict(False, "缺2012年的证明。")}
    del verdicts["person"]
    claims.claim(world.officer, at_agency.id)
    version = at_agency.version
    note = review_notes.save(world.officer, at_agency.id, version, verdicts, reason="等单位来电", onsite=False)
    assert (note.complete, at_agency.version, at_agency.claimed_by_id) == (False, version, None)
    again = review_notes.read(note)
    assert again.verdicts["work"] == Verdict(False, "缺2012年的证明。")
    assert again.verdicts["person"] == Verdict() and (again.reason, again.onsite) == ("等单位来电", False)
    assert found(world.manager, note="saved") == [at_agency.id] and found(world.manager, note="none") == []
    # Once more by somebody else takes its place; a decision ends it.
    saves(world.manager, at_agency)
    assert db.session.scalars(select(ReviewNote.account_id)).all() == [world.manager.id]
    decides(world.officer, at_agency)
    assert db.session.scalars(select(ReviewNote.id)).all() == []


def test_only_what_one_has_checked_oneself_and_nothing_has_changed_since_passes_in_bulk(world: World) -> None:
    people = [factories.person(f"批量{serial}", 61 + serial) for serial in range(5)]
    made = [factories.application(person, world.station, status=Status.AGENCY_REVIEW) for person in people]
    officer, ids = world.officer, [application.id for application in made]
    ready, changed, incomplete, foreign, untouched = made
    for application in (ready, changed):
        saves(officer, application)
    review_notes.save(officer, incomplete.id, incomplete.version, {"work": Verdict(True)})
    saves(world.manager, foreign)
    with transaction():
        changed.education = "大专"
    assert found(officer, note="ready") == [ready.id]
    before = {application.id: application.version for application in made}

    strange = factories.application(factories.person("别处", 91), world.far_school, status=Status.AGENCY_REVIEW)
    outcomes = review_notes.pass_ready(officer, [*ids, ids[0], strange.id, 999_999])
    assert [(one.application_id, one.done) for one in outcomes] == [(ids[0], True), *((key, False) for key in ids[1:])]
    reasons = [one.reason for one in outcomes[1:]]
    for words, reason in zip(("有变动", "还有项目没有审查", "由负责逐项审查", "还没有逐项审查"), reasons, strict=True):
        assert words in reason
    assert ready.status is Status.ONSITE_CONFIRMATION
    for application in (changed, incomplete, foreign, untouched):
        assert (application.status, application.version) == (Status.AGENCY_REVIEW, before[application.id])
    # Nothing but passing is done in bulk: once passed, there is no note to pass again.
    assert not review_notes.pass_ready(officer, [ready.id])[0].done


def test_the_units_agreements_are_kept_and_needed_in_bulk(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=Status.UNIT_REVIEW)
    with transaction():
        application.deferral = Deferral(status=DeferralStatus.PLEDGED, years=[2024], pledged_at=now())
    actor = world.station_administrator
    saves(actor, application)
    (left,) = review_notes.pass_ready(actor, [application.id])
    assert not left.done and "单位同意的，请勾选" in left.reason
    saves(actor, application, agreed=("deferral",))
    (done,) = review_notes.pass_ready(actor, [application.id])
    assert done.done and application.deferral.status is DeferralStatus.AGREED


# Two pairs of eyes


def test_two_officers_look_at_each_never_the_same(world: World, at_agency: Application) -> None:
    two_looks(world)
    officer, manager, since = world.officer, world.manager, at_agency.desk_since
    decides(officer, at_agency, onsite=False)
    assert (at_agency.status, at_agency.first_reviewed_by_id) == (Status.AGENCY_REVIEW, officer.id)
    assert at_agency.desk_since == since
    assert timeline.entries(at_agency)[-1]["what"] == "初审通过，待复审"
    applicant = db.session.scalars(select(Message.title).where(Message.account_id == world.applicant.id)).all()
    assert "网上资格审查已通过" not in applicant
    assert found(officer, look="second") == [at_agency.id] and found(officer, look="first") == []
    counts = review_lists.desk_counts(manager)
    assert (counts.by_status[Status.AGENCY_REVIEW], counts.second) == (1, 1)
    with pytest.raises(Refused, match="复审须由本机构其他人员办理"):
        decides(officer, at_agency)
    assert [review_page.page(one, at_agency.id).turn for one in (officer, manager)] == ["other", "second"]
    # The first reviewer's word on the visit stands unless the second says otherwise.
    assert decides(manager, at_agency).status is Status.QUALIFIED
    assert at_agency.first_reviewed_by_id is None


def test_what_comes_back_is_looked_at_twice_again(world: World, at_agency: Application) -> None:
    two_looks(world)
    decides(world.officer, at_agency)
    verdicts = {**all_passed(at_agency), "work": Verdict(False, "起止时间不连续。")}
    review.decide(world.officer, at_agency.id, at_agency.version, Action.SEND_BACK, verdicts)
    with transaction():
        workflow.advance(at_agency, Action.RESUBMIT, world.applicant)
    assert review_page.page(world.manager, at_agency.id).turn == "first"
    decides(world.manager, at_agency)
    assert at_agency.status is Status.AGENCY_REVIEW


# The unit's statement


def test_a_unit_says_which_posts_are_vacant_before_it_passes_anybody(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=Status.UNIT_REVIEW)
    with transaction() as session:
        session.execute(delete(UnitStatement))
    actor = world.station_administrator
    with pytest.raises(StatementMissing):
        decides(actor, application)
    assert review_page.page(actor, application.id).needs_statement
    statement = unit_statements.confirm(
        actor, vacant=True, posts=[POST, Post("", "", "", "")], terms="", responsible_name="管事", version=0
    )
    assert unit_statements.lines(statement) == [("驾驶岗", "四级（中级工）", "2个", "取得四级证书")]
    assert db.session.scalars(select(AuditEntry.action)).all()[-1] == "confirm_unit_statement"
    with pytest.raises(Conflict):
        unit_statements.confirm(actor, vacant=False, posts=[], terms="竞聘", responsible_name="管事", version=0)
    assert decides(actor, application).status is Status.AGENCY_REVIEW
    assert review_page.page(world.officer, application.id).statement is statement
    # The unit next door has said nothing by this.
    assert unit_statements.of_unit(world.school.id) is None


@pytest.mark.parametrize(
    ("vacant", "posts", "terms", "name", "wrong"),
    [
        (None, [], "竞聘", "管事", {"vacant"}),
        (False, [], "", "管事", {"terms"}),
        (False, [POST], "竞聘", "管事", {"vacant"}),
        (True, [], "竞聘", "管事", {"posts-0-post"}),
        (
            True,
            [POST, Post("岗", "6", "0", "")],
            "",
            "",
            {"posts-1-grade", "posts-1-vacancies", "posts-1-terms", "responsible_name"},
        ),
        (True, [Post("岗", "四级", "1.5", "竞聘")], "", "管事", {"posts-0-grade", "posts-0-vacancies"}),
    ],
)
def test_a_statement_is_checked(
    world: World, vacant: bool | None, posts: list[Post], terms: str, name: str, wrong: set[str]
) -> None:
    with pytest.raises(FieldsRefused) as refused:
        unit_statements.confirm(
            world.station_administrator, vacant=vacant, posts=posts, terms=terms, responsible_name=name, version=0
        )
    assert set(refused.value.fields) == wrong
    assert unit_statements.of_unit(world.station.id) is None


def test_a_statement_is_a_units_own_and_made_within_the_review(world: World, at: At) -> None:
    def confirm(actor: Account) -> None:
        unit_statements.confirm(actor, vacant=False, posts=[], terms="竞聘", responsible_name="管事", version=0)

    with pytest.raises(NotFound):
        confirm(world.officer)
    at(date(2025, 4, 12))
    with pytest.raises(WindowClosed):
        confirm(world.station_administrator)


# The desk


def test_counts_by_age_are_those_of_the_filter(world: World, at: At) -> None:
    days = (0, 1, 3, 4, 7, 8, 12)
    made = {}
    for serial, age in enumerate(days):
        application = factories.application(
            factories.person(f"等候{serial}", 61 + serial), world.station, status=Status.AGENCY_REVIEW
        )
        with transaction():
            # Late on the day: what counts is the day, not the hours.
            application.desk_since = datetime(2025, 3, 27, 23, 30, tzinfo=ZONE) - timedelta(days=age)
        made[age] = application.id
    at(date(2025, 3, 27))
    officer = world.officer
    expected = {"today": [0], "3": [3, 1], "7": [7, 4], "older": [12, 8]}
    assert review_lists.desk_counts(officer).by_age == {key: len(ages) for key, ages in expected.items()}
    for key, ages in expected.items():
        assert found(officer, age=key) == [made[age] for age in ages]


def test_search_finds_by_name_number_unit_and_trade(world: World, at_agency: Application) -> None:
    other = factories.application(factories.person("欧阳明月", 63), world.school, status=Status.AGENCY_REVIEW)
    identity, officer = at_agency.person.identity_number, world.officer
    for term in ("听雨", identity[-4:], identity[-4:].lower(), (at_agency.number or "")[-3:], "云溪"):
        assert found(officer, q=term) == [at_agency.id], term
    assert found(officer, q="明") == [other.id] and found(officer, q="驾驶") == [at_agency.id, other.id]
    assert found(officer, q="%") == found(officer, q="没有此人") == []


def test_views_are_ones_own(world: World) -> None:
    officer = world.officer
    view = saved_views.save(officer, "desk", " 三级  积压 ", {"grade": "3", "age": "older"})
    assert (view.name, view.query) == ("三级 积压", "grade=3&age=older")
    assert saved_views.save(officer, "desk", "三级 积压", {"grade": "4"}).id == view.id
    for name, chosen in (("", {"grade": "3"}), ("长" * 21, {"grade": "3"}), ("全部", {}), ("长", {"q": "长" * 200})):
        with pytest.raises(Refused):
            saved_views.save(officer, "desk", name, chosen)
    for number in range(saved_views.LIMIT - 1):
        saved_views.save(officer, "desk", f"视图{number}", {"page": str(number)})
    with pytest.raises(Refused, match="最多保存12个视图"):
        saved_views.save(officer, "desk", "再一个", {"grade": "3"})
    assert saved_views.of(world.manager, "desk") == []
    with pytest.raises(NotFound):
        saved_views.delete(world.manager, view.id)
    assert saved_views.delete(officer, view.id) == "三级 积压"


def test_phrases_are_counted_by_decisions_and_offered_the_most_used_first(world: World) -> None:
    officer = world.officer
    for serial, text in enumerate(("请补全2019年的经历。", "证书编号有误。", "证书编号有误。")):
        person = factories.person(f"常用{serial}", 61 + serial)
        application = factories.application(person, world.station, status=Status.AGENCY_REVIEW)
        verdicts = {
            **all_passed(application),
            "work": Verdict(False, text),
            "person": Verdict(False, phrases.STEP_PHRASES[0]),
        }
        review.decide(officer, application.id, application.version, Action.SEND_BACK, verdicts)
    assert phrases.own(officer) == ["证书编号有误。", "请补全2019年的经历。"]
    assert phrases.own(world.manager) == []
    assert db.session.scalar(select(func.sum(Phrase.uses))) == 3
    # One's own list has all of them; only one's own are dropped.
    ids = [row.id for row in listing.run(phrases.listing(officer), {}).rows]
    assert len(ids) == 2 and listing.run(phrases.listing(world.manager), {}).total == 0
    assert phrases.forget(world.manager, ids) == 0 and phrases.forget(officer, ids[:1]) == 1
    assert phrases.own(officer) == ["请补全2019年的经历。"]
