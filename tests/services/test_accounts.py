"""Accounts: registering under the real name, signing in, passwords, and sessions that end."""

from datetime import date
from typing import Any

import argon2
import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, Person, Role
from gongkao.rules.errors import WindowClosed
from gongkao.sealing import lookup
from gongkao.services import accounts, passwords, sessions, sign_in
from gongkao.services.errors import FieldsRefused
from gongkao.services.transaction import transaction
from tests.services.conftest import Together
from tests.world import PASSWORD, World, identity_number

NUMBER = identity_number("410122", date(1990, 2, 28), 45)


def typed(**changes: str) -> dict[str, str]:
    return {
        "name": "岳听泉",
        "identity_number": NUMBER,
        "mobile": "13800000002",
        "password": "清晨 walking 2025",
        **changes,
    }


def _people() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Person)) or 0


def test_someone_registers_and_signs_in(world: World) -> None:
    made = accounts.register_applicant(**typed(identity_number=NUMBER.lower(), name=" 岳 听泉 "))
    assert (made.role, made.sign_in_name, made.display_name) == (Role.APPLICANT, NUMBER, "岳听泉")
    assert made.person is not None and made.person.sex == "男" and made.person.birth_date == date(1990, 2, 28)
    assert not made.must_change_password and made.password_hash.startswith("$argon2id$")
    for username in (NUMBER, f" {NUMBER} "):
        found = accounts.check_password(username, "清晨 walking 2025")
        assert found is not None and found.id == made.id


def test_a_number_ending_in_x_is_typed_either_way(world: World) -> None:
    serial = next(n for n in range(900) if identity_number("410122", date(1990, 2, 28), n).endswith("X"))
    number = identity_number("410122", date(1990, 2, 28), serial)
    accounts.register_applicant(**typed(identity_number=number.lower()))
    assert accounts.check_password(number.lower(), "清晨 walking 2025") is not None
    assert accounts.check_password(number, "清晨 walking 2025") is not None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "请输入姓名"),
        ("name", "Tom", "汉字"),
        ("identity_number", "", "请输入身份证号"),
        ("identity_number", NUMBER[:-1], "18位"),
        ("identity_number", NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2"), "校验"),
        ("identity_number", "410122199002301234", "出生日期"),
        ("mobile", "", "请输入手机号码"),
        ("mobile", "12800000000", "号段"),
        ("password", "", "至少8个字符"),
        ("password", "short", "至少8个字符"),
        ("password", "12345678", "太常见"),
        ("password", "a" * 129, "最长128"),
        ("password", "my" + NUMBER[-6:] + "x", "不能包含身份证号"),
        ("password", "x13800000002y", "不能包含身份证号、手机号码"),
    ],
)
def test_what_is_typed_wrongly_is_told_beside_its_field(world: World, field: str, value: str, words: str) -> None:
    before = _people()
    with pytest.raises(FieldsRefused) as caught:
        accounts.register_applicant(**typed(**{field: value}))
    assert list(caught.value.fields) == [field] and words in caught.value.fields[field]
    assert _people() == before


def test_all_wrong_fields_are_named_at_once(world: World) -> None:
    with pytest.raises(FieldsRefused) as caught:
        accounts.register_applicant(name="", identity_number="", mobile="", password="")
    assert set(caught.value.fields) == {"name", "identity_number", "mobile", "password"}


@pytest.mark.parametrize("day", [date(2025, 3, 12), date(2025, 4, 1)])
def test_people_register_in_the_window_only(world: World, at: Any, day: date) -> None:
    at(day)
    with pytest.raises(WindowClosed) as caught:
        accounts.register_applicant(**typed())
    assert "网上注册报名时间为2025年3月13日至3月31日" in caught.value.message


def test_one_account_for_one_identity_number(world: World) -> None:
    accounts.register_applicant(**typed())
    with pytest.raises(FieldsRefused) as caught:
        accounts.register_applicant(**typed(name="另一人", mobile="13800000003"))
    assert "已注册" in caught.value.fields["identity_number"]


def test_one_account_though_several_register_at_the_same_moment(world: World, together: Together) -> None:
    before = _people()
    values = typed()
    outcomes = together(*[lambda: accounts.register_applicant(**values).id] * 4)
    made = [outcome for outcome in outcomes if isinstance(outcome, int)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, FieldsRefused)]
    assert len(made) == 1 and len(refused) == 3, outcomes
    assert all("已注册" in outcome.fields["identity_number"] for outcome in refused)
    assert _people() == before + 1


