"""From a filled-in paper to its pages and its PDF, by WeasyPrint.

The one module that loads WeasyPrint, which takes longer than all the rest of the system: it is imported where a paper
is first laid out, so that commands and pages without papers start without it.
"""

import threading
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from weasyprint import CSS, HTML, Document
from weasyprint.formatting_structure import boxes
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from gongkao.documents import fonts

__all__ = ["Document", "boxes", "lay_out"]

SHEET = Path(__file__).resolve().parents[2] / "templates" / "documents" / "papers.css"

# The font map that all papers of a process share must not be used by two threads at once.
_rendering = threading.Lock()


class _LocalFetcher(URLFetcher):
    """Serves what a paper carries in itself (data:) and the cut faces; never the network, never another file."""

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        parts = urlsplit(url)
        if parts.scheme == "data":
            return super().fetch(url, headers)
        if parts.scheme == "file":
            path = Path(unquote(parts.path)).resolve()
            if path.is_relative_to(fonts.FONT_DIRECTORY.resolve()):
                return URLFetcherResponse(url, path.read_bytes())
        raise ValueError("a paper may load nothing from outside itself")


@cache
def configuration() -> FontConfiguration:
    """The process's one font configuration: making it reads every font on the machine, so it is made once."""
    return FontConfiguration()


@cache
def stylesheet() -> CSS:
    """The sheet all papers share, read once a process: the faces, and a variable for each family's chain."""
    chains = "\n".join(
        f"  --{name}: {fonts.family_chain(f'Gongkao {name.title()}')};" for name in ("song", "hei", "kai", "mono")
    )
    text = f"{fonts.face_rules()}\n:root {{\n{chains}\n}}\n{SHEET.read_text(encoding='utf-8')}"
    return CSS(string=text, font_config=configuration(), url_fetcher=_LocalFetcher())


def lay_out(html: str) -> tuple[Document, bytes]:
    """The laid-out pages of a paper, and the PDF made of them."""
    identifier = sha256(html.encode()).digest()[:16]
    with _rendering:
        paper = HTML(string=html, url_fetcher=_LocalFetcher())
        document = paper.render(stylesheets=[stylesheet()], font_config=configuration(), pdf_tags=True)
        return document, document.write_pdf(pdf_tags=True, pdf_identifier=identifier)
