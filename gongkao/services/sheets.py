"""Administrator registration sheets (the notice's attachment): filled in, stamped, decided.

Accepting one issues the administrator's account.
"""

import secrets
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.access.scope import narrow
from gongkao.clock import now, today
from gongkao.documents.papers import PasswordSlipPaper, RegistrationSheetPaper
from gongkao.extensions import db
from gongkao.models import Account, RegistrationSheet, SheetStatus, Unit
from gongkao.rules import fields
from gongkao.rules.calendar import Window, WindowKey
from gongkao.rules.errors import InvalidInput, WindowClosed
from gongkao.services import accounts, audit, cycles, files, messages
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.list_filters import account_state, of_account_state, of_status
from gongkao.services.listing import Cell, Column, Listing, contains
from gongkao.services.passwords import verify_password
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import MEGABYTE, inspect_upload

SCAN_FORMATS = ("pdf", "jpeg", "png")
SCAN_BYTES = 10 * MEGABYTE
SEXES = ("男", "女")
TONES = {
    SheetStatus.FILLED: "neutral",
    SheetStatus.SUBMITTED: "needs",
    SheetStatus.ACCEPTED: "done",
    SheetStatus.REFUSED: "refused",
}


def active_unit(unit_id: int) -> Unit:
    """A unit to fill in a sheet for. Raises NotFound."""
    unit = db.session.get(Unit, unit_id)
    if unit is None or not unit.active:
        raise NotFound("unit")
    return unit


def window_key(unit: Unit) -> WindowKey:
    """A unit's first administrator is registered in the notice's three days; a change may come later (remark 3)."""
    first = db.session.scalar(select(Account.id).where(Account.unit_id == unit.id).limit(1)) is None
    return WindowKey.ADMINISTRATOR_REGISTRATION if first else WindowKey.ADMINISTRATOR_CHANGE


def _key_of(sheet: RegistrationSheet) -> WindowKey:
    """A sheet handed in in time may be corrected as long as sheets are decided, though the three days are over."""
    return WindowKey.ADMINISTRATOR_CHANGE if sheet.submitted_at is not None else window_key(sheet.unit)


def find_window(unit: Unit, sheet: RegistrationSheet | None = None) -> Window | None:
    """The window in which the unit's new sheet, or this one, may be worked on."""
    return cycles.find_window(_key_of(sheet) if sheet is not None else window_key(unit), unit)


def _lock_unit(unit_id: int | None) -> None:
    """Hold a unit still until the use case ends: one sheet of it waits, one administrator works."""
    db.session.execute(select(Unit.id).where(Unit.id == unit_id).with_for_update())


def closed_because(unit: Unit, sheet: RegistrationSheet | None = None) -> str:
    """Why the unit's new sheet, or this one, can not be filled in or handed in today; "" while it can."""
    try:
        cycles.require_open(_key_of(sheet) if sheet is not None else window_key(unit), unit)
    except WindowClosed as error:
        return error.message
    return ""


def fill_in(actor: Account | None, unit_id: int, **typed: str) -> RegistrationSheet:
    """Fill in a new sheet: filler, filled_on, name, sex, department, position, office_phone, mobile.

    Raises FieldsRefused with a message per wrong field, WindowClosed outside the unit's window (notice 三（一）).
    """
    with transaction() as session:
        unit = active_unit(unit_id)
        cycles.require_open(window_key(unit), unit)
        clean = _checked(typed)
        token = secrets.token_urlsafe(32)
        cycle = cycles.current_cycle()
        sheet = RegistrationSheet(
            number=token[:20],
            token=token,
            cycle_id=cycle.id,
            unit_id=unit.id,
            agency_id=unit.agency_id,
            unit_name=unit.name,
            status=SheetStatus.FILLED,
            **clean,
        )
        session.add(sheet)
        session.flush()
        sheet.number = f"DJ{cycle.year}{sheet.id:06d}"
        audit.record(actor, "fill_in_sheet", sheet, unit=unit.name)
    return sheet


