"""A PDF as a test reads it."""

from dataclasses import dataclass
from io import BytesIO

import pikepdf
import pypdfium2

MILLIMETRE = 72 / 25.4


@dataclass(frozen=True)
class Reading:
    """`pages` is each page's text without any white space; `edges` the outermost (left, right) of its text, in mm."""

    pages: list[str]
    edges: list[tuple[float, float]]
    title: str
    language: str
    tagged: bool
    fonts: dict[str, bool]

    @property
    def text(self) -> str:
        return "".join(self.pages)


def read(data: bytes) -> Reading:
    pages, edges = [], []
    document = pypdfium2.PdfDocument(data)
    for page in document:
        text = page.get_textpage()
        pages.append("".join(text.get_text_range().split()))
        boxes = [
            text.get_charbox(index) for index in range(text.count_chars()) if text.get_text_range(index, 1).strip()
        ]
        edges.append((min(box[0] for box in boxes) / MILLIMETRE, max(box[2] for box in boxes) / MILLIMETRE))
    document.close()
    with pikepdf.open(BytesIO(data)) as pdf:
        return Reading(
            pages,
            edges,
            title=str(pdf.docinfo["/Title"]),
            language=str(pdf.Root.Lang),
            tagged=bool(pdf.Root.MarkInfo.Marked) and "/StructTreeRoot" in pdf.Root,
            fonts=_fonts(pdf),
        )


def _fonts(pdf: pikepdf.Pdf) -> dict[str, bool]:
    """Every font's name, and whether it is embedded."""
    found = {}
    for page in pdf.pages:
        for font in page.Resources.get("/Font", {}).values():
            for inner in font.get("/DescendantFonts", [font]):
                descriptor = inner.get("/FontDescriptor", {})
                found[str(inner.BaseFont)] = any(key.startswith("/FontFile") for key in descriptor)
    return found
