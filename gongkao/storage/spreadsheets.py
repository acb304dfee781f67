"""Tables in and out: .xlsx, .xls and .csv read into trimmed text, lists and templates written as .xlsx."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain, islice

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from gongkao.storage.uploads import MEGABYTE, UploadRefused, inspect_upload, short_name

Cell = str | int | float | Decimal | bool | date | datetime | None

TABLE_FORMATS = ("xlsx", "xls", "csv")
MAX_BYTES = 20 * MEGABYTE
MAX_ROWS = 50_000
MAX_COLUMNS = 200
# A spreadsheet keeps numbers to 15 digits: a longer one has already lost its end.
EXACT_LIMIT = 10**15
EXCEL_TEXT_LIMIT = 32_767

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_CELL = re.compile(rb"<(?:\w+:)?(?:c|row)\s[^>]*?\br\s*=\s*[\"']([A-Za-z]*)([0-9]+)[\"']")
# What a spreadsheet makes of a long number when it saves as .csv: 4.10122E+17.
_LOST = re.compile(r"[0-9](?:\.[0-9]+)?E\+1[1-9]")


def read_table(data: bytes, filename: str) -> list[list[str]]:
    """Read the first visible sheet of an .xlsx or .xls, or a .csv in UTF-8 or GB 18030.

    Every cell is trimmed text: whole numbers without ".0", dates as 2025-03-31. Rows stand where they stand in the
    file, so row ``i`` is the file's row ``i + 1``; all have one length; empty rows and columns at the end are cut.
    Raises UploadRefused for a broken, empty or far too large table, and for a number whose last digits are lost.
    """
    upload = inspect_upload(data, filename, formats=TABLE_FORMATS, max_bytes=MAX_BYTES, label="表格")
    rows = _read_csv(data, filename) if upload.extension == ".csv" else _read_workbook(data, upload.extension, filename)
    width = max((_last_filled(row) for row in rows), default=0)
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows or not width:
        raise UploadRefused(f"“{short_name(filename)}”中没有内容，请填写后重新上传。")
    return [(row + [""] * width)[:width] for row in rows]


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook. `widths` are in characters; without them they follow the content."""

    title: str
    headers: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[float] | None = None


def write_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    title: str,
    widths: Sequence[float] | None = None,
) -> bytes:
    """Write a list or a template as .xlsx: row 1 holds the frozen headers, the sheet is named `title`.

    Text is always written as text, never as a formula, and every column is set to text so that long numbers typed
    in later stay whole. Dates and numbers keep their type. `widths` are in characters; without them they follow the
    content.
    """
    return write_workbook([Sheet(title, headers, rows, widths)], title=title)


def write_workbook(sheets: Sequence[Sheet], *, title: str) -> bytes:
    """Write several sheets, each as `write_table` writes one, into one .xlsx file."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"title": title})
    for sheet in sheets:
        _write_sheet(book, sheet)
    book.close()
    return output.getvalue()


def _write_sheet(book: xlsxwriter.Workbook, content: Sheet) -> None:
    headers, widths = content.headers, content.widths
    sheet = book.add_worksheet(_sheet_name(content.title))
    font = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
    head = book.add_format({**font, "bold": True, "bg_color": "#E8EEF5", "border": 1, "text_wrap": True})
    text = book.add_format({**font, "num_format": "@"})
    number = book.add_format(font)
    day = book.add_format({**font, "num_format": "yyyy-mm-dd", "align": "left"})
    moment = book.add_format({**font, "num_format": "yyyy-mm-dd hh:mm", "align": "left"})

    remaining = iter(content.rows)
    sample = list(islice(remaining, 200))
    for column, width in enumerate(widths or _fitting_widths(headers, sample)):
        sheet.set_column(column, column, width, text)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_row(0, 24)
    for column, header in enumerate(headers):
        sheet.write_string(0, column, header, head)
    last = 0
    for last, row in enumerate(chain(sample, remaining), start=1):
        for column, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, datetime):
                sheet.write_datetime(last, column, value.replace(tzinfo=None), moment)
            elif isinstance(value, date):
                sheet.write_datetime(last, column, value, day)
            elif _is_number(value):
                sheet.write_number(last, column, value, number)
            else:
                sheet.write_string(last, column, _written(value)[:EXCEL_TEXT_LIMIT], text)
    if last:
        sheet.autofilter(0, 0, last, len(headers) - 1)


def _is_number(value: Cell) -> bool:
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return number and -EXACT_LIMIT < value < EXACT_LIMIT  # type: ignore[operator]


def column_letter(index: int) -> str:
    """The spreadsheet's letter of a column counted from 0: 0 → "A", 26 → "AA"."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _read_workbook(data: bytes, extension: str, filename: str) -> list[list[str]]:
    broken = f"“{short_name(filename)}”无法打开，表格可能已损坏，请用 Excel 或 WPS 另存为 .xlsx 后重新上传。"
    if extension == ".xlsx":
        _check_extent(data, filename, broken)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            visible = [
                index for index, sheet in enumerate(book.sheets_metadata) if sheet.visible == SheetVisibleEnum.Visible
            ]
            sheet = book.get_sheet_by_index(visible[0] if visible else 0)
            if sheet.total_height > MAX_ROWS or sheet.total_width > MAX_COLUMNS:
                raise _too_large(filename)
            values = sheet.to_python(skip_empty_area=False)
    except PasswordError as error:
        raise UploadRefused(f"“{short_name(filename)}”设有打开密码，请去掉密码后重新上传。") from error
    # The reader reports some broken files as plain errors of the format below it.
    except (CalamineError, ValueError, OSError, IndexError) as error:
        if isinstance(error, UploadRefused):
            raise
        raise UploadRefused(broken) from error
    if len(values) > MAX_ROWS:
        raise _too_large(filename)
    return [
        [_read_cell(value, row, column) for column, value in enumerate(cells)]
        for row, cells in enumerate(values, start=1)
    ]