def change(actor: Account | None, token: str, **typed: str) -> RegistrationSheet:
    """Correct a sheet that is not yet handed in, or was refused; a scan uploaded before no longer counts."""
    with transaction():
        sheet = _by_token(token)
        if sheet.status not in (SheetStatus.FILLED, SheetStatus.REFUSED):
            raise Refused(f"登记表{sheet.status.label}，不能再修改。如需变更请重新填写一份。")
        cycles.require_open(_key_of(sheet), sheet.unit)
        for name, value in _checked(typed).items():
            setattr(sheet, name, value)
        sheet.unit_name = sheet.unit.name
        sheet.status = SheetStatus.FILLED
        sheet.scan_id = None
        audit.record(actor, "change_sheet", sheet, unit=sheet.unit_name)
    return sheet


def _checked(typed: dict[str, str]) -> dict[str, str | date]:
    checks = {
        "filler": fields.person_name,
        "name": fields.person_name,
        "department": lambda text: fields.short_text(text, "工作部门", 40),
        "position": lambda text: fields.short_text(text, "职务", 40),
        "office_phone": fields.office_phone,
        "mobile": fields.mobile,
    }
    clean: dict[str, str | date] = {}
    wrong: dict[str, str] = {}
    for name, check in checks.items():
        try:
            clean[name] = check(typed.get(name, ""))
        except InvalidInput as error:
            wrong[name] = error.message
    if typed.get("sex") in SEXES:
        clean["sex"] = typed["sex"]
    else:
        wrong["sex"] = "请选择性别。"
    try:
        clean["filled_on"] = _filled_on(typed.get("filled_on", ""))
    except InvalidInput as error:
        wrong["filled_on"] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    return clean


