"""The applicant's use cases: filling in, submitting, correcting, withdrawing, and never losing or leaking anything."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from gongkao.clock import now
from gongkao.documents import papers
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    ApplicationEvent,
    BanEntry,
    DeferralStatus,
    RosterEntry,
    Trade,
    TradeOpening,
)
from gongkao.rules.application_form import NOT_FILED, FormStep
from gongkao.rules.eligibility import Verdict
from gongkao.rules.errors import NotAllowed, WindowClosed
from gongkao.rules.materials import MaterialKind
from gongkao.rules.workflow import Action, Desk, Status
from gongkao.services import (
    application_form,
    applications,
    cycles,
    deferrals,
    drafts,
    eligibility,
    false_materials,
    materials,
    review,
    review_page,
    timeline,
    workflow,
)
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World

Clock = Callable[[date], None]
UNIT = {
    "unit_name": "中牟县晴川学校",
    "department": "后勤科",
    "post": "驾驶岗",
    "staff_kind": "在岗正式工作人员",
    "work_started_on": "20040701",
    "post_started_on": "2010-03-01",
}
CERTIFICATE = {
    "has_certificate": "yes",
    "certificate_grade": "5",
    "certificate_trade": "汽车驾驶员",
    "certificate_number": "164100",
    "certificate_issued_on": "2015-12-01",
    "certificate_issuer": "河南省人力资源和社会保障厅",
}
WORK = {"work-0-started_on": "2004-07-01", "work-0-unit_name": "中牟县晴川学校", "work-0-post": "驾驶岗"}
ASSESSED = {"year_2024": "合格", "year_2023": "合格", "year_2022": "优秀"}


def _version(actor: Account, step: FormStep) -> str:
    return drafts.version_of(step, application_form.facts_of(drafts.own(actor)))


def _save(actor: Account, step: FormStep, typed: dict[str, str], *, partly: bool = False) -> drafts.Saved:
    return drafts.save_step(actor, step, typed, _version(actor, step), partly=partly)


def _upload(actor: Account, kind: MaterialKind) -> None:
    sent = (factories.jpeg(), "近照.jpg") if kind is MaterialKind.PHOTO else (factories.pdf(), f"{kind.value}.pdf")
    materials.add(actor, kind, [sent])


def _trade_id(code: str = "01001") -> str:
    return str(db.session.scalars(select(Trade.id).where(Trade.code == code)).one())


def _fill_in(actor: Account, **instead: dict[str, str]) -> Application:
    """A whole draft through the use cases; `instead` replaces what is typed on a step."""
    applications.start(actor)
    typed = {
        "person": {"education": "高中"},
        "unit": UNIT,
        "trade": {"trade_id": _trade_id()},
        "grade": {"grade": "4"},
        "work": WORK,
        "certificate": CERTIFICATE,
        "assessments": ASSESSED,
        "pledge": {"pledged": "y"},
        **instead,
    }
    for name, values in typed.items():
        _save(actor, FormStep(name), values)
    for rule in application_form.facts_of(drafts.own(actor)).material_rules[:6]:
        _upload(actor, rule.kind)
    return drafts.own(actor)


def _send_back(world: World, *keys: str) -> None:
    """The unit's desk sends the applicant's application back for the items."""
    with transaction():
        application = drafts.own(world.applicant)
        items = [
            {"key": key, "label": key, "passed": key not in keys, "comment": "请核对"} for key in ("person", *keys)
        ]
        workflow.advance(application, Action.SEND_BACK, world.unit_administrator, reason="请修改。", items=items)


def test_a_draft_filled_in_step_by_step_is_submitted_with_its_route(world: World) -> None:
    application = _fill_in(world.applicant)
    assert [state.state for state in drafts.states(application)] == ["done"] * 9 + ["todo"]
    made = applications.submit(world.applicant, application.version)
    assert made.status is Status.UNIT_REVIEW
    assert made.supervising_unit_id == world.bureau.id
    assert made.agency_id == world.school.agency_id
    assert made.number is not None and made.number.startswith("2025")
    assert made.submitted_at is not None
    event = db.session.scalars(select(ApplicationEvent)).one()
    said = {item["label"]: item["value"] for item in event.items}
    assert said["申报等级"] == "四级（中级工）"
    assert world.applicant.sign_in_name not in str(event.items)


def test_a_unit_without_one_above_it_is_not_supervised(world: World) -> None:
    application = _fill_in(world.applicant, unit={**UNIT, "unit_name": world.station.name})
    assert applications.submit(world.applicant, application.version).supervising_unit_id is None


def test_an_incomplete_draft_is_not_submitted(world: World) -> None:
    application = applications.start(world.applicant)
    with pytest.raises(applications.Incomplete) as refused:
        applications.submit(world.applicant, application.version)
    assert {problem.step for problem in refused.value.problems} == set(FormStep) - {FormStep.PREVIEW}
    assert drafts.own(world.applicant).status is Status.DRAFT


def test_what_changed_after_the_last_look_is_not_submitted(world: World) -> None:
    application = _fill_in(world.applicant)
    seen = application.version
    _save(world.applicant, FormStep.PERSON, {"education": "大专"})
    with pytest.raises(Conflict):
        applications.submit(world.applicant, seen)


def test_what_it_was_judged_by_is_kept_until_it_is_withdrawn(world: World) -> None:
    application = _fill_in(world.applicant)
    made = applications.submit(world.applicant, application.version)
    assert made.condition_set is not None and made.evaluation is not None
    assert made.evaluation["verdict"] != "not_eligible"
    applications.withdraw(world.applicant, made.version)
    assert drafts.own(world.applicant).evaluation is None


def test_whoever_does_not_meet_the_conditions_does_not_submit(world: World) -> None:
    newcomer = {**UNIT, "work_started_on": "2021-07-01", "post_started_on": "2021-07-01"}
    application = _fill_in(
        world.applicant,
        unit=newcomer,
        work={**WORK, "work-0-started_on": "2021-07-01"},
        certificate={**CERTIFICATE, "certificate_issued_on": "2023-12-01"},
    )
    with pytest.raises(applications.NotEligible) as refused:
        applications.submit(world.applicant, application.version)
    assert refused.value.reasons
    assert drafts.own(world.applicant).status is Status.DRAFT


def test_whoever_is_banned_does_not_begin(world: World) -> None:
    with transaction() as session:
        session.add(
            BanEntry(
                identity_number=world.applicant.sign_in_name,
                name="孟听雨",
                begins_on=date(2024, 5, 1),
                ends_on=date(2026, 4, 30),
                reason="填报虚假材料。",
                agency_id=world.officer.agency_id,
                decided_by_id=world.officer.id,
                decided_at=now(),
            )
        )
    with pytest.raises(Refused):
        applications.start(world.applicant)
    assert drafts.find_own(world.applicant) is None


def test_what_the_unit_has_listed_is_filled_in(world: World) -> None:
    with transaction() as session:
        session.add(
            RosterEntry(
                cycle_id=cycles.current_cycle().id,
                unit_id=world.school.id,
                identity_number=world.applicant.sign_in_name,
                name="孟听雨",
                department="后勤科",
                work_started_on=date(2004, 7, 1),
                certificate_grade=5,
                imported_by_id=world.unit_administrator.id,
            )
        )
    application = applications.start(world.applicant)
    assert (application.unit_id, application.department) == (world.school.id, "后勤科")
    assert (application.has_certificate, application.education) == (True, None)


def test_reaching_retirement_age_during_the_year_is_acknowledged(world: World) -> None:
    """Notice 一（二）."""
    old = factories.person("洪见山", 57, date(1965, 3, 1))
    actor = world.account(old.identity_number)
    applications.start(actor)
    with pytest.raises(FieldsRefused) as refused:
        _save(actor, FormStep.PLEDGE, {"pledged": "y"})
    assert set(refused.value.fields) == {"retirement_acknowledged"}
    _save(actor, FormStep.PLEDGE, {"pledged": "y", "retirement_acknowledged": "y"})
    assert drafts.own(actor).retirement_acknowledged_at is not None


def test_there_is_one_application_a_cycle(world: World) -> None:
    first = applications.start(world.applicant).id
    assert applications.start(world.applicant).id == first


def test_outside_registration_nothing_is_begun_changed_or_submitted(world: World, at: Clock) -> None:
    application = _fill_in(world.applicant)
    at(date(2025, 4, 1))
    for act in (
        lambda: applications.start(world.other_applicant),
        lambda: _save(world.applicant, FormStep.PERSON, {"education": "大专"}),
        lambda: _upload(world.applicant, MaterialKind.EDUCATION),
        lambda: applications.submit(world.applicant, application.version),
    ):
        with pytest.raises(WindowClosed, match="3月13日至3月31日"):
            act()
    assert applications.standing(world.applicant).closed
    assert application_form.lines(drafts.own(world.applicant))


# Saving


def test_a_step_with_mistakes_is_refused_whole(world: World) -> None:
    applications.start(world.applicant)
    typed = {**UNIT, "post": "", "work_started_on": "明天"}
    with pytest.raises(FieldsRefused) as refused:
        _save(world.applicant, FormStep.UNIT, typed)
    assert set(refused.value.fields) == {"post", "work_started_on"}
    assert drafts.own(world.applicant).department is None


def test_saving_by_itself_keeps_what_is_right_and_tells_what_is_not(world: World) -> None:
    applications.start(world.applicant)
    with pytest.raises(drafts.PartlySaved) as refused:
        _save(world.applicant, FormStep.UNIT, {**UNIT, "post": "", "work_started_on": "明天"}, partly=True)
    assert set(refused.value.fields) == {"work_started_on"}
    application = drafts.own(world.applicant)
    assert (application.department, application.post, application.work_started_on) == ("后勤科", None, None)
    assert refused.value.version == _version(world.applicant, FormStep.UNIT)
    # Half a row never takes the place of whole ones.
    _save(world.applicant, FormStep.WORK, WORK)
    with pytest.raises(drafts.PartlySaved):
        _save(world.applicant, FormStep.WORK, {**WORK, "work-1-unit_name": "云溪站"}, partly=True)
    assert len(drafts.own(world.applicant).work_periods) == 1


def test_a_page_opened_before_a_change_elsewhere_overwrites_nothing(world: World) -> None:
    applications.start(world.applicant)
    seen = _version(world.applicant, FormStep.PERSON)
    _save(world.applicant, FormStep.PERSON, {"education": "大专"})
    for partly in (False, True):
        with pytest.raises(drafts.StepChanged) as refused:
            drafts.save_step(world.applicant, FormStep.PERSON, {"education": "本科"}, seen, partly=partly)
    assert ("文化程度", "大专") in [(line.label, line.text) for line in refused.value.stored]
    assert drafts.own(world.applicant).education == "大专"
    # The same answer twice is no conflict, nor is another step; the new version saves deliberately.
    drafts.save_step(world.applicant, FormStep.PERSON, {"education": "大专"}, seen)
    _save(world.applicant, FormStep.GRADE, {"grade": "4"})
    drafts.save_step(world.applicant, FormStep.PERSON, {"education": "本科"}, refused.value.version)
    assert drafts.own(world.applicant).education == "本科"


def test_a_unit_is_taken_by_choice_or_by_its_very_name(world: World) -> None:
    applications.start(world.applicant)
    for typed in (
        {"unit_name": "远山", "unit_pick": str(world.far_school.id)},
        {"unit_name": world.far_school.name, "unit_id": str(world.far_school.id)},
        {"unit_name": world.far_school.credit_code},
    ):
        _save(world.applicant, FormStep.UNIT, {**UNIT, **typed})
        assert drafts.own(world.applicant).unit_id == world.far_school.id
        _save(world.applicant, FormStep.UNIT, UNIT)
    # A suggestion that does not bear the name in the box was not meant.
    for typed in ({"unit_name": "晴川"}, {"unit_name": "晴川", "unit_id": str(world.school.id)}):
        with pytest.raises(FieldsRefused) as refused:
            _save(world.applicant, FormStep.UNIT, {**UNIT, **typed})
        assert "没有找到这个单位" in refused.value.fields["unit_name"]


def test_an_inactive_unit_and_a_closed_trade_are_not_taken(world: World) -> None:
    applications.start(world.applicant)
    with transaction() as session:
        world.school.active = False
        session.delete(session.scalars(select(TradeOpening).where(TradeOpening.trade_id == int(_trade_id()))).one())
    for step, typed, field in (
        (FormStep.UNIT, UNIT, "unit_name"),
        (FormStep.TRADE, {"trade_id": _trade_id()}, "trade_id"),
    ):
        with pytest.raises(FieldsRefused) as refused:
            _save(world.applicant, step, typed)
        assert field in refused.value.fields


def test_grade_one_needs_the_deliberate_yes(world: World) -> None:
    applications.start(world.applicant)
    _save(world.applicant, FormStep.TRADE, {"trade_id": _trade_id()})
    with pytest.raises(FieldsRefused) as refused:
        _save(world.applicant, FormStep.GRADE, {"grade": "1"})
    assert "grade_one_confirmed" in refused.value.fields
    _save(world.applicant, FormStep.GRADE, {"grade": "1", "grade_one_confirmed": "y"})
    needed = {rule.kind for rule in application_form.facts_of(drafts.own(world.applicant)).material_rules}
    assert MaterialKind.ACHIEVEMENT in needed


# Files


def test_files_are_added_replaced_and_removed(world: World) -> None:
    applications.start(world.applicant)
    materials.add(world.applicant, MaterialKind.POST, [(factories.pdf(n), f"{n}.pdf") for n in (1, 2)])
    first, second = drafts.own(world.applicant).materials
    materials.replace(world.applicant, first.id, (factories.pdf(3), "三.pdf"))
    materials.remove(world.applicant, second.id)
    assert [one.file.name for one in drafts.own(world.applicant).materials] == ["三.pdf"]
    for _ in range(2):
        materials.add(world.applicant, MaterialKind.PHOTO, [(factories.jpeg(), "近照.jpg")])
    assert len([one for one in drafts.own(world.applicant).materials if one.kind is MaterialKind.PHOTO]) == 1


BAD_FILES = [
    (MaterialKind.POST, [], "请先选择"),
    (MaterialKind.POST, [(b"", "空.pdf")], "空文件"),
    (MaterialKind.POST, [(b"MZ\x90\x00" * 100, "合同.pdf")], "可执行程序"),
    (MaterialKind.POST, [(factories.pdf(), "一.pdf"), (b"%PDF-1.7 broken", "二.pdf")], "损坏"),
    (MaterialKind.POST, [(factories.pdf(), "一.pdf"), (factories.pdf(), "同.pdf")], "内容相同"),
    (MaterialKind.IDENTITY_CARD, [(factories.pdf(n), f"{n}.pdf") for n in (1, 2, 3)], "最多2个文件"),
    (MaterialKind.PHOTO, [(factories.pdf(), "照片.pdf")], "只接受 JPEG"),
    (MaterialKind.PHOTO, [(factories.jpeg(500, 500), "方.jpg")], "宽高比例"),
]


@pytest.mark.parametrize(("kind", "sent", "words"), BAD_FILES)
def test_files_that_cannot_be_taken_change_nothing(
    world: World, kind: MaterialKind, sent: list[tuple[bytes, str]], words: str
) -> None:
    applications.start(world.applicant)
    with pytest.raises(FieldsRefused) as refused:
        materials.add(world.applicant, kind, sent)
    assert words in refused.value.fields[f"material-{kind.value}"]
    assert drafts.own(world.applicant).materials == []


def test_a_material_that_is_not_asked_for_is_not_taken_but_can_be_removed(world: World) -> None:
    applications.start(world.applicant)
    with pytest.raises(Refused, match="不需要改报工种证明"):
        _upload(world.applicant, MaterialKind.TRADE_CHANGE)
    _save(
        world.applicant,
        FormStep.TRADE,
        {"trade_id": _trade_id(), "trade_changed": "y", "trade_change_reason": "车改转岗"},
    )
    _upload(world.applicant, MaterialKind.TRADE_CHANGE)
    _save(world.applicant, FormStep.TRADE, {"trade_id": _trade_id()})
    left = [group for group in materials.groups(drafts.own(world.applicant)) if group.rule is None]
    assert [group.kind for group in left] == [MaterialKind.TRADE_CHANGE]
    materials.remove(world.applicant, left[0].files[0].id)


def test_other_people_s_files_do_not_exist(world: World) -> None:
    applications.start(world.applicant)
    _upload(world.applicant, MaterialKind.POST)
    material_id = drafts.own(world.applicant).materials[0].id
    applications.start(world.other_applicant)
    for actor in (world.other_applicant, world.unit_administrator, world.province_manager):
        for act in (
            lambda actor=actor: materials.find_own(actor, material_id),
            lambda actor=actor: materials.remove(actor, material_id),
            lambda actor=actor: materials.replace(actor, material_id, (factories.pdf(2), "二.pdf")),
        ):
            with pytest.raises(NotFound):
                act()


def test_the_yearly_assessment_may_be_left_for_later(world: World) -> None:
    """Notice 二（四）: 容缺后补."""
    typed = {**ASSESSED, "year_2024": NOT_FILED, "deferral_pledged": "y"}
    application = _fill_in(world.applicant, assessments=typed)
    kind = MaterialKind.ASSESSMENT
    materials.remove(world.applicant, next(one.id for one in application.materials if one.kind is kind))
    application = drafts.own(world.applicant)
    assert materials.deferred(application_form.facts_of(application))
    assert application.deferral is not None and application.deferral.years == [2024]
    _save(world.applicant, FormStep.ASSESSMENTS, ASSESSED)
    assert drafts.own(world.applicant).deferral is None
    with pytest.raises(applications.Incomplete):
        applications.submit(world.applicant, drafts.own(world.applicant).version)
    _save(world.applicant, FormStep.ASSESSMENTS, typed)
    made = applications.submit(world.applicant, drafts.own(world.applicant).version)
    assert made.status is Status.UNIT_REVIEW and made.deferral is not None


# Sent back, corrected, withdrawn


def test_only_what_was_sent_back_can_be_changed_and_the_change_is_kept(world: World) -> None:
    application = _fill_in(world.applicant)
    applications.submit(world.applicant, application.version)
    with pytest.raises(Refused, match="先撤回"):
        _save(world.applicant, FormStep.CERTIFICATE, CERTIFICATE)
    _send_back(world, "certificate", "material-post")
    assert [item.key for item in applications.standing(world.applicant).to_mend] == ["certificate", "material-post"]
    for act in (
        lambda: _save(world.applicant, FormStep.PERSON, {"education": "大专"}),
        lambda: _upload(world.applicant, MaterialKind.PHOTO),
    ):
        with pytest.raises(Refused, match="没有退回"):
            act()
    with pytest.raises(FieldsRefused, match="没有修改任何一项"):
        applications.submit(world.applicant, drafts.own(world.applicant).version)
    _save(world.applicant, FormStep.CERTIFICATE, {**CERTIFICATE, "certificate_number": "164199"})
    post = next(one for one in drafts.own(world.applicant).materials if one.kind is MaterialKind.POST)
    materials.replace(world.applicant, post.id, (factories.pdf(2), "聘书.pdf"))
    made = applications.submit(world.applicant, drafts.own(world.applicant).version)
    assert made.status is Status.UNIT_REVIEW
    event = db.session.scalars(select(ApplicationEvent).order_by(ApplicationEvent.sequence)).all()[-1]
    assert event.action is Action.RESUBMIT
    changed = {item["label"]: item for item in event.items}
    assert (changed["证书编号"]["before"], changed["证书编号"]["after"]) == ("164100", "164199")
    assert changed["证书编号"]["key"] == "certificate"
    assert changed["岗位聘用材料"]["key"] == "material-post" and "聘书.pdf" in changed["岗位聘用材料"]["after"]
    assert set(changed) == {"证书编号", "岗位聘用材料"}
    # Sent back once more, what was corrected before is the old state.
    _send_back(world, "certificate")
    _save(world.applicant, FormStep.CERTIFICATE, {**CERTIFICATE, "certificate_number": "164200"})
    assert [one["before"] for one in drafts.changes(drafts.own(world.applicant)) or []] == ["164199"]


def test_what_follows_from_a_correction_opens_too(world: World) -> None:
    application = _fill_in(world.applicant)
    applications.submit(world.applicant, application.version)
    _send_back(world, "trade")
    moved = {"trade_id": _trade_id("01002"), "trade_changed": "y", "trade_change_reason": "车改后转岗"}
    _save(world.applicant, FormStep.TRADE, moved)
    may = drafts.open_now(drafts.own(world.applicant), application_form.facts_of(drafts.own(world.applicant)))
    assert may.steps == {FormStep.TRADE, FormStep.MATERIALS}
    assert may.kinds == {MaterialKind.TRADE_CHANGE}
    _upload(world.applicant, MaterialKind.TRADE_CHANGE)
    made = applications.submit(world.applicant, drafts.own(world.applicant).version)
    assert made.trade is not None and made.trade.code == "01002"


def test_an_application_with_nothing_to_mend_goes_back_with_a_reason(world: World) -> None:
    application = _fill_in(world.applicant)
    applications.submit(world.applicant, application.version)
    _send_back(world, "certificate")
    applications.submit(world.applicant, drafts.own(world.applicant).version, "证书编号与原件一致，请复核。")
    event = db.session.scalars(select(ApplicationEvent).order_by(ApplicationEvent.sequence)).all()[-1]
    assert (event.reason, event.items) == ("证书编号与原件一致，请复核。", [])


def test_the_unit_changes_at_its_own_desk_only(world: World) -> None:
    application = _fill_in(world.applicant)
    applications.submit(world.applicant, application.version)
    _send_back(world, "unit")
    case = false_materials.raise_case(world.unit_administrator, application.id, "所填工作经历与档案不符。")
    _save(world.applicant, FormStep.UNIT, {**UNIT, "unit_name": world.station.name})
    made = applications.submit(world.applicant, drafts.own(world.applicant).version)
    assert (made.unit_id, made.supervising_unit_id) == (world.station.id, None)
    # What was raised about it is the new unit's to see, and no longer the old one's.
    assert false_materials.of_application(world.station_administrator, made.id) == [case]
    assert false_materials.of_application(world.unit_administrator, made.id) == []
    with transaction():
        items = [{"key": "unit", "label": "单位", "passed": False, "comment": "不对"}]
        workflow.advance(drafts.own(world.applicant), Action.PASS, world.station_administrator)
        workflow.advance(drafts.own(world.applicant), Action.SEND_BACK, world.officer, items=items)
    assert drafts.own(world.applicant).returned_to is Desk.AGENCY
    with pytest.raises(FieldsRefused, match="撤回申报后重新提交"):
        _save(world.applicant, FormStep.UNIT, UNIT)


def test_corrections_keep_the_time_of_the_desk_that_asked(world: World, at: Clock) -> None:
    application = _fill_in(world.applicant)
    applications.submit(world.applicant, application.version)
    _send_back(world, "person")
    at(date(2025, 4, 3))
    _save(world.applicant, FormStep.PERSON, {"education": "大专"})
    at(date(2025, 4, 4))
    with pytest.raises(WindowClosed, match="4月3日"):
        applications.submit(world.applicant, drafts.own(world.applicant).version)


def test_a_withdrawn_application_is_a_draft_that_no_desk_sees(world: World) -> None:
    from gongkao.access.scope import narrow

    application = _fill_in(world.applicant)
    made = applications.submit(world.applicant, application.version)
    with pytest.raises(Conflict):
        applications.withdraw(world.applicant, made.version - 1)
    applications.withdraw(world.applicant, made.version)
    for actor in (world.unit_administrator, world.officer, world.province_manager):
        assert db.session.scalar(narrow(select(Application), Application, actor)) is None
    _save(world.applicant, FormStep.PERSON, {"education": "大专"})
    number = made.number
    again = applications.submit(world.applicant, drafts.own(world.applicant).version)
    assert (again.status, again.number) == (Status.UNIT_REVIEW, number)


@pytest.mark.parametrize("status", [Status.QUALIFIED, Status.REFUSED])
def test_what_is_decided_is_neither_changed_nor_withdrawn(world: World, status: Status) -> None:
    made = factories.application(world.person("孟听雨"), world.school, status=status)
    with pytest.raises(NotAllowed):
        applications.withdraw(world.applicant, made.version)
    with pytest.raises(Refused):
        _save(world.applicant, FormStep.PERSON, {"education": "大专"})
    with pytest.raises(Refused):
        applications.submit(world.applicant, made.version)


def test_the_paper_of_a_draft_says_that_it_is_one(world: World) -> None:
    application = _fill_in(world.applicant)
    paper = application_form.paper(application)
    assert (paper.submitted, paper.application_number, paper.supervising_unit_name) == (False, "", world.bureau.name)
    assert papers.application_form(paper).startswith(b"%PDF")
    paper = application_form.paper(applications.submit(world.applicant, application.version))
    assert paper.submitted and paper.identity_number == world.applicant.sign_in_name and paper.photo
    assert dict(paper.materials)["身份证"] == 1


# A deferral that the unit has not heard of


def _returned_by_agency(world: World) -> Application:
    """Handed in, passed by the unit and the one above, sent back by the agency for the yearly assessments."""
    application = _fill_in(world.applicant)
    applications.submit(world.applicant, application.version)
    made = drafts.own(world.applicant)
    with transaction():
        workflow.advance(made, Action.PASS, world.unit_administrator)
        workflow.advance(made, Action.PASS, world.bureau_administrator)
        items = [{"key": key, "label": key, "passed": False, "comment": "请核对"} for key in ("assessments", "person")]
        workflow.advance(made, Action.SEND_BACK, world.officer, reason="请修改。", items=items)
    return made


def test_a_pledge_made_after_the_agency_sent_it_back_goes_to_the_unit_first(world: World, at: Clock) -> None:
    at(date(2025, 3, 20))
    made = _returned_by_agency(world)
    at(date(2025, 4, 8))
    unfiled = {**ASSESSED, "year_2024": NOT_FILED, "deferral_pledged": "y"}
    _save(world.applicant, FormStep.ASSESSMENTS, unfiled)
    applications.submit(world.applicant, made.version)
    assert made.status is Status.UNIT_REVIEW
    # The unit's first reviews are over; what the agency has sent back keeps the agency's time.
    page = review_page.page(world.unit_administrator, made.id)
    assert page.closed == "" and timeline.deadline(made).closes == date(2025, 4, 11)  # type: ignore[union-attr]
    verdicts = {row.key: review.Verdict(True) for row in page.items}
    with transaction():
        factories.statement(world.school, world.unit_administrator)
    with pytest.raises(FieldsRefused):
        review.decide(world.unit_administrator, made.id, made.version, "pass", verdicts)
    review.decide(world.unit_administrator, made.id, made.version, "pass", verdicts, agreed=["deferral"])
    assert made.status is Status.SUPERVISING_REVIEW
    assert made.deferral is not None and made.deferral.status is DeferralStatus.AGREED
    at(date(2025, 4, 12))
    with pytest.raises(WindowClosed, match="4月11日"):
        review.decide(world.bureau_administrator, made.id, made.version, "pass", verdicts)


def test_what_the_unit_has_agreed_to_goes_straight_back_to_the_agency(world: World) -> None:
    made = _returned_by_agency(world)
    _save(world.applicant, FormStep.PERSON, {"education": "大专"})
    applications.submit(world.applicant, made.version)
    assert made.status is Status.AGENCY_REVIEW


def test_withdrawing_takes_back_the_unit_s_word(world: World) -> None:
    unfiled = {**ASSESSED, "year_2024": NOT_FILED, "deferral_pledged": "y"}
    application = _fill_in(world.applicant, assessments=unfiled)
    made = applications.submit(world.applicant, application.version)
    assert made.deferral is not None and made.deferral.agency_id == made.agency_id
    with transaction():
        deferrals.agree(world.unit_administrator, made)
        workflow.advance(made, Action.PASS, world.unit_administrator)
    applications.withdraw(world.applicant, made.version)
    assert made.deferral is not None and made.deferral.status is DeferralStatus.PLEDGED
    assert made.deferral.agreed_at is None and made.deferral.agency_id is None


# Where the person was


def test_going_on_where_the_person_was(world: World) -> None:
    def begin() -> FormStep | None:
        return applications.standing(world.applicant).begin

    applications.start(world.applicant)
    assert begin() is FormStep.PERSON
    _save(world.applicant, FormStep.PERSON, {"education": "高中"})
    assert begin() is FormStep.UNIT
    _save(world.applicant, FormStep.WORK, WORK, partly=True)
    assert begin() is FormStep.WORK, "saved by itself: still on that page"
    _save(world.applicant, FormStep.WORK, WORK)
    assert begin() is FormStep.CERTIFICATE, "gone on with nothing changed"
    _upload(world.applicant, MaterialKind.POST)
    assert begin() is FormStep.MATERIALS
    _save(world.applicant, FormStep.PLEDGE, {"pledged": "y"})
    assert begin() is FormStep.UNIT, "at the end: what is still missing"


# Who cannot apply is told early


def test_before_beginning_the_identity_number_tells_who_is_too_old(world: World) -> None:
    born = {"man": (date(1965, 1, 5), 57), "later": (date(1970, 1, 5), 57), "woman": (date(1969, 1, 5), 58)}
    people = {key: factories.person("丁小满", serial, day) for key, (day, serial) in born.items()}
    found = {key: eligibility.before_start(person) for key, person in people.items()}
    assert "2025年2月5日达到" in found["man"][0] and found["later"] == []
    assert "不再列入考核范围" in found["woman"][0], "past the age of either kind of post"
    with pytest.raises(Refused, match="不再列入考核范围"):
        applications.start(world.account(people["man"].identity_number))
    assert drafts.find_own(world.account(people["man"].identity_number)) is None


@pytest.mark.parametrize(
    ("change", "grade", "verdict", "words"),
    [
        pytest.param({}, 4, Verdict.ELIGIBLE, "途径：", id="by years of work"),
        pytest.param({}, 5, Verdict.NOT_ELIGIBLE, "高于现有证书等级", id="held already"),
        pytest.param({}, 2, Verdict.NOT_ELIGIBLE, "越级申报", id="a skipped grade"),
        pytest.param({"has_certificate": None}, 2, Verdict.UNDECIDED, "填写完整后可以确定", id="not known yet"),
        pytest.param({"has_certificate": False}, 1, Verdict.NOT_ELIGIBLE, "没有等级证书", id="nothing held"),
        pytest.param({"staff_kind": "其他聘用工作人员"}, 4, Verdict.UNDECIDED, "审核人员认定", id="hired staff"),
    ],
)
def test_each_grade_is_judged_on_the_page_where_it_is_chosen(
    world: World, change: dict[str, object], grade: int, verdict: Verdict, words: str
) -> None:
    made = factories.application(world.person("孟听雨"), world.school)
    with transaction():
        for name, value in change.items():
            setattr(made, name, value)
    (choice,) = eligibility.choices(made, [grade])
    assert (choice.verdict, words in choice.text) == (verdict, True), choice.text


def test_another_trade_than_the_certificate_s_is_pointed_out(world: World) -> None:
    made = factories.application(world.person("孟听雨"), world.school)
    assert eligibility.advice(made) == []
    with transaction():
        made.certificate_trade = "绿化工"
    assert "改报工种" in eligibility.advice(made)[0]
    with transaction():
        made.trade_changed = True
    assert eligibility.advice(made) == []
