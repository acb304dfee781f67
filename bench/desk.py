"""An agency's desk through the whole app: first page, a filtered page and a search, with little and with long history.

The desk is the same both times, 10,000 applications that come to one agency in the current cycle. The larger database
adds the other agencies and nine earlier cycles to 1,000,000. `value` is the 95th percentile at the larger size,
`baseline` that at the smaller, `n` the statements of one page.
"""

from collections.abc import Iterator

from flask.testing import FlaskClient
from sqlalchemy import select

from bench import Measurement, spread
from bench._province import BUSY, ENGINES, LARGE, SMALL, close, p95, province_of, sign_in, times, use
from gongkao.extensions import db
from gongkao.models import Account
from gongkao.services import invented
from tests.statements import sent

GOAL = 1.3
_ROUNDS = 200
_PAGES = ("first", "filtered", "search")


def measure() -> Iterator[Measurement]:
    try:
        for engine in ENGINES:
            browsers = [
                sign_in(province_of(engine, size, years), _officer) for size, years in ((SMALL, 1), (LARGE, 10))
            ]
            for page in _PAGES:
                small, large = times(browsers, lambda _client, turn, page=page: _address(page, turn), _ROUNDS)  # type: ignore[misc]
                name = f"desk-{page}-{engine}"
                yield Measurement(
                    name, p95(large), "ms", p95(small), _statements(browsers[1], page), spread(large), GOAL
                )
    finally:
        close()


def _officer() -> Account:
    return db.session.scalars(select(Account).where(Account.username == f"gk{BUSY}")).one()


def _address(page: str, turn: int) -> str:
    number, name = turn % 10, invented.GIVEN[turn % len(invented.GIVEN)]
    query = {
        "first": "",
        "filtered": f"?status=agency_review&grade={2 + number % 4}&page={1 + number}",
        "search": f"?q={(name, f'{number}{turn % 7}{turn % 9}{number}', f'{name}站')[turn % 3]}",
    }[page]
    return f"/review{query}"


def _statements(client: FlaskClient, page: str) -> int:
    use(client.application)
    with sent() as statements:
        client.get(_address(page, 0))
    return len(statements)
