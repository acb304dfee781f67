"""Accounts: signing in, registering as an applicant, passwords, and issuing an administrator's account."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Agency, Person, Role, Unit
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.sealing import lookup
from gongkao.services import audit, cycles, messages, sessions
from gongkao.services.errors import FieldsRefused
from gongkao.services.passwords import hash_password, one_time_password, outdated, verify_password
from gongkao.services.transaction import transaction


@dataclass(frozen=True)
class Issued:
    """A fresh account and its one-time password, which exists nowhere else and is shown once."""

    account: Account
    password: str


def find(username: str) -> Account | None:
    """The account of a name, however its letters are typed; also one that has ended."""
    name = username.strip()
    # An office's account is in small letters; an identity number ends in a capital X and is kept as its keyed hash.
    return db.session.scalar(select(Account).where(Account.username.in_([lookup(name.upper()), name.lower()])))


def check_password(username: str, password: str) -> Account | None:
    """The account if name and password are right and it has not ended; None otherwise, after the same time.

    A hash made at other costs than today's is made anew.
    """
    account = find(username)
    if not verify_password(account.password_hash if account else None, password):
        return None
    assert account is not None
    if account.ended_at is not None:
        return None
    if outdated(account.password_hash):
        renewed = hash_password(password)
        with transaction(aside=True):
            account.password_hash = renewed
    return account


def register_applicant(*, name: str, identity_number: str, mobile: str, password: str) -> Account:
    """Register under the real name; one account per identity number (notice 二（三）).

    Raises FieldsRefused with a message per wrong field, WindowClosed outside the registration window.
    """
    cycles.require_open(WindowKey.REGISTRATION)
    wrong: dict[str, str] = {}
    clean: dict[str, str] = {}
    checks = (
        ("name", fields.person_name, name),
        ("identity_number", fields.identity_number, identity_number),
        ("mobile", fields.mobile, mobile),
    )
    for field, check, text in checks:
        try:
            clean[field] = check(text)
        except InvalidInput as error:
            wrong[field] = error.message
    about = [text for text in (clean.get("identity_number"), clean.get("mobile")) if text]
    problems = fields.password_problems(password, about=about)
    if problems:
        wrong["password"] = problems[0]
    if wrong:
        raise FieldsRefused(wrong)
    taken = FieldsRefused(
        {"identity_number": "该身份证号已注册。请直接登录；忘记密码请联系所在单位或同级工考管理机构。"}
    )
    # Hashing is slow on purpose, so it is done before the database is locked.
    password_hash = hash_password(password)
    try:
        with transaction():
            query = select(Person.id).where(Person.identity_hash == lookup(clean["identity_number"]))
            if db.session.scalar(query) is not None:
                raise taken
            person = Person(**clean)
            db.session.add(person)
            db.session.flush()
            account = Account(
                username=lookup(clean["identity_number"]),
                password_hash=password_hash,
                role=Role.APPLICANT,
                display_name=clean["name"],
                mobile=clean["mobile"],
                person_id=person.id,
            )
            db.session.add(account)
            audit.record(account, "register_applicant", account)
    except IntegrityError as error:
        raise taken from error
    return account


def change_password(account: Account, *, current: str, new: str) -> None:
    """Choose a new password; every session of the account ends, so that this one begins anew. Raises FieldsRefused."""
    if not verify_password(account.password_hash, current):
        raise FieldsRefused({"current": "当前密码不正确，请重新输入。"})
    about = [account.sign_in_name, account.mobile]
    problems = fields.password_problems(new, about=[text for text in about if text])
    if not problems and verify_password(account.password_hash, new):
        problems = ["新密码不能与当前密码相同。"]
    if problems:
        raise FieldsRefused({"new": problems[0]})
    password_hash = hash_password(new)
    with transaction():
        account.password_hash = password_hash
        account.must_change_password = False
        sessions.end_all(account)
        audit.record(account, "change_password", account)


def change_contact(account: Account, *, mobile: str, email: str, password: str) -> None:
    """Change the own mobile number (empty: as it was) and email address (empty: none), confirmed with the password.

    Raises FieldsRefused.
    """
    if not verify_password(account.password_hash, password):
        raise FieldsRefused({"password": "密码不正确，请重新输入。"})
    wrong = {}
    number, address = account.mobile, ""
    try:
        number = fields.mobile(mobile) if mobile.strip() else account.mobile
    except InvalidInput as error:
        wrong["mobile"] = error.message
    try:
        address = fields.email(email) if email.strip() else ""
    except InvalidInput as error:
        wrong["email"] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    with transaction():
        account.mobile = number
        account.email = address
        if account.person is not None and number:
            account.person.mobile = number
        masked = fields.mask_mobile(number) if number else ""
        audit.record(account, "change_contact", account, mobile=masked, email=bool(address))


def facts(account: Account) -> list[tuple[str, str]]:
    """What the own-account page shows: (label, text) pairs."""
    pairs = [("姓名", account.display_name), ("身份", account.role_label)]
    if account.person is not None:
        pairs.append(("身份证号", account.person.masked_identity_number))
    else:
        pairs += [("登录账户", account.username), ("所在机构", account.office_name)]
    if account.region_name:
        pairs.append(("所在地区", account.region_name))
    pairs.append(("手机号码", fields.mask_mobile(account.mobile) if account.mobile else "未登记"))
    pairs.append(("电子邮箱", account.email or "未登记"))
    return pairs


def issue_unit_administrator(actor: Account, unit: Unit, *, name: str, mobile: str) -> Issued:
    """Make a unit's new administrator account and end the older one (attachment, remark 3).

    Inside the caller's use case.

    The account name is "dw" and the unit's credit code's last eight characters, with a serial from the second on.
    """
    older = db.session.scalars(select(Account).where(Account.unit_id == unit.id, Account.ended_at.is_(None))).all()
    for account in older:
        end_account(actor, account, "已登记新的网上报名管理人员")
    issued = _issue(
        _free_name("dw" + unit.credit_code[-8:].lower()),
        role=Role.UNIT_ADMINISTRATOR,
        display_name=name,
        mobile=mobile,
        unit_id=unit.id,
    )
    audit.record(actor, "issue_account", issued.account, unit=unit.name, name=name)
    return issued


def issue_agency_account(actor: Account | None, agency: Agency, *, role: Role, name: str) -> Issued:
    """Make an account of an agency's officer or manager, inside the caller's use case."""
    prefix = "gl" if role is Role.AGENCY_MANAGER else "gk"
    issued = _issue(_free_name(prefix + agency.code), role=role, display_name=name, mobile="", agency_id=agency.id)
    audit.record(actor, "issue_account", issued.account, agency=agency.name, name=name)
    return issued


def issue_inspector(actor: Account | None, region_code: str, *, name: str) -> Issued:
    """Make an inspector's account for a region, inside the caller's use case."""
    issued = _issue(
        _free_name("xs" + region_code),
        role=Role.INSPECTOR,
        display_name=name,
        mobile="",
        region_code=region_code,
    )
    audit.record(actor, "issue_account", issued.account, region=region_code, name=name)
    return issued


def renew_password(actor: Account, account: Account, checks: Sequence[str]) -> Issued:
    """Give an account a fresh one-time password and end its sessions, inside the caller's use case.

    `checks` are what the actor has checked of the person's identity; they stay on record.
    """
    password = one_time_password()
    account.password_hash = hash_password(password)
    account.must_change_password = True
    sessions.end_all(account)
    audit.record(actor, "renew_password", account, checks=list(checks))
    messages.tell(
        "account",
        "登录密码已重新发放",
        f"由{actor.office_name}核实身份后办理。如非本人申请，请立即与其联系。",
        "profile",
        account_id=account.id,
    )
    return Issued(account, password)


def end_account(actor: Account | None, account: Account, reason: str) -> None:
    """End an account and all its sessions, inside the caller's use case. What it did stays on record."""
    account.ended_at = now()
    account.ended_reason = reason
    sessions.end_all(account)
    audit.record(actor, "end_account", account, reason=reason)


def _issue(username: str, *, role: Role, display_name: str, mobile: str, **of: int | str) -> Issued:
    password = one_time_password()
    account = Account(
        username=username,
        password_hash=hash_password(password),
        role=role,
        display_name=display_name,
        mobile=mobile,
        must_change_password=True,
        **of,
    )
    db.session.add(account)
    db.session.flush()
    return Issued(account, password)


def _free_name(stem: str) -> str:
    """The stem itself, or with the next serial: names are never given out twice."""
    taken = set(db.session.scalars(select(Account.username).where(Account.username.startswith(stem))))
    if stem not in taken:
        return stem
    serial = 2
    while f"{stem}-{serial}" in taken:
        serial += 1
    return f"{stem}-{serial}"