def _check_extent(data: bytes, filename: str, broken: str) -> None:
    """Refuse a workbook with one stray cell far off: the reader would fill the whole rectangle up to it.

    A sheet may lie under any name, so every part is read; that also finds a part larger than it claims to be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                for letters, row in _CELL.findall(archive.read(name)):
                    if int(row) > MAX_ROWS or _column_number(letters) > MAX_COLUMNS:
                        raise _too_large(filename)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise UploadRefused(broken) from error


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _too_large(filename: str) -> UploadRefused:
    return UploadRefused(
        f"“{short_name(filename)}”超过 {MAX_ROWS} 行或 {MAX_COLUMNS} 列，请删除表格下方、右侧多余的行和列，"
        "或拆分后分次上传。"
    )


def _read_csv(data: bytes, filename: str) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise UploadRefused(f"“{short_name(filename)}”的文字编码无法识别，请用 Excel 或 WPS 另存为 .xlsx 后重新上传。")
    first = text.split("\n", 1)[0]
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    try:
        rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), MAX_ROWS + 1))
    except csv.Error as error:
        raise UploadRefused(
            f"“{short_name(filename)}”的引号或分隔符有误，无法读取，请用 Excel 或 WPS 另存为 .xlsx 后重新上传。"
        ) from error
    if len(rows) > MAX_ROWS or max(map(len, rows), default=0) > MAX_COLUMNS:
        raise _too_large(filename)
    return [
        [_written_cell(cell, row, column) for column, cell in enumerate(cells)]
        for row, cells in enumerate(rows, start=1)
    ]


def _written_cell(text: str, row: int, column: int) -> str:
    clean = _trimmed(text)
    if _LOST.fullmatch(clean):
        raise _lost_digits(row, column)
    return clean


def _lost_digits(row: int, column: int) -> UploadRefused:
    return UploadRefused(
        f"第{row}行{column_letter(column)}列的数字超过15位，电子表格已丢失它的末几位。"
        "请把该列单元格格式设为“文本”，重新填写后再上传。"
    )


def _read_cell(value: object, row: int, column: int) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float):
        # Written so that what is no number at all is refused too.
        if not abs(value) < EXACT_LIMIT:
            raise _lost_digits(row, column)
        return str(int(value)) if value == int(value) else format(value, ".15g")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds()) // 60
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return _trimmed(str(value))


def _trimmed(text: str) -> str:
    return text.strip().strip(_INVISIBLE).strip()


def _last_filled(row: Sequence[str]) -> int:
    return max((index + 1 for index, cell in enumerate(row) if cell), default=0)


def _written(value: Cell) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


def _fitting_widths(headers: Sequence[str], sample: Sequence[Sequence[Cell]]) -> list[float]:
    widths = [_text_width(header) + 4.0 for header in headers]
    for row in sample:
        for column, value in enumerate(row[: len(widths)]):
            if value is not None:
                widths[column] = max(widths[column], _text_width(_written(value)) + 2.0)
    return [min(max(width, 8.0), 50.0) for width in widths]


def _text_width(text: str) -> float:
    return sum(2.0 if unicodedata.east_asian_width(character) in "WF" else 1.0 for character in text)


def _sheet_name(title: str) -> str:
    # A sheet's name may not hold these, nor begin or end with an apostrophe, nor pass 31 characters.
    return re.sub(r"[\[\]:*?/\\]", " ", title).strip(" '")[:31].strip(" '") or "表"