def _filled_on(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput("填表日期不正确，请按“2025-03-11”的格式填写。") from error
    if day > today():
        raise InvalidInput("填表日期不能晚于今天。")
    if day.year != cycles.current_cycle().year:
        raise InvalidInput(f"填表日期应在{cycles.current_cycle().year}年内。")
    return day


def by_token(token: str) -> RegistrationSheet:
    """The sheet of a secret link. Raises NotFound."""
    return _by_token(token)


def _by_token(token: str) -> RegistrationSheet:
    sheet = db.session.scalar(
        select(RegistrationSheet).where(RegistrationSheet.token == token).with_for_update(of=RegistrationSheet)
    )
    if sheet is None:
        raise NotFound("sheet")
    return sheet


def by_number(number: str, mobile: str) -> RegistrationSheet:
    """Find the way back to a sheet by its number and the administrator's mobile. Raises FieldsRefused."""
    wanted = number.strip().upper()
    sheet = db.session.scalar(select(RegistrationSheet).where(RegistrationSheet.number == wanted))
    if sheet is None or sheet.mobile != "".join(mobile.split()):
        raise FieldsRefused({"mobile": "没有找到与登记表编号和手机号码都相符的登记表，请核对后重试。"})
    return sheet


def hand_in(actor: Account | None, token: str, data: bytes, filename: str) -> RegistrationSheet:
    """Upload the stamped scan, which hands the sheet in to the same-level agency.

    Raises FieldsRefused for a file that cannot be taken, Refused where another sheet of the unit waits already.
    """
    unit_id = _by_token(token).unit_id
    try:
        upload = inspect_upload(data, filename, formats=SCAN_FORMATS, max_bytes=SCAN_BYTES, label="盖章扫描件")
    except InvalidInput as error:
        raise FieldsRefused({"scan": error.message}) from error
    with transaction():
        _lock_unit(unit_id)
        sheet = _by_token(token)
        if sheet.status not in (SheetStatus.FILLED, SheetStatus.SUBMITTED):
            raise Refused(f"登记表{sheet.status.label}，不能再上传扫描件。")
        if not sheet.unit.active:
            raise Refused(f"{sheet.unit.name}已停用，不能再提交登记表。请联系{sheet.unit.agency.name}。")
        cycles.require_open(_key_of(sheet), sheet.unit)
        waiting = db.session.scalar(
            select(RegistrationSheet.number).where(
                RegistrationSheet.unit_id == sheet.unit_id,
                RegistrationSheet.status == SheetStatus.SUBMITTED,
                RegistrationSheet.id != sheet.id,
            )
        )
        if waiting:
            raise Refused(
                f"本单位已有登记表（编号{waiting}）正在审核，请等待审核结果，或联系同级工考管理机构退回后再提交。"
            )
        # A county may have taken over since the sheet was filled in.
        sheet.agency_id = sheet.unit.agency_id
        sheet.scan_id = files.keep(upload, filename).id
        sheet.status = SheetStatus.SUBMITTED
        sheet.submitted_at = now()
        sheet.reason = ""
        audit.record(actor, "hand_in_sheet", sheet, unit=sheet.unit_name)
        body = f"新的网上报名管理人员：{sheet.name}。请审核登记表和盖章扫描件。"
        messages.tell("unit", f"登记表待审核：{sheet.unit_name}", body, f"sheet {sheet.id}", agency_id=sheet.agency_id)
    return sheet


def find(actor: Account, sheet_id: int) -> RegistrationSheet:
    """A sheet in the person's scope. Raises NotFound."""
    query = narrow(select(RegistrationSheet), RegistrationSheet, actor).where(RegistrationSheet.id == sheet_id)
    sheet = db.session.scalar(query)
    if sheet is None:
        raise NotFound("sheet")
    return sheet


def accept(actor: Account, sheet_id: int, version: int) -> accounts.Issued:
    """Accept a sheet: issue the new administrator's account, end the older one. Raises Refused, Conflict, NotFound."""
    with transaction():
        query = narrow(select(RegistrationSheet.unit_id), RegistrationSheet, actor)
        _lock_unit(db.session.scalar(query.where(RegistrationSheet.id == sheet_id)))
        sheet = _to_decide(actor, sheet_id, version)
        if not sheet.unit.active:
            raise Refused(f"{sheet.unit.name}已停用，不能发放账户。请退回登记表，或先恢复该单位。")
        issued = accounts.issue_unit_administrator(actor, sheet.unit, name=sheet.name, mobile=sheet.mobile)
        sheet.account_id = issued.account.id
        _decide(actor, sheet, SheetStatus.ACCEPTED, "")
        audit.record(actor, "accept_sheet", sheet, unit=sheet.unit_name, account=issued.account.username)
        body = f"新的网上报名管理人员为{sheet.name}，原管理账户已停用。"
        _tell_unit(sheet, f"登记表已通过：{sheet.number}", body)
    return issued


def refuse(actor: Account, sheet_id: int, version: int, reason: str) -> RegistrationSheet:
    """Refuse a sheet with a reason that the unit reads. Raises FieldsRefused, Refused, Conflict, NotFound."""
    try:
        text = fields.short_text(reason, "不通过的原因", 300, 4)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error
    with transaction():
        sheet = _to_decide(actor, sheet_id, version)
        _decide(actor, sheet, SheetStatus.REFUSED, text)
        audit.record(actor, "refuse_sheet", sheet, unit=sheet.unit_name, reason=text)
        _tell_unit(sheet, f"登记表未通过：{sheet.number}", text)
    return sheet


def _tell_unit(sheet: RegistrationSheet, title: str, body: str) -> None:
    """Tell the unit's desk, and the one above it, which may have filled the sheet in."""
    for unit_id in {sheet.unit_id, sheet.unit.supervising_unit_id} - {None}:
        messages.tell("unit", title, f"{sheet.unit_name}：{body}", "administrators", unit_id=unit_id)


def _to_decide(actor: Account, sheet_id: int, version: int) -> RegistrationSheet:
    query = narrow(select(RegistrationSheet), RegistrationSheet, actor).where(RegistrationSheet.id == sheet_id)
    sheet = db.session.scalar(query.with_for_update(of=RegistrationSheet))
    if sheet is None:
        raise NotFound("sheet")
    if sheet.agency_id != actor.agency_id:
        raise Refused(f"该登记表由{sheet.agency.name}审核，您只能查看。")
    if sheet.status is not SheetStatus.SUBMITTED or sheet.version != version:
        raise Conflict(f"登记表刚刚被更新，现为“{sheet.status.label}”，您的操作没有生效。请核对最新内容后再办理。")
    cycles.require_open(WindowKey.ADMINISTRATOR_CHANGE, sheet.unit)
    return sheet


def _decide(actor: Account, sheet: RegistrationSheet, status: SheetStatus, reason: str) -> None:
    sheet.status = status
    sheet.reason = reason
    sheet.decided_by_id = actor.id
    sheet.decided_at = now()


def working_administrators(unit: Unit) -> list[Account]:
    """The unit's accounts that have not ended: what accepting a new sheet would end."""
    query = select(Account).where(Account.unit_id == unit.id, Account.ended_at.is_(None))
    return list(db.session.scalars(query.order_by(Account.id)))


def paper(sheet: RegistrationSheet) -> RegistrationSheetPaper:
    """The sheet as the notice's attachment, ready to stamp."""
    return RegistrationSheetPaper(
        unit_name=sheet.unit_name,
        filler=sheet.filler,
        filled_on=sheet.filled_on,
        name=sheet.name,
        sex=sheet.sex,
        department=sheet.department,
        position=sheet.position,
        office_phone=sheet.office_phone,
        mobile=sheet.mobile,
        sheet_number=sheet.number,
    )


def slip(actor: Account, sheet_id: int, password: str, sign_in_address: str) -> PasswordSlipPaper:
    """The slip with the one-time password, while it is still the account's. Raises NotFound otherwise."""
    sheet = find(actor, sheet_id)
    account = sheet.account
    if account is None or not account.must_change_password or account.ended_at is not None:
        raise NotFound("slip")
    if sheet.agency_id != actor.agency_id or not verify_password(account.password_hash, password):
        raise NotFound("slip")
    return PasswordSlipPaper(
        unit_name=sheet.unit.name,
        administrator_name=account.display_name,
        account_name=account.username,
        one_time_password=password,
        issued_by=sheet.agency.name,
        issued_on=today(),
        sign_in_address=sign_in_address,
    )


def desk_listing(actor: Account) -> Listing:
    """The sheets in the person's scope, those that wait for the own decision first."""
    return Listing(
        title="管理人员登记表",
        query=narrow(select(RegistrationSheet), RegistrationSheet, actor).options(joinedload(RegistrationSheet.agency)),
        tie=RegistrationSheet.id,
        sort="submitted_at",
        descending=True,
        search=[
            contains(RegistrationSheet.unit_name),
            contains(RegistrationSheet.name),
            contains(RegistrationSheet.number),
        ],
        search_hint="单位、姓名、登记表编号",
        columns=[
            Column("number", "编号", lambda row: row.number, RegistrationSheet.number, kind="mono"),
            Column("unit", "单位名称", lambda row: row.unit_name, RegistrationSheet.unit_name),
            Column("name", "管理人员", lambda row: row.name, RegistrationSheet.name),
            Column("department", "工作部门", lambda row: row.department),
            Column("mobile", "手机号码", lambda row: fields.mask_mobile(row.mobile), kind="mono"),
            Column(
                "submitted_at",
                "提交时间",
                lambda row: row.submitted_at.strftime("%Y-%m-%d %H:%M") if row.submitted_at else "",
                RegistrationSheet.submitted_at,
                kind="date",
            ),
            Column("agency", "审核机构", lambda row: row.agency.name),
            Column(
                "status",
                "状态",
                lambda row: Cell(row.status.label, chip=TONES[row.status]),
                RegistrationSheet.status,
                kind="status",
            ),
        ],
        filters=[of_status(RegistrationSheet.status, SheetStatus)],
        empty_text="还没有登记表。单位填写并上传盖章扫描件后会出现在这里。",
    )


def administrator_listing(actor: Account) -> Listing:
    """The unit administrators in the person's scope, working and ended."""
    # They are in sight where their unit is; asked for by it alone, the units are gone through in their names' order.
    query = narrow(select(Account).join(Account.unit), Unit, actor)
    return Listing(
        title="网上报名管理人员",
        query=query,
        tie=Account.id,
        sort="unit",
        search=[contains(Account.display_name), contains(Account.username), contains(Unit.name)],
        search_hint="单位、姓名、账户",
        columns=[
            Column("unit", "单位名称", lambda row: row.unit.name, Unit.name),
            Column("name", "管理人员", lambda row: row.display_name, Account.display_name),
            Column("username", "账户", lambda row: row.username, Account.username, kind="mono"),
            Column("mobile", "手机号码", lambda row: fields.mask_mobile(row.mobile) if row.mobile else "", kind="mono"),
            Column(
                "created_at",
                "启用日期",
                lambda row: row.created_at.strftime("%Y-%m-%d"),
                Account.created_at,
                kind="date",
            ),
            Column("status", "状态", account_state, Account.ended_at, kind="status"),
        ],
        filters=[of_account_state()],
        empty_text="还没有管理人员账户。",
    )
