"""One use case, one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gongkao.extensions import WRITE, db
from gongkao.services.errors import Conflict

_KEY = "use_case"


@contextmanager
def transaction() -> Iterator[Session]:
    """Run a use case: all of it is kept, or nothing. Inside another use case it joins that one.

    Raises Conflict where a row was changed by somebody else since it was read.
    """
    session: Any = db.session()
    if session.info.get(_KEY):
        yield session
        return
    # The request has read already (who is signed in); writing starts from a fresh view of the data.
    session.rollback()
    session.info[_KEY] = True
    try:
        session.connection(execution_options={WRITE: True})
        yield session
        session.commit()
    except StaleDataError as error:
        session.rollback()
        raise Conflict("该记录刚刚被其他人处理过，您的操作没有生效。请刷新页面查看最新情况后再办理。") from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_KEY, None)
