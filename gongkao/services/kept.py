"""What is counted over many rows, and at most once a minute: figures, and that a list is longer than is counted.

What has COUNT_LIMIT rows at most is counted anew every time. So is everything for somebody who has changed something
since it was counted, so that everybody sees what they did themselves. Each process keeps its own: nothing has to be
put right when a row changes, and nobody waits for anybody. Whoever looks is told when figures were counted.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Select

from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import Account
from gongkao.services import cycles
from gongkao.services.replica import last_write

T = TypeVar("T")
KEEP_SECONDS = 60
# Rows are counted so far; where there are more, the page says so. Nobody leafs through 100 pages.
COUNT_LIMIT = 2_000


@dataclass(frozen=True)
class Figures(Generic[T]):
    """What was counted; `counted_at` is None for what is counted anew every time."""

    value: T
    counted_at: datetime | None

    @property
    def moment(self) -> str:
        """截至09:30, or "" where the figures are those of this moment."""
        return f"截至{self.counted_at:%H:%M}" if self.counted_at is not None else ""


_kept: WeakKeyDictionary[Engine, dict[Hashable, tuple[float, Any]]] = WeakKeyDictionary()


def _find(key: Hashable) -> Any:
    """What is kept under the key and still holds, or None."""
    counted, found = _kept.setdefault(db.engine, {}).get(key, (0.0, None))
    return found if max(time.time() - KEEP_SECONDS, last_write.get()) < counted else None


def _keep(key: Hashable, began: float, value: Any) -> None:
    """Keep what was counted from `began` on (seconds since 1970), and nothing that no longer holds."""
    kept = _kept.setdefault(db.engine, {})
    for old in [one for one, (at, _) in list(kept.items()) if at < began - KEEP_SECONDS]:
        kept.pop(old, None)
    kept[key] = (began, value)


def figures(name: str, actor: Account, chosen: Hashable, count: Callable[[], tuple[T, int]]) -> Figures[T]:
    """The figures of that name over what the person may see in the current cycle, narrowed by what is `chosen`.

    `count` gives them, as what nobody changes, with the number of rows they are over.
    """
    key = (name, actor.agency_id, actor.region_code, actor.unit_id, cycles.current_cycle().id, today(), chosen)
    found: Figures[T] | None = _find(key)
    if found is not None:
        return found
    began, moment = time.time(), now()
    value, rows = count()
    if rows <= COUNT_LIMIT:
        return Figures(value, None)
    made = Figures(value, moment)
    _keep(key, began, made)
    return made


class Length:
    """Whether a list was found longer than COUNT_LIMIT within the last minute. `counting` is the statement that counts.

    A list that has become shorter is said to be long a minute more at most; one that has become longer is found so
    at once.
    """

    def __init__(self, counting: Select[Any]) -> None:
        key = counting._generate_cache_key()
        assert key is not None
        self._key = (COUNT_LIMIT, key.key, str([one.effective_value for one in key.bindparams]))
        self._began = time.time()
        self.is_long: bool = _find(self._key) is not None

    def found(self, rows: int) -> None:
        """Note how many rows were counted; what was known, and not counted, is known no longer than before."""
        if rows > COUNT_LIMIT and not self.is_long:
            _keep(self._key, self._began, True)
