"""False information and materials (notice 四（四）): raised, answered by the applicant, decided, lifted on appeal."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, lazyload, load_only
from sqlalchemy.orm.interfaces import ORMOption

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.clock import now
from gongkao.documents.papers import CaseNoticePaper
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    CaseStatus,
    FalseMaterialsCase,
    Person,
    Result,
    StoredFile,
    Trade,
    Unit,
)
from gongkao.rules import fields, workflow
from gongkao.rules.calendar import day_text
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit, bans, certificates, files, messages, reopening
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.list_filters import of_status
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, of_identity
from gongkao.services.transaction import transaction
from gongkao.services.unit_search import named
from gongkao.services.workflow import advance
from gongkao.storage.uploads import MEGABYTE, inspect_upload

DESCRIPTION_LENGTH = 1000
STATEMENT_LENGTH = 2000
WAIVER_LENGTH = 200
# A decision also stands as the reason of the step in the application's history.
DECISION_LENGTH = 500
APPEAL_LENGTH = 300
FILE_FORMATS = ("pdf", "jpeg", "png")
FILE_BYTES = 10 * MEGABYTE
# What the agency writes while deciding, as the form sends it.
OUTCOMES = {"confirm": CaseStatus.CONFIRMED, "dismiss": CaseStatus.DISMISSED}
CENTRE = "410000"


def _whole() -> tuple[ORMOption, ...]:
    """All that a case is shown and printed with."""
    application = joinedload(FalseMaterialsCase.application).options(
        joinedload(Application.person),
        joinedload(Application.unit),
        joinedload(Application.trade),
        joinedload(Application.agency),
    )
    return application, joinedload(FalseMaterialsCase.agency)


def _in_a_list() -> tuple[ORMOption, ...]:
    """What a case is listed with, and no more."""
    application = joinedload(FalseMaterialsCase.application).options(
        load_only(Application.id),
        joinedload(Application.person),
        joinedload(Application.unit).load_only(Unit.name),
    )
    agency = joinedload(FalseMaterialsCase.agency).options(load_only(Agency.name), lazyload(Agency.region))
    return application, agency


def may_raise(actor: Account, application: Application) -> bool:
    """Whether the actor may raise a suspicion about an application in sight: whoever reviews it or oversees that."""
    return may(actor, Permission.REVIEW) and Action.CANCEL in workflow.allowed_actions(application.status)


def raise_case(actor: Account, application_id: int, description: str) -> FalseMaterialsCase:
    """Put a suspicion on record; the applicant is asked for a statement, the agency is told to decide.

    Raises NotFound outside the scope, FieldsRefused, Refused where it is being looked into already or cannot be.
    """
    text = _text(description, "情况说明", DESCRIPTION_LENGTH, 10, "description")
    with transaction() as session:
        query = narrow(select(Application), Application, actor).where(Application.id == application_id)
        application = session.scalar(query.with_for_update(of=Application))
        if application is None:
            raise NotFound("application")
        if not may_raise(actor, application):
            raise Refused(f"申报现为“{application.status.label}”，不能再反映虚假材料。")
        if is_open(application):
            raise Refused("该申报已有虚假材料情况待认定，请在已有的记录中查看进展；新的情况请告知审查机构。")
        assert application.agency_id is not None
        case = FalseMaterialsCase(
            number=f"tmp{application.id}",
            application_id=application.id,
            unit_id=application.unit_id,
            agency_id=application.agency_id,
            status=CaseStatus.RAISED,
            description=text,
            raised_by_id=actor.id,
        )
        session.add(case)
        session.flush()
        case.number = f"XJ{application.cycle.year}{case.id:06d}"
        messages.tell_person(
            application.person_id,
            "oversight",
            "您的申报材料被反映可能不实，请说明情况",
            "请打开查看反映的情况，写明事实并可上传证明材料。逾期不说明的，由工考管理机构记录在案后认定。",
            f"own_case {case.id}",
        )
        _tell_offices(case, actor, f"反映虚假材料：{application.person.name}", text)
        audit.record(actor, "raise_false_materials", case, number=case.number, application=application.number)
    return case


def follow(application: Application, unit_id: int | None) -> None:
    """What was raised before is seen by the unit that the application is handed in to now, or by none while it is taken
    back, inside the use case in which that changes.
    """
    if application.number is not None:
        of_application = FalseMaterialsCase.application_id == application.id
        for case in db.session.scalars(select(FalseMaterialsCase).where(of_application)):
            case.unit_id = unit_id


def is_open(application: Application) -> bool:
    """Whether a suspicion about the application waits for its decision."""
    query = select(FalseMaterialsCase.id).where(
        FalseMaterialsCase.application_id == application.id, FalseMaterialsCase.status == CaseStatus.RAISED
    )
    return db.session.scalar(query.limit(1)) is not None


def find(actor: Account, case_id: int) -> FalseMaterialsCase:
    """A case in the person's scope; an applicant's own. Raises NotFound."""
    query = narrow(select(FalseMaterialsCase), FalseMaterialsCase, actor).where(FalseMaterialsCase.id == case_id)
    case = db.session.scalar(query.options(*_whole()))
    if case is None:
        raise NotFound("case")
    return case


def of_application(actor: Account, application_id: int) -> list[FalseMaterialsCase]:
    """The cases about one application in the person's scope, the newest first."""
    query = narrow(select(FalseMaterialsCase), FalseMaterialsCase, actor)
    query = query.where(FalseMaterialsCase.application_id == application_id)
    return list(db.session.scalars(query.order_by(FalseMaterialsCase.id.desc())))


