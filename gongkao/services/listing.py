"""Lists: search, filters, sort, paging and export, the same way everywhere.

A service describes its list as a `Listing`; `run` gives one page of it and `export` all that is filtered as .xlsx.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select

from gongkao import sealing
from gongkao.extensions import db
from gongkao.models.types import Identified
from gongkao.services.replica import from_replica
from gongkao.storage.spreadsheets import write_table

PER_PAGE = 20
# Rows are counted so far; where there are more, the page says so. Nobody leafs through 100 pages.
COUNT_LIMIT = 2_000
EXPORT_LIMIT = 50_000
_WHOLE_IDENTITY = re.compile(r"[0-9]{17}[0-9X]")
_IDENTITY_END = re.compile(r"[0-9]{3}[0-9X]")


@dataclass(frozen=True)
class Cell:
    """What stands in one field: `chip` is the tone of a state chip (neutral, info, needs, done, refused)."""

    text: str
    chip: str | None = None
    href: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Column:
    """`value` turns a row into its cell; `sort` is the SQL to order by, None where the column cannot be sorted."""

    key: str
    label: str
    value: Callable[[Any], Cell | str]
    sort: Any = None
    align: str = "left"
    kind: str = "text"

    @property
    def sortable(self) -> bool:
        return self.sort is not None


@dataclass(frozen=True)
class Filter:
    """`where` turns a chosen value into a condition; only the values of `choices` are accepted.

    One that is not `shown` is chosen elsewhere on the page, such as by the counts above the list.
    """

    key: str
    label: str
    choices: Sequence[tuple[str, str]]
    where: Callable[[str], ColumnElement[bool]]
    shown: bool = True


@dataclass(frozen=True)
class Listing:
    """One list. `query` selects one entity, already narrowed to the person's scope; `tie` makes every order total.

    `choosable` says which rows may be ticked where several can be dealt with at once.
    """

    title: str
    query: Select[Any]
    columns: Sequence[Column]
    tie: Any
    search: Sequence[Callable[[str], ColumnElement[bool]]] = ()
    search_hint: str = ""
    filters: Sequence[Filter] = ()
    sort: str = ""
    descending: bool = False
    empty_text: str = "没有符合条件的记录。"
    choosable: Callable[[Any], bool] = lambda _row: True
    # The same rows, asked for in the way that counting them is quick in, where that is another than in their order.
    count_from: Select[Any] | None = None


@dataclass(frozen=True)
class Row:
    """`choosable` tells whether it may be ticked for what is done to several rows at once."""

    id: int
    cells: Sequence[Cell]
    href: str | None = None
    choosable: bool = True


@dataclass
class Page:
    """One page of a list, with what the list macro needs to draw it.

    `total` counts the rows so far as they were counted; `more` tells that there are more than that.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    total: int
    number: int
    per_page: int
    sort: str
    descending: bool
    search: str
    search_hint: str
    empty_text: str
    filters: Sequence[dict[str, Any]]
    summary: Sequence[dict[str, Any]] = ()
    export_url: str | None = None
    url: Callable[..., str] = field(default=lambda **_: "")
    more: bool = False

    @property
    def total_text(self) -> str:
        """1,237 or 5,000以上"""
        return f"{self.total:,}以上" if self.more else f"{self.total:,}"

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))


