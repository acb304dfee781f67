"""Pages are the same on either database, so they are tested on one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from gongkao.extensions import db


@pytest.fixture
def database_url(sqlite_database_url: str) -> str:
    return sqlite_database_url


Counted = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def statements(app: Flask) -> Counted:
    """The statements that a block sends, from a session that knows nothing yet: `with statements() as sent: ...`."""

    @contextmanager
    def counted() -> Iterator[list[str]]:
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                sent.append(statement)

        db.session.remove()
        event.listen(db.engine, "before_cursor_execute", note)
        yield sent
        event.remove(db.engine, "before_cursor_execute", note)

    return counted