def of_person(actor: Account) -> list[FalseMaterialsCase]:
    """What was raised about an applicant's own applications and not dismissed, the newest first."""
    query = narrow(select(FalseMaterialsCase), FalseMaterialsCase, actor)
    query = query.where(FalseMaterialsCase.status != CaseStatus.DISMISSED)
    return list(db.session.scalars(query.order_by(FalseMaterialsCase.id.desc())))


def statement_file(actor: Account, case_id: int) -> StoredFile:
    """The file that the applicant added to the statement. Raises NotFound."""
    case = find(actor, case_id)
    if case.statement_file is None:
        raise NotFound("file")
    return case.statement_file


def _locked(actor: Account, case_id: int, version: int) -> FalseMaterialsCase:
    query = narrow(select(FalseMaterialsCase), FalseMaterialsCase, actor).where(FalseMaterialsCase.id == case_id)
    case = db.session.scalar(query.with_for_update(of=FalseMaterialsCase))
    if case is None:
        raise NotFound("case")
    if case.version != version:
        raise Conflict(f"该记录刚刚被更新，现为“{case.status.label}”，您的操作没有生效。请核对最新内容后再办理。")
    return case


def _waits(case: FalseMaterialsCase) -> None:
    if case.status is not CaseStatus.RAISED:
        raise Refused(f"该情况已经办理，现为“{case.status.label}”，不能再更改。")


def _of_own_agency(actor: Account, case: FalseMaterialsCase) -> None:
    if actor.agency_id != case.agency_id:
        raise Refused(f"该情况由{case.agency.name}认定，您只能查看。")


def give_statement(
    actor: Account, case_id: int, version: int, text: str, file: tuple[bytes, str] | None = None
) -> FalseMaterialsCase:
    """The applicant's own statement, with at most one file (bytes, name); it may be changed until decided.

    Raises FieldsRefused for "statement" and "file", NotFound for another's case, Refused once decided.
    """
    clean = _text(text, "情况说明", STATEMENT_LENGTH, 10, "statement")
    upload = None
    if file is not None:
        try:
            upload = inspect_upload(*file, formats=FILE_FORMATS, max_bytes=FILE_BYTES, label="证明材料")
        except InvalidInput as error:
            raise FieldsRefused({"file": error.message}) from error
    with transaction():
        case = _locked(actor, case_id, version)
        if actor.person_id is None or case.application.person_id != actor.person_id:
            raise NotFound("case")
        _waits(case)
        case.statement = clean
        case.stated_at = now()
        case.statement_waived = ""
        if upload is not None and file is not None:
            case.statement_file_id = files.keep(upload, file[1]).id
        title = f"申报人已说明情况：{case.application.person.name}"
        messages.tell("oversight", title, clean, f"case {case.id}", agency_id=case.agency_id)
        audit.record(actor, "state_on_false_materials", case, number=case.number, file=upload is not None)
    return case


def waive_statement(actor: Account, case_id: int, version: int, reason: str) -> FalseMaterialsCase:
    """The agency records why the asked-for statement will not come.

    Raises FieldsRefused for "waiver", Refused where the statement is on file or the case decided, NotFound, Conflict.
    """
    clean = _text(reason, "未提交说明的原因", WAIVER_LENGTH, 4, "waiver")
    with transaction():
        case = _locked(actor, case_id, version)
        _of_own_agency(actor, case)
        _waits(case)
        if case.statement:
            raise Refused("申报人已提交说明，不能再记录为未提交。")
        case.statement_waived = clean
        audit.record(actor, "waive_statement", case, number=case.number, reason=clean)
        body = f"{case.agency.name}记录：{clean} 作出决定前您仍可提交说明。"
        messages.tell_person(
            case.application.person_id, "oversight", "您未提交情况说明，已记录在案", body, f"own_case {case.id}"
        )
    return case


