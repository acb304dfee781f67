"""Each paper, read as text, and held to what an office and a court expect of a PDF."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from unicodedata import category

import pytest

from gongkao.documents import fonts, layout, papers, review_papers
from gongkao.documents.fonts import CharacterMissing
from tests.documents import samples
from tests.documents.reading import glyphs, read

# The notice's attachment word for word (豫人社函〔2025〕21号, 附件), with the places to fill in named.
ATTACHMENT = """
附 件
河南省机关事业单位工勤技能岗位等级
考核网上报名管理人员信息登记表
单位：（人事部门盖章） 填表人：{filler} 填表日期：{day}
单位名称{unit}
姓 名{name} 性 别{sex}
工作部门{department} 职 务{position}
办公电话{office_phone} 手机号码{mobile}
备注：1. 以上各项均由主管单位准确填写，加盖单位人事部门公章后报同级人力资源社会保障部门工考管理机构。
省直单位请扫描盖章后发送至邮箱(28853571@QQ.com)。
2. 网上报名管理人员应妥善保管账户及密码，以免泄露网上报名信息。
3. 网上报名管理人员应保持相对稳定，如有变更，须重新填报此表。
"""


def _attachment(**values: str) -> str:
    places = re.findall(r"{(\w+)}", ATTACHMENT)
    return "".join(ATTACHMENT.format(**{**dict.fromkeys(places, ""), **values}).split())


@pytest.mark.parametrize("kind", samples.ALL)
def test_every_paper_is_titled_tagged_and_carries_its_fonts(kind: str) -> None:
    make, pages = samples.ALL[kind]
    data = make()
    found = read(data)
    assert len(found.pages) == pages
    assert found.title and found.language == "zh-CN" and found.tagged
    assert found.fonts and all(found.fonts.values()), "a font is not embedded"
    assert all(re.match(r"/[A-Z]{6}\+", name) for name in found.fonts), "a font is embedded whole"
    assert "\ufffd" not in found.text
    assert make() == data, "the same input must give the same bytes"


def test_the_same_input_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from tests.documents import samples;"
        "print(hashlib.sha256(samples.papers.result_notices([samples.RESULT])).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == sha256(papers.result_notices([samples.RESULT])).hexdigest()


def test_the_blank_registration_sheet_is_the_notices_attachment_word_for_word() -> None:
    assert read(papers.registration_sheet(papers.RegistrationSheetPaper())).text == _attachment(day="年月日")


def test_the_filled_registration_sheet_has_each_value_in_its_cell() -> None:
    sheet = samples.SHEET
    text = read(papers.registration_sheet(sheet)).text
    expected = _attachment(
        filler=sheet.filler,
        day="2025年3月11日",
        unit=sheet.unit_name,
        name=sheet.name,
        sex=sheet.sex,
        department=sheet.department,
        position=sheet.position,
        office_phone=sheet.office_phone,
        mobile=sheet.mobile,
    )
    assert text.replace(f"登记表编号：{sheet.sheet_number}", "") == expected


def test_the_password_slip_names_account_password_and_the_way_in() -> None:
    text = read(papers.password_slip(samples.SLIP)).text
    for words in (
        "单位名称中牟县晴川局管理人员管二账户dw410122001一次性密码Kx7mPq2WvR9t",
        "http://gongkao.example",
        "2025年3月18日前（含当日）有效",
        "中牟县工考管理机构2025年3月11日",
    ):
        assert words in text


def test_the_application_form_holds_all_that_was_applied_with() -> None:
    form = read(papers.application_form(samples.FORM))
    for words in (
        "申报编号：20250000017",
        "姓名孟听雨性别男出生年月1985-06",
        "身份证号410122198506120212手机号码13800000000",
        "工作单位中牟县晴川学校主管单位中牟县晴川局",
        "申报工种汽车驾驶员申报等级四级（中级工）",
        "等级：五级（初级工）工种：汽车驾驶员编号：1641000000500001",
        "12004-072010-02中牟县云溪站驾驶岗22010-03至今中牟县晴川学校驾驶岗",
        "2024年度：合格2023年度：合格2022年度：优秀",
        "如有虚假，自愿接受取消当年申报资格、两年内禁止再次申报、撤销并收回已取得证书等处理。",
        "第2页共2页",
    ):
        assert words in form.text
    for office in ("所在单位审核意见", "主管部门审核意见", "工考管理机构审查意见"):
        assert office in form.pages[1]
    assert "草稿" not in form.text
    draft = read(papers.application_form(replace(samples.FORM, submitted=False)))
    assert all(page.startswith("（草稿，提交后方为正式）") or "（草稿" in page for page in draft.pages)


def test_the_result_notice_holds_marks_lines_and_verdict() -> None:
    text = read(papers.result_notices([samples.RESULT])).text
    for words in (
        "考核结果通知编号：2025410122400001孟听雨同志：",
        "工作单位中牟县晴川学校身份证号410122********0212申报等级四级（中级工）申报工种汽车驾驶员",
        "科目满分合格线成绩结论岗位技能1006085.5合格职业道德1006090合格职业能力10060缺考不合格考核结论不合格",
        "中牟县工考管理机构2025年11月3日",
        "校验码：ABCD-EFGH-JKMN",
    ):
        assert words in text


def test_many_result_notices_are_each_its_own_page_with_its_own_code() -> None:
    names = [f"孟听雨{character}" for character in "甲乙丙丁"]
    made = [replace(samples.RESULT, name=name, verification_code=f"CODE-{index}") for index, name in enumerate(names)]
    pages = read(papers.result_notices(made)).pages
    assert len(pages) == len(names)
    for index, page in enumerate(pages):
        assert f"{names[index]}同志：" in page and f"校验码：CODE-{index}" in page


def test_the_notice_of_passes_is_an_official_paper_with_its_list() -> None:
    found = read(papers.notice_of_passes(samples.PASSES))
    assert found.pages[0].startswith(
        "中牟县工考管理机构牟人社〔2025〕12号关于公布2025年机关事业单位工勤技能岗位等级考核合格人员的通知各有关单位："
    )
    assert "孟听雨等2名同志" in found.pages[0]
    assert "附件：2025年机关事业单位工勤技能岗位等级考核合格人员名单中牟县工考管理机构2025年11月3日" in found.pages[1]
    assert found.pages[2].startswith("附件2025年机关事业单位工勤技能岗位等级考核合格人员名单序号姓名身份证号")
    assert "1孟听雨410122********0212中牟县晴川学校汽车驾驶员一级（高级技师）" in found.pages[2]
    assert "共2人" in found.pages[2]


def test_the_results_of_review_and_deferral_say_what_follows() -> None:
    refused = read(review_papers.review_result(samples.REVIEW_RESULT)).text
    assert (
        f"资格审查结果通知申报编号：20250000017孟听雨同志：您申报2025年机关事业单位工勤技能岗位等级考核，资格审查结果如下："
        f"工作单位{samples.LONG_UNIT}身份证号{samples.MASKED}申报等级一级（高级技师）申报工种空调与制冷设备维修工"
        "审查结果不通过审查意见工作年限不足。工作经历与人事档案不符，档案记载自2012年起在该岗位工作。原等级证书编号查不到。"
    ) in refused
    assert "中牟县工考管理机构2025年4月8日" in refused
    failed = read(review_papers.deferral_notice(samples.DEFERRAL_NOTICE)).text
    for words in (
        "年度考核结果容缺后补办理结果通知申报编号：20250000017",
        "后补年度2024年度、2023年度办理结果不通过办理意见补充上传的资料不符合申报要求：",
        "（豫人社函〔2025〕21号）第二部分第（五）项规定，视为资格审查不通过。",
        "中牟县工考管理机构2025年6月20日",
    ):
        assert words in failed
    agreed = replace(samples.DEFERRAL_NOTICE, outcome="agreed", reason="")
    assert "办理结果同意容缺后补请在2025年6月30日前登录系统上传" in read(review_papers.deferral_notice(agreed)).text
    accepted = replace(agreed, outcome="accepted")
    assert "容缺后补办结，不影响本次申报。" in read(review_papers.deferral_notice(accepted)).text


def test_papers_that_go_to_others_refuse_a_whole_identity_number() -> None:
    with pytest.raises(ValueError, match="masked"):
        replace(samples.RESULT, masked_identity_number="410122198506120212")
    with pytest.raises(ValueError, match="masked"):
        samples.person(1, masked_identity_number="410122198506120212")


def test_the_longest_contents_stay_inside_the_margins() -> None:
    unit, name = samples.LONG_UNIT, samples.LONG_NAME
    sheet = replace(samples.SHEET, unit_name=unit, name=name, filler=name, department=unit[:40], position=unit[:40])
    found = read(papers.registration_sheet(sheet))
    assert len(found.pages) == 1 and unit in found.text and found.text.count(name) == 2
    _require_inside(found.edges, 28, 26)

    slip = read(papers.password_slip(replace(samples.SLIP, unit_name=unit, administrator_name=name)))
    assert len(slip.pages) == 1 and unit in slip.text
    _require_inside(slip.edges, 28, 26)

    notice = replace(samples.RESULT, unit_name=unit, name=name, agency_name=unit[:40], trade=unit[:40])
    found = read(papers.result_notices([notice]))
    assert len(found.pages) == 1 and unit in found.text
    _require_inside(found.edges, 28, 26)

    form = replace(
        samples.FORM,
        name=name,
        unit_name=unit,
        supervising_unit_name=unit,
        department=unit[:40],
        post=unit[:40],
        trade=unit[:40],
        trade_changed=True,
        trade_change_reason="公务用车制度改革后转入现岗位工作" * 18,
        work=tuple((f"{1980 + year}-01", f"{1980 + year}-12", unit, unit[:40]) for year in range(30)),
        assessments=tuple((str(2024 - year), "合格") for year in range(10)),
    )
    found = read(papers.application_form(form))
    assert all(f"{1980 + year}-01" in found.text for year in range(30))
    assert all(f"第{number}页共{len(found.pages)}页" in page for number, page in enumerate(found.pages, start=1))
    _require_inside(found.edges, 18, 17)


def _require_inside(edges: list[tuple[float, float]], left: float, right: float) -> None:
    for number, (start, end) in enumerate(edges, start=1):
        assert start >= left - 0.5 and end <= 210 - right + 0.5, f"page {number}: text from {start:.1f} to {end:.1f} mm"


def test_a_thousand_passes_keep_their_order_and_every_page_its_heads() -> None:
    people = tuple(
        samples.person(
            serial,
            name=samples.LONG_NAME if serial % 97 == 0 else f"孟听{'春夏秋冬'[serial % 4]}",
            unit_name=samples.LONG_UNIT if serial % 50 == 0 else f"中牟县第{serial}小学",
        )
        for serial in range(1, 1001)
    )
    found = read(papers.notice_of_passes(replace(samples.PASSES, people=people)))
    annex = found.pages[2:]
    assert len(annex) < 70
    assert all("序号姓名身份证号单位工种等级" in page for page in annex)
    listed = re.findall(r"中牟县第(\d+)小学", "".join(annex))
    assert listed == [str(serial) for serial in range(1, 1001) if serial % 50]
    assert "".join(annex).count(samples.LONG_UNIT) == 20
    assert "共1000人" in annex[-1]
    _require_inside(found.edges, 26, 26)


@pytest.mark.parametrize("name", ["孟𠅤雨", "龙䶮", "李㸌", "曾𬭊", "祝㛃"])
def test_a_rare_name_prints_as_itself(name: str) -> None:
    found = read(papers.result_notices([replace(samples.RESULT, name=name)]))
    assert f"{name}同志：" in found.text
    assert all(found.fonts.values())


# The blocks of GB 18030-2022 in which the characters of names lie.
BLOCKS = {
    "unified": (0x4E00, 0x9FFF),
    "extension A": (0x3400, 0x4DBF),
    "extension B": (0x20000, 0x2A6DF),
    "extension C": (0x2A700, 0x2B73F),
    "extension D": (0x2B740, 0x2B81F),
    "extension E": (0x2B820, 0x2CEAF),
    "extension F": (0x2CEB0, 0x2EBEF),
    "compatibility": (0xF900, 0xFAFF),
}


def test_every_block_prints_as_itself_and_never_as_an_empty_box() -> None:
    """Every character has a face; of each block some all along it are printed, read back, and none is glyph 0."""
    everything = {
        name: [chr(code) for code in range(first, last + 1) if category(chr(code)) != "Cn"]
        for name, (first, last) in BLOCKS.items()
    }
    assert [name for name, found in everything.items() if fonts.missing_characters("".join(found))] == []
    lines = {name: "".join(found[:: max(1, len(found) // 100)]) for name, found in everything.items()}
    data = papers.notice_of_passes(replace(samples.PASSES, paragraphs=tuple(lines.values())))
    # Compatibility characters share their glyphs, so that one may be read back as another that looks the same.
    read_back = set(read(data).text)
    unlike = {name: set(line) - read_back for name, line in lines.items() if name != "compatibility"}
    assert {name: found for name, found in unlike.items() if found} == {}
    assert 0 not in glyphs(data)


def test_a_character_in_no_face_is_refused_by_name() -> None:
    with pytest.raises(CharacterMissing) as refused:
        papers.result_notices([replace(samples.RESULT, name="孟\ue123雨")])
    assert refused.value.characters == ("\ue123",)
    assert "（U+E123）" in refused.value.message and "文书未生成" in refused.value.message
    # The first ideograph of Extension G that no installed face draws, if there is one; else a code not yet given out.
    codes = [*range(0x30000, 0x3134B), 0x3FFFD]
    unknown = next(chr(code) for code in codes if fonts.missing_characters(chr(code)))
    with pytest.raises(CharacterMissing) as refused:
        papers.result_notices([replace(samples.RESULT, name=f"孟{unknown}雨")])
    assert unknown in refused.value.message and f"U+{ord(unknown):04X}" in refused.value.message


@pytest.fixture
def uncut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A checkout in which no faces have been cut."""
    caches = (fonts._coverage, fonts._common, layout.configuration, layout.stylesheet)
    monkeypatch.setattr(fonts, "FONT_DIRECTORY", tmp_path)
    for cache in caches:
        cache.cache_clear()
    yield
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


@pytest.mark.usefixtures("uncut")
def test_papers_are_made_before_any_face_is_cut() -> None:
    assert fonts.cut_faces() == []
    found = read(papers.registration_sheet(papers.RegistrationSheetPaper(name="孟𠅤雨")))
    assert found.text == _attachment(day="年月日", name="孟𠅤雨")
    assert all(found.fonts.values()) and all("Gongkao" not in name for name in found.fonts)
