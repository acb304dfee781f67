"""The desks: who has which queue, and what each decision needs and does."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import func, select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, AuditEntry, Deferral, DeferralStatus
from gongkao.rules.calendar import period_text
from gongkao.rules.errors import WindowClosed
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import claims, cycles, listing, review, review_lists, review_page, timeline, workflow
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.review import Verdict
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

At = Callable[[date], None]


def all_passed(application: Application) -> dict[str, Verdict]:
    return {item.key: Verdict(True) for item in review.checklist(application)}


def failed(application: Application, key: str, comment: str) -> dict[str, Verdict]:
    return {**all_passed(application), key: Verdict(False, comment)}


def passes(actor: Account, application: Application, **more: bool) -> Application:
    return review.decide(actor, application.id, application.version, Action.PASS, all_passed(application), **more)


def queue(actor: Account) -> list[int]:
    return [row.id for row in listing.run(review_lists.desk_listing(actor), {}).rows]


def events_of(application: Application) -> int:
    query = select(func.count()).where(ApplicationEvent.application_id == application.id)
    return db.session.scalar(query) or 0


def test_each_desk_shows_exactly_its_own_queue(world: World) -> None:
    people = [
        factories.person(name, serial) for serial, name in enumerate(("甲一", "乙二", "丙三", "丁四", "戊五"), 61)
    ]
    at_unit = factories.application(people[0], world.school, status=Status.UNIT_REVIEW)
    at_above = factories.application(people[1], world.school, status=Status.SUPERVISING_REVIEW)
    at_agency = factories.application(people[2], world.school, status=Status.AGENCY_REVIEW)
    on_site = factories.application(people[3], world.station, status=Status.ONSITE_CONFIRMATION)
    factories.application(people[4], world.station, status=Status.RETURNED)

    assert queue(world.unit_administrator) == [at_unit.id]
    assert queue(world.bureau_administrator) == [at_above.id]
    assert queue(world.officer) == [at_agency.id, on_site.id]
    assert queue(world.station_administrator) == []
    for stranger in (world.far_unit_administrator, world.far_officer, world.city_officer, world.inspector):
        assert queue(stranger) == []
    assert review_lists.desk_counts(world.officer).by_status == {Status.AGENCY_REVIEW: 1, Status.ONSITE_CONFIRMATION: 1}
    # Whoever oversees sees all that was submitted, and may decide none of it.
    assert review_lists.status_counts(world.city_officer).value == {
        Status.UNIT_REVIEW: 1,
        Status.SUPERVISING_REVIEW: 1,
        Status.AGENCY_REVIEW: 1,
        Status.ONSITE_CONFIRMATION: 1,
        Status.RETURNED: 1,
    }
    # The station sent one back; nobody else did.
    for actor, sent_back in ((world.station_administrator, 1), (world.unit_administrator, 0), (world.officer, 0)):
        assert review_lists.desk_counts(actor).returned == sent_back
    with pytest.raises(Refused):
        passes(world.city_officer, at_agency)


def test_the_whole_way_with_a_supervising_unit(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    for actor, then in (
        (world.unit_administrator, Status.SUPERVISING_REVIEW),
        (world.bureau_administrator, Status.AGENCY_REVIEW),
        (world.officer, Status.ONSITE_CONFIRMATION),
        (world.manager, Status.QUALIFIED),
    ):
        assert passes(actor, application).status is then
    assert [entry["what"] for entry in timeline.entries(application)] == [
        "提交申报",
        "所在单位审核通过",
        "主管单位审核通过",
        "网上资格审查通过",
        "现场审查确认通过",
    ]
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject_type == "Application")).all()
    assert actions == ["pass_application"] * 4


def test_the_supervising_desk_is_skipped_where_nobody_is_above_and_the_agency_may_do_without_a_visit(
    world: World,
) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=Status.UNIT_REVIEW)
    assert passes(world.station_administrator, application).status is Status.AGENCY_REVIEW
    assert passes(world.officer, application, onsite=False).status is Status.QUALIFIED


def test_what_was_sent_back_comes_again_to_the_desk_that_sent_it_back(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.AGENCY_REVIEW)
    officer, applicant = world.officer, world.applicant
    verdicts = failed(application, "material-post", "缺第2页，请补传。")
    review.decide(officer, application.id, application.version, Action.SEND_BACK, verdicts)
    assert (application.status, application.returned_to) == (Status.RETURNED, Desk.AGENCY)
    last = timeline.entries(application)[-1]
    assert (last["office"], last["items"]) == (officer.office_name, [("材料：岗位聘用材料", "缺第2页，请补传。")])
    assert officer.office_name in timeline.next_step(application)

    change = {"key": "material-post", "label": "岗位聘用材料", "before": "聘书.pdf", "after": "合同.pdf"}
    with transaction():
        workflow.advance(application, Action.RESUBMIT, applicant, items=[change])
    assert queue(officer) == [application.id]
    assert queue(world.unit_administrator) == queue(world.bureau_administrator) == []
    row = next(row for row in review_page.page(officer, application.id).items if row.key == "material-post")
    assert row.last_comment == "缺第2页，请补传。"
    assert [(change.before, change.after) for change in row.changes] == [("聘书.pdf", "合同.pdf")]


def test_a_refusal_needs_a_reason_and_ends_the_application(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    actor = world.unit_administrator
    for reason in ("", "  ", "不行", "长" * 301):
        with pytest.raises(FieldsRefused) as refused:
            review.decide(actor, application.id, application.version, Action.REFUSE, {}, reason=reason)
        assert set(refused.value.fields) == {"reason"}
    review.decide(actor, application.id, application.version, Action.REFUSE, {}, reason="不在本单位工勤技能岗位工作。")
    assert application.status is Status.REFUSED
    with pytest.raises(Refused):
        passes(actor, application)


def test_decisions_need_what_they_rest_on(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    actor, version = world.unit_administrator, application.version
    before = events_of(application)

    def fields_of(action: Action, verdicts: dict[str, Verdict]) -> set[str]:
        with pytest.raises(FieldsRefused) as refused:
            review.decide(actor, application.id, version, action, verdicts)
        return set(refused.value.fields)

    everything = {item.key for item in review.checklist(application)}
    assert fields_of(Action.PASS, {}) == everything
    assert fields_of(Action.PASS, failed(application, "work", "不符")) == {"work"}
    assert fields_of(Action.SEND_BACK, failed(application, "work", "  ")) == {"work"}
    assert fields_of(Action.SEND_BACK, failed(application, "work", "长" * 201)) == {"work"}
    with pytest.raises(Refused, match="没有标出有问题的项目"):
        review.decide(actor, application.id, version, Action.SEND_BACK, all_passed(application))
    for action in ("", "withdraw", "submit", "nonsense"):
        with pytest.raises(Refused):
            review.decide(actor, application.id, version, action, all_passed(application))
    # What the checklist does not hold is not kept.
    passed = {**all_passed(application), "made-up": Verdict(True)}
    review.decide(actor, application.id, version, Action.PASS, passed)
    assert {item["key"] for item in timeline.events(application)[-1].items} == everything
    assert events_of(application) == before + 1


def test_the_unit_agrees_to_retirement_and_deferral_in_so_many_words(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=Status.UNIT_REVIEW)
    with transaction() as session:
        application.retirement_acknowledged_at = now()
        pledged = Deferral(status=DeferralStatus.PLEDGED, years=[2024], pledged_at=now())
        application.deferral = pledged
        session.flush()
    actor = world.station_administrator
    verdicts, version = all_passed(application), application.version
    for agreed in ((), ("retirement",), ("deferral", "made-up")):
        with pytest.raises(FieldsRefused) as refused:
            review.decide(actor, application.id, version, Action.PASS, verdicts, agreed=agreed)
        assert set(refused.value.fields) == {"agree-retirement", "agree-deferral"} - {f"agree-{one}" for one in agreed}
        assert (pledged.status, application.retirement_agreed_at) == (DeferralStatus.PLEDGED, None)
    review.decide(actor, application.id, version, Action.PASS, verdicts, agreed=("retirement", "deferral"))
    assert (application.status, pledged.status) == (Status.AGENCY_REVIEW, DeferralStatus.AGREED)
    assert application.retirement_agreed_at is not None and pledged.agreed_by_id == actor.id
    assert all(one.agreed_at for one in review_page.page(world.officer, application.id).agreements)
    # The agency decides on what the unit agreed to; it is not asked to agree itself.
    assert passes(world.officer, application).status is Status.ONSITE_CONFIRMATION


def test_a_stale_decision_is_refused_with_what_happened(world: World) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=Status.AGENCY_REVIEW)
    version = application.version
    verdicts = failed(application, "work", "起止时间不连续，请核对。")
    review.decide(world.officer, application.id, version, Action.SEND_BACK, verdicts)
    with pytest.raises(Conflict) as refused:
        review.decide(world.manager, application.id, version, Action.PASS, all_passed(application))
    assert "退回修改" in refused.value.message and "已退回，待修改" in refused.value.message
    assert application.status is Status.RETURNED


def test_strangers_of_the_same_role_find_nothing(world: World) -> None:
    at_unit = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    at_agency = factories.application(world.person("祝晓川"), world.station, status=Status.AGENCY_REVIEW)
    for application, strangers in (
        (at_unit, (world.station_administrator, world.far_unit_administrator)),
        (at_agency, (world.unit_administrator, world.far_officer, world.far_city_officer, world.far_manager)),
    ):
        for stranger in strangers:
            with pytest.raises(NotFound):
                review_page.page(stranger, application.id)
            with pytest.raises(NotFound):
                passes(stranger, application)
            with pytest.raises(NotFound):
                review.find_material(stranger, application.id, application.materials[0].id)
    # In scope, yet not its turn: the unit above looks on while the unit reviews, and an inspector always only looks on.
    for onlooker in (world.bureau_administrator, world.officer, world.inspector):
        assert review_page.page(onlooker, at_unit.id).desk is None
        with pytest.raises(Refused, match="只能查看"):
            passes(onlooker, at_unit)
    # A file belongs to its own application's address.
    with pytest.raises(NotFound):
        review.find_material(world.officer, at_agency.id, at_unit.materials[0].id)


@pytest.mark.parametrize(
    ("status", "username", "last"),
    [
        (Status.UNIT_REVIEW, "dwstation", date(2025, 4, 3)),
        (Status.AGENCY_REVIEW, "gk410122", date(2025, 4, 11)),
        (Status.ONSITE_CONFIRMATION, "gk410122", date(2025, 4, 11)),
    ],
)
def test_each_desk_decides_within_its_window_alone(
    world: World, at: At, status: Status, username: str, last: date
) -> None:
    application = factories.application(world.person("孟听雨"), world.station, status=status)
    actor = world.account(username)
    at(date.fromordinal(last.toordinal() + 1))
    window = timeline.deadline(application)
    assert window is not None and window.closes == last
    with pytest.raises(WindowClosed) as refused:
        passes(actor, application)
    assert period_text(window) in refused.value.message
    assert review_page.page(actor, application.id).closed == refused.value.message
    assert application.status is status
    at(last)
    assert cycles.current_cycle().year == 2025
    assert passes(actor, application).status is not status


def test_next_and_previous_follow_the_filtered_queue(world: World) -> None:
    people = [factories.person(f"申报{serial}", serial) for serial in range(71, 76)]
    made = [
        factories.application(person, world.station, grade=3 if place % 2 else 4, status=Status.AGENCY_REVIEW)
        for place, person in enumerate(people)
    ]
    ids = [application.id for application in made]
    officer = world.officer
    assert review_lists.neighbours(officer, made[2], {}) == (ids[1], ids[3])
    assert review_lists.neighbours(officer, made[0], {}) == (None, ids[1])
    assert review_lists.neighbours(officer, made[2], {"grade": "4"}) == (ids[0], ids[4])
    assert review_lists.neighbours(officer, made[2], {"sort": "name", "order": "desc"}) == (ids[3], ids[1])
    assert review_lists.neighbours(world.far_officer, made[2], {}) == (None, None)
    assert review_lists.first_waiting(officer, Status.AGENCY_REVIEW, {"grade": "3"}) == ids[1]
    # Another desk's applications do not come in between.
    factories.move(made[3], Status.ONSITE_CONFIRMATION)
    assert review_lists.neighbours(officer, made[2], {}) == (ids[1], ids[4])
    assert review_lists.first_waiting(officer, Status.ONSITE_CONFIRMATION, {}) == ids[3]
    # Nor what a colleague has open; the colleague has it in the way still.
    claims.claim(world.manager, ids[0])
    claims.claim(world.manager, ids[4])
    assert review_lists.neighbours(officer, made[2], {}) == (ids[1], None)
    assert review_lists.neighbours(officer, made[0], {}) == (None, ids[1])
    assert review_lists.first_waiting(officer, Status.AGENCY_REVIEW, {}) == ids[1]
    assert review_lists.neighbours(world.manager, made[2], {}) == (ids[1], ids[4])
    assert review_lists.first_waiting(world.manager, Status.AGENCY_REVIEW, {}) == ids[0]
