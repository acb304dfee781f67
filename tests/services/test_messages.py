"""The inbox: who is told of what, and who may read it."""

from collections.abc import Callable
from datetime import date

import pytest

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Message, Score
from gongkao.rules.workflow import Action, Status
from gongkao.services import cycles, messages, sheets, unit_checks, workflow
from gongkao.services.errors import NotFound
from gongkao.services.transaction import transaction
from tests import factories
from tests.world import World


def _titles(account: Account) -> list[str]:
    found = db.session.scalars(messages.listing(account).query.order_by(Message.id)).all()
    return [message.title for message in found]


def test_each_step_tells_the_applicant_and_the_next_desk(world: World) -> None:
    person = factories.person("丁小满")
    made = factories.application(person, world.school, status=Status.UNIT_REVIEW)
    applicant = world.account(person.identity_number)
    assert _titles(world.unit_administrator) == ["申报待办理：丁小满（汽车驾驶员 四级）"]
    assert _titles(applicant) == [], "nobody is told of what they did themselves"
    with transaction():
        workflow.advance(made, Action.SEND_BACK, world.unit_administrator, reason="学历与档案不符。")
    assert _titles(applicant) == ["申报被退回，请修改"]
    with transaction():
        workflow.advance(made, Action.RESUBMIT, applicant)
        workflow.advance(made, Action.PASS, world.unit_administrator)
    assert _titles(world.unit_administrator)[-1] == "申报修改后重新提交：丁小满（汽车驾驶员 四级）"
    assert _titles(world.bureau_administrator) == ["申报待办理：丁小满（汽车驾驶员 四级）"]
    assert _titles(applicant)[-1] == "所在单位审核已通过"
    with transaction():
        workflow.advance(made, Action.WITHDRAW, applicant)
    assert _titles(world.bureau_administrator)[-1] == "申报已撤回：丁小满（汽车驾驶员 四级）"
    for stranger in (world.far_unit_administrator, world.other_applicant, world.far_officer):
        assert _titles(stranger) == []


def test_reading_counts_once_for_the_whole_desk(world: World) -> None:
    factories.application(factories.person("丁小满"), world.school, status=Status.AGENCY_REVIEW)
    assert messages.unread(world.officer) == messages.unread(world.manager) == 1
    message = db.session.scalars(messages.listing(world.officer).query).one()
    messages.open_message(world.officer, message.id)
    assert message.read_by_id == world.officer.id
    assert messages.unread(world.manager) == 0
    with pytest.raises(NotFound):
        messages.open_message(world.far_officer, message.id)


def test_reading_all_leaves_other_inboxes_alone(world: World) -> None:
    factories.application(factories.person("丁小满"), world.school, status=Status.AGENCY_REVIEW)
    assert messages.read_all(world.officer) == 1
    assert messages.read_all(world.officer) == 0
    assert messages.unread(world.unit_administrator) == 1


def test_a_message_goes_to_exactly_one_address(world: World) -> None:
    with transaction(), pytest.raises(ValueError, match="exactly one"):
        messages.tell("account", "无人", unit_id=1, agency_id=1)


def test_what_is_decided_on_sheets_and_names_reaches_the_desks(world: World, at: Callable[[date], None]) -> None:
    at(date(2025, 3, 11))
    sheet = sheets.fill_in(
        None,
        world.school.id,
        filler="安知行",
        filled_on="2025-03-11",
        name="卓明远",
        sex="男",
        department="人事科",
        position="科员",
        office_phone="0371-62181234",
        mobile="13800000001",
    )
    sheets.hand_in(None, sheet.token, factories.pdf(), "盖章扫描件.pdf")
    assert _titles(world.officer) == ["登记表待审核：中牟县晴川学校"]
    sheets.refuse(world.officer, sheet.id, sheet.version, "盖章不清晰，请重新扫描。")
    for desk in (world.unit_administrator, world.bureau_administrator):
        assert _titles(desk) == [f"登记表未通过：{sheet.number}"]
    check = unit_checks.confirm_unit(world.bureau_administrator, world.school.id)
    unit_checks.refuse_check(world.officer, check.id, check.version, "名称与批复不一致。")
    assert _titles(world.bureau_administrator)[-1] == "单位名称核对被退回：中牟县晴川学校"
    assert _titles(world.far_unit_administrator) == _titles(world.far_officer) == []


def test_released_results_reach_the_people_and_their_units(world: World, at: Callable[[date], None]) -> None:
    made = factories.application(factories.person("丁小满"), world.school, status=Status.QUALIFIED)
    with transaction() as session:
        for subject in cycles.subjects(cycles.current_cycle(), 4):
            session.add(
                Score(
                    application_id=made.id,
                    subject_key=subject.key,
                    value=80,
                    entered_by_id=world.officer.id,
                    entered_at=now(),
                )
            )
    at(date(2025, 11, 3))
    factories.release_results(world.officer, world.manager)
    for reader in (world.account(made.person.identity_number), world.unit_administrator):
        assert _titles(reader)[-1] == "四级（中级工）考核结果已公布"
    assert "四级（中级工）考核结果已公布" not in _titles(world.far_unit_administrator)
