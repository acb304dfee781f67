"""Forgotten passwords: asked for by the person, issued by a desk after checking who it is."""

from datetime import date

import pytest

from gongkao.extensions import db
from gongkao.models import AuditEntry, HelpStatus, PasswordHelp
from gongkao.services import accounts, messages, password_help, sessions
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from tests.world import PASSWORD, World, identity_number

ALL = [key for key, _ in password_help.CHECKS]


def _ask(world: World, **changes: str) -> PasswordHelp:
    person = world.applicant.person
    assert person is not None
    typed = {"name": person.name, "identity_number": person.identity_number, "mobile": "13900001111"} | changes
    password_help.ask(unit_id=world.school.id, **typed)
    return db.session.query(PasswordHelp).one()


def test_the_unit_checks_and_issues_a_password_that_must_be_changed(world: World) -> None:
    old_session = sessions.begin(world.applicant)
    request = _ask(world)
    assert messages.unread(world.unit_administrator) == 1
    with pytest.raises(FieldsRefused) as refused:
        password_help.issue(world.unit_administrator, request.id, request.version, ALL[:-1])
    assert "逐项核实" in refused.value.fields["checks"]
    issued = password_help.issue(world.unit_administrator, request.id, request.version, ALL)
    assert sessions.account_of(old_session) is None
    assert accounts.check_password(world.applicant.sign_in_name, PASSWORD) is None
    account = accounts.check_password(world.applicant.sign_in_name, issued.password)
    assert account is not None and account.must_change_password
    entry = db.session.query(AuditEntry).filter_by(action="renew_password").one()
    assert entry.account_id == world.unit_administrator.id and len(entry.detail["checks"]) == 3
    assert issued.password not in str(entry.detail)
    with pytest.raises(Conflict):
        password_help.issue(world.unit_administrator, request.id, request.version, ALL)


def test_the_agency_of_the_unit_may_help_too_and_strangers_may_not(world: World) -> None:
    request = _ask(world)
    for stranger in (world.far_unit_administrator, world.far_officer, world.bureau_administrator):
        with pytest.raises(NotFound):
            password_help.find(stranger, request.id)
    assert password_help.issue(world.officer, request.id, request.version, ALL).account.id == world.applicant.id


def test_nobody_learns_from_asking_whether_an_account_exists(world: World) -> None:
    request = _ask(world, name="无名氏", identity_number=identity_number("410122", date(1990, 1, 1), 1))
    assert request.account is None
    assert "没有注册账户" in password_help.problem(request)
    with pytest.raises(Refused):
        password_help.issue(world.unit_administrator, request.id, request.version, ALL)


def test_another_name_than_the_registered_one_is_refused(world: World) -> None:
    request = _ask(world, name="孟听风")
    with pytest.raises(Refused, match="不一致"):
        password_help.issue(world.unit_administrator, request.id, request.version, ALL)
    password_help.refuse(world.unit_administrator, request.id, request.version, "姓名与身份证不符")
    assert request.status is HelpStatus.REFUSED


def test_asking_again_keeps_one_waiting_request(world: World) -> None:
    _ask(world)
    assert _ask(world, mobile="13900002222").mobile == "13900002222"


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [("name", "A", "2至30个汉字"), ("identity_number", "41012219900101001X", "校验未通过"), ("mobile", "123", "11位")],
)
def test_wrong_fields_are_named(world: World, field: str, value: str, part: str) -> None:
    with pytest.raises(FieldsRefused) as refused:
        password_help.ask(
            unit_id=world.school.id,
            **{"name": "孟听雨", "identity_number": world.applicant.sign_in_name, "mobile": "13900001111"}
            | {field: value},
        )
    assert list(refused.value.fields) == [field] and part in refused.value.fields[field]


def test_an_administrators_password_is_renewed_by_its_own_agency_only(world: World) -> None:
    administrator = world.unit_administrator
    with pytest.raises(NotFound):
        password_help.renew_administrator(world.far_officer, administrator.id, ALL)
    with pytest.raises(Refused, match="请由该机构办理"):
        password_help.renew_administrator(world.city_officer, administrator.id, ALL)
    issued = password_help.renew_administrator(world.officer, administrator.id, ALL)
    assert accounts.check_password(administrator.username, issued.password) is not None
