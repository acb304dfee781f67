"""Lists: search, filters, sort, paging and export, the same way everywhere.

A service describes its list as a `Listing`; `run` gives one page of it and `export` all that is filtered as .xlsx.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, false, func, literal, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, with_expression
from sqlalchemy.sql.util import find_tables

from gongkao import sealing
from gongkao.extensions import db
from gongkao.models.types import Identified
from gongkao.services import kept
from gongkao.services.replica import from_replica
from gongkao.storage.spreadsheets import write_table

PER_PAGE = 20
# A search that finds more is narrowed down, not leafed through.
FOUND_LIMIT = 500
EXPORT_LIMIT = 50_000
NOTHING_FITS = "没有符合条件的内容。请更换或清除条件。"
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
    # The same rows without what is joined only to be shown, searched and ordered by; the filters work on it too.
    bare: Select[Any] | None = None
    # The same rows, asked for in the way that counting them is quick in, where that is another than in their order.
    count_from: Select[Any] | None = None

    def where(self, *conditions: ColumnElement[bool]) -> "Listing":
        """The same list of those rows only that fit. The conditions may look at whatever the whole query joins."""
        return replace(self, query=self.query.where(*conditions), bare=None, count_from=None)


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

    `total` counts the rows so far as they were counted; `more` tells that there are more than that. `previous` and
    `next` are what an address needs for the page before and after.
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
    previous: Mapping[str, int | str] = field(default_factory=dict)
    next: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def total_text(self) -> str:
        """1,237 or 5,000以上"""
        return f"{self.total:,}以上" if self.more else f"{self.total:,}"

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))


def counting(query: Select[Any], **counts: Any) -> Select[Any]:
    """A list's query with what its columns count, by the names of the entity's `query_expression`s.

    Counted anew also for a row that the session knows already.
    """
    entity = query.column_descriptions[0]["entity"]
    options = (with_expression(getattr(entity, name), count) for name, count in counts.items())
    return query.options(*options).execution_options(populate_existing=True)


def contains(column: Any) -> Callable[[str], ColumnElement[bool]]:
    """Whether a text holds what is looked for, in capital letters or small ones."""

    def match(term: str) -> ColumnElement[bool]:
        # Chinese has neither: compared as it stands, twice as quickly.
        alike = term.upper() == term.lower()
        return column.contains(term, autoescape=True) if alike else column.icontains(term, autoescape=True)

    return match


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


@dataclass(frozen=True)
class _Order:
    """The order of a list: by an expression, if any, and where that is the same by the tie."""

    key: str
    by: Any
    tie: Any
    descending: bool

    def clauses(self, *, backwards: bool = False) -> list[Any]:
        down = self.descending != backwards
        keys = (self.tie,) if self.by is None else (self.by, self.tie)
        return [one.desc() if down else one.asc() for one in keys]

    def beyond(self, value: Any, tie: int | str, *, backwards: bool = False) -> ColumnElement[bool]:
        """The rows after the one with this value and tie, or before it: read from an index, none is skipped over."""
        down = self.descending != backwards
        further = self.tie < tie if down else self.tie > tie
        if self.by is None:
            return further
        # Rows without a value: PostgreSQL has them after all others, SQLite before them.
        at_end = (db.engine.dialect.name == "postgresql") != down
        if value is None:
            same = and_(self.by.is_(None), further)
            return same if at_end else or_(same, self.by.is_not(None))
        here, there = tuple_(self.by, self.tie), tuple_(literal(value, self.by.type), literal(tie, self.tie.type))
        rest = here < there if down else here > there
        return or_(rest, self.by.is_(None)) if at_end and getattr(self.by, "nullable", True) else rest

    def reads_only(self, query: Select[Any]) -> bool:
        """Whether the query holds all that this order looks at."""
        if not isinstance(self.by, InstrumentedAttribute):
            return self.by is None
        tables = [table for one in query.get_final_froms() for table in find_tables(one)]
        return any(self.by.parent.local_table is table for table in tables)


def _order(listing: Listing, args: Mapping[str, str]) -> _Order:
    sorts = {column.key: column.sort for column in listing.columns if column.sort is not None}
    key = args.get("sort", "")
    if key in sorts:
        descending = args.get("order") == "desc"
    else:
        key, descending = listing.sort, listing.descending
    return _Order(key, sorts.get(key), listing.tie, descending)


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
    order = _order(listing, args)
    number = max(_whole_number(args.get("page", "1")), 1)
    searched = bool(args.get("q", "").strip() and listing.search)
    quick = None
    if listing.bare is not None and not searched:
        quick = _narrowed(listing, args, listing.bare)
        query = quick if order.reads_only(quick) else query
    elif listing.count_from is not None:
        quick = _narrowed(listing, args, listing.count_from)
    place = _Place((number - 1) * PER_PAGE) if searched else _place(query, order, args, number)
    keys, total, more = _one_page(listing, query, quick, order, place, searched=searched)
    if not keys and number > 1:
        # Beyond the last page: the last one that was counted stands for it.
        number = max(1, -(-min(total, kept.COUNT_LIMIT) // PER_PAGE))
        place = _Place((number - 1) * PER_PAGE)
        keys, total, more = _one_page(listing, query, quick, order, place, searched=searched)
    found = db.session.scalars(_of_keys(listing, keys)).unique() if keys else ()
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
        sort=order.key,
        descending=order.descending,
        search=args.get("q", "").strip()[:60],
        search_hint=listing.search_hint,
        empty_text=_empty_text(listing, args),
        filters=[
            {"key": item.key, "label": item.label, "value": args.get(item.key, ""), "choices": item.choices}
            for item in listing.filters
            if item.shown
        ],
        previous={"page": number - 1, **({"before": keys[0]} if keys and not searched and _deep(number - 1) else {})},
        next={"page": number + 1, **({"after": keys[-1]} if keys and not searched and _deep(number + 1) else {})},
    )


def _of_keys(listing: Listing, keys: Sequence[Any]) -> Select[Any]:
    """The rows with these ties, which were found a moment ago by all conditions.

    Asked for by the ties alone: where the conditions stood beside them, PostgreSQL, which plans a statement once for
    all ties, would go through whatever fits the conditions.
    """
    shown = listing.query.order_by(None)
    # There is no public way to take conditions away.
    shown._where_criteria = ()
    return shown.where(listing.tie.in_(keys))


def _empty_text(listing: Listing, args: Mapping[str, str]) -> str:
    """What stands where no row does: of a list that was narrowed not that nothing is there, but that nothing fits."""
    chosen = any(args.get(key, "").strip() for key in ("q", *(item.key for item in listing.filters)))
    return NOTHING_FITS if chosen and "符合条件" not in listing.empty_text else listing.empty_text


@dataclass(frozen=True)
class _Place:
    """Where a page begins: `skipped` rows lie before it. Deep in a list it is read on from the row next to it."""

    skipped: int
    beyond: ColumnElement[bool] | None = None
    backwards: bool = False


def _deep(number: int) -> bool:
    """Whether a page lies beyond the rows that are counted."""
    return number * PER_PAGE > kept.COUNT_LIMIT


def _place(query: Select[Any], order: _Order, args: Mapping[str, str], number: int) -> _Place:
    skipped = (number - 1) * PER_PAGE
    backwards = "before" in args
    text = args.get("before" if backwards else "after", "")
    if not _deep(number) or not text:
        return _Place(skipped)
    tie = _whole_number(text) if isinstance(order.tie.type, Integer) else text
    value = literal(1) if order.by is None else order.by
    row = query.order_by(None).with_only_columns(value, maintain_column_froms=True).where(order.tie == tie)
    found = db.session.execute(row).one_or_none()
    # A row that has left the list meanwhile gives no hold: the page is counted off instead.
    return _Place(skipped, order.beyond(found[0], tie, backwards=backwards), backwards) if found else _Place(skipped)


def _one_page(
    listing: Listing, query: Select[Any], quick: Select[Any] | None, order: _Order, place: _Place, *, searched: bool
) -> tuple[list[Any], int, bool]:
    """The ties of one page's rows in order, how many rows there are, and whether there are more than were counted.

    Without what the rows themselves show. A search is done once, in the list's order until FOUND_LIMIT rows are found,
    and counted on the way; any other list is read in its order as far as the page goes, and counted apart, as far.
    """
    bare = query.order_by(None).with_only_columns(listing.tie, maintain_column_froms=True)
    if searched:
        most = max(FOUND_LIMIT, place.skipped + PER_PAGE) + 1
        numbered = bare.add_columns(func.row_number().over(order_by=order.clauses()).label("place"))
        matches = numbered.order_by(*order.clauses()).limit(most).subquery()
        tie, rank = matches.c
        found = db.session.execute(
            select(tie, func.count().over()).order_by(rank).limit(PER_PAGE).offset(place.skipped)
        ).all()
        if not found and place.skipped:
            return [], db.session.scalar(count_to_limit(bare)) or 0, False
        keys, total = [row[0] for row in found], found[0][1] if found else 0
        return keys, min(total, most - 1), total > FOUND_LIMIT
    counting = count_to_limit(
        bare if quick is None else quick.with_only_columns(listing.tie, maintain_column_froms=True)
    )
    length = kept.Length(counting)
    number = literal(kept.COUNT_LIMIT + 1) if length.is_long else counting.scalar_subquery()
    reading = bare.add_columns(number).order_by(*order.clauses(backwards=place.backwards))
    reading = reading.offset(place.skipped) if place.beyond is None else reading.where(place.beyond)
    found = db.session.execute(reading.limit(PER_PAGE + 1)).all()
    if not found:
        return [], (db.session.scalar(counting) or 0) if place.skipped else 0, False
    keys, total = [row[0] for row in found], found[0][1]
    length.found(total)
    if place.backwards:
        # The page that one comes from follows.
        keys = [*reversed(keys[:PER_PAGE]), keys[0]]
    return keys[:PER_PAGE], max(min(total, kept.COUNT_LIMIT), place.skipped + len(keys)), total > kept.COUNT_LIMIT


def count_to_limit(bare: Select[Any]) -> Select[Any]:
    """How many rows a query of ties has, up to one more than COUNT_LIMIT."""
    return select(func.count()).select_from(bare.limit(kept.COUNT_LIMIT + 1).subquery())


def rows(listing: Listing, args: Mapping[str, str], limit: int) -> Sequence[Any]:
    """The first `limit` rows of exactly what is filtered, in the list's order."""
    order = _order(listing, args).clauses()
    return db.session.scalars(_narrowed(listing, args).order_by(None).order_by(*order).limit(limit)).unique().all()


def ids(listing: Listing, args: Mapping[str, str], limit: int) -> list[int]:
    """The ties of the first `limit` rows of exactly what is filtered, in the list's order, without the rows."""
    order = _order(listing, args).clauses()
    keys = _narrowed(listing, args).with_only_columns(listing.tie, maintain_column_froms=True)
    return list(db.session.scalars(keys.order_by(None).order_by(*order).limit(limit)))


@from_replica
def export(listing: Listing, args: Mapping[str, str]) -> bytes:
    """All rows of exactly what is filtered, in the list's order, as an .xlsx file (at most EXPORT_LIMIT rows)."""
    cells = ([cell.text for cell in _cells(listing, row)] for row in rows(listing, args, EXPORT_LIMIT))
    return write_table([column.label for column in listing.columns], cells, title=listing.title)


def neighbours(listing: Listing, args: Mapping[str, str], row_id: int) -> tuple[int | None, int | None]:
    """The ids right before and after a row in exactly what is filtered, in the list's order; None where none is."""
    order = _order(listing, args).clauses()
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
