"""One use case, one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gongkao.extensions import REPLICA, USE_CASE, WRITE, db
from gongkao.services import handled, replica
from gongkao.services.errors import Conflict

# PostgreSQL gives way between two use cases that wait for each other: deadlock, serialisation, lock not to be had.
_GAVE_WAY = {"40P01", "40001", "55P03"}


@contextmanager
def transaction(*, aside: bool = False) -> Iterator[Session]:
    """Run a use case: all of it is kept, or nothing. Inside another use case it joins that one.

    `aside` marks what is done around the use case that a form asks for (counting attempts, sessions, claims): it does
    not make the form's post a handled one.

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
        session.commit()
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
        session.info.pop(USE_CASE, None)
