"""Reports upward (汇总上报, notice 三（三）): figures at any time, frozen with their papers when sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import joinedload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.clock import now
from gongkao.documents import papers
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Cycle,
    Deferral,
    DeferralStatus,
    Person,
    Trade,
    Unit,
    UpwardReport,
)
from gongkao.rules import fields, upward_report
from gongkao.rules.calendar import WindowKey, day_text
from gongkao.rules.errors import InvalidInput, RuleError
from gongkao.rules.fields import mask_identity_number
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.rules.upward_report import HEADINGS, REGISTERED, Figures, Line, Piece
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles, files, messages
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.replica import from_replica
from gongkao.services.transaction import transaction
from gongkao.storage.spreadsheets import Sheet, write_workbook
from gongkao.storage.uploads import MEGABYTE, Upload, UploadRefused, inspect_upload

# The full name of the type is longer than the column that keeps it; the page that serves the file says it.
SHEET_TYPE = "application/octet-stream"
SCAN_FORMATS = ("pdf", "jpeg", "png")
SCAN_BYTES = 10 * MEGABYTE
REASON_LIMIT = 300
# A city's own people stand beside its counties' reports under this name.
OWN = "本级"


@dataclass(frozen=True)
class Part:
    """What of a sum comes from whom: the own people, or an agency below with its report's number."""

    agency: str
    number: str
    total: dict[str, int]


@dataclass(frozen=True)
class Content:
    """All that a report says, as it is now or as it was frozen."""

    agency: str
    year: int
    as_of: str
    figures: Figures
    parts: Sequence[Part]
    missing: Sequence[str]

    def as_data(self) -> dict[str, Any]:
        parts = [{"agency": one.agency, "number": one.number, "total": one.total} for one in self.parts]
        return {
            "agency": self.agency,
            "year": self.year,
            "as_of": self.as_of,
            **self.figures.as_data(),
            "parts": parts,
            "missing": list(self.missing),
        }


def content_of(report: UpwardReport) -> Content:
    """What a report said when it was sent."""
    data: dict[str, Any] = dict(report.figures)
    return Content(
        data["agency"],
        data["year"],
        data["as_of"],
        upward_report.from_data(data),
        [Part(one["agency"], one["number"], upward_report.add(one["total"])) for one in data["parts"]],
        data["missing"],
    )


def _own_rows(agency: Agency, cycle: Cycle) -> Any:
    """Those whom the agency itself reviews: person, unit, grade, trade, status, whether deferred."""
    kept = and_(Deferral.application_id == Application.id, Deferral.status != DeferralStatus.FAILED)
    return (
        select(
            Application.number,
            Person.name,
            Person.identity_number,
            Unit.id.label("unit_id"),
            Unit.name.label("unit"),
            Application.grade,
            Trade.code,
            Trade.name.label("trade"),
            Application.status,
            Deferral.id.is_not(None).label("deferred"),
        )
        .join(Person, Person.id == Application.person_id)
        .join(Unit, Unit.id == Application.unit_id)
        .join(Trade, Trade.id == Application.trade_id)
        .outerjoin(Deferral, kept)
        .where(Application.cycle_id == cycle.id, Application.agency_id == agency.id, Application.status != Status.DRAFT)
        .order_by(Unit.name, Application.number)
    )


def _gather(agency: Agency) -> tuple[Content, list[Any]]:
    """The figures of now, and the rows of the own people that they were counted from: so the two always agree."""
    cycle = cycles.current_cycle()
    rows = list(db.session.execute(_own_rows(agency, cycle)))
    own = upward_report.count(
        [
            Piece(
                (str(row.unit_id), row.unit),
                (str(row.grade), Grade(row.grade).label),
                (row.code, row.trade),
                row.status,
                bool(row.deferred),
            )
            for row in rows
        ],
        of=agency.name,
    )
    figures, parts, missing = own, [], []
    below = children(agency, cycle)
    if below:
        come = [(child, content_of(report)) for child, report in below if report is not None and counts(report)]
        numbers = {child.id: report.number for child, report in below if report is not None}
        figures = upward_report.merge([own, *(content.figures for _, content in come)])
        parts = [
            Part(OWN, "", own.total),
            *(Part(child.name, numbers[child.id], content.figures.total) for child, content in come),
        ]
        arrived = {child.id for child, _ in come}
        missing = [child.name for child, _ in below if child.id not in arrived]
    moment = now().strftime("%Y-%m-%d %H:%M")
    return Content(agency.name, cycle.year, moment, figures, parts, missing), rows


