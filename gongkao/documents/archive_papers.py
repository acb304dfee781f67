"""One person's whole record as one PDF (归档): cover with contents, the parts, a page number on every page.

Nothing in it depends on when it is made: the same record gives the same bytes, so a stored hash proves it.
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import pikepdf

from gongkao.documents.certificate_papers import CertificatePaper, certificate
from gongkao.documents.papers import ApplicationFormPaper, ResultNoticePaper, application_form, result_notice
from gongkao.documents.render import render


@dataclass(frozen=True)
class ArchivedFile:
    """One uploaded material: a PDF, or a JPEG or PNG picture that gets a page of its own."""

    title: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class ArchivePaper:
    """One person's record.

    Attributes:
        facts: (label, text) on the cover.
        steps: (moment, office, what, reason) of every step, the first one first.
        marks: (subject, full mark, pass mark, mark, verdict); empty without a released result.
        remarks: sentences below the marks, such as what became of a deferral or a certificate.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    form: ApplicationFormPaper
    materials: tuple[ArchivedFile, ...]
    steps: tuple[tuple[str, str, str, str], ...]
    marks: tuple[tuple[str, str, str, str, str], ...]
    remarks: tuple[str, ...]
    notice: ResultNoticePaper | None
    certificates: tuple[CertificatePaper, ...]


def archive_file(paper: ArchivePaper) -> bytes:
    """The whole record, with bookmarks. Raises CharacterMissing."""
    record = {"title": "办理记录和成绩", "steps": paper.steps, "marks": paper.marks, "remarks": paper.remarks}
    parts = [
        ("申报表", application_form(paper.form)),
        *((f"申报材料：{one.title}", _as_pdf(one)) for one in paper.materials),
        ("办理记录和成绩", render("archive_record.html", {"record": record}, title="办理记录和成绩")),
    ]
    if paper.notice is not None:
        parts.append(("考核结果通知", result_notice(paper.notice)))
    parts += [(f"等级证书（{one.number}）", certificate(one)) for one in paper.certificates]
    counts = [_page_count(data) for _, data in parts]
    cover_pages = 1
    while True:
        # The contents may run over: then every part begins later.
        contents, at = [], cover_pages + 1
        for (title, _), count in zip(parts, counts, strict=True):
            contents.append((title, at, count))
            at += count
        total = at - 1
        cover = render("archive_cover.html", {"paper": paper, "contents": contents, "total": total}, title=paper.title)
        if _page_count(cover) == cover_pages:
            break
        cover_pages = _page_count(cover)
    return _bound(
        paper.title, [("封面和目录", cover), *parts], [(1, "封面和目录"), *((at, title) for title, at, _ in contents)]
    )


def read_parts(data: bytes) -> tuple[int, list[dict[str, str | int]]]:
    """How many pages an archive file has, and its contents: [{"title", "page"}]."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        numbers = {page.objgen: number for number, page in enumerate(pdf.pages, start=1)}
        with pdf.open_outline() as outline:
            parts: list[dict[str, str | int]] = [
                {"title": str(item.title), "page": numbers[item.destination[0].objgen]}  # type: ignore[index]
                for item in outline.root
            ]
        return len(pdf.pages), parts


def _as_pdf(file: ArchivedFile) -> bytes:
    if file.media_type == "application/pdf":
        return file.data
    picture = f"data:{file.media_type};base64,{b64encode(file.data).decode()}"
    return render("archive_picture.html", {"picture": picture, "caption": file.title}, title=file.title)


def _page_count(data: bytes) -> int:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return len(pdf.pages)


def _put_number(whole: pikepdf.Pdf, page: pikepdf.Page, number: pikepdf.Page, name: pikepdf.Name) -> None:
    """Lay a page's number over its foot as it is seen, in the same size however large the page is or lies.

    Under a name of its own, always the same: the library's own overlay takes a name by chance.
    """
    left, low, right, high = (float(edge) for edge in page.trimbox)
    across, along = (left + right) / 2, (low + high) / 2
    foot = {
        0: (across - 100, low + 8, across + 100, low + 28),
        90: (right - 28, along - 100, right - 8, along + 100),
        180: (across - 100, high - 28, across + 100, high - 8),
        270: (left + 8, along - 100, left + 28, along + 100),
    }[int(page.obj.get("/Rotate", 0)) % 360]
    form = whole.copy_foreign(number.as_form_xobject())
    page.add_resource(form, pikepdf.Name.XObject, name)
    drawn = page.calc_form_xobject_placement(form, name, pikepdf.Rectangle(*foot))
    page.contents_add(b"q\n", prepend=True)
    page.contents_add(b"\nQ\n" + drawn)


def _bound(title: str, parts: Sequence[tuple[str, bytes]], bookmarks: Sequence[tuple[int, str]]) -> bytes:
    with pikepdf.new() as whole:
        for _, data in parts:
            with pikepdf.open(io.BytesIO(data)) as part:
                whole.pages.extend(part.pages)
        total = len(whole.pages)
        numbers = render("archive_numbers.html", {"total": total}, title=title)
        with pikepdf.open(io.BytesIO(numbers)) as over:
            for place, (page, number) in enumerate(zip(whole.pages, over.pages, strict=True), start=1):
                _put_number(whole, page, number, pikepdf.Name(f"/ArchivePage{place}"))
        with whole.open_outline() as outline:
            outline.root.extend(pikepdf.OutlineItem(text, page - 1) for page, text in bookmarks)
        for page in whole.pages:
            # The parts' tags are not carried over, so nothing may point at them.
            if "/StructParents" in page:
                del page.StructParents
        whole.Root.Lang = pikepdf.String("zh-CN")
        whole.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        whole.docinfo["/Title"] = title
        target = io.BytesIO()
        whole.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return target.getvalue()
