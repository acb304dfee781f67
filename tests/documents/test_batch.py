"""Papers by the thousand: each the same as made alone, and archives that are safe to unpack."""

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageStat

from gongkao.documents import papers
from gongkao.documents.batch import Press, file_name, join, read_zip, write_zip
from gongkao.documents.fonts import CharacterMissing
from gongkao.documents.papers import RESULT_NOTICE_TITLE, ResultNoticePaper, notice_texts
from gongkao.documents.render import render
from tests.documents.reading import read
from tests.documents.samples import LONG_NAME, LONG_UNIT, RESULT

PASSED = replace(
    RESULT, scores=tuple(replace(line, score="100", passed=True) for line in RESULT.scores), passed=True, name="祝晓川"
)
NOTICES: dict[str, ResultNoticePaper] = {
    "ordinary": RESULT,
    "passed": PASSED,
    "one character": replace(RESULT, name="孟", agency_name="河南省职业技能等级评价指导中心"),
    "a long name": replace(RESULT, name=LONG_NAME),
    "a unit over two lines": replace(RESULT, unit_name=LONG_UNIT),
    "a rare character": replace(PASSED, name="祝𠅤川"),
    "another code and day": replace(
        RESULT, verification_code="9Z8Y-7X6W-2345", issued_on=RESULT.issued_on.replace(day=28)
    ),
    "grade one": replace(RESULT, scores=RESULT.scores[:2], grade="一级（高级技师）", trade="空调与制冷设备维修工"),
    "steps of its own": replace(RESULT, next_steps=("请于2025年12月31日前领取证书。", "逾期请联系单位。")),
}


def whole(paper: ResultNoticePaper) -> bytes:
    return render("result_notices.html", {"papers": [notice_texts(paper)]}, title=RESULT_NOTICE_TITLE)


@pytest.mark.parametrize("paper", NOTICES.values(), ids=NOTICES.keys())
def test_a_filled_notice_reads_and_looks_as_one_laid_out_by_itself(paper: ResultNoticePaper) -> None:
    made = papers.result_notice(paper)
    mine, theirs = read(made), read(whole(paper))
    assert mine.pages == theirs.pages and len(mine.pages) == 1
    assert (mine.title, mine.language, mine.tagged) == (RESULT_NOTICE_TITLE, "zh-CN", True)
    assert all(mine.fonts.values()) and mine.fonts.keys() >= {"/EKAFMY+Gongkao-Song"} and "�" not in mine.text
    difference = ImageChops.difference(picture(made), picture(whole(paper)))
    assert ImageStat.Stat(difference).mean[0] < 0.05
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert pdf.check_pdf_syntax() == []


def picture(data: bytes) -> Image.Image:
    return pypdfium2.PdfDocument(data)[0].render(scale=1.5).to_pil().convert("L")


def test_the_same_notice_is_the_same_file_in_any_company(paper: ResultNoticePaper = RESULT) -> None:
    alone = papers.result_notice(paper)
    papers._notice_pattern.cache_clear()
    others = [papers.result_notice(one) for one in (NOTICES["a rare character"], PASSED)]
    assert papers.result_notice(paper) == alone and alone not in others


def test_two_processes_give_what_one_gives_in_order() -> None:
    people = [
        replace(RESULT, notice_number=f"{serial:016d}", name=f"孟{'一二三四五'[serial % 5]}") for serial in range(25)
    ]
    refused = replace(RESULT, name="孟\ue000")
    with Press(2) as press:
        made = list(press.make(papers.result_notice, [*people, refused], chunk=4))
    assert made[:-1] == [papers.result_notice(one) for one in people]
    assert isinstance(made[-1], CharacterMissing) and made[-1].characters == ("\ue000",)
    assert "U+E000" in made[-1].message


def test_notices_joined_keep_their_order_and_their_tags(tmp_path: Path) -> None:
    parts = [papers.result_notice(one) for one in NOTICES.values()]
    first, second = tmp_path / "one.pdf", tmp_path / "two.pdf"
    for target in (first, second):
        join(parts, target, "考核结果通知")
    assert first.read_bytes() == second.read_bytes()
    found = read(first.read_bytes())
    assert found.pages == [read(part).text for part in parts]
    assert (found.title, found.language, found.tagged) == ("考核结果通知", "zh-CN", True)
    with pikepdf.open(first) as pdf:
        assert pdf.check_pdf_syntax() == []
        pages = [page.objgen for page in pdf.pages]
        # Each page's own key leads to elements of that very page.
        tree = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
        places = dict(zip((int(key) for key in tree[::2]), tree[1::2], strict=True))
        for page in pdf.pages:
            elements = [one for one in places[int(page.StructParents)] if isinstance(one, pikepdf.Dictionary)]
            assert elements and all(one.Pg.objgen == page.objgen for one in elements if "/Pg" in one)
        assert len(set(pages)) == len(parts)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("00001", "孟听雨", "2025"), "00001-孟听雨-2025"),
        (("../../etc", "passwd"), "etc-passwd"),
        (("C:\\x", 'a"b'), "Cx-ab"),
        (("孟\u202efdp", "\x00雨\n"), "孟fdp-雨"),
        ((" .. ", ""), "文件"),
        (("长" * 200,), "长" * 100),
    ],
)
def test_names_in_an_archive_lead_nowhere_else(parts: tuple[str, ...], name: str) -> None:
    assert file_name(*parts) == name


def test_an_archive_is_the_same_each_time_and_loses_nobody(tmp_path: Path) -> None:
    entries = [("孟听雨.pdf", b"1"), ("孟听雨.pdf", b"2"), ("祝晓川.pdf", b"3")]
    one, two = tmp_path / "1.zip", tmp_path / "2.zip"
    write_zip(one, entries)
    write_zip(two, entries)
    assert one.read_bytes() == two.read_bytes()
    assert dict(read_zip(one)) == {"孟听雨.pdf": b"1", "孟听雨（2）.pdf": b"2", "祝晓川.pdf": b"3"}
    assert zipfile.ZipFile(one).testzip() is None


def test_no_notice_carries_a_character_of_somebody_else() -> None:
    """The face in each file holds the characters of that file alone."""

    def names(data: bytes) -> str:
        return "".join(_characters(data))

    assert "孟" in names(papers.result_notice(RESULT)) and "祝" not in names(papers.result_notice(RESULT))
    assert "祝" in names(papers.result_notice(PASSED)) and "孟" not in names(papers.result_notice(PASSED))


def _characters(data: bytes) -> list[str]:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        maps = [font.ToUnicode.read_bytes().decode() for font in pdf.pages[0].Resources.Font.values()]
    codes = [code for text in maps for code in re.findall(r"^<[0-9a-f]{4}> <([0-9a-f]+)>$", text, re.MULTILINE)]
    return [bytes.fromhex(code).decode("utf-16-be") for code in codes if code != "ffff"]
