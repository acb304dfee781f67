"""Rows by the million into tables that were empty: COPY on PostgreSQL, executemany on SQLite, all or nothing.

Indexes and, on PostgreSQL, references are taken away first and built at the end, which takes a fraction of the time and
proves every reference. Nobody else may be at work on the database meanwhile.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, Date, DateTime, Engine, ForeignKeyConstraint, Numeric, String, Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import AddConstraint, DropConstraint
from sqlalchemy.types import TypeDecorator

from gongkao.extensions import WRITE
from gongkao.models.types import Sealed

# How SQLite learns which index picks how many rows; a sample is enough.
ANALYSIS = ("PRAGMA analysis_limit=200000", "ANALYZE")
Row = Sequence[Any]
_Encoder = Callable[[Any], Any]


class Loader:
    """Takes rows for the models named to `loading`. Whoever gives ids gives all of a table."""

    def __init__(self, connection: Connection) -> None:
        self._dialect = connection.dialect.name
        self._driver: Any = connection.connection.driver_connection
        self._plans: dict[tuple[str, str], Callable[[Iterable[Row]], None]] = {}
        self.rows = 0

    def add(self, model: Any, columns: str, rows: Sequence[Row]) -> None:
        """Write rows of a model whose values stand in the order of `columns`, which are parted by blanks.

        Values are as in the model, enumerations as their words; JSON may be given as text. A column left out gets its
        plain default. Raises ValueError where one is left out that needs a value.
        """
        if not rows:
            return
        key = (model.__tablename__, columns)
        if key not in self._plans:
            plan = _copy if self._dialect == "postgresql" else _executemany
            table, names = model.__table__, columns.split()
            self._plans[key] = plan(self._driver, table, names, _left_out(table, names))
        self._plans[key](rows)
        self.rows += len(rows)


@contextmanager
def loading(engine: Engine, models: Sequence[Any]) -> Iterator[Loader]:
    """Load the models' tables in one transaction, all or nothing.

    Indexes, references and running numbers are right afterwards. Raises IntegrityError where a row refers to one that
    is not there.
    """
    tables = [model.__table__ for model in models]
    # On SQLite an idle connection of the pool would be in the way.
    engine.dispose()
    load = _on_postgresql if engine.dialect.name == "postgresql" else _on_sqlite
    with engine.connect().execution_options(**{WRITE: True}) as connection, load(connection, tables) as loader:
        yield loader


@contextmanager
def _on_postgresql(connection: Connection, tables: Sequence[Table]) -> Iterator[Loader]:
    with connection.begin():
        references = [one for table in tables for one in table.constraints if isinstance(one, ForeignKeyConstraint)]
        for reference in references:
            connection.execute(DropConstraint(reference))
        with _without_indexes(connection, tables):
            yield Loader(connection)
        for reference in references:
            connection.execute(AddConstraint(reference))
        for table in tables:
            if table.autoincrement_column is not None:
                name = table.autoincrement_column.name
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{name}'), max({name})) FROM {table.name}"
                )
    # What the server does by itself after a while: figures for its plans, and which pages all may see.
    with connection.execution_options(isolation_level="AUTOCOMMIT") as alone:
        for table in tables:
            alone.exec_driver_sql(f"VACUUM ANALYZE {table.name}")


@contextmanager
def _on_sqlite(connection: Connection, tables: Sequence[Table]) -> Iterator[Loader]:
    driver: Any = connection.connection.driver_connection
    before = {name: driver.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "cache_size")}
    # With a plain journal, pages that are new are written once and need no copy: the whole load is one transaction.
    driver.execute("PRAGMA journal_mode=DELETE")
    driver.execute("PRAGMA cache_size=-262144")
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.begin():
            with _without_indexes(connection, tables):
                yield Loader(connection)
            _prove_references(driver, tables)
            for statement in ANALYSIS:
                driver.execute(statement)
    finally:
        driver.execute("PRAGMA foreign_keys=ON")
        for name, value in before.items():
            driver.execute(f"PRAGMA {name}={value}")


def _prove_references(driver: Any, tables: Sequence[Table]) -> None:
    for table in tables:
        broken = driver.execute(f"PRAGMA foreign_key_check({table.name})").fetchone()
        if broken is not None:
            raise IntegrityError(f"{broken[0]} refers to a missing row of {broken[2]}", None, Exception(str(broken)))


@contextmanager
def _without_indexes(connection: Connection, tables: Sequence[Table]) -> Iterator[None]:
    indexes = sorted((one for table in tables for one in table.indexes), key=lambda one: str(one.name))
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def _left_out(table: Table, columns: Sequence[str]) -> dict[str, Any]:
    """The plain defaults of the columns that are not given."""
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name in columns:
            continue
        default: Any = column.default
        if default is not None and default.is_scalar:
            found[column.name] = default.arg
        elif not column.nullable and column.server_default is None and column is not table.autoincrement_column:
            raise ValueError(f"{table.name}.{column.name} needs a value")
    return found


def _copy(driver: Any, table: Table, columns: Sequence[str], constants: dict[str, Any]) -> Callable[..., None]:
    names = ", ".join(f'"{name}"' for name in (*columns, *constants))
    statement = f"COPY {table.name} ({names}) FROM STDIN"
    encoders = [_text_of(table.c[name].type) for name in columns]
    tail = "".join(f"\t{_text_of(table.c[name].type)(value)}" for name, value in constants.items()) + "\n"

    def write(rows: Iterable[Row]) -> None:
        lines = ["\t".join([encode(value) for encode, value in zip(encoders, row, strict=True)]) for row in rows]
        with driver.cursor() as cursor, cursor.copy(statement) as target:
            target.write(tail.join(lines) + tail)

    return write


def _executemany(driver: Any, table: Table, columns: Sequence[str], constants: dict[str, Any]) -> Callable[..., None]:
    names = ", ".join(f'"{name}"' for name in (*columns, *constants))
    marks = ", ".join("?" * (len(columns) + len(constants)))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
    encoders = [_value_of(table.c[name].type) for name in columns]
    tail = [_value_of(table.c[name].type)(value) for name, value in constants.items()]

    def write(rows: Iterable[Row]) -> None:
        driver.executemany(
            statement,
            ([encode(value) for encode, value in zip(encoders, row, strict=True)] + tail for row in rows),
        )

    return write


def _plain_type(kind: Any) -> Any:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _sealing(kind: Any) -> _Encoder | None:
    return (lambda value: kind.process_bind_param(value, None)) if isinstance(kind, Sealed) else None


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=65536)
def _utc(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


@lru_cache(maxsize=65536)
def _utc_with_zone(value: datetime) -> str:
    return f"{_utc(value)}+00"


@lru_cache(maxsize=65536)
def _day(value: date) -> str:
    return value.isoformat()


def _value_of(kind: Any) -> _Encoder:
    """How SQLite keeps a value of the type, the same as SQLAlchemy would write it."""
    plain = _plain_type(kind)
    if isinstance(plain, DateTime):
        return lambda value: None if value is None else _utc(value)
    if isinstance(plain, Date):
        return lambda value: None if value is None else _day(value)
    if isinstance(plain, JSON):
        return lambda value: None if value is None else _json(value)
    if isinstance(plain, Numeric):
        return lambda value: float(value) if isinstance(value, Decimal) else value
    return _sealing(kind) or (lambda value: value)


def _text_of(kind: Any) -> _Encoder:
    """A value of the type as COPY's text format writes it."""
    plain = _plain_type(kind)
    if isinstance(plain, DateTime):
        return lambda value: r"\N" if value is None else _utc_with_zone(value)
    if isinstance(plain, Date):
        return lambda value: r"\N" if value is None else _day(value)
    if isinstance(plain, JSON):
        return lambda value: r"\N" if value is None else _escaped(_json(value))
    if isinstance(plain, Boolean):
        return lambda value: r"\N" if value is None else "t" if value else "f"
    sealing = _sealing(kind)
    if sealing is not None:
        return lambda value: r"\N" if value is None else sealing(value)
    if isinstance(plain, String):
        return lambda value: r"\N" if value is None else _escaped(value)
    return lambda value: r"\N" if value is None else str(value)


def _escaped(text: str) -> str:
    if "\\" in text or "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return text
