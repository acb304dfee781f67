"""False materials (notice 四（四）, domain rule 7): from the suspicion to the ban to the day, and back on appeal."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.documents import papers
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    ApplicationEvent,
    AuditEntry,
    BanEntry,
    CaseStatus,
    FalseMaterialsCase,
    Message,
)
from gongkao.rules.workflow import Action, Status
from gongkao.services import applications, bans, eligibility, false_materials, listing
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from tests import factories
from tests.services.conftest import Together
from tests.world import World

DESCRIPTION = "所交四级证书的编号与发证机关存根不符，姓名处有涂改痕迹。"
STATEMENT = "证书由原单位统一办理，本人不知道编号有误，愿意配合核实。"
DECISION = "经发证机关核实，该编号证书的持有人不是申报人本人。"
APPEAL = "发证机关补充证明证书系换发，原认定依据不足。"
At = Callable[[date], None]


def made(world: World, status: Status = Status.AGENCY_REVIEW) -> Application:
    return factories.application(world.person("孟听雨"), world.school, status=status)


def raised(world: World, by: Account | None = None, status: Status = Status.AGENCY_REVIEW) -> FalseMaterialsCase:
    return false_materials.raise_case(by or world.officer, made(world, status).id, DESCRIPTION)


def confirmed(world: World, status: Status = Status.AGENCY_REVIEW) -> FalseMaterialsCase:
    case = raised(world, status=status)
    case = false_materials.give_statement(world.applicant, case.id, case.version, STATEMENT)
    return false_materials.decide(world.manager, case.id, case.version, "confirm", DECISION)


def told(**of: int) -> list[str]:
    query = select(Message.title).where(Message.kind == "oversight").filter_by(**of)
    return list(db.session.scalars(query.order_by(Message.id)))


def test_confirmed_cancels_this_year_and_bans_for_two_years_to_the_day(world: World, at: At) -> None:
    case = raised(world, by=world.unit_administrator)
    assert (case.status, case.agency_id) == (CaseStatus.RAISED, world.agency("410122").id)
    assert case.number == f"XJ2025{case.id:06d}"
    assert told(account_id=world.applicant.id)[0].startswith("您的申报材料被反映可能不实")
    assert told(agency_id=case.agency_id) == ["反映虚假材料：孟听雨"]
    assert told(unit_id=world.school.id) == []
    assert "等待申报人说明情况" in false_materials.next_step(case)

    pdf = (factories.pdf(), "原件照片.pdf")
    case = false_materials.give_statement(world.applicant, case.id, case.version, STATEMENT, pdf)
    assert false_materials.statement_file(world.manager, case.id).name == "原件照片.pdf"
    at(date(2025, 4, 8))
    case = false_materials.decide(world.manager, case.id, case.version, "confirm", DECISION)

    application = world.application_of("孟听雨")
    assert application.status is Status.CANCELLED
    event = db.session.scalars(select(ApplicationEvent).order_by(ApplicationEvent.id.desc())).first()
    assert event is not None and (event.action, event.reason) == (Action.CANCEL, DECISION)
    assert case.ban is not None
    assert (case.ban.begins_on, case.ban.ends_on) == (date(2025, 4, 8), date(2027, 4, 7))
    number = application.person.identity_number
    assert bans.in_force(number, date(2027, 4, 7)) is not None and bans.in_force(number, date(2027, 4, 8)) is None
    actions = set(db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject_type == "FalseMaterialsCase")))
    assert actions == {"raise_false_materials", "state_on_false_materials", "confirm_false_materials"}
    assert not any(number in str(entry.detail) for entry in db.session.scalars(select(AuditEntry)))
    assert told(account_id=world.applicant.id)[-1].startswith("认定填报虚假信息材料")
    assert told(unit_id=world.school.id) == ["虚假材料认定虚假：孟听雨"]
    what = [entry["what"] for entry in false_materials.timeline(case)]
    assert what == ["反映情况", "说明情况", "认定虚假"]


def test_somebody_banned_cannot_apply_in_another_city_and_is_told_until_when(world: World, at: At) -> None:
    case = confirmed(world)
    other = factories.person("阚远舟", 77)
    draft = factories.application(other, world.far_school)
    entry = case.ban
    assert entry is not None
    entry.identity_number = other.identity_number
    db.session.commit()
    assert any("2027年3月19日不得申报" in text for text in eligibility.obstacles(draft))
    actor = db.session.scalars(select(Account).where(Account.person_id == other.id)).one()
    with pytest.raises(Refused):
        applications.submit(actor, draft.version)
    assert draft.status is Status.DRAFT
    db.session.delete(draft)
    db.session.commit()
    with pytest.raises(Refused, match="2025年3月20日至2027年3月19日不得申报"):
        applications.start(actor)


def test_nothing_is_confirmed_without_the_statement_or_a_recorded_waiver(world: World) -> None:
    case = raised(world)
    with pytest.raises(Refused, match="还没有说明情况"):
        false_materials.decide(world.manager, case.id, case.version, "confirm", DECISION)
    assert case.status is CaseStatus.RAISED and db.session.scalar(select(BanEntry)) is None
    with pytest.raises(FieldsRefused) as caught:
        false_materials.waive_statement(world.officer, case.id, case.version, "无")
    assert set(caught.value.fields) == {"waiver"}
    case = false_materials.waive_statement(world.officer, case.id, case.version, "三次电话要求后仍不说明。")
    assert "未提交情况说明" in told(account_id=world.applicant.id)[-1]
    case = false_materials.decide(world.manager, case.id, case.version, "confirm", DECISION)
    assert case.status is CaseStatus.CONFIRMED
    notice = false_materials.paper(world.manager, case.id, "cancellation")
    assert not notice.stated and notice.waived == "三次电话要求后仍不说明。"


def test_a_statement_that_comes_after_all_replaces_the_waiver(world: World) -> None:
    case = raised(world)
    case = false_materials.waive_statement(world.officer, case.id, case.version, "两次要求后未提交。")
    case = false_materials.give_statement(world.applicant, case.id, case.version, STATEMENT)
    assert (case.statement, case.statement_waived) == (STATEMENT, "")
    with pytest.raises(Refused, match="已提交说明"):
        false_materials.waive_statement(world.officer, case.id, case.version, "两次要求后未提交。")


def test_dismissed_leaves_the_application_as_it_is(world: World) -> None:
    case = raised(world, by=world.city_officer)
    case = false_materials.decide(world.manager, case.id, case.version, "dismiss", "经核实证书真实，反映不属实。")
    assert case.status is CaseStatus.DISMISSED and case.ban is None
    assert world.application_of("孟听雨").status is Status.AGENCY_REVIEW
    assert told(agency_id=world.agency("410100").id) == ["虚假材料不予认定：孟听雨"]
    assert false_materials.notice_keys(case) == []
    with pytest.raises(NotFound):
        false_materials.paper(world.manager, case.id, "ban")
    again = false_materials.raise_case(world.officer, case.application_id, DESCRIPTION)
    assert again.number != case.number


@pytest.mark.parametrize(
    ("day", "restored"), [(date(2025, 4, 11), True), (date(2025, 4, 12), False)], ids=["review runs", "review is over"]
)
def test_lifted_on_appeal_by_the_province(world: World, at: At, day: date, restored: bool) -> None:
    case = confirmed(world)
    at(day)
    for other in (world.manager, world.account("gl410100"), world.province_officer):
        with pytest.raises(Refused, match="省职业技能等级评价指导中心负责人"):
            false_materials.lift(other, case.id, case.version, APPEAL)
    case = false_materials.lift(world.province_manager, case.id, case.version, APPEAL)
    application = world.application_of("孟听雨")
    assert case.status is CaseStatus.LIFTED
    assert application.status is (Status.AGENCY_REVIEW if restored else Status.CANCELLED)
    assert bans.in_force(application.person.identity_number, day) is None
    assert case.ban is not None and case.ban.lifted_reason == APPEAL
    notice = false_materials.paper(world.province_manager, case.id, "lifting")
    assert notice.restored is restored and notice.issued_on == day
    for key in false_materials.NOTICES:
        assert papers.case_notice(false_materials.paper(world.applicant, case.id, key)).startswith(b"%PDF")
    with pytest.raises(Refused, match="没有需要撤销的决定"):
        false_materials.lift(world.province_manager, case.id, case.version, APPEAL)


def test_who_may_do_what(world: World) -> None:
    application = made(world, Status.UNIT_REVIEW)
    for actor in (world.far_officer, world.far_unit_administrator, world.station_administrator, world.other_applicant):
        with pytest.raises(NotFound):
            false_materials.raise_case(actor, application.id, DESCRIPTION)
    for actor in (world.inspector, world.applicant):
        with pytest.raises(Refused):
            false_materials.raise_case(actor, application.id, DESCRIPTION)
    case = false_materials.raise_case(world.bureau_administrator, application.id, DESCRIPTION)
    for actor in (world.far_manager, world.far_inspector, world.other_applicant, world.station_administrator):
        with pytest.raises(NotFound):
            false_materials.find(actor, case.id)
    for actor in (world.unit_administrator, world.inspector, world.city_officer, world.applicant):
        assert false_materials.find(actor, case.id).id == case.id
    for actor in (world.city_officer, world.account("gl410100"), world.province_manager, world.inspector):
        with pytest.raises(Refused):
            false_materials.decide(actor, case.id, case.version, "dismiss", DECISION)
        with pytest.raises(Refused):
            false_materials.waive_statement(actor, case.id, case.version, "不予说明的原因。")
    with pytest.raises(Refused, match="负责人认定"):
        false_materials.decide(world.officer, case.id, case.version, "dismiss", DECISION)
    with pytest.raises(NotFound):
        false_materials.give_statement(world.unit_administrator, case.id, case.version, STATEMENT)
    assert case.status is CaseStatus.RAISED


def test_no_second_suspicion_beside_an_open_one_and_no_way_out_by_withdrawing(world: World) -> None:
    case = raised(world, status=Status.UNIT_REVIEW)
    with pytest.raises(Refused, match="已有虚假材料情况待认定"):
        false_materials.raise_case(world.unit_administrator, case.application_id, DESCRIPTION)
    with pytest.raises(Refused, match="认定前不能撤回"):
        applications.withdraw(world.applicant, case.application.version)


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (lambda w, c: false_materials.raise_case(w.officer, c.application_id, "可疑"), "description"),
        (lambda w, c: false_materials.give_statement(w.applicant, c.id, c.version, "  "), "statement"),
        (
            lambda w, c: false_materials.give_statement(w.applicant, c.id, c.version, STATEMENT, (b"MZ..", "a.exe")),
            "file",
        ),
        (lambda w, c: false_materials.decide(w.manager, c.id, c.version, "confirm", "虚假"), "decision"),
        (lambda w, c: false_materials.decide(w.manager, c.id, c.version, "", DECISION), "outcome"),
        (lambda w, c: false_materials.lift(w.province_manager, c.id, c.version, ""), "appeal"),
    ],
)
def test_what_is_typed_wrong_changes_nothing(world: World, act: Callable[..., Any], field: str) -> None:
    case = raised(world)
    version = case.version
    with pytest.raises(FieldsRefused) as caught:
        act(world, case)
    assert set(caught.value.fields) == {field}
    db.session.refresh(case)
    assert (case.version, case.status) == (version, CaseStatus.RAISED)


def test_of_two_managers_deciding_at_once_one_wins(world: World, together: Together) -> None:
    for serial in range(3):
        application = factories.application(
            factories.person(f"同判{serial}", 51 + serial), world.station, status=Status.AGENCY_REVIEW
        )
        case = false_materials.raise_case(world.officer, application.id, DESCRIPTION)
        case = false_materials.waive_statement(world.officer, case.id, case.version, "两次要求后未提交。")
        case_id, version, application_id = case.id, case.version, application.id

        def decides(outcome: str, case_id: int = case_id, version: int = version) -> Callable[[], Any]:
            def run() -> str:
                manager = db.session.scalars(select(Account).where(Account.username == "gl410122")).one()
                return str(false_materials.decide(manager, case_id, version, outcome, DECISION).status)

            return run

        outcomes = together(decides("confirm"), decides("dismiss"))
        lost = [one for one in outcomes if isinstance(one, Exception)]
        assert len(lost) == 1 and isinstance(lost[0], Conflict), outcomes
        kept = db.session.get_one(FalseMaterialsCase, case_id)
        assert kept.status.value in outcomes
        was_confirmed = kept.status is CaseStatus.CONFIRMED
        cancelled = db.session.get_one(Application, application_id).status is Status.CANCELLED
        assert cancelled is was_confirmed and (kept.ban_id is not None) is was_confirmed


def test_the_lists_are_searched_filtered_and_narrowed(world: World) -> None:
    case = confirmed(world)
    number = case.application.person.identity_number
    for args, found in (
        ({"q": "孟听雨"}, 1),
        ({"q": number[-4:]}, 1),
        ({"q": "晴川学校"}, 1),
        ({"q": "没有这人"}, 0),
        ({"status": "confirmed"}, 1),
        ({"status": "raised"}, 0),
    ):
        page = listing.run(false_materials.listing(world.officer), args)
        assert page.total == found, args
        assert number not in str(page.rows)
    for args, found in (({"q": number[-4:]}, 1), ({"state": "holds"}, 1), ({"state": "lifted"}, 0)):
        page = listing.run(bans.listing(world.city_officer), args)
        assert page.total == found, args
        assert number not in str(page.rows)
    assert listing.run(bans.listing(world.far_officer), {}).total == 0
    assert listing.run(false_materials.listing(world.far_unit_administrator), {}).total == 0
    assert false_materials.status_counts(world.inspector) == {CaseStatus.CONFIRMED: 1}
