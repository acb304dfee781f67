"""Column types and the base class shared by all tables."""

import base64
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, String, Text
from sqlalchemy.orm import Mapped, mapped_column, validates
from sqlalchemy.types import TypeDecorator

from gongkao import sealing
from gongkao.clock import ZONE
from gongkao.extensions import Base, db

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


# A keyed hash as hex digits.
HASH = 64


def by_character(length: int) -> String:
    """Text that is compared character by character on either database, so that a beginning is a range of an index."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Moment(TypeDecorator[datetime]):
    """An aware moment: kept in UTC, given back in Asia/Shanghai, the same on SQLite and PostgreSQL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        if value is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(ZONE)


class Choice(TypeDecorator[Any]):
    """One of a StrEnum's words, kept as plain text so that a reader of the table understands it."""

    impl = String(40)
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, _dialect: Any) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, _dialect: Any) -> Any:
        return None if value is None else self.words(value)


class Sealed(TypeDecorator[str]):
    """A text that lies sealed in the database and is plain in the program; an empty one stays empty.

    `label` is "table.column": what was sealed for one column opens in no other. The same text is sealed differently
    each time, so it cannot be compared or searched by; a keyed hash beside it can (`Identified`).
    """

    impl = String
    cache_ok = True

    def __init__(self, label: str, length: int) -> None:
        """`length` is the longest plain text in bytes."""
        super().__init__(sealing.sealed_width(length))
        self.label = label
        self.plain_length = length

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        return sealing.keyring().seal(value, self.label) if value else value

    def process_result_value(self, value: str | None, _dialect: Any) -> str | None:
        return sealing.keyring().open(value, self.label) if value else value

    class Comparator(TypeDecorator.Comparator[str]):
        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            if other and other[0] is None:
                return super().operate(op, *other, **kwargs)
            raise TypeError("a sealed column is found by its keyed hash, never by itself")

    comparator_factory = Comparator


class WrappedKey(TypeDecorator[str]):
    """A data key's secret, wrapped by a master key from outside the database; in the program as base64."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        return None if value is None else sealing.keyring().wrap(base64.b64decode(value))

    def process_result_value(self, value: str | None, _dialect: Any) -> str | None:
        return None if value is None else base64.b64encode(sealing.keyring().unwrap(value)).decode("ascii")


class Identified:
    """A row with an identity number: the keyed hashes that it is found by follow from the number by themselves."""

    identity_hash: Mapped[str] = mapped_column(String(HASH), index=True)
    identity_tail: Mapped[str] = mapped_column(String(sealing.TAIL))

    @validates("identity_number")
    def _hash(self, _key: str, number: str) -> str:
        self.identity_hash, self.identity_tail = sealing.lookup(number), sealing.tail(number)
        return number