def test_every_failed_sign_in_takes_the_same_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password, an unknown name and an ended account look alike: one verification each, and None."""
    with transaction():
        accounts.end_account(None, world.far_officer, "测试")
    asked: list[str | None] = []
    genuine = passwords.verify_password

    def watched(stored: str | None, password: str) -> bool:
        asked.append(stored)
        return genuine(stored, password)

    monkeypatch.setattr(accounts, "verify_password", watched)
    attempts = [
        (world.officer.username, "wrong"),
        ("nobody", "wrong"),
        ("", ""),
        (world.far_officer.username, PASSWORD),
        (world.far_officer.username, "wrong"),
    ]
    for count, (username, password) in enumerate(attempts, start=1):
        assert accounts.check_password(username, password) is None
        assert len(asked) == count
    assert asked[1] is None
    # What is verified for nobody costs as much as what is verified for somebody.
    parameters = {hashed.split("$")[3] for hashed in (passwords.absent(), world.officer.password_hash)}
    assert len(parameters) == 1


def test_a_hash_of_other_costs_is_made_anew_by_signing_in(world: World) -> None:
    officer = world.officer
    old = argon2.PasswordHasher(time_cost=2, memory_cost=128, parallelism=2).hash(PASSWORD)
    with transaction():
        officer.password_hash = old
    assert accounts.check_password(officer.username, "wrong") is None
    assert officer.password_hash == old
    assert accounts.check_password(officer.username, PASSWORD) == officer
    renewed = officer.password_hash
    assert renewed.split("$")[3] == passwords.absent().split("$")[3] != old.split("$")[3]
    assert accounts.check_password(officer.username, PASSWORD) == officer
    assert officer.password_hash == renewed


def test_nothing_is_verified_against_no_hash() -> None:
    assert not passwords.verify_password(None, "")
    assert not passwords.verify_password("", "")
    assert not passwords.verify_password("!", "!")
    assert not passwords.verify_password("not a hash", "not a hash")


def test_one_time_passwords_are_made_to_be_read_and_typed() -> None:
    made = {passwords.one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one) == 14 and not set(one) & set("0O1lI") for one in made)


def test_a_new_password_ends_every_other_session(world: World) -> None:
    account = world.officer
    old = sessions.begin(account)
    assert sessions.account_of(old) is not None
    accounts.change_password(account, current=PASSWORD, new="山高水长-2025")
    assert sessions.account_of(old) is None
    assert accounts.check_password(account.username, PASSWORD) is None
    assert accounts.check_password(account.username, "山高水长-2025") is not None


@pytest.mark.parametrize(
    ("current", "new", "field", "words"),
    [
        ("wrong", "山高水长-2025", "current", "当前密码不正确"),
        (PASSWORD, "short", "new", "至少8个字符"),
        (PASSWORD, PASSWORD, "new", "不能与当前密码相同"),
        (PASSWORD, "password1", "new", "太常见"),
        (PASSWORD, "xx-gk410122-xx", "new", "账户名"),
    ],
)
def test_a_bad_new_password_changes_nothing(world: World, current: str, new: str, field: str, words: str) -> None:
    account = world.officer
    before = account.password_hash
    with pytest.raises(FieldsRefused) as caught:
        accounts.change_password(account, current=current, new=new)
    assert list(caught.value.fields) == [field] and words in caught.value.fields[field]
    db.session.rollback()
    assert account.password_hash == before


@pytest.mark.parametrize("token", ["", "1", "1.1", "²", "\ud800", "x" * 5000])
def test_a_made_up_session_belongs_to_nobody(world: World, token: str) -> None:
    sessions.begin(world.officer)
    assert sessions.account_of(token) is None


def test_an_ended_account_is_out(world: World) -> None:
    token = sessions.begin(world.officer)
    with transaction():
        accounts.end_account(None, world.officer, "测试")
    assert sessions.account_of(token) is None
    assert sessions.account_of(sessions.begin(world.officer)) is None
    assert accounts.check_password("gk410122", PASSWORD) is None


def test_how_one_is_reached_is_changed_with_the_password(world: World) -> None:
    applicant = world.applicant
    assert applicant.person is not None
    for mobile, email, password, wrong in (
        ("13800000009", "", "wrong", ["password"]),
        ("1380", "", PASSWORD, ["mobile"]),
        ("1380", "not an address", PASSWORD, ["mobile", "email"]),
    ):
        with pytest.raises(FieldsRefused) as caught:
            accounts.change_contact(applicant, mobile=mobile, email=email, password=password)
        assert list(caught.value.fields) == wrong
    accounts.change_contact(applicant, mobile="138-0000-0009", email="ting.yu@example.cn", password=PASSWORD)
    assert applicant.mobile == applicant.person.mobile == "13800000009"
    accounts.change_contact(applicant, mobile="", email="", password=PASSWORD)
    assert (applicant.mobile, applicant.email) == ("13800000009", "")


def test_the_own_page_shows_no_whole_number(world: World) -> None:
    for account in (world.applicant, world.unit_administrator, world.officer, world.inspector):
        text = str(accounts.facts(account))
        assert account.role_label in text
        if account.person is not None:
            assert account.person.identity_number not in text


def test_the_trail_tells_who_without_secrets(world: World) -> None:
    accounts.register_applicant(**typed())
    found = accounts.check_password(NUMBER, "清晨 walking 2025")
    assert found is not None
    sign_in.complete(found, address="10.0.0.1", browser="")
    accounts.change_contact(found, mobile="13800000009", email="", password="清晨 walking 2025")
    accounts.change_password(found, current="清晨 walking 2025", new="山高水长-2025")
    entries = db.session.scalars(select(AuditEntry)).all()
    actions = {entry.action for entry in entries}
    assert {"register_applicant", "sign_in", "change_contact", "change_password"} <= actions
    for entry in entries:
        text = f"{entry.actor} {entry.detail} {entry.subject_id}"
        for secret in (NUMBER, "清晨 walking 2025", "山高水长-2025", "13800000009"):
            assert secret not in text
    assert db.session.scalars(select(Account).where(Account.username == lookup(NUMBER))).one().display_name == "岳听泉"
