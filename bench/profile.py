"""Where the time of the ten busiest pages goes: the database, templates, SQLAlchemy, all else.

On the larger province of the other benches. The tables are told on standard error; `value` is a page's median time,
`baseline` the part of it that is spent in the database, `n` its statements.
"""

import cProfile
import pstats
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from flask.testing import FlaskClient

from bench import Measurement, spread
from bench._province import LARGE, close, province_of, sign_in, times, use
from bench.lists import pages, set_back
from tests.statements import sent

BUSIEST = (
    *("review-city", "review-unit", "review-all-city", "review-all-province", "inbox-city"),
    *("units-province", "onsite-visits-city", "settings-audit-city", "oversight-province", "oversight-city"),
)
_ROUNDS = 20
# The first that is part of a file's path says whose time it is.
_PARTS = (
    ("/jinja2/", "templates"),
    ("/templates/", "templates"),
    ("<template>", "templates"),
    ("/pygal/", "charts"),
    ("/sqlalchemy/", "sqlalchemy"),
    ("/flask_sqlalchemy/", "sqlalchemy"),
    ("sqlite3", "database"),
    ("/psycopg/", "database"),
    ("gongkao/", "services and rules"),
    ("blueprints/", "views"),
)


def measure() -> Iterator[Measurement]:
    try:
        app = province_of("sqlite", LARGE)
        set_back(app, later=False)
        for page in (one for one in pages(app, later=False) if one.name in BUSIEST):
            client = sign_in(app, page.who)
            (all_times,) = times([client], lambda _client, _turn, page=page: page.address, _ROUNDS)  # type: ignore[misc]
            median = statistics.median(all_times)
            parts = _profile(client, page.address)
            with sent() as statements:
                client.get(page.address)
            whole = sum(parts.values())
            shares = ", ".join(
                f"{name} {part / whole:.0%}" for name, part in parts.most_common() if part / whole >= 0.01
            )
            print(f"{page.name}: {median:.1f} ms: {shares}", file=sys.stderr)
            in_database = median * parts["database"] / whole
            yield Measurement(f"profile-{page.name}", median, "ms", in_database, len(statements), spread(all_times))
    finally:
        close()


def _profile(client: FlaskClient, address: str) -> Counter[str]:
    """The seconds of _ROUNDS requests by part; what Python's own library takes counts to `other`."""
    use(client.application)
    profile = cProfile.Profile(time.perf_counter)
    profile.enable()
    for _ in range(_ROUNDS):
        client.get(address)
    profile.disable()
    found: Counter[str] = Counter()
    for (file, _line, name), (_calls, _own_calls, own, _whole, _callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        found[_part(file, name)] += own
    return found


def _part(file: str, name: str) -> str:
    place = Path(file).as_posix() + name
    return next((part for key, part in _PARTS if key in place), "other")
