"""What has gone wrong around the program: the database or the store is away, or the disk is full.

None of it is the person's doing, and all of it passes: the page says what was kept and how to go on.
"""

import errno
from enum import StrEnum

from sqlalchemy.exc import DBAPIError, OperationalError

from gongkao.storage.store import DamagedFile, MissingFile

# A file that may not grow, by whichever limit.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# PostgreSQL: its disk is full.
_FULL_STATE = "53100"


class Fault(StrEnum):
    """The kinds that a person is told apart."""

    DATABASE_AWAY = "database_away"
    STORE_AWAY = "store_away"
    FULL = "full"


def kind_of(error: BaseException | None) -> Fault | None:
    """Which fault an exception tells of; None for a mistake in the program."""
    if isinstance(error, DBAPIError):
        return _of_database(error)
    if isinstance(error, OSError):
        return Fault.FULL if error.errno in _FULL else Fault.STORE_AWAY
    if isinstance(error, MissingFile | DamagedFile):
        return Fault.STORE_AWAY
    return None


def _of_database(error: DBAPIError) -> Fault | None:
    if getattr(error.orig, "sqlstate", None) == _FULL_STATE or "database or disk is full" in str(error.orig):
        return Fault.FULL
    return Fault.DATABASE_AWAY if error.connection_invalidated or isinstance(error, OperationalError) else None
