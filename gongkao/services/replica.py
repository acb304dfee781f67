"""Reports from a replica of the database, where one is set: what reads much, and decides nothing.

The rule, and the one place of it: a function that is marked `@from_replica` only reads, and what it gives is looked at,
never acted upon by the program. Everything else asks the main database. So do marked functions

- for somebody who has changed something a moment ago, that everybody sees what they did themselves;
- inside a use case, and where no replica is set;
- while the replica is away, or further behind than the setting allows.

How far behind it is, is measured: a position of the main database's log is noted with the time, and found reached or
not on the replica at the next look.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from gongkao.extensions import REPLICA, USE_CASE, db

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

OK, BEHIND, AWAY = "ok", "behind", "away"
LOOK_EVERY = 5.0
LOOK_AGAIN_AFTER = 30.0
_KEPT = 1000

# When the person of this request last changed something (seconds since 1970); the web layer keeps it between requests.
last_write: ContextVar[float] = ContextVar("last_write", default=0.0)

_MAIN = text("SELECT pg_current_wal_lsn() - '0/0'")
_REPLAYED = text("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0' END")


class Watch:
    """How far behind the replica is, looked at every few seconds. `limit` is the most that is allowed, in seconds."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.look_every = min(LOOK_EVERY, limit / 2)
        self.state = AWAY
        self._next = 0.0
        self._noted: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._looking = threading.Lock()

    @property
    def sure_after(self) -> float:
        """After how many seconds a change is certainly seen on a replica that is not held for too far behind."""
        return self.limit + self.look_every + 1

    def look(self) -> str:
        """OK, BEHIND or AWAY, at most a few seconds old."""
        if time.monotonic() >= self._next and self._looking.acquire(blocking=False):
            try:
                self._set(self._measure())
            finally:
                self._looking.release()
        return self.state

    def lost(self) -> None:
        """The replica failed while it answered."""
        self._set(AWAY)

    def _set(self, state: str) -> None:
        self._next = time.monotonic() + (LOOK_AGAIN_AFTER if state == AWAY else self.look_every)
        if state != self.state:
            log.log(logging.INFO if state == OK else logging.WARNING, "reports_database_%s", state)
        self.state = state

    def _measure(self) -> str:
        moment, position = time.monotonic(), db.session.scalar(_MAIN)
        self._noted.append((moment, float(position)))
        try:
            with db.engines[REPLICA].connect() as connection:
                replayed = connection.scalar(_REPLAYED)
        except SQLAlchemyError:
            return AWAY
        if replayed is None:
            # It is no replica, or has not begun to follow.
            return AWAY
        reached = next((at for at, noted in reversed(self._noted) if noted <= float(replayed)), float("-inf"))
        return OK if moment - reached <= self.limit else BEHIND


_watch: Watch | None = None


def configure(limit: float | None) -> None:
    """Say how many seconds the replica may be behind in this process; None where there is no replica."""
    global _watch
    _watch = None if limit is None else Watch(limit)


def state() -> str:
    """OK, BEHIND or AWAY; empty where no replica is set."""
    return _watch.look() if _watch is not None else ""


def note_write() -> None:
    """The person of this request has changed something."""
    last_write.set(time.time())


def from_replica(work: Callable[P, T]) -> Callable[P, T]:
    """Let a function that only reads ask the replica, by the rule above. Where the replica fails it is run again."""

    @wraps(work)
    def read(*args: P.args, **kwargs: P.kwargs) -> T:
        session = db.session()
        if _watch is None or session.info.get(USE_CASE) or session.info.get(REPLICA):
            return work(*args, **kwargs)
        if time.time() - last_write.get() < _watch.sure_after or _watch.look() != OK:
            return work(*args, **kwargs)
        session.info[REPLICA] = True
        try:
            return work(*args, **kwargs)
        except OperationalError:
            _watch.lost()
        finally:
            session.info.pop(REPLICA)
        session.rollback()
        return work(*args, **kwargs)

    return read