@from_replica
def preview(agency: Agency) -> Content:
    """The agency's figures as they are now."""
    return _gather(agency)[0]


def children(agency: Agency, cycle: Cycle) -> list[tuple[Agency, UpwardReport | None]]:
    """The agencies that report to this one, each with its latest report: a city's counties that have taken over, the
    centre's cities."""
    if agency.level is RegionLevel.COUNTY:
        return []
    below = [Agency.parent_id == agency.id]
    if agency.level is RegionLevel.CITY:
        below.append(Agency.taken_over.is_(True))
    found = db.session.scalars(select(Agency).where(*below).order_by(Agency.code)).all()
    latest = {
        report.agency_id: report
        for report in db.session.scalars(
            select(UpwardReport).where(
                UpwardReport.cycle_id == cycle.id,
                UpwardReport.agency_id.in_([one.id for one in found]),
                UpwardReport.replaced_by_id.is_(None),
            )
        )
    }
    return [(one, latest.get(one.id)) for one in found]


def counts(report: UpwardReport) -> bool:
    """Whether a report stands: it was neither returned nor replaced."""
    return not report.returned_reason and report.replaced_by_id is None


def changed_below(report: UpwardReport) -> list[str]:
    """The agencies below whose figures a standing report holds no longer as they stand: they sent theirs later, or what
    they had sent was returned or replaced.
    """
    cycle = db.session.get_one(Cycle, report.cycle_id)
    return _changed(report, cycle, children(report.agency, cycle)) if counts(report) else []


def _changed(report: UpwardReport, cycle: Cycle, below: Sequence[tuple[Agency, UpwardReport | None]]) -> list[str]:
    data: dict[str, Any] = dict(report.figures)
    summed = {part["number"] for part in data["parts"]}
    changed = []
    for child, latest in below:
        # By the agency's numbers: it may have been renamed.
        then = {number for number in summed if number.startswith(_stem(child, cycle))}
        if then != ({latest.number} if latest is not None and counts(latest) else set()):
            changed.append(child.name)
    return changed


def state(report: UpwardReport | None) -> tuple[str, str]:
    """Where a report stands, in words and as a tone."""
    if report is None:
        return "未报送", "needs"
    if report.replaced_by_id is not None:
        return "已重新报送", "neutral"
    if report.returned_reason:
        return "已退回", "refused"
    return ("已接收", "done") if report.received_at is not None else ("已报送，待接收", "info")


@dataclass(frozen=True)
class Overview:
    """An agency's page of reports: its own latest, whether it may send now and why not, and those below.

    `changed` names those below whose figures the own report holds no longer as they stand.
    """

    agency: Agency
    latest: UpwardReport | None
    reports_to: Agency | None
    may_send: bool
    held: str
    below: Sequence[tuple[Agency, UpwardReport | None]]
    changed: Sequence[str]


def overview(actor: Account) -> Overview | None:
    """For an agency's account; None for an inspector, who only reads what was sent."""
    agency = actor.agency
    if agency is None:
        return None
    cycle = cycles.current_cycle()
    latest = _latest(agency, cycle)
    held = ""
    try:
        _check_may_send(actor, agency, latest)
    except RuleError as error:
        held = error.message
    below = children(agency, cycle)
    changed = _changed(latest, cycle, below) if latest is not None and counts(latest) else []
    return Overview(agency, latest, agency.parent, not held, held, below, changed)


def _latest(agency: Agency, cycle: Cycle) -> UpwardReport | None:
    return db.session.scalar(
        select(UpwardReport).where(
            UpwardReport.cycle_id == cycle.id,
            UpwardReport.agency_id == agency.id,
            UpwardReport.replaced_by_id.is_(None),
        )
    )


