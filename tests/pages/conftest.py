"""Pages are the same on either database, so they are tested on one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from flask import Flask

from gongkao.extensions import db
from tests.statements import sent


@pytest.fixture
def database_url(sqlite_database_url: str) -> str:
    return sqlite_database_url


Counted = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def statements(app: Flask) -> Counted:
    """The statements that a block sends, from a session that knows nothing yet: `with statements() as sent: ...`."""

    @contextmanager
    def counted() -> Iterator[list[str]]:
        db.session.remove()
        with sent() as statements:
            yield statements

    return counted