def decide(actor: Account, case_id: int, version: int, outcome: str, decision: str) -> FalseMaterialsCase:
    """Decide at the own agency. `outcome` is one of OUTCOMES.

    Confirmed: this year's application is cancelled, the person banned for the cycle's years to the day, what was won
    is revoked (notice 四（四）). Dismissed: nothing changes. Raises FieldsRefused for "outcome" and "decision", Refused
    without the statement or its waiver, Conflict, NotFound.
    """
    clean = _text(decision, "认定的事实和理由", DECISION_LENGTH, 10, "decision")
    if outcome not in OUTCOMES:
        raise FieldsRefused({"outcome": "请选择“认定虚假”或“不予认定”。"})
    with transaction() as session:
        case = _locked(actor, case_id, version)
        _of_own_agency(actor, case)
        if not may(actor, Permission.DECIDE_CASES):
            raise Refused("虚假材料由本机构负责人认定。")
        _waits(case)
        if outcome == "confirm" and not (case.statement or case.statement_waived):
            raise Refused("申报人还没有说明情况。请等待其说明；经要求仍不说明的，先记录原因再认定。")
        application = session.scalars(
            select(Application).where(Application.id == case.application_id).with_for_update(of=Application)
        ).one()
        case.status = OUTCOMES[outcome]
        case.decision = clean
        case.decided_by_id = actor.id
        case.decided_at = now()
        if outcome == "confirm":
            advance(application, Action.CANCEL, actor, reason=clean)
            ban = bans.impose(actor, application, case.agency)
            case.ban_id = ban.id
            revoked = certificates.revoke(actor, application, clean) or revoke_certificates(application)
            body = f"{day_text(ban.begins_on)}至{day_text(ban.ends_on)}不得申报。{clean}"
            audit.record(
                actor,
                "confirm_false_materials",
                case,
                number=case.number,
                reason=clean,
                banned_until=ban.ends_on.isoformat(),
                revoked=revoked,
            )
            title = "认定填报虚假信息材料，决定和通知书可查看"
        else:
            body = clean
            audit.record(actor, "dismiss_false_materials", case, number=case.number, reason=clean)
            title = "反映的虚假材料情况不予认定"
        messages.tell_person(application.person_id, "oversight", title, body, f"own_case {case.id}")
        _tell_offices(case, actor, f"虚假材料{case.status.label}：{application.person.name}", body)
    return case


def revoke_certificates(application: Application) -> bool:
    """Whether something won by the application is to be revoked and called in (notice 四（四）)."""
    query = select(Result.id).where(Result.application_id == application.id, Result.passed)
    return db.session.scalar(query) is not None


def lift(actor: Account, case_id: int, version: int, appeal: str) -> FalseMaterialsCase:
    """The province takes a confirmed decision back on appeal: the ban ends now; the application is judged anew where
    its cycle's review still runs.

    Raises FieldsRefused for "appeal", Refused, Conflict, NotFound.
    """
    clean = _text(appeal, "申诉和复核情况", APPEAL_LENGTH, 10, "appeal")
    with transaction() as session:
        case = _locked(actor, case_id, version)
        if not may(actor, Permission.LIFT_CASES):
            raise Refused("申诉由省职业技能等级评价指导中心负责人复核。")
        if case.status is not CaseStatus.CONFIRMED:
            raise Refused(f"该情况现为“{case.status.label}”，没有需要撤销的决定。")
        application = session.scalars(
            select(Application).where(Application.id == case.application_id).with_for_update(of=Application)
        ).one()
        case.status = CaseStatus.LIFTED
        case.appeal = clean
        case.lifted_by_id = actor.id
        case.lifted_at = now()
        if case.ban is not None:
            bans.lift(actor, case.ban, clean)
        restored = application.status is Status.CANCELLED and not reopening.closed_because(application, Action.RESTORE)
        if restored:
            advance(application, Action.RESTORE, actor, reason=clean)
        audit.record(actor, "lift_false_materials", case, number=case.number, reason=clean, restored=restored)
        then = "申报恢复审查。" if restored else "本年度资格审查已经截止，申报不再恢复，以后年度可以申报。"
        body = f"禁考决定已撤销。{then}{clean}"
        title = "申诉成立，虚假材料处理决定已撤销"
        messages.tell_person(application.person_id, "oversight", title, body, f"own_case {case.id}")
        _tell_offices(case, actor, f"申诉成立，撤销处理决定：{application.person.name}", body)
    return case