def _check_may_send(actor: Account, agency: Agency, latest: UpwardReport | None) -> None:
    if agency.level is RegionLevel.PROVINCE:
        raise Refused("省职业技能等级评价指导中心接收各省辖市、济源示范区的汇总，不需报送。")
    if agency.level is RegionLevel.COUNTY and not agency.taken_over:
        raise Refused("本县（市、区）未承接报名资格审查，由所属省辖市一并汇总报送。")
    if not may(actor, Permission.SEND_REPORTS):
        raise Refused("汇总由机构负责人报送。")
    if latest is not None and counts(latest):
        raise Refused(
            f"已于{day_text(latest.sent_at.date())}报送（{latest.number}）。需要更正的，请上级机构退回后重新报送。"
        )
    cycles.require_open(WindowKey.AGENCY_REVIEW, agency)


def send(actor: Account) -> UpwardReport:
    """Freeze the figures, make the Excel file and the paper to sign, and send them to the agency above.

    Raises Refused, WindowClosed, CharacterMissing.
    """
    agency = actor.agency
    if agency is None:
        raise Refused("汇总由工考管理机构报送。")
    cycle = cycles.current_cycle()
    _check_may_send(actor, agency, _latest(agency, cycle))
    content, rows = _gather(agency)
    number = _number(agency, cycle)
    # Laying out takes seconds, so it is done before anything is locked.
    sheet = _workbook(content, rows)
    paper = papers.upward_report(_paper(content, agency, number))
    with transaction() as session:
        session.scalars(select(Agency).where(Agency.id == agency.id).with_for_update(of=Agency)).one()
        latest = _latest(agency, cycle)
        _check_may_send(actor, agency, latest)
        if number != _number(agency, cycle):
            raise Conflict("汇总刚刚由他人报送过，您的操作没有生效。请刷新页面查看最新情况。")
        name = f"{agency.name}{content.year}年报名信息汇总"
        kept_sheet = files.keep(Upload(SHEET_TYPE, ".xlsx", sheet), f"{name}.xlsx")
        kept_paper = files.keep(Upload("application/pdf", ".pdf", paper), f"{name}.pdf")
        report = UpwardReport(
            number=number,
            cycle_id=cycle.id,
            agency_id=agency.id,
            figures=content.as_data(),
            sheet_id=kept_sheet.id,
            paper_id=kept_paper.id,
            sent_by_id=actor.id,
            sent_at=now(),
        )
        session.add(report)
        session.flush()
        if latest is not None:
            latest.replaced_by_id = report.id
        audit.record(
            actor,
            "send_report",
            report,
            number=number,
            total=content.figures.total,
            missing=content.missing,
            sheet_sha256=kept_sheet.sha256,
            paper_sha256=kept_paper.sha256,
        )
        if agency.parent is not None:
            above = _latest(agency.parent, cycle)
            body = f"申报{content.figures.total[REGISTERED]}人。请核对后接收；有误的写明原因退回。"
            if above is not None and counts(above):
                body += f"本机构已报送的汇总（{above.number}）没有这次的数字，需要更正的，请上级机构退回后重新报送。"
            messages.tell(
                "report",
                f"{agency.name}已汇总上报",
                body,
                f"report {report.id}",
                agency_id=agency.parent_id,
            )
    return report


def _number(agency: Agency, cycle: Cycle) -> str:
    query = select(func.count(UpwardReport.id)).where(
        UpwardReport.cycle_id == cycle.id, UpwardReport.agency_id == agency.id
    )
    return f"{_stem(agency, cycle)}{(db.session.scalar(query) or 0) + 1:02d}"


def _stem(agency: Agency, cycle: Cycle) -> str:
    """What the numbers of an agency's reports begin with."""
    return f"HZ{cycle.year}{agency.code}"


def find(actor: Account, report_id: int) -> UpwardReport:
    """A report in the person's scope. Raises NotFound."""
    query = narrow(select(UpwardReport), UpwardReport, actor).where(UpwardReport.id == report_id)
    report = db.session.scalar(query)
    if report is None:
        raise NotFound("report")
    return report


def may_receive(actor: Account, report: UpwardReport) -> bool:
    """The manager of the agency above, as long as the report stands and was not received."""
    return _above(actor, report) and counts(report) and report.received_at is None


