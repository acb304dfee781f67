"""Every kind of paper that can be made in bulk: who may ask for it, what it is made of, and how.

A list's address says for whom: a unit, a county or the province is that list, filtered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.permissions import Permission
from gongkao.access.scope import narrow
from gongkao.documents import archive_papers, certificate_papers, exam_papers, papers, review_papers
from gongkao.documents.batch import file_name
from gongkao.extensions import db
from gongkao.models import Account, Application
from gongkao.rules.grades import Grade
from gongkao.services import (
    application_form,
    archive,
    certificates,
    deferrals,
    exam_documents,
    false_materials,
    listing,
    notices,
    results,
    review_lists,
    review_results,
    seats,
    sites,
    sittings,
)
from gongkao.services.errors import NotFound, Refused

# The most people of one batch: a whole province's cycle.
LIMIT = 100_000


class Form(StrEnum):
    """How the result comes: all in one PDF, a ZIP of single ones, or one such ZIP for every unit."""

    PDF = "pdf"
    ZIP = "zip"
    UNITS = "units"

    @property
    def label(self) -> str:
        return _FORMS[self]


_FORMS = {
    Form.PDF: "合并为一个 PDF，便于打印",
    Form.ZIP: "每人（份）一个 PDF，打包为 ZIP",
    Form.UNITS: "每个单位一个 ZIP，附校验清单",
}


class Gathered(NamedTuple):
    """One paper to make: its row's id, its file's name (with the unit before a slash where a kind has `by_unit`), and
    what the maker takes."""

    row_id: int
    name: str
    paper: Any


@dataclass(frozen=True)
class Kind:
    """One kind of batch.

    Attributes:
        permission: who may ask for it.
        back: the endpoint of the list where it is asked for.
        listed: the ids that a list's arguments filter, in order.
        gather: reads the rows of one step: the papers to make, and sentences on those left out. It is given the
            system's address as others reach it, for the QR codes.
        maker: makes one paper, in whatever process; a function of a module.
        forms: in which forms the result can come.
        step: how many rows one step takes; what a killed worker loses at most.
        chunk: how many papers a process is handed at a time.
        a_pdf, a_zip: how many papers go into one volume.
        keep: keeps what was made in the system; sentences on what could not be kept.
        close: what is added to a ZIP's entries.
        by_unit: the papers lie in folders by unit, so that the result can be cut up by them.
        counted: what the rows are counted in.
    """

    title: str
    permission: Permission
    back: str
    listed: Callable[[Account, Mapping[str, str]], Sequence[int]]
    gather: Callable[[Account, Sequence[int], str], tuple[list[Gathered], list[str]]]
    maker: Callable[[Any], bytes]
    forms: tuple[Form, ...] = (Form.PDF, Form.ZIP)
    step: int = 40
    chunk: int = 5
    a_pdf: int = 500
    a_zip: int = 1000
    keep: Callable[[Account, Sequence[Gathered]], list[str]] | None = None
    close: Callable[[Iterable[tuple[str, bytes]]], Iterator[tuple[str, bytes]]] | None = None
    by_unit: bool = False
    counted: str = "人"


def _listed(source: Callable[[Account], listing.Listing]) -> Callable[[Account, Mapping[str, str]], list[int]]:
    return lambda actor, args: listing.ids(source(actor), args, LIMIT)


def _result_notices(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    found = results.gather(actor, ids)
    return [
        Gathered(one.id, _pdf_name(one.number, one.application.person.name), notices.paper(one, address))
        for one in found
    ], []


def _passes(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    made, left_out = [], []
    for release_id in ids:
        try:
            release, passed = results.find_release(actor, release_id)
        except Refused as error:
            left_out.append(error.message)
        else:
            name = _pdf_name("合格人员通知", release.agency.name, Grade(release.grade).level)
            made.append(Gathered(release.id, name, notices.passes_paper(release, passed)))
    return made, left_out


def _certificates(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    return [
        Gathered(one.id, _pdf_name(one.number, one.content["name"]), certificates.paper(one, address))
        for one in certificates.gather(actor, ids)
    ], []


def _issued(actor: Account, result_ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    """Numbers first, kept at once; whoever takes the step up again finds them given."""
    issued = [one.id for one in certificates.issue(actor, result_ids)]
    return _certificates(actor, issued, address)


def _application_forms(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    query = narrow(select(Application), Application, actor).where(Application.id.in_(ids))
    query = query.options(
        joinedload(Application.person),
        joinedload(Application.unit),
        joinedload(Application.trade),
        joinedload(Application.cycle),
        selectinload(Application.materials),
        selectinload(Application.work_periods),
        selectinload(Application.assessments),
    )
    found = {one.id: one for one in db.session.scalars(query)}
    return [
        Gathered(one.id, _pdf_name(one.number or "", one.person.name), application_form.paper(one))
        for one in (found[row_id] for row_id in ids if row_id in found)
    ], []


def _archived(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    made, left_out = [], []
    for one in archive.gather(actor, ids):
        gaps = archive.missing(one)
        if gaps:
            left_out.append(f"{one.person.name}（{one.number}）：{''.join(gaps).rstrip('。')}")
        else:
            assert one.unit is not None
            name = f"{file_name(one.unit.name)}/{_pdf_name(one.number or '', one.person.name, '考核档案')}"
            made.append(Gathered(one.id, name, archive.paper(one, address)))
    return made, left_out


def _seal(actor: Account, kept: Sequence[Gathered]) -> list[str]:
    """`paper` of each is the file that was made."""
    people = {one.id: one for one in archive.gather(actor, [one.row_id for one in kept])}
    for one in kept:
        archive.seal(actor, people[one.row_id], one.paper)
    return []


def _reviews(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    return [
        Gathered(number, _pdf_name(paper.application_number, paper.name), paper)
        for number, paper in review_results.gather(actor, ids)
    ], []


def _deferrals(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    return [
        Gathered(one.id, _pdf_name(one.application.number or "", one.application.person.name), deferrals.notice(one))
        for one in deferrals.gather(actor, ids)
    ], []


def _cases(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    return [
        Gathered(
            one.id,
            _pdf_name(one.number, one.application.person.name, false_materials.NOTICES[key]),
            false_materials.notice(one, key),
        )
        for one in false_materials.gather(actor, ids)
        for key in false_materials.notice_keys(one)
    ], []


def _revocations(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    made = []
    for one in certificates.gather(actor, ids):
        paper = certificates.revocation_paper(one)
        made.append(Gathered(one.id, _pdf_name(one.number, paper.name, "撤销通知"), paper))
    return made, []


def _tickets(actor: Account, ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    found = seats.seats_for(actor, ids)
    return [
        Gathered(seat.application_id, _pdf_name(paper.ticket_number, paper.name), paper)
        for seat, paper in zip(found, exam_documents.tickets(found), strict=True)
    ], []


def _rooms(actor: Account, sitting_ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    made, left_out = [], []
    for sitting_id in sitting_ids:
        try:
            papers_of = exam_documents.rooms(actor, sitting_id)
        except NotFound:
            left_out.append(f"{sittings.name(actor, sitting_id)}还没有编排")
            continue
        made += [Gathered(sitting_id, _pdf_name(one.sitting, one.site, one.room), one) for one in papers_of]
    return made, left_out


def _doors(actor: Account, site_ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    made, left_out = [], []
    for site_id in site_ids:
        try:
            papers_of = exam_documents.doors(actor, site_id)
        except NotFound:
            left_out.append(f"{sites.find(actor, site_id).name}还没有编排")
            continue
        made += [Gathered(site_id, _pdf_name(one.site, one.room), one) for one in papers_of]
    return made, left_out


def _summaries(actor: Account, site_ids: Sequence[int], address: str) -> tuple[list[Gathered], list[str]]:
    return [
        Gathered(site_id, _pdf_name(paper.site, "考务安排汇总表"), paper)
        for site_id in site_ids
        for paper in [exam_documents.summary(actor, site_id)]
    ], []


def _pdf_name(*parts: str) -> str:
    return f"{file_name(*parts)}.pdf"


# The papers of the rooms: a row is a sitting, and each of its rooms a paper.
_OF_SITTINGS = (Permission.VIEW_EXAMS, "exams.sittings", _listed(sittings.listing), _rooms)
_BY_SITTING: dict[str, Any] = {"step": 1, "counted": "场"}

KINDS: dict[str, Kind] = {
    "notices": Kind(
        "考核结果通知",
        Permission.VIEW_RESULTS,
        "notices.result_list",
        _listed(results.result_listing),
        _result_notices,
        papers.result_notice,
        step=200,
        chunk=20,
    ),
    "passes": Kind(
        "合格人员通知",
        Permission.VIEW_RESULTS,
        "notices.releases",
        _listed(results.release_listing),
        _passes,
        papers.notice_of_passes,
        step=10,
        chunk=1,
        counted="份",
    ),
    "certificates": Kind(
        "等级证书",
        Permission.VIEW_CERTIFICATES,
        "notices.certificate_list",
        _listed(certificates.certificate_listing),
        _certificates,
        certificate_papers.certificate,
    ),
    "issue": Kind(
        "等级证书办理",
        Permission.ISSUE_CERTIFICATES,
        "notices.certificate_list",
        lambda actor, args: certificates.without_certificate(actor, _grade(args.get("grade", ""))),
        _issued,
        certificate_papers.certificate,
    ),
    "forms": Kind(
        "申报表",
        Permission.REVIEW,
        "review.all_applications",
        _listed(review_lists.all_listing),
        _application_forms,
        papers.application_form,
    ),
    "archive": Kind(
        "考核档案",
        Permission.ARCHIVE,
        "notices.archive_list",
        _listed(archive.archive_listing),
        _archived,
        archive_papers.archive_file,
        forms=(Form.UNITS, Form.ZIP),
        step=4,
        chunk=1,
        a_zip=200,
        keep=_seal,
        close=archive.with_manifest,
        by_unit=True,
    ),
    "reviews": Kind(
        "资格审查结果通知",
        Permission.VIEW_APPLICATIONS,
        "review.all_applications",
        _listed(review_results.listing),
        _reviews,
        review_papers.review_result,
    ),
    "deferrals": Kind(
        "容缺后补办理结果通知",
        Permission.VIEW_APPLICATIONS,
        "review.deferral_list",
        _listed(deferrals.notice_listing),
        _deferrals,
        review_papers.deferral_notice,
    ),
    "cases": Kind(
        "虚假材料处理和禁考通知书",
        Permission.VIEW_CASES,
        "review.case_list",
        _listed(false_materials.notice_listing),
        _cases,
        papers.case_notice,
    ),
    "revocations": Kind(
        "撤销等级证书通知",
        Permission.VIEW_CERTIFICATES,
        "notices.certificate_list",
        _listed(certificates.revoked_listing),
        _revocations,
        certificate_papers.revocation,
    ),
    "tickets": Kind(
        "准考证",
        Permission.REVIEW,
        "exams.seating",
        _listed(seats.ticket_listing),
        _tickets,
        exam_papers.admission_ticket,
    ),
    "sign-in": Kind("考场签到表", *_OF_SITTINGS, exam_papers.sign_in_sheet, **_BY_SITTING),
    "seat-maps": Kind("考场座位图", *_OF_SITTINGS, exam_papers.seat_map, **_BY_SITTING),
    "desk-labels": Kind("考场桌签", *_OF_SITTINGS, exam_papers.room_labels, **_BY_SITTING),
    "door-labels": Kind(
        "考场门签",
        Permission.VIEW_EXAMS,
        "exams.sites",
        _listed(sites.listing),
        _doors,
        exam_papers.door_label,
        step=1,
        counted="个考点",
    ),
    "site-summaries": Kind(
        "考点考务安排汇总表",
        Permission.VIEW_EXAMS,
        "exams.sites",
        _listed(sites.listing),
        _summaries,
        exam_papers.site_summary,
        step=10,
        counted="份",
    ),
}


def _grade(text: str) -> int | None:
    return int(text) if text in {str(int(grade)) for grade in Grade} else None