def contains(column: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda term: column.icontains(term, autoescape=True)


def ends_with(column: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda term: column.endswith(term.upper(), autoescape=True)


def of_identity(model: type[Identified]) -> Callable[[str], ColumnElement[bool]]:
    """By the identity number, which lies sealed: the whole of it, or its last four characters."""

    def match(term: str) -> ColumnElement[bool]:
        number = term.upper()
        if _WHOLE_IDENTITY.fullmatch(number):
            return model.identity_hash == sealing.lookup(number)
        return model.identity_tail == sealing.tail(number) if _IDENTITY_END.fullmatch(number) else false()

    return match


def _narrowed(listing: Listing, args: Mapping[str, str], query: Select[Any] | None = None) -> Select[Any]:
    query = listing.query if query is None else query
    term = args.get("q", "").strip()[:60]
    if term and listing.search:
        query = query.where(or_(*(match(term) for match in listing.search)))
    for item in listing.filters:
        value = args.get(item.key, "")
        if any(value == choice for choice, _ in item.choices if choice):
            query = query.where(item.where(value))
    return query


def _order(listing: Listing, args: Mapping[str, str]) -> tuple[str, bool, list[Any]]:
    sorts = {column.key: column.sort for column in listing.columns if column.sort is not None}
    key = args.get("sort", "")
    if key in sorts:
        descending = args.get("order") == "desc"
    else:
        key, descending = listing.sort, listing.descending
    order = [listing.tie.desc() if descending else listing.tie.asc()]
    if key in sorts:
        order.insert(0, sorts[key].desc() if descending else sorts[key].asc())
    return key, descending, order


def _cells(listing: Listing, row: Any) -> list[Cell]:
    values = (column.value(row) for column in listing.columns)
    return [value if isinstance(value, Cell) else Cell(value) for value in values]


def _whole_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def run(listing: Listing, args: Mapping[str, str], link: Callable[[Any], str | None] = lambda _row: None) -> Page:
    """One page of the list.

    `args` are the page's query arguments (q, sort, order, page, and the filters' keys); unknown or broken ones are
    ignored. `link` gives a row's address.
    """
    query = _narrowed(listing, args)
    key, descending, order = _order(listing, args)
    number = max(_whole_number(args.get("page", "1")), 1)
    quick = None if listing.count_from is None else _narrowed(listing, args, listing.count_from)
    searched = bool(args.get("q", "").strip() and listing.search)
    keys, total, more = _one_page(listing, query, quick, order, number, searched=searched)
    if not keys and number > 1:
        # Beyond the last page: the last one that was counted stands for it.
        number = max(1, -(-min(total, COUNT_LIMIT) // PER_PAGE))
        keys, total, more = _one_page(listing, query, quick, order, number, searched=searched)
    found = db.session.scalars(listing.query.order_by(None).where(listing.tie.in_(keys))).unique() if keys else ()
    places = {key: place for place, key in enumerate(keys)}
    return Page(
        columns=listing.columns,
        rows=[
            Row(row.id, _cells(listing, row), link(row), listing.choosable(row))
            for row in sorted(found, key=lambda row: places[getattr(row, listing.tie.key)])
        ],
        total=total,
        more=more,
        number=number,
        per_page=PER_PAGE,
        sort=key,
        descending=descending,
        search=args.get("q", "").strip()[:60],
        search_hint=listing.search_hint,
        empty_text=listing.empty_text,
        filters=[
            {"key": item.key, "label": item.label, "value": args.get(item.key, ""), "choices": item.choices}
            for item in listing.filters
            if item.shown
        ],
    )


def _one_page(
    listing: Listing, query: Select[Any], quick: Select[Any] | None, order: list[Any], number: int, *, searched: bool
) -> tuple[list[Any], int, bool]:
    """The ties of one page's rows in order, how many rows there are, and whether there are more than were counted.

    Without what the rows themselves show. A search is done once, in the list's order until COUNT_LIMIT rows are found,
    and counted on the way; any other list is read in its order as far as the page goes, and counted apart, as far.
    """
    bare = query.order_by(None).with_only_columns(listing.tie, maintain_column_froms=True)
    skipped = (number - 1) * PER_PAGE
    if searched:
        most = max(COUNT_LIMIT, skipped + PER_PAGE) + 1
        places = bare.add_columns(func.row_number().over(order_by=order).label("place"))
        matches = places.order_by(*order).limit(most).subquery()
        tie, place = matches.c
        found = db.session.execute(
            select(tie, func.count().over()).order_by(place).limit(PER_PAGE).offset(skipped)
        ).all()
        if not found and number > 1:
            return [], db.session.scalar(_counted(bare)) or 0, False
        keys, total = [row[0] for row in found], found[0][1] if found else 0
        return keys, min(total, most - 1), total > COUNT_LIMIT
    counting = _counted(bare if quick is None else quick.with_only_columns(listing.tie, maintain_column_froms=True))
    counted = counting.scalar_subquery()
    found = db.session.execute(bare.add_columns(counted).order_by(*order).limit(PER_PAGE + 1).offset(skipped)).all()
    if not found:
        return [], (db.session.scalar(counting) or 0) if number > 1 else 0, False
    keys, total = [row[0] for row in found], found[0][1]
    return keys[:PER_PAGE], max(min(total, COUNT_LIMIT), skipped + len(keys)), total > COUNT_LIMIT


def _counted(bare: Select[Any]) -> Select[Any]:
    """How many rows a query of ties has, up to one more than COUNT_LIMIT."""
    return select(func.count()).select_from(bare.limit(COUNT_LIMIT + 1).subquery())


def rows(listing: Listing, args: Mapping[str, str], limit: int) -> Sequence[Any]:
    """The first `limit` rows of exactly what is filtered, in the list's order."""
    _, _, order = _order(listing, args)
    return db.session.scalars(_narrowed(listing, args).order_by(None).order_by(*order).limit(limit)).unique().all()


def ids(listing: Listing, args: Mapping[str, str], limit: int) -> list[int]:
    """The ties of the first `limit` rows of exactly what is filtered, in the list's order, without the rows."""
    _, _, order = _order(listing, args)
    keys = _narrowed(listing, args).with_only_columns(listing.tie, maintain_column_froms=True)
    return list(db.session.scalars(keys.order_by(None).order_by(*order).limit(limit)))


@from_replica
def export(listing: Listing, args: Mapping[str, str]) -> bytes:
    """All rows of exactly what is filtered, in the list's order, as an .xlsx file (at most EXPORT_LIMIT rows)."""
    cells = ([cell.text for cell in _cells(listing, row)] for row in rows(listing, args, EXPORT_LIMIT))
    return write_table([column.label for column in listing.columns], cells, title=listing.title)


def neighbours(listing: Listing, args: Mapping[str, str], row_id: int) -> tuple[int | None, int | None]:
    """The ids right before and after a row in exactly what is filtered, in the list's order; None where none is."""
    _, _, order = _order(listing, args)
    places = (
        _narrowed(listing, args)
        .order_by(None)
        .with_only_columns(
            listing.tie.label("row_id"),
            func.lag(listing.tie).over(order_by=order).label("row_before"),
            func.lead(listing.tie).over(order_by=order).label("row_after"),
            maintain_column_froms=True,
        )
        .subquery()
    )
    found = db.session.execute(
        select(places.c.row_before, places.c.row_after).where(places.c.row_id == row_id)
    ).one_or_none()
    return (None, None) if found is None else (found[0], found[1])