def may_return(actor: Account, report: UpwardReport) -> bool:
    return _above(actor, report) and counts(report)


def may_attach(actor: Account, report: UpwardReport) -> bool:
    own = may(actor, Permission.SEND_REPORTS) and report.agency_id == actor.agency_id
    return own and counts(report) and report.received_at is None


def _above(actor: Account, report: UpwardReport) -> bool:
    return may(actor, Permission.SEND_REPORTS) and report.agency.parent_id == actor.agency_id


def receive(actor: Account, report_id: int, version: int) -> UpwardReport:
    """Receive a report of an agency below. Raises NotFound, Refused, Conflict."""
    with transaction():
        report = _locked(actor, report_id, version)
        if not may_receive(actor, report):
            raise Refused(f"该汇总{state(report)[0]}，只能由上级机构负责人接收一次。")
        report.received_by_id, report.received_at = actor.id, now()
        audit.record(actor, "receive_report", report, number=report.number)
        _tell_sender(report, f"{actor.office_name}已接收汇总", "")
    return report


def send_back(actor: Account, report_id: int, version: int, reason: str) -> UpwardReport:
    """Return a report with a reason; a new one then replaces it. Raises NotFound, Refused, Conflict, FieldsRefused."""
    try:
        why = fields.short_text(reason, "退回原因", REASON_LIMIT, 4)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error
    with transaction():
        report = _locked(actor, report_id, version)
        if not may_return(actor, report):
            raise Refused(f"该汇总{state(report)[0]}，只能由上级机构负责人退回。")
        report.returned_reason = why
        audit.record(actor, "return_report", report, number=report.number, reason=why)
        _tell_sender(report, f"{actor.office_name}退回汇总", f"原因：{why}请更正后重新报送。")
    return report


def _tell_sender(report: UpwardReport, title: str, body: str) -> None:
    messages.tell("report", title, f"{report.number}。{body}", f"report {report.id}", agency_id=report.agency_id)


def attach_signed(actor: Account, report_id: int, data: bytes, filename: str) -> UpwardReport:
    """Keep the signed and stamped scan; a later one takes its place until the report is received.

    Raises NotFound, Refused, FieldsRefused.
    """
    try:
        upload = inspect_upload(data, filename, formats=SCAN_FORMATS, max_bytes=SCAN_BYTES, label="盖章扫描件")
    except UploadRefused as error:
        raise FieldsRefused({"scan": error.message}) from error
    with transaction():
        report = _locked(actor, report_id, None)
        if not may_attach(actor, report):
            raise Refused("盖章扫描件由报送机构负责人在上级接收前上传。")
        report.signed_id = files.keep(upload, filename).id
        audit.record(actor, "attach_signed_report", report, number=report.number)
    return report


def _locked(actor: Account, report_id: int, version: int | None) -> UpwardReport:
    query = narrow(select(UpwardReport), UpwardReport, actor).where(UpwardReport.id == report_id)
    report = db.session.scalar(query.with_for_update(of=UpwardReport))
    if report is None:
        raise NotFound("report")
    if version is not None and report.version != version:
        raise Conflict("该汇总刚刚有了变化，您的操作没有生效。请刷新页面查看最新情况。")
    return report


