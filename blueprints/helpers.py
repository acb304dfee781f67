"""Small things that every blueprint's views need."""

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response, flash, g, request, send_file, url_for
from flask_login import current_user
from flask_wtf import FlaskForm

from gongkao.models import Account, Role
from gongkao.rules.errors import RuleError
from gongkao.services import listing, waiting
from gongkao.services.errors import FieldsRefused
from gongkao.services.kept import Figures

Outcome = TypeVar("Outcome")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def account() -> Account:
    """The signed-in account itself."""
    return current_user._get_current_object()


def waits() -> dict[str, int]:
    """How much work waits for the signed-in account, by kind (`waiting.counts`); asked for once a request."""
    if "waits" not in g:
        g.waits = waiting.counts(account())
    return g.waits


def as_of(figures: Figures[Any]) -> list[dict[str, Any]]:
    """What stands after figures above a list: of when they are, where that is not this moment."""
    return [{"label": figures.moment, "href": None}] if figures.moment else []


def attempt(form: FlaskForm | None, use_case: Callable[[], Outcome]) -> tuple[bool, Outcome | None]:
    """Run a use case. A refusal is put beside its field, or on top of the page, and (False, None) comes back."""
    try:
        return True, use_case()
    except FieldsRefused as error:
        for name, message in error.fields.items():
            target = getattr(form, name, None) if form is not None else None
            if target is not None and hasattr(target, "errors"):
                target.errors = [*target.errors, message]
            else:
                flash(message, "error")
    except RuleError as error:
        flash(error.message, "error")
    return False, None


def refusal(error: RuleError) -> dict[str, str]:
    """The messages of a refusal by field; one that concerns no field is put on top of the page, under ""."""
    if isinstance(error, FieldsRefused):
        return error.fields
    flash(error.message, "error")
    return {"": error.message}


def query_args() -> dict[str, Any]:
    """The address's arguments, without those that would mean something to `url_for` itself."""
    return {key: value for key, value in request.args.items() if key != "endpoint" and not key.startswith("_")}


def list_page(
    source: listing.Listing,
    *,
    link: Callable[[Any], str | None] = lambda _row: None,
    export_endpoint: str | None = None,
    summary: list[dict[str, Any]] | None = None,
) -> listing.Page:
    """The asked-for page of a list, with its addresses; the arguments are kept in every one of them."""
    args = query_args()
    page = listing.run(source, args, link)
    # These lead to the page shown, and to no other.
    for key in ("after", "before"):
        args.pop(key, None)

    def address(**changes: Any) -> str:
        kept = {**args, **(request.view_args or {}), **changes}
        return url_for(str(request.endpoint), **{key: value for key, value in kept.items() if value != ""})

    page.url = address
    if export_endpoint is not None:
        kept = {key: value for key, value in args.items() if key != "page" and value != ""}
        page.export_url = url_for(export_endpoint, **{**kept, **(request.view_args or {})})
    page.summary = summary or []
    return page


def list_export(source: listing.Listing) -> Response:
    """The whole filtered list as an Excel file."""
    return attachment(listing.export(source, request.args.to_dict()), f"{source.title}.xlsx", XLSX)


def attachment(data: bytes, name: str, media_type: str) -> Response:
    return send_file(BytesIO(data), mimetype=media_type, as_attachment=True, download_name=name)


def inline(data: bytes, name: str, media_type: str) -> Response:
    """A file shown in the browser; only PDFs and images, never anything that could run."""
    return send_file(BytesIO(data), mimetype=media_type, as_attachment=False, download_name=name)


def row_id(text: str) -> int | None:
    """The id in a request's argument; None for anything that no row can have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def safe_next(target: str | None) -> str | None:
    """The address to return to after signing in, if it is a path of this site."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc or "\\" in target else target


def page_layout() -> str:
    """Applicants have their own frame; everybody else works in the office's."""
    return "layouts/person.html" if account().role is Role.APPLICANT else "layouts/office.html"


def long_date(day: date | None) -> str:
    """2025年3月31日"""
    return f"{day.year}年{day.month}月{day.day}日" if day else ""
