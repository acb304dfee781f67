"""Figures over many rows, counted at most once a minute; in between whoever looks is told when they were counted.

What has COUNT_LIMIT rows at most is counted anew every time. So is everything for somebody who has changed something
since it was counted, so that everybody sees what they did themselves. Each process keeps its own figures: nothing has
to be put right when a row changes, and nobody waits for anybody.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import Account
from gongkao.services import cycles, listing
from gongkao.services.replica import last_write

T = TypeVar("T")
KEEP_SECONDS = 60


@dataclass(frozen=True)
class Figures(Generic[T]):
    """What was counted; `counted_at` is None for what is counted anew every time."""

    value: T
    counted_at: datetime | None

    @property
    def moment(self) -> str:
        """截至09:30, or "" where the figures are those of this moment."""
        return f"截至{self.counted_at:%H:%M}" if self.counted_at is not None else ""


_kept: WeakKeyDictionary[Engine, dict[Hashable, tuple[float, Figures[Any]]]] = WeakKeyDictionary()


def figures(name: str, actor: Account, chosen: Hashable, count: Callable[[], tuple[T, int]]) -> Figures[T]:
    """The figures of that name over what the person may see in the current cycle, narrowed by what is `chosen`.

    `count` gives them, as what nobody changes, with the number of rows they are over.
    """
    kept = _kept.setdefault(db.engine, {})
    key = (name, actor.agency_id, actor.region_code, actor.unit_id, cycles.current_cycle().id, today(), chosen)
    counted, found = kept.get(key, (0.0, None))
    if found is not None and max(time.time() - KEEP_SECONDS, last_write.get()) < counted:
        return found
    began, moment = time.time(), now()
    value, rows = count()
    if rows <= listing.COUNT_LIMIT:
        kept.pop(key, None)
        return Figures(value, None)
    for old in [one for one, (at, _) in list(kept.items()) if at < began - KEEP_SECONDS]:
        kept.pop(old, None)
    made = Figures(value, moment)
    kept[key] = (began, made)
    return made
