"""No list takes more work the more there is: counted in the steps of SQLite, which are the same on every machine.

`make bench NAME=lists` measures the times at the size to plan for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from gongkao import clock
from gongkao.extensions import db
from gongkao.services import kept, listing
from tests.pages import provinces

_EACH = 20
# (applications, cycles): twice as many in each cycle, and five times as many cycles.
_SMALL, _LARGE = (2_000, 2), (20_000, 10)
# What a page may take more, besides what the cells take that only the larger one shows; less than _LITTLE is no matter.
_GROWTH, _A_CELL, _LITTLE = 1.5, 60, 25_000


@contextmanager
def _steps() -> Iterator[list[int]]:
    """How many steps SQLite takes on connections made meanwhile: `[0]` of the list."""
    count = [0]

    def tick() -> int:
        count[0] += _EACH
        return 0

    def watch(connection: Any, _record: Any) -> None:
        connection.set_progress_handler(tick, _EACH)

    event.listen(Engine, "connect", watch)
    try:
        yield count
    finally:
        event.remove(Engine, "connect", watch)


def _work(folder: Path, applications: int, years: int) -> dict[tuple[str, str], tuple[int, int]]:
    """The steps and the cells of every list's page, by address and who looks, once what is kept was counted."""
    found = {}
    with _steps() as count:
        app = provinces.make(folder, applications, years=years, busy=400)
        with app.app_context():
            browsers = {who: provinces.browser(app, one) for who, one in provinces.people().items()}
            for path in provinces.at_their_time(app):
                for who, browser in browsers.items():
                    if browser.get(path).status_code != 200:
                        continue
                    before = count[0]
                    answer = browser.get(path)
                    found[path, who] = count[0] - before, answer.text.count("data-label=")
            db.session.remove()
            db.engine.dispose()
    clock.install(clock.real_time)
    return found


def test_no_list_takes_more_work_the_more_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "COUNT_LIMIT", 200)
    monkeypatch.setattr(listing, "FOUND_LIMIT", 100)
    small, large = (_work(tmp_path / str(size), size, years) for size, years in (_SMALL, _LARGE))
    assert set(small) == set(large) and len(large) > 60
    grown = {}
    for page, (steps, cells) in large.items():
        before, cells_before = small[page]
        allowed = max(_GROWTH * before + _A_CELL * max(0, cells - cells_before), _LITTLE)
        if steps > allowed:
            grown[page] = before, steps, round(allowed)
    assert grown == {}
