"""From a template and its values to a PDF: the one way every paper takes."""

import threading
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from weasyprint import CSS, HTML, Document
from weasyprint.urls import URLFetcher, URLFetcherResponse

from gongkao.documents import fonts
from gongkao.documents.text import chinese_date, qr_code

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "documents"

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
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["chinese_date"] = chinese_date
    environment.filters["qr_code"] = qr_code
    return environment


@cache
def _stylesheet() -> CSS:
    """The sheet all papers share, read once a process: the faces, and a variable for each family's chain."""
    chains = "\n".join(
        f"  --{name}: {fonts.family_chain(f'Gongkao {name.title()}')};" for name in ("song", "hei", "kai", "mono")
    )
    text = f"{fonts.face_rules()}\n:root {{\n{chains}\n}}\n{(TEMPLATES / 'papers.css').read_text(encoding='utf-8')}"
    return CSS(string=text, font_config=fonts.configuration(), url_fetcher=_LocalFetcher())


def render(template: str, context: Mapping[str, Any], *, title: str) -> bytes:
    """Render one paper as a PDF; the same input gives the same bytes.

    Args:
        template: the template's file name under templates/documents.
        context: the values of the template; a name that is missing is an error, never an empty place.
        title: the paper's title, in Chinese, for the reader's window.
    Raises:
        CharacterMissing: the text holds a character that no installed face can draw.
    """
    _, data = lay_out(fill_template(template, context, title=title))
    return data


def fill_template(template: str, context: Mapping[str, Any], *, title: str) -> str:
    """The paper as HTML, every character of it sure to be drawn. Raises CharacterMissing."""
    html = _environment().get_template(template).render(context, title=title)
    missing = fonts.missing_characters(html)
    if missing:
        raise fonts.CharacterMissing(missing)
    return html


def lay_out(html: str) -> tuple[Document, bytes]:
    """The laid-out pages of a paper, and the PDF made of them."""
    identifier = sha256(html.encode()).digest()[:16]
    with _rendering:
        paper = HTML(string=html, url_fetcher=_LocalFetcher())
        document = paper.render(stylesheets=[_stylesheet()], font_config=fonts.configuration(), pdf_tags=True)
        return document, document.write_pdf(pdf_tags=True, pdf_identifier=identifier)
