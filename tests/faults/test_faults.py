"""A few of every fault on either database; `make bench NAME=faults` does hundreds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.migrations import empty_sqlite, kill_migrations
from tests.faults.rounds import Outcome, People, Run, kill_job_workers, prepare
from tests.faults.site import open_site

FAULTS = {
    "sqlite": ("kill_web_worker", "fill_disk", "lose_storage", "step_clock"),
    "postgresql": ("kill_backend", "kill_web_worker", "kill_database", "fill_disk", "restart_database"),
}


def _nothing_wrong(outcome: Outcome, faults: int) -> None:
    assert outcome.faults.total() == faults
    assert (outcome.lost, outcome.doubled, outcome.wrong) == ([], [], []), outcome


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("engine", list(FAULTS))
def test_what_was_acknowledged_is_there_once_whatever_happens(engine: str) -> None:
    people = People()
    certificates = 8 if engine == "sqlite" else 0
    with open_site(engine, prepare(people, decisions=8, submissions=6, certificates=certificates)) as site:
        with Run(site, people, seed=1) as run:
            for fault in FAULTS[engine]:
                run.suffer(fault)
        _nothing_wrong(run.outcome, len(FAULTS[engine]))
        assert run.outcome.acknowledged > 3 * len(FAULTS[engine]) and run.outcome.resent
        if certificates:
            _nothing_wrong(kill_job_workers(site, people, 1, seed=1), 1)


@pytest.mark.parametrize("engine", list(FAULTS))
def test_migrations_that_were_killed_are_finished_by_the_next_run(engine: str, request: pytest.FixtureRequest) -> None:
    @contextmanager
    def empty_postgres() -> Iterator[str]:
        server: Any = request.getfixturevalue("postgres")
        name = server.fresh_empty()
        yield server.database_url(name)
        server.drop(name)

    _nothing_wrong(kill_migrations(empty_sqlite if engine == "sqlite" else empty_postgres, 1, seed=2), 1)