def _text(typed: str, label: str, longest: int, shortest: int, field: str) -> str:
    try:
        return fields.short_text(typed, label, longest, shortest)
    except InvalidInput as error:
        raise FieldsRefused({field: error.message}) from error


def _tell_offices(case: FalseMaterialsCase, actor: Account, title: str, body: str) -> None:
    """Tell the agency that decides, the unit, and the office that raised it; not the actor's own."""
    about = f"case {case.id}"
    raiser = db.session.get(Account, case.raised_by_id)
    units = {case.application.unit_id, raiser.unit_id if raiser else None} - {None, actor.unit_id}
    agencies = {case.agency_id, raiser.agency_id if raiser else None} - {None, actor.agency_id}
    for unit_id in units:
        messages.tell("oversight", title, body, about, unit_id=unit_id)
    for agency_id in agencies:
        messages.tell("oversight", title, body, about, agency_id=agency_id)


def timeline(case: FalseMaterialsCase) -> list[dict[str, Any]]:
    """What happened in the case, newest last, as the timeline shows it."""
    names = _offices([case.raised_by_id, case.decided_by_id, case.lifted_by_id])
    entries = [_entry(case.raised_at, names.get(case.raised_by_id, ""), "反映情况", "info", case.description)]
    if case.statement:
        entries.append(_entry(case.stated_at, "申报人", "说明情况", "info", case.statement))
    elif case.statement_waived:
        entries.append(_entry("", case.agency.name, "记录未说明", "needs", case.statement_waived))
    if case.decided_at is not None:
        confirmed = case.status is not CaseStatus.DISMISSED
        what, tone = ("认定虚假", "refused") if confirmed else ("不予认定", "done")
        entries.append(_entry(case.decided_at, names.get(case.decided_by_id or 0, ""), what, tone, case.decision))
    if case.lifted_at is not None:
        entries.append(_entry(case.lifted_at, names.get(case.lifted_by_id or 0, ""), "申诉成立", "info", case.appeal))
    return entries


def _entry(at: Any, office: str, what: str, tone: str, reason: str) -> dict[str, Any]:
    return {"at": at, "office": office, "what": what, "tone": tone, "reason": reason, "items": []}


def _offices(account_ids: Sequence[int | None]) -> dict[int, str]:
    accounts = db.session.scalars(select(Account).where(Account.id.in_([one for one in account_ids if one])))
    return {account.id: account.office_name for account in accounts}


def next_step(case: FalseMaterialsCase) -> str:
    """One sentence: who has to do what now."""
    if case.status is CaseStatus.RAISED:
        if case.statement or case.statement_waived:
            return f"由{case.agency.name}负责人认定。"
        return f"等待申报人说明情况，之后由{case.agency.name}负责人认定。"
    if case.status is CaseStatus.DISMISSED:
        return "不予认定，申报不受影响。"
    if case.status is CaseStatus.CONFIRMED and case.ban is not None:
        return (
            f"已取消申报资格，{day_text(case.ban.begins_on)}至{day_text(case.ban.ends_on)}不得申报。"
            "对决定有异议的，可以向省职业技能等级评价指导中心申诉。"
        )
    return f"处理决定已撤销，申报现为“{case.application.status.label}”。"


# The notices of a case, by the key in their address: title, and what must have happened.
NOTICES = {
    "cancellation": "取消申报资格通知书",
    "ban": "禁止申报通知书",
    "lifting": "撤销处理决定通知书",
}


def notice_keys(case: FalseMaterialsCase) -> list[str]:
    """Which notices the case has so far."""
    if case.status is CaseStatus.CONFIRMED:
        return ["cancellation", "ban"]
    return list(NOTICES) if case.status is CaseStatus.LIFTED else []


def paper(actor: Account, case_id: int, key: str) -> CaseNoticePaper:
    """What stands on one notice of a case. Raises NotFound where there is no such notice."""
    return notice(find(actor, case_id), key)


def gather(actor: Account, case_ids: Sequence[int]) -> list[FalseMaterialsCase]:
    """Cases in the person's scope, in the order given."""
    query = narrow(select(FalseMaterialsCase), FalseMaterialsCase, actor).where(FalseMaterialsCase.id.in_(case_ids))
    found = {one.id: one for one in db.session.scalars(query.options(*_whole()))}
    return [found[one] for one in case_ids if one in found]


