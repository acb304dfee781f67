"""Tables in and out: what people's spreadsheet programs write is read rightly, and what we write is harmless."""

import csv
import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from gongkao.storage.spreadsheets import MAX_COLUMNS, MAX_ROWS, column_letter, read_table, write_table
from gongkao.storage.uploads import UploadRefused


def workbook(rows: list[list[Any]], hidden: bool = False) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"default_date_format": "yyyy-mm-dd", "strings_to_formulas": False})
    if hidden:
        sheet = book.add_worksheet("隐藏")
        sheet.write_string(0, 0, "不应读到")
    sheet = book.add_worksheet("名单")
    if hidden:
        sheet.activate()
        book.worksheets()[0].hide()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return target.getvalue()


def sheet_xml(cells: str, name: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook whose one sheet holds just what is written here."""
    source = zipfile.ZipFile(io.BytesIO(workbook([["x"]])))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "xl/worksheets/sheet1.xml":
                main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
                content = f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'.encode()
                entry = name
            if entry == "xl/_rels/workbook.xml.rels":
                content = content.replace(b"worksheets/sheet1.xml", name.removeprefix("xl/").encode())
            archive.writestr(entry, content)
    return target.getvalue()


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(UploadRefused) as caught:
        read_table(data, name)
    return caught.value.message


def test_cells_become_the_text_that_people_see() -> None:
    rows = [
        ["代码", "日期", "时刻", "金额", "是否", " 名称\u200b "],
        [410122, date(2025, 3, 31), datetime(2025, 3, 31, 9, 5), 12.5, True, "=甲"],
        [],
        ["", "", "", "", False],
    ]
    assert read_table(workbook(rows), "名单.xlsx") == [
        ["代码", "日期", "时刻", "金额", "是否", "名称"],
        ["410122", "2025-03-31", "2025-03-31 09:05", "12.5", "是", "=甲"],
        ["", "", "", "", "", ""],
        ["", "", "", "", "否", ""],
    ]


def test_rows_keep_their_places_below_a_title_and_blank_lines() -> None:
    rows = read_table(sheet_xml('<row r="3"><c r="B3" t="inlineStr"><is><t>甲</t></is></c></row>'), "名单.xlsx")
    assert rows == [["", ""], ["", ""], ["", "甲"]]


def test_the_first_visible_sheet_is_read() -> None:
    assert read_table(workbook([["甲"]], hidden=True), "名单.xlsx") == [["甲"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_text_tables_are_read_as_every_program_saves_them(encoding: str, delimiter: str, end: str) -> None:
    text = end.join([f"单位名称{delimiter}代码", f'"甲{delimiter}乙"{delimiter}001', ""])
    assert read_table(text.encode(encoding), "名单.csv") == [["单位名称", "代码"], [f"甲{delimiter}乙", "001"]]


def test_an_xls_is_read(xls: bytes) -> None:
    assert read_table(xls, "名单.xls") == [["单位名称", "统一社会信用代码"], ["中牟县晴川站", "12410122000000123X"]]


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "名单.xlsx", "空文件"),
        (workbook([]), "名单.xlsx", "没有内容"),
        (workbook([["", " "]]), "名单.xlsx", "没有内容"),
        (b"\r\n,,\r\n", "名单.csv", "没有内容"),
        (workbook([["甲"]])[:-200], "名单.xlsx", "名单.xlsx"),
        (b'"\xe7\x94\xb2', "名单.csv", "引号"),
        ("甲".encode("utf-16"), "名单.csv", "实际内容不是"),
        (b"PK\x05\x06" + bytes(18), "名单.xlsx", "实际内容"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le"), "名单.xls", "损坏"),
        (b"a" * 40, "名单.txt", "扩展名"),
    ],
)
def test_broken_and_empty_tables_are_refused(data: bytes, name: str, words: str) -> None:
    assert words in refusal(data, name)


@pytest.mark.parametrize("number", [410122198506120211, -(10**15), 1.2e17])
def test_a_number_that_lost_its_end_is_refused_with_its_cell(number: float) -> None:
    message = refusal(workbook([["姓名", "身份证号"], ["甲", number]]), "名单.xlsx")
    assert "第2行B列" in message and "文本" in message


def test_a_number_of_fifteen_digits_is_whole() -> None:
    assert read_table(workbook([[999_999_999_999_999]]), "名单.xlsx") == [["999999999999999"]]


def test_a_long_number_in_a_text_table_is_refused_where_the_program_cut_it() -> None:
    text = "单位名称,统一社会信用代码\r\n甲,{}\r\n"
    assert "第2行B列" in refusal(text.format("1.24101E+17").encode(), "名单.csv")
    assert read_table(text.format("124101220000000128").encode(), "名单.csv")[1][1] == "124101220000000128"


@pytest.mark.parametrize("value", ["NaN", "inf", "1e400"])
def test_what_is_no_number_is_refused_too(value: str) -> None:
    data = sheet_xml(f'<row r="1"><c r="A1"><v>{value}</v></c></row>')
    assert "第1行A列" in refusal(data, "名单.xlsx")


@pytest.mark.parametrize(
    "cell",
    [
        f'<row r="{MAX_ROWS + 1}"><c r="A{MAX_ROWS + 1}"><v>1</v></c></row>',
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row r='1048576'><c r='A1048576'><v>1</v></c></row>",
        '<row r = "1"><c r = "xfd1"><v>1</v></c></row>',
        '<row><c s="1" r="A99999999"><v>1</v></c></row>',
        f'<row r="1"><c r="{column_letter(MAX_COLUMNS)}1"><v>1</v></c></row>',
    ],
)
@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "xl/elsewhere/data.xml"])
def test_one_cell_far_off_does_not_fill_the_memory(cell: str, name: str) -> None:
    assert f"超过 {MAX_ROWS} 行或 {MAX_COLUMNS} 列" in refusal(sheet_xml(cell, name), "名单.xlsx")


def test_a_part_larger_than_it_claims_is_refused() -> None:
    data = workbook([["甲"]])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo("xl/sharedStrings.xml")
        size = entry.file_size.to_bytes(4, "little")
        check = entry.CRC.to_bytes(4, "little")
    lying = data.replace(
        check + entry.compress_size.to_bytes(4, "little") + size,
        check + entry.compress_size.to_bytes(4, "little") + (5).to_bytes(4, "little"),
    )
    assert lying != data
    assert "损坏" in refusal(lying, "名单.xlsx")


def test_too_many_rows_are_refused_and_the_most_are_taken() -> None:
    most = "名称\r\n" + "甲\r\n" * (MAX_ROWS - 1)
    assert len(read_table(most.encode(), "名单.csv")) == MAX_ROWS
    assert "超过" in refusal((most + "甲\r\n").encode(), "名单.csv")


@given(data=st.binary(max_size=300), name=st.sampled_from(["名单.xlsx", "名单.xls", "名单.csv"]))
def test_whatever_is_sent_there_is_a_table_or_a_message(data: bytes, name: str) -> None:
    try:
        rows = read_table(data, name)
    except UploadRefused as error:
        assert error.message
    else:
        assert rows and len({len(row) for row in rows}) == 1


DANGEROUS = [
    "=1+1",
    '=HYPERLINK("http://x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "=cmd|'/c calc'!A0",
    "{=1}",
    "http://x.example",
]


def test_text_is_never_written_as_a_formula_or_a_link() -> None:
    data = write_table(["内容"], [[text] for text in DANGEROUS], title="名单")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet and b"<hyperlink" not in sheet
    cells = openpyxl.load_workbook(io.BytesIO(data)).active
    assert [cell.data_type for cell in next(iter(cells.columns))[1:]] == ["s"] * len(DANGEROUS)
    assert [cell.value for cell in next(iter(cells.columns))[1:]] == DANGEROUS


def test_what_is_written_is_read_again() -> None:
    headers = ["姓名", "身份证号", "日期", "时刻", "成绩", "是否", "空"]
    rows = [["甲", "410122198506120211", date(2025, 3, 31), datetime(2025, 3, 31, 9, 5), Decimal("88.5"), True, None]]
    assert read_table(write_table(headers, rows, title="名单"), "名单.xlsx") == [
        headers,
        ["甲", "410122198506120211", "2025-03-31", "2025-03-31 09:05", "88.5", "是", ""],
    ]


def test_a_template_keeps_long_numbers_typed_in_later_as_text() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_table(["姓名", "代码"], [], title="模板", widths=(20, 30))))
    sheet = book.active
    assert sheet.title == "模板" and sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["B"].width == pytest.approx(30, abs=1)
    with zipfile.ZipFile(io.BytesIO(write_table(["姓名", "代码"], [], title="模板"))) as archive:
        assert b'formatCode="@"' in archive.read("xl/styles.xml")


@pytest.mark.parametrize("title", ["'2025年[名单]:*?/\\'", "长" * 60, "", "'''"])
def test_any_title_makes_a_sheet_name(title: str) -> None:
    assert read_table(write_table(["甲"], [["1"]], title=title), "名单.xlsx") == [["甲"], ["1"]]


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_are_named_as_the_spreadsheet_names_them(index: int, letters: str) -> None:
    assert column_letter(index) == letters


@pytest.fixture(scope="module")
def xls() -> bytes:
    from tests.storage.old_excel import write_xls

    return write_xls([["单位名称", "统一社会信用代码"], ["中牟县晴川站", "12410122000000123X"]])


def test_csv_from_the_standard_library_is_read() -> None:
    target = io.StringIO()
    csv.writer(target).writerows([["甲", '引"号'], ["两\n行", "2"]])
    assert read_table(target.getvalue().encode(), "名单.csv") == [["甲", '引"号'], ["两\n行", "2"]]
