"""One use case, one transaction."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.exc import StaleDataError

from gongkao.extensions import REPLICA, USE_CASE, WRITE, db
from gongkao.services import handled, replica
from gongkao.services.errors import Conflict

# PostgreSQL gives way between two use cases that wait for each other: deadlock, serialisation, lock not to be had.
_GAVE_WAY = {"40P01", "40001", "55P03"}
_READ = "read_once"
Found = TypeVar("Found")


@contextmanager
def transaction(*, aside: bool = False, shown: bool = False) -> Iterator[Session]:
    """Run a use case: all of it is kept, or nothing. Inside another use case it joins that one.

    `aside` marks what is done around the use case that a form asks for (counting attempts, sessions, claims): it does
    not make the form's post a handled one. `shown` leaves what was read and written as it is, for an answer that shows
    it at once; else all is read anew after a use case.

    Raises Conflict where a row was changed by somebody else since it was read, or two use cases got in each other's
    way; AlreadyHandled where the same post was handled before.
    """
    session: Any = db.session()
    if session.info.get(USE_CASE):
        yield session
        return
    if session.info.get(REPLICA):
        raise RuntimeError("a use case cannot begin in a function that reads from the replica")
    # The request has read already (who is signed in); writing starts from a fresh view of the data.
    session.rollback()
    session.info[USE_CASE] = True
    try:
        session.connection(execution_options={WRITE: True})
        if not aside:
            handled.take(session)
        yield session
        known = session.info.get(_READ, {}) if shown else {}
        session.expire_on_commit = not shown
        session.commit()
        session.info[_READ] = known
        if not aside:
            handled.keep()
            replica.note_write()
    except StaleDataError as error:
        session.rollback()
        raise Conflict("该记录刚刚被其他人处理过，您的操作没有生效。请刷新页面查看最新情况后再办理。") from error
    except OperationalError as error:
        session.rollback()
        if getattr(error.orig, "sqlstate", None) in _GAVE_WAY or "database is locked" in str(error.orig):
            raise Conflict("当前办理人数较多，您的操作没有生效。请稍等片刻后再试。") from error
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        session.expire_on_commit = True
        session.info.pop(USE_CASE, None)


def read_once(key: Hashable, read: Callable[[], Found]) -> Found:
    """What `read` gives, asked for once in a use case, or in a request that only reads. None is asked for again."""
    known: dict[Hashable, Any] = db.session().info.setdefault(_READ, {})
    if known.get(key) is None:
        known[key] = read()
    found: Found = known[key]
    return found


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, ended: SessionTransaction) -> None:
    """What was read once is never carried into the next transaction."""
    if ended.parent is None:
        session.info.pop(_READ, None)