def notice(case: FalseMaterialsCase, key: str) -> CaseNoticePaper:
    """One notice of a case. Raises NotFound where there is no such notice."""
    if key not in notice_keys(case) or case.ban is None or case.decided_at is None:
        raise NotFound("notice")
    application = case.application
    assert application.unit is not None and application.trade is not None and application.grade is not None
    lifting = key == "lifting"
    at = case.lifted_at if lifting else case.decided_at
    assert at is not None
    return CaseNoticePaper(
        kind=key,
        title=NOTICES[key],
        number=case.number,
        cycle_year=application.cycle.year,
        basis=application.cycle.notice,
        name=application.person.name,
        masked_identity_number=application.person.masked_identity_number,
        unit_name=application.unit.name,
        trade=application.trade.name,
        grade=Grade(application.grade).label,
        application_number=application.number or "",
        decided_on=case.decided_at.date(),
        decided_by=case.agency.name,
        decision=case.decision,
        stated=bool(case.statement),
        waived=case.statement_waived,
        ban_years=application.cycle.ban_years,
        begins_on=case.ban.begins_on,
        ends_on=case.ban.ends_on,
        revoked=revoke_certificates(application),
        appeal=case.appeal,
        restored=lifting and application.status is not Status.CANCELLED,
        issued_by=_centre_name() if lifting else case.agency.name,
        issued_on=at.date(),
    )


def _centre_name() -> str:
    return db.session.scalars(select(Agency.name).where(Agency.code == CENTRE)).one()


def listing(actor: Account) -> Listing:
    """The cases in the person's scope, those not decided yet first."""
    of_person = FalseMaterialsCase.application.has
    agencies = db.session.execute(
        select(Agency.id, Agency.name)
        .where(Agency.id.in_(narrow(select(FalseMaterialsCase.agency_id), FalseMaterialsCase, actor)))
        .order_by(Agency.code)
    ).all()
    filters = [of_status(FalseMaterialsCase.status, CaseStatus)]
    if len(agencies) > 1:
        choices = [("", "全部机构"), *((str(agency_id), name) for agency_id, name in agencies)]
        filters.append(Filter("agency", "认定机构", choices, lambda value: FalseMaterialsCase.agency_id == int(value)))
    return Listing(
        title="虚假材料",
        query=narrow(select(FalseMaterialsCase), FalseMaterialsCase, actor).options(*_in_a_list()),
        tie=FalseMaterialsCase.id,
        sort="raised",
        descending=True,
        search=[
            lambda term: of_person(Application.person.has(contains(Person.name)(term))),
            lambda term: of_person(Application.person.has(of_identity(Person)(term))),
            lambda term: of_person(Application.unit_id.in_(named(term))),
            lambda term: of_person(Application.trade_id.in_(select(Trade.id).where(contains(Trade.name)(term)))),
            contains(FalseMaterialsCase.number),
        ],
        search_hint="姓名、身份证号后四位或完整号码、单位、编号",
        filters=filters,
        columns=[
            Column("number", "编号", lambda row: row.number, FalseMaterialsCase.number, kind="mono"),
            Column("name", "姓名", lambda row: row.application.person.name),
            Column("identity", "身份证号", lambda row: row.application.person.masked_identity_number, kind="mono"),
            Column("unit", "所在单位", lambda row: row.application.unit.name),
            Column("agency", "认定机构", lambda row: row.agency.name),
            Column(
                "raised",
                "反映日期",
                lambda row: row.raised_at.date().isoformat(),
                FalseMaterialsCase.raised_at,
                kind="date",
            ),
            Column("statement", "申报人说明", _statement_word),
            Column(
                "decided",
                "认定日期",
                lambda row: row.decided_at.date().isoformat() if row.decided_at else "",
                FalseMaterialsCase.decided_at,
                kind="date",
            ),
            Column(
                "status",
                "状态",
                lambda row: Cell(row.status.label, chip=row.status.tone),
                FalseMaterialsCase.status,
                kind="status",
            ),
        ],
        empty_text="没有虚假材料情况。审核人员可以在申报的审查页面反映。",
    )


def notice_listing(actor: Account) -> Listing:
    """Those of the list that have notices."""
    return listing(actor).where(FalseMaterialsCase.status.in_([CaseStatus.CONFIRMED, CaseStatus.LIFTED]))


def _statement_word(row: FalseMaterialsCase) -> str:
    if row.stated_at is not None:
        return _on(row.stated_at.date())
    return "未说明，已记录" if row.statement_waived else "待说明"


def _on(day: date) -> str:
    return f"{day.isoformat()} 已说明"


def status_counts(actor: Account) -> dict[CaseStatus, int]:
    """How many cases stand where, in the person's scope."""
    query = narrow(select(FalseMaterialsCase.status, func.count()), FalseMaterialsCase, actor)
    return {status: count for status, count in db.session.execute(query.group_by(FalseMaterialsCase.status))}
