"""Forgotten passwords: asked for by the person, issued by the unit's or the agency's desk after checking who it is."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, HelpStatus, PasswordHelp, Person, RosterEntry, Unit
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.sealing import lookup
from gongkao.services import accounts, audit, messages, sheets
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.list_filters import of_status
from gongkao.services.listing import Cell, Column, Listing, contains, of_identity
from gongkao.services.transaction import transaction

# What the officer must have checked, each by its key.
CHECKS = (
    ("present", "申请人本人到场"),
    ("identity_card", "已核验身份证原件，与本人一致"),
    ("records", "姓名、身份证号与人事档案一致"),
)


def ask(*, unit_id: int, name: str, identity_number: str, mobile: str) -> None:
    """Ask for a new password. The answer is the same whether or not anybody is registered under the number.

    Raises NotFound for no such unit, FieldsRefused with a message per wrong field.
    """
    clean = _checked(name=name, identity_number=identity_number, mobile=mobile)
    with transaction() as session:
        unit = session.get(Unit, unit_id)
        if unit is None or not unit.active:
            raise NotFound("unit")
        number = clean["identity_number"]
        waiting = session.scalar(
            select(PasswordHelp).where(
                PasswordHelp.identity_hash == lookup(number), PasswordHelp.status == HelpStatus.WAITING
            )
        )
        found = session.scalar(
            select(Account)
            .join(Account.person)
            .where(Person.identity_hash == lookup(number), Account.ended_at.is_(None))
        )
        request = waiting or PasswordHelp(status=HelpStatus.WAITING)
        request.account_id = found.id if found is not None else None
        request.unit_id, request.agency_id = unit.id, unit.agency_id
        for field, value in clean.items():
            setattr(request, field, value)
        session.add(request)
        session.flush()
        audit.record(None, "ask_password_help", request, unit=unit.name)
        desk: dict[str, int] = {"unit_id": unit.id} if sheets.working_administrators(unit) else {}
        messages.tell(
            "account",
            f"{clean['name']}申请重置登录密码",
            "请核实身份后办理。",
            f"help {request.id}",
            **(desk or {"agency_id": unit.agency_id}),
        )


def _checked(**typed: str) -> dict[str, str]:
    checks = {"name": fields.person_name, "identity_number": fields.identity_number, "mobile": fields.mobile}
    clean: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for field, check in checks.items():
        try:
            clean[field] = check(typed[field])
        except InvalidInput as error:
            wrong[field] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    return clean


def listing(actor: Account) -> Listing:
    """The requests at the own desk, those that wait first."""
    return Listing(
        title="密码重置申请",
        query=narrow(select(PasswordHelp), PasswordHelp, actor).options(joinedload(PasswordHelp.unit)),
        tie=PasswordHelp.id,
        sort="status",
        descending=True,
        search=[contains(PasswordHelp.name), of_identity(PasswordHelp)],
        search_hint="姓名、身份证号后四位或完整号码",
        columns=[
            Column("name", "姓名", lambda row: row.name, PasswordHelp.name),
            Column("identity", "身份证号", lambda row: fields.mask_identity_number(row.identity_number), kind="mono"),
            Column("unit", "所在单位", lambda row: row.unit.name),
            Column("mobile", "联系电话", lambda row: fields.mask_mobile(row.mobile), kind="mono"),
            Column(
                "created_at",
                "申请时间",
                lambda row: row.created_at.strftime("%Y-%m-%d %H:%M"),
                PasswordHelp.created_at,
                kind="date",
            ),
            Column(
                "status",
                "状态",
                lambda row: Cell(row.status.label, chip=row.status.tone, title=row.reason or None),
                PasswordHelp.status,
                kind="status",
            ),
        ],
        filters=[of_status(PasswordHelp.status, HelpStatus)],
        empty_text="没有密码重置申请。申报人员在登录页选择“忘记密码”后会出现在这里。",
    )


def find(actor: Account, help_id: int) -> PasswordHelp:
    """A request at the own desk. Raises NotFound."""
    request = db.session.scalar(narrow(select(PasswordHelp), PasswordHelp, actor).where(PasswordHelp.id == help_id))
    if request is None:
        raise NotFound("password help")
    return request


def problem(request: PasswordHelp) -> str:
    """Why no password can be issued, in words; empty where it can."""
    if request.account is None:
        return "该身份证号没有注册账户，请告知申请人先注册。"
    if _works_elsewhere(request):
        return "该账户已在其他单位申报。请告知申请人在“忘记密码”中选择其申报单位，由该单位或其工考管理机构办理。"
    if request.account.display_name != request.name:
        return f"申请人填写的姓名与注册姓名（{request.account.display_name}）不一致，请核实。"
    return ""


def _works_elsewhere(request: PasswordHelp) -> bool:
    """Whether the person applies at another unit, or stands on its list: then that unit knows who it is.

    Anybody may write any unit into a request, so the desk that it reaches alone proves nothing.
    """
    applied = (
        select(Application.unit_id)
        .join(Application.person)
        .where(Person.identity_hash == request.identity_hash, Application.unit_id.is_not(None))
    )
    unit_id = db.session.scalar(applied.order_by(Application.id.desc()).limit(1))
    if unit_id is None:
        listed = select(RosterEntry.unit_id).where(RosterEntry.identity_hash == request.identity_hash)
        unit_id = db.session.scalar(listed.order_by(RosterEntry.id.desc()).limit(1))
    return unit_id is not None and unit_id != request.unit_id


def issue(actor: Account, help_id: int, version: int, checks: Sequence[str]) -> accounts.Issued:
    """Issue a one-time password after every check has been made.

    Raises FieldsRefused (field "checks"), Refused where no account or another name stands behind it, Conflict,
    NotFound.
    """
    with transaction():
        request = _to_decide(actor, help_id, version)
        _require_checks(checks)
        reason = problem(request)
        if reason or request.account is None:
            raise Refused(reason)
        words = [label for _, label in CHECKS]
        issued = accounts.renew_password(actor, request.account, words)
        request.checks = words
        _decide(actor, request, HelpStatus.ISSUED, "")
        audit.record(actor, "issue_password", request, name=request.name)
    return issued


def refuse(actor: Account, help_id: int, version: int, reason: str) -> PasswordHelp:
    """Refuse a request, with the reason on record. Raises FieldsRefused, Conflict, NotFound."""
    try:
        text = fields.short_text(reason, "不予办理的原因", 300, 4)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error
    with transaction():
        request = _to_decide(actor, help_id, version)
        _decide(actor, request, HelpStatus.REFUSED, text)
        audit.record(actor, "refuse_password", request, name=request.name, reason=text)
    return request


def _to_decide(actor: Account, help_id: int, version: int) -> PasswordHelp:
    query = narrow(select(PasswordHelp), PasswordHelp, actor).where(PasswordHelp.id == help_id)
    request = db.session.scalar(query.with_for_update(of=PasswordHelp))
    if request is None:
        raise NotFound("password help")
    if request.status is not HelpStatus.WAITING or request.version != version:
        raise Conflict(f"该申请刚刚被更新，现为“{request.status.label}”，您的操作没有生效。")
    return request


def _decide(actor: Account, request: PasswordHelp, status: HelpStatus, reason: str) -> None:
    request.status = status
    request.reason = reason
    request.decided_by_id = actor.id
    request.decided_at = now()


def administrator(actor: Account, account_id: int) -> Account:
    """A unit's administrator in the person's scope. Raises NotFound."""
    query = narrow(select(Account), Account, actor).where(Account.id == account_id, Account.unit_id.is_not(None))
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("account")
    return found


def renew_administrator(actor: Account, account_id: int, checks: Sequence[str]) -> accounts.Issued:
    """A unit administrator who forgot the password: the agency that reviews the unit issues a new one.

    Raises NotFound, FieldsRefused (field "checks"), Refused for an ended account or another agency's unit.
    """
    with transaction():
        found = administrator(actor, account_id)
        assert found.unit is not None
        if found.ended_at is not None:
            raise Refused("该账户已停用。需要继续办理的，请重新填报登记表。")
        if found.unit.agency_id != actor.agency_id:
            raise Refused(f"该单位由{found.unit.agency.name}管理，请由该机构办理。")
        _require_checks(checks)
        return accounts.renew_password(actor, found, [label for _, label in CHECKS])


def _require_checks(checks: Sequence[str]) -> None:
    if {key for key, _ in CHECKS} - set(checks):
        raise FieldsRefused({"checks": "请逐项核实身份并勾选，全部核实后才能发放新密码。"})
