"""Small forms of text that papers share, and what they say of a person."""

from dataclasses import dataclass
from datetime import date

import segno


@dataclass(frozen=True)
class OnePerson:
    """What a paper that goes to others, or a line of one, says of a person; a whole identity number is refused with
    ValueError."""

    name: str
    masked_identity_number: str
    unit_name: str

    def __post_init__(self) -> None:
        if self.masked_identity_number and "*" not in self.masked_identity_number:
            raise ValueError("this paper goes to others: the identity number on it must be masked")


def chinese_date(day: date | None, blank: str = "　　　　年　　月　　日") -> str:
    """`2025年3月31日`; without a day, the blank to be filled in by hand."""
    return f"{day.year}年{day.month}月{day.day}日" if day else blank


# All masks make valid codes; trying each to choose the prettiest takes most of the time of making one.
_MASK = 3


def _code(content: str) -> segno.QRCode:
    return segno.make_qr(content, error="m", mask=_MASK)


def qr_code(content: str) -> str:
    """A QR code of `content` as a data URI of an SVG picture, without the quiet zone (the page around it is white)."""
    return str(_code(content).svg_data_uri(border=0, xmldecl=False, svgns=True, omitsize=True))


def qr_size(content: str) -> int:
    """How many modules a side the QR code of `content` has."""
    return len(_code(content).matrix)


def qr_runs(content: str) -> tuple[int, bytes]:
    """The size of the same code, and its dark modules as operators of a PDF path, one run of modules after another."""
    lines = ["0 0 m"]
    matrix = _code(content).matrix
    for row, modules in enumerate(matrix):
        start = None
        for column, dark in enumerate([*modules, 0]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                lines.append(f"{start} {row}.5 m\n{column} {row}.5 l")
                start = None
    return len(matrix), "\n".join(lines).encode() + b"\n"
