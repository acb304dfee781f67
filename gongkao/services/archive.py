"""The archive (归档, notice 三（六）): each decided record checked, sealed as one file, and kept with its hash.

The file is made from the record alone, so a record that has not changed gives the file that was sealed, byte for byte.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.documents.archive_papers import ArchivedFile, ArchivePaper, read_parts
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    ArchiveRecord,
    Certificate,
    CertificateState,
    DeferralStatus,
    Person,
    Release,
    Result,
    StoredFile,
    Unit,
)
from gongkao.rules.calendar import day_text
from gongkao.rules.materials import Need
from gongkao.rules.workflow import FINAL, Status
from gongkao.services import application_form, audit, certificates, cycles, files, kept, notices, timeline, unmasking
from gongkao.services.errors import NotFound
from gongkao.services.kept import Figures
from gongkao.services.list_filters import of_agencies, of_grade
from gongkao.services.listing import Cell, Column, Filter, Listing
from gongkao.services.people_search import of_people
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.uploads import Upload

_DECIDED = tuple(sorted(FINAL))


def archive_listing(actor: Account) -> Listing:
    """The decided applications of this cycle in the person's scope, with their sealed files."""
    sealed = select(ArchiveRecord.id).where(ArchiveRecord.application_id == Application.id)
    bare = narrow(select(Application), Application, actor).where(
        Application.cycle_id == cycles.current_cycle().id,
        Application.status.in_(_DECIDED),
        # What is decided has a number: said once more, so that in their order the drafts before them are passed over.
        Application.number.is_not(None),
    )
    query = (
        bare.join(Application.person)
        .join(Application.unit)
        .options(
            contains_eager(Application.person), contains_eager(Application.unit), joinedload(Application.sealed_records)
        )
    )
    return Listing(
        title="考核档案",
        query=query,
        bare=bare,
        tie=Application.id,
        sort="number",
        search=[of_people(Application.id)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("number", "申报编号", lambda row: row.number or "", Application.number, kind="mono"),
            Column("name", "姓名", lambda row: row.person.name, Person.name, kind="name"),
            Column("identity", "身份证号", lambda row: row.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.unit.name, Unit.name),
            Column("grade", "等级", lambda row: application_form.grade_text(row.grade), Application.grade),
            Column("status", "审查结果", lambda row: Cell(row.status.label, chip=row.status.tone), kind="status"),
            Column("sealed", "档案", _sealed, kind="status"),
            Column(
                "day",
                "封存日期",
                lambda row: f"{row.sealed_records[-1].sealed_at:%Y-%m-%d}" if row.sealed_records else "",
                kind="date",
            ),
        ],
        filters=[
            *of_agencies(actor),
            Filter(
                "sealed",
                "档案",
                [("", "全部"), ("no", "未封存"), ("yes", "已封存")],
                lambda value: sealed.exists() if value == "yes" else ~sealed.exists(),
            ),
            of_grade(),
        ],
        empty_text="没有符合条件的档案。资格审查结束、结果公布并办理证书后归档。",
    )


def _sealed(row: Application) -> Cell:
    if not row.sealed_records:
        return Cell("未封存", chip="needs")
    edition = row.sealed_records[-1].edition
    return Cell("已封存" if edition == 1 else f"已封存（第{edition}版）", chip="done")


def find(actor: Account, application_id: int) -> Application:
    """A decided application in the person's scope. Raises NotFound."""
    found = gather(actor, [application_id])
    if not found:
        raise NotFound("application")
    return found[0]


def gather(actor: Account, application_ids: Sequence[int]) -> list[Application]:
    """Decided applications in the person's scope, in the order given."""
    query = (
        narrow(select(Application), Application, actor)
        .where(Application.id.in_(application_ids), Application.status.in_(_DECIDED))
        .options(
            joinedload(Application.person),
            joinedload(Application.unit),
            joinedload(Application.trade),
            joinedload(Application.cycle),
            joinedload(Application.agency),
            selectinload(Application.materials),
            selectinload(Application.work_periods),
            selectinload(Application.assessments),
            selectinload(Application.sealed_records),
        )
    )
    found = {one.id: one for one in db.session.scalars(query)}
    return [found[one] for one in application_ids if one in found]


def _result(application: Application) -> Result | None:
    query = select(Result).where(Result.application_id == application.id)
    return db.session.scalar(query.options(joinedload(Result.release).joinedload(Release.agency)))


def _certificates(application: Application) -> list[Certificate]:
    query = select(Certificate).where(Certificate.application_id == application.id)
    return list(db.session.scalars(query.order_by(Certificate.id)))


def missing(application: Application) -> list[str]:
    """What keeps the record from being sealed, a sentence each; empty where it is complete."""
    gaps = []
    if application.submitted_at is None or not timeline.events(application):
        gaps.append("没有提交和审查的办理记录。")
    if application.status is Status.QUALIFIED:
        result = _result(application)
        if result is None:
            gaps.append("考核结果尚未公布。")
        elif result.passed and not _certificates(application):
            gaps.append("考核合格，但等级证书尚未办理。")
        there = {one.kind for one in application.materials}
        gaps += [
            f"缺少申报材料：{rule.label}。"
            for rule in application_form.material_rules(application)
            if rule.need is Need.NEEDED and rule.kind not in there
        ]
    deferral = application.deferral
    if deferral is not None and deferral.status not in (DeferralStatus.ACCEPTED, DeferralStatus.FAILED):
        gaps.append(f"年度考核容缺后补尚未办结（{deferral.status.label}）。")
    lost = [one.file.name for one in application.materials if not store().exists(one.file.sha256)]
    gaps += [f"申报材料“{name}”的文件已丢失，请联系系统管理员从备份恢复。" for name in lost]
    return gaps


