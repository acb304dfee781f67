"""One post, one effect: a form that is sent again (the answer was lost, a second click) is not done again.

The web layer says which post a request is (`post`); the use case's transaction puts it on record (`take`), so that it
is on record exactly when what it did is kept. Of two at the same moment the database's unique key lets one through.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from gongkao.clock import real_time
from gongkao.extensions import WRITE, db
from gongkao.models import HandledPost

# How long a page may lie open and still be recognised; the phone keeps what it could not send as long.
KEPT = timedelta(days=7)
_LONGEST_LOCATION = 500


class AlreadyHandled(Exception):
    """This very post has been handled; nothing is to be done for it."""


@dataclass
class Post:
    """The present request's post: 64 hex digits of who sent what, and whether its effect is kept."""

    digest: str
    kept: bool = False


post: ContextVar[Post | None] = ContextVar("post", default=None)


@contextlib.contextmanager
def in_steps() -> Iterator[None]:
    """For a use case of several transactions, each of them harmless when it comes again: the first one to be kept must
    not make the whole a handled one, or what a crash left over could not be asked for again.
    """
    before = post.set(None)
    try:
        yield
    finally:
        post.reset(before)


def earlier(digest: str) -> str | None:
    """Where the answer to the same post led ("" where that is not known); None if it was not handled yet."""
    return db.session.scalar(select(HandledPost.location).where(HandledPost.digest == digest))


def take(session: Session) -> None:
    """Put the request's post on record inside the caller's transaction. Raises AlreadyHandled."""
    present = post.get()
    if present is None or present.kept:
        return
    try:
        session.execute(insert(HandledPost).values(digest=present.digest, at=real_time(), location=""))
    except IntegrityError as error:
        raise AlreadyHandled from error


def keep() -> None:
    """The caller's transaction is kept, and the post with it."""
    present = post.get()
    if present is not None:
        present.kept = True


def answered(digest: str, location: str) -> None:
    """Note where the answer leads. Should that fail, the post still counts as handled."""
    if len(location) <= _LONGEST_LOCATION:
        with contextlib.suppress(SQLAlchemyError), _aside() as connection:
            connection.execute(update(HandledPost).where(HandledPost.digest == digest).values(location=location))


def give_back(digest: str) -> None:
    """The form was refused after all: the same page may be sent again."""
    with contextlib.suppress(SQLAlchemyError), _aside() as connection:
        connection.execute(delete(HandledPost).where(HandledPost.digest == digest))


def forget_old() -> None:
    """Remove posts whose pages nobody has open any more."""
    with _aside() as connection:
        connection.execute(delete(HandledPost).where(HandledPost.at < real_time() - KEPT))


@contextlib.contextmanager
def _aside() -> Iterator[Connection]:
    """A transaction of its own, so that what the request has read stays as it was.

    It does not wait for the disk: lost in a power cut it would only have been a convenience.
    """
    with db.engine.connect() as connection:
        connection = connection.execution_options(**{WRITE: True})
        raw: Any = connection.connection.dbapi_connection
        on_sqlite = connection.dialect.name == "sqlite"
        if on_sqlite:
            raw.execute("PRAGMA synchronous=NORMAL")
        try:
            with connection.begin():
                if not on_sqlite:
                    connection.execute(text("SET LOCAL synchronous_commit TO off"))
                yield connection
        finally:
            if on_sqlite:
                raw.execute("PRAGMA synchronous=FULL")