def listing(actor: Account) -> Listing:
    """The reports of the agencies in the person's scope, the newest first."""
    query = (
        narrow(select(UpwardReport), UpwardReport, actor)
        .where(UpwardReport.cycle_id == cycles.current_cycle().id)
        .options(joinedload(UpwardReport.agency))
    )
    standing = and_(UpwardReport.returned_reason == "", UpwardReport.replaced_by_id.is_(None))
    states: dict[str, tuple[str, ColumnElement[bool]]] = {
        "sent": ("待接收", standing & UpwardReport.received_at.is_(None)),
        "received": ("已接收", standing & UpwardReport.received_at.is_not(None)),
        "returned": ("已退回", (UpwardReport.returned_reason != "") & UpwardReport.replaced_by_id.is_(None)),
        "replaced": ("已重新报送", UpwardReport.replaced_by_id.is_not(None)),
    }
    return Listing(
        title="汇总上报记录",
        query=query,
        tie=UpwardReport.id,
        descending=True,
        search=[
            contains(UpwardReport.number),
            lambda term: UpwardReport.agency.has(contains(Agency.name)(term)),
        ],
        search_hint="机构名称、编号",
        columns=[
            Column("number", "编号", lambda row: row.number, UpwardReport.number, kind="mono"),
            Column("agency", "报送机构", lambda row: row.agency.name, UpwardReport.agency_id),
            Column("sent", "报送时间", lambda row: f"{row.sent_at:%Y-%m-%d %H:%M}", UpwardReport.sent_at, kind="date"),
            Column("registered", "申报（人）", lambda row: str(row.figures["total"][REGISTERED]), kind="number"),
            Column("qualified", "合格（人）", lambda row: str(row.figures["total"]["qualified"]), kind="number"),
            Column("signed", "盖章件", lambda row: "已上传" if row.signed_id else "未上传"),
            Column("state", "状态", _state_cell, kind="status"),
        ],
        filters=[
            Filter(
                "state",
                "状态",
                [("", "全部状态"), *((key, label) for key, (label, _) in states.items())],
                lambda value: states[value][1],
            )
        ],
        empty_text="还没有汇总上报。各机构在网上资格审查期间报送后，会出现在这里。",
    )


def _state_cell(report: UpwardReport) -> Cell:
    label, tone = state(report)
    return Cell(label, chip=tone, title=report.returned_reason or None)


def _workbook(content: Content, rows: Sequence[Any]) -> bytes:
    headings = list(HEADINGS.values())

    def table(title: str, names: Sequence[str], lines: Sequence[Line], cells: Any) -> Sheet:
        body: list[list[Any]] = [[*cells(line), *line.counts.values()] for line in lines]
        total: list[Any] = ["合计", *[""] * (len(names) - 1), *content.figures.total.values()]
        return Sheet(title, [*names, *headings], [*body, total])

    figures = content.figures
    sheets = [
        table("按单位", ("单位", "资格审查机构"), figures.by_unit, lambda line: (line.label, line.of)),
        table("按等级", ("等级",), figures.by_grade, lambda line: (line.label,)),
        table("按工种", ("工种代码", "工种"), figures.by_trade, lambda line: (line.key, line.label)),
    ]
    if content.parts:
        parts: list[list[Any]] = [[one.agency, one.number, *one.total.values()] for one in content.parts]
        late: list[list[Any]] = [[name, "未报送", *[None] * len(headings)] for name in content.missing]
        total: list[Any] = ["合计", "", *figures.total.values()]
        sheets.append(Sheet("按机构", ["机构", "汇总编号", *headings], [*parts, *late, total]))
    sheets.append(
        Sheet(
            "人员名单" if not content.parts else "本级人员名单",
            ["序号", "申报号", "姓名", "身份证号", "单位", "工种", "等级", "状态", "容缺后补"],
            [
                [
                    place,
                    row.number,
                    row.name,
                    mask_identity_number(row.identity_number),
                    row.unit,
                    row.trade,
                    Grade(row.grade).label,
                    row.status.label,
                    "是" if row.deferred else "",
                ]
                for place, row in enumerate(rows, start=1)
            ],
        )
    )
    return write_workbook(sheets, title=f"{content.year}年报名信息汇总")


def _paper(content: Content, agency: Agency, number: str) -> papers.UpwardReportPaper:
    def lines(of: Sequence[Line]) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return tuple((line.label, tuple(line.counts.values())) for line in of)

    figures = content.figures
    return papers.UpwardReportPaper(
        cycle_year=content.year,
        number=number,
        agency_name=content.agency,
        addressee=agency.parent.name if agency.parent is not None else "",
        as_of=content.as_of,
        headings=tuple(HEADINGS.values()),
        by_grade=lines(figures.by_grade),
        by_trade=lines(figures.by_trade),
        by_unit=lines(figures.by_unit),
        by_agency=tuple((one.agency, tuple(one.total.values())) for one in content.parts),
        missing=tuple(content.missing),
        total=tuple(figures.total.values()),
        phone=agency.phone,
    )