def paper(application: Application, public_url: str) -> ArchivePaper:
    """The record as a paper."""
    result = _result(application)
    unit = application.unit.name if application.unit is not None else ""
    trade = application.trade.name if application.trade is not None else ""
    conclusion = application.status.label
    if result is not None:
        conclusion = "考核合格" if result.passed else "考核不合格"
    issued = _certificates(application)
    by_kind = application_form.by_kind(application)
    return ArchivePaper(
        title=f"{application.cycle.year}年考核档案（{application.number}）",
        facts=(
            ("考核年度", f"{application.cycle.year}年"),
            ("申报编号", application.number or ""),
            ("姓名", application.person.name),
            ("身份证号", application.person.identity_number),
            ("工作单位", unit),
            ("工种和等级", f"{trade}　{application_form.grade_text(application.grade)}"),
            ("工考管理机构", application.agency.name if application.agency is not None else ""),
            ("结果", conclusion),
        ),
        form=application_form.paper(application),
        materials=tuple(
            ArchivedFile(
                kind.label if len(found) == 1 else f"{kind.label}（{number}）",
                one.file.media_type,
                files.read(one.file),
            )
            for kind, found in by_kind.items()
            for number, one in enumerate(found, start=1)
        ),
        steps=tuple(_step(entry) for entry in timeline.entries(application)),
        marks=tuple(
            (
                str(mark["name"]),
                str(mark["full_mark"]),
                str(mark["pass_mark"]),
                str(mark["mark"]),
                "合格" if mark["passed"] else "不合格",
            )
            for mark in (result.marks if result is not None else ())
        ),
        remarks=tuple(_remarks(application, issued)),
        notice=notices.paper(result, public_url) if result is not None else None,
        certificates=tuple(certificates.paper(one, public_url) for one in issued),
    )


def _step(entry: Mapping[str, object]) -> tuple[str, str, str, str]:
    items = entry["items"]
    assert isinstance(items, list)
    reasons = [str(entry["reason"] or ""), *(f"{label}：{text}" for label, text in items)]
    text = "；".join(one.rstrip("。；") for one in reasons if one)
    return f"{entry['at']:%Y-%m-%d %H:%M}", str(entry["office"]), str(entry["what"]), text


def _remarks(application: Application, issued: Iterable[Certificate]) -> Iterator[str]:
    deferral = application.deferral
    if deferral is not None:
        years = "、".join(f"{year}年度" for year in deferral.years)
        yield f"年度考核容缺后补（{years}）：{deferral.status.label}。"
    for one in issued:
        line = f"等级证书{one.number}于{day_text(one.issued_on)}办理，现{one.state.label}"
        if one.state is not CertificateState.VALID and one.ended_at is not None:
            line += f"（{day_text(one.ended_at.date())}，{one.ended_reason.rstrip('。')}）"
        if one.handed_at is not None:
            line += f"；{day_text(one.handed_at.date())}由{one.handed_to}领取"
        yield f"{line}。"


def seal(actor: Account, application: Application, data: bytes) -> ArchiveRecord:
    """Keep the record's file as a new edition; the same file as before stays the edition it is."""
    digest = hashlib.sha256(data).hexdigest()
    pages, parts = read_parts(data)
    with transaction() as session:
        # Held so that two that seal the same record at once do not make two editions of it.
        session.scalars(select(Application.id).where(Application.id == application.id).with_for_update()).one()
        latest = session.scalar(
            select(ArchiveRecord)
            .where(ArchiveRecord.application_id == application.id)
            .order_by(ArchiveRecord.edition.desc())
            .limit(1)
        )
        if latest is not None and latest.sha256 == digest:
            return latest
        kept = files.keep(Upload("application/pdf", ".pdf", data), f"考核档案-{application.number}.pdf")
        made = ArchiveRecord(
            application_id=application.id,
            edition=latest.edition + 1 if latest is not None else 1,
            file_id=kept.id,
            sha256=digest,
            pages=pages,
            parts=parts,
            sealed_at=now(),
            sealed_by_id=actor.id,
        )
        session.add(made)
        audit.record(actor, "seal_record", made, sha256=digest, edition=made.edition, application=application.number)
    return made


def find_sealed(actor: Account, record_id: int) -> ArchiveRecord:
    """A sealed file in the person's scope. Raises NotFound."""
    query = narrow(select(ArchiveRecord), ArchiveRecord, actor).where(ArchiveRecord.id == record_id)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("record")
    return found


def take_sealed(actor: Account, record_id: int) -> tuple[StoredFile, bytes]:
    """A sealed file in the person's scope and what is in it, on record. Raises NotFound, MissingFile."""
    record = find_sealed(actor, record_id)
    data = files.read(record.file)
    unmasking.record_papers(actor, record, "考核档案", of=record.application.person.name)
    return record.file, data


def counts(actor: Account) -> Figures[tuple[int, int]]:
    """How many decided applications there are in the scope, and how many of them are sealed."""
    sealed = select(ArchiveRecord.id).where(ArchiveRecord.application_id == Application.id).exists()
    query = narrow(select(func.count(), func.count().filter(sealed)).select_from(Application), Application, actor)
    decided = query.where(Application.cycle_id == cycles.current_cycle().id, Application.status.in_(_DECIDED))

    def count() -> tuple[tuple[int, int], int]:
        total, done = db.session.execute(decided).one()
        return (total, done), total

    return kept.figures("archive", actor, (), count)


def with_manifest(entries: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The entries, and at their end a list of their hashes in the form that `sha256sum -c` checks."""
    lines = []
    for name, data in entries:
        lines.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        yield name, data
    yield "校验清单.txt", "".join(lines).encode()
