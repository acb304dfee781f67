"""Small forms of text that papers share."""

from datetime import date

import segno


def chinese_date(day: date | None, blank: str = "　　　　年　　月　　日") -> str:
    """`2025年3月31日`; without a day, the blank to be filled in by hand."""
    return f"{day.year}年{day.month}月{day.day}日" if day else blank


def qr_code(content: str) -> str:
    """A QR code of `content` as a data URI of an SVG picture, without the quiet zone (the page around it is white)."""
    code = segno.make_qr(content, error="m")
    return str(code.svg_data_uri(border=0, xmldecl=False, svgns=True, omitsize=True))
