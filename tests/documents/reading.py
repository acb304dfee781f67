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


def glyphs(data: bytes) -> set[int]:
    """The numbers of all glyphs that the file draws; 0 is a face's empty box."""
    found: set[int] = set()
    with pikepdf.open(BytesIO(data)) as pdf:
        for page in pdf.pages:
            for operands, operator in pikepdf.parse_content_stream(page):
                if str(operator) in ("Tj", "TJ"):
                    shown = operands[0] if str(operator) == "TJ" else operands
                    for text in shown:
                        if isinstance(text, pikepdf.String):
                            codes = bytes(text)
                            found.update(int.from_bytes(codes[at : at + 2]) for at in range(0, len(codes), 2))
    return found


def _fonts(pdf: pikepdf.Pdf) -> dict[str, bool]:
    """Every font's name, and whether it is embedded."""
    found = {}
    for page in pdf.pages:
        for font in page.Resources.get("/Font", {}).values():
            for inner in font.get("/DescendantFonts", [font]):
                descriptor = inner.get("/FontDescriptor", {})
                found[str(inner.BaseFont)] = any(key.startswith("/FontFile") for key in descriptor)
    return found
