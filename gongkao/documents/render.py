"""From a template and its values to a PDF: the one way every paper takes."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gongkao.documents import fonts
from gongkao.documents.text import chinese_date, qr_code

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "documents"


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


def render(template: str, context: Mapping[str, Any], *, title: str) -> bytes:
    """Render one paper as a PDF; the same input gives the same bytes.

    Args:
        template: the template's file name under templates/documents.
        context: the values of the template; a name that is missing is an error, never an empty place.
        title: the paper's title, in Chinese, for the reader's window.
    Raises:
        CharacterMissing: the text holds a character that no installed face can draw.
    """
    filled = fill_template(template, context, title=title)
    from gongkao.documents.layout import lay_out

    return lay_out(filled)[1]


def fill_template(template: str, context: Mapping[str, Any], *, title: str) -> str:
    """The paper as HTML, every character of it sure to be drawn. Raises CharacterMissing."""
    html = _environment().get_template(template).render(context, title=title)
    missing = fonts.missing_characters(html)
    if missing:
        raise fonts.CharacterMissing(missing)
    return html
