"""Many papers for what a list shows: what each kind of batch is made of, and for whom.

A batch is planned when it is asked for (the rows concerned are fixed then) and made step by step in the background.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.documents import archive_papers, certificate_papers, papers
from gongkao.documents.batch import file_name
from gongkao.extensions import db
from gongkao.models import Account, Application
from gongkao.rules.grades import Grade
from gongkao.services import application_form, archive, certificates, cycles, listing, notices, results, review_lists
from gongkao.services.errors import NotFound, Refused

# The most people of one batch: a whole province's cycle.
LIMIT = 100_000


class Form(StrEnum):
    """How the result comes: all in one PDF, or a ZIP of single ones."""

    PDF = "pdf"
    ZIP = "zip"

    @property
    def label(self) -> str:
        return {"pdf": "合并为一个 PDF，便于打印", "zip": "每人（份）一个 PDF，打包为 ZIP"}[self.value]


class Gathered(NamedTuple):
    """One paper to make: its row's id, its file's name, and what the maker takes."""

    row_id: int
    name: str
    paper: Any


@dataclass(frozen=True)
class Kind:
    """One kind of batch.

    Attributes:
        permission: who may ask for it.
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
    """

    title: str
    permission: Permission
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


@dataclass(frozen=True)
class Plan:
    """What a job is to do."""

    kind: str
    title: str
    parameters: dict[str, Any]
    items: list[int]


def plan(actor: Account, name: str, form: str, args: Mapping[str, str], public_url: str) -> Plan:
    """Plan a batch of what a list shows as `args` filter it; `public_url` is the system's address as others reach it.

    Raises NotFound for an unknown kind or without the permission, Refused for an unknown form.
    """
    kind = find_kind(actor, name)
    if form not in kind.forms:
        raise Refused("请选择文书的生成方式：合并为一个 PDF，或者每人一个 PDF 打包为 ZIP。")
    items = list(kind.listed(actor, args))
    title = f"{cycles.current_cycle().year}年{kind.title}（{len(items)}{'份' if name == 'passes' else '人'}）"
    return Plan(name, title, {"form": form, "public_url": public_url}, items)


def find_kind(actor: Account, name: str) -> Kind:
    """The kind of batch, if the person may ask for it. Raises NotFound."""
    kind = KINDS.get(name)
    if kind is None or not may(actor, kind.permission):
        raise NotFound("kind")
    return kind


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
            name = _pdf_name(one.number or "", one.person.name, "考核档案")
            made.append(Gathered(one.id, name, archive.paper(one, address)))
    return made, left_out


def _seal(actor: Account, kept: Sequence[Gathered]) -> list[str]:
    """`paper` of each is the file that was made."""
    people = {one.id: one for one in archive.gather(actor, [one.row_id for one in kept])}
    for one in kept:
        archive.seal(actor, people[one.row_id], one.paper)
    return []


def _pdf_name(*parts: str) -> str:
    return f"{file_name(*parts)}.pdf"


KINDS: dict[str, Kind] = {
    "notices": Kind(
        "考核结果通知",
        Permission.VIEW_RESULTS,
        _listed(results.result_listing),
        _result_notices,
        papers.result_notice,
        step=200,
        chunk=20,
    ),
    "passes": Kind(
        "合格人员通知",
        Permission.VIEW_RESULTS,
        _listed(results.release_listing),
        _passes,
        papers.notice_of_passes,
        step=10,
        chunk=1,
    ),
    "certificates": Kind(
        "等级证书",
        Permission.VIEW_CERTIFICATES,
        _listed(certificates.certificate_listing),
        _certificates,
        certificate_papers.certificate,
    ),
    "issue": Kind(
        "等级证书办理",
        Permission.ISSUE_CERTIFICATES,
        lambda actor, args: certificates.without_certificate(actor, _grade(args.get("grade", ""))),
        _issued,
        certificate_papers.certificate,
    ),
    "forms": Kind(
        "申报表",
        Permission.REVIEW,
        _listed(review_lists.all_listing),
        _application_forms,
        papers.application_form,
    ),
    "archive": Kind(
        "考核档案",
        Permission.ARCHIVE,
        _listed(archive.archive_listing),
        _archived,
        archive_papers.archive_file,
        forms=(Form.ZIP,),
        step=4,
        chunk=1,
        a_zip=200,
        keep=_seal,
        close=archive.with_manifest,
    ),
}


def _grade(text: str) -> int | None:
    return int(text) if text in {str(int(grade)) for grade in Grade} else None
