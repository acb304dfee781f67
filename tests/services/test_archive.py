"""The archive: complete before it is sealed, the same file from the same record, hashes that prove it."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import date

import pikepdf
import pypdfium2
import pytest

from gongkao.documents.archive_papers import archive_file, read_parts
from gongkao.extensions import db
from gongkao.jobs.queue import queue
from gongkao.models import Application, Job, JobState, Result
from gongkao.rules.materials import MaterialKind
from gongkao.services import archive, batches, certificates, files
from gongkao.services.errors import NotFound
from tests.services.released import release
from tests.world import World

ADDRESS = "http://gongkao.example"


@pytest.fixture
def results(world: World, at: Callable[[date], None]) -> list[Result]:
    return release(world, at, ("孟听雨甲", "祝晓川乙"), failed=("岳青山丙",))


def made(world: World, application_id: int) -> bytes:
    return archive_file(archive.paper(archive.find(world.officer, application_id), ADDRESS))


def seal_all(world: World) -> Job:
    return queue().start(world.officer, batches.plan(world.officer, "archive", "zip", {}, ADDRESS))


def test_what_is_missing_is_listed(world: World, results: list[Result]) -> None:
    passed, failed = results[0].application_id, results[2].application_id
    assert archive.missing(archive.find(world.officer, failed)) == []
    assert archive.missing(archive.find(world.officer, passed)) == ["考核合格，但等级证书尚未办理。"]
    certificates.issue(world.manager, [results[0].id])
    assert archive.missing(archive.find(world.officer, passed)) == []
    application = db.session.get_one(Application, passed)
    application.materials.remove(next(one for one in application.materials if one.kind is MaterialKind.POST))
    db.session.commit()
    assert archive.missing(archive.find(world.officer, passed)) == ["缺少申报材料：岗位聘用材料。"]


def test_the_file_holds_the_whole_record_with_true_page_numbers(world: World, results: list[Result]) -> None:
    certificates.issue(world.manager, [results[0].id])
    data = made(world, results[0].application_id)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert pdf.check_pdf_syntax() == [] and str(pdf.Root.Lang) == "zh-CN"
    pages, parts = read_parts(data)
    titles = [str(part["title"]) for part in parts]
    assert titles[:3] == ["封面和目录", "申报表", "申报材料：身份证"]
    assert titles[-3:-1] == ["办理记录和成绩", "考核结果通知"] and titles[-1].startswith("等级证书（25410122")
    text = read_pages(data)
    assert all(f"档案第{number}页共{pages}页" in page for number, page in enumerate(text, start=1))
    marks = {"申报表": "申报表", "办理记录和成绩": "一、办理记录", "考核结果通知": "孟听雨甲同志"}
    for part in parts:
        if part["title"] in marks:
            assert marks[str(part["title"])] in text[int(part["page"]) - 1]
    assert "现有效" in "".join(text) and f"全档共{pages}页" in text[0]


def read_pages(data: bytes) -> list[str]:
    return ["".join(page.get_textpage().get_text_range().split()) for page in pypdfium2.PdfDocument(data)]


def test_the_same_record_gives_the_same_file(world: World, results: list[Result], at: Callable[[date], None]) -> None:
    certificates.issue(world.manager, [results[0].id])
    first = made(world, results[0].application_id)
    at(date(2025, 12, 30))
    db.session.expire_all()
    assert made(world, results[0].application_id) == first


def test_sealing_keeps_what_is_complete_and_says_what_is_not(world: World, results: list[Result]) -> None:
    certificates.issue(world.manager, [results[0].id])
    job = seal_all(world)
    assert job.state is JobState.DONE
    assert job.error.startswith("有1份没有生成：祝晓川乙（") and "等级证书尚未办理" in job.error
    with zipfile.ZipFile(io.BytesIO(files.read(job.files[0].file))) as made_zip:
        contents = {name: made_zip.read(name) for name in made_zip.namelist()}
    manifest = contents.pop("校验清单.txt").decode()
    assert len(contents) == 2
    assert manifest == "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in contents.items())
    assert archive.counts(world.officer).value == (3, 2)
    sealed = archive.find(world.officer, results[0].application_id).sealed_records
    assert [(one.edition, one.sha256) for one in sealed] == [
        (1, hashlib.sha256(next(iter(contents.values()))).hexdigest())
    ]
    # Sealing again without a change makes no new edition, and gives the same archive.
    again = seal_all(world)
    assert again.files[0].file.sha256 == job.files[0].file.sha256
    assert len(archive.find(world.officer, results[0].application_id).sealed_records) == 1


def test_a_record_that_changed_is_sealed_as_the_next_edition(world: World, results: list[Result]) -> None:
    (certificate,) = certificates.issue(world.manager, [results[0].id])
    seal_all(world)
    certificates.revoke(world.manager, certificate.application, "填报虚假信息材料。")
    seal_all(world)
    editions = archive.find(world.officer, results[0].application_id).sealed_records
    assert [one.edition for one in editions] == [1, 2] and editions[0].sha256 != editions[1].sha256
    assert "已撤销" in "".join(read_pages(files.read(editions[1].file)))
    for stranger in (world.far_officer, world.station_administrator, world.far_inspector):
        with pytest.raises(NotFound):
            archive.find_sealed(stranger, editions[0].id)
        with pytest.raises(NotFound):
            archive.find(stranger, results[0].application_id)
    assert archive.find_sealed(world.unit_administrator, editions[0].id).pages > 5
