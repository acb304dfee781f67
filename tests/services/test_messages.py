"""The inbox: who is told of what, and who may read it."""

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Message
from gongkao.rules.workflow import Action, Status
from gongkao.services import messages, workflow
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
