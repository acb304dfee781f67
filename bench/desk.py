"""An agency's desk through the whole app: first page, a filtered page and a search, with little and with long history.

The desk is the same both times, 10,000 applications of one agency in the current cycle. The larger database adds the
other agencies and nine earlier cycles to 1,000,000. `value` is the 95th percentile at the larger size, `baseline` that
at the smaller, `n` the statements of one page.
"""

import base64
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from psycopg import sql
from sqlalchemy import Engine, event, select, text

from app import create_app
from bench import Measurement
from gongkao import clock
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Account, Agency, Cycle, Role, Trade
from gongkao.models.people import person_columns
from gongkao.rules.routing import UnitLevel
from gongkao.rules.workflow import Status
from gongkao.sealing import keyring
from gongkao.services import cycles, sessions, starting_data
from gongkao.services.transaction import transaction
from tests.postgres import start_postgres
from tests.world import credit_code, identity_number

SMALL, LARGE = 10_000, 1_000_000
DESK = 10_000
CITY = "410100"
DAY = date(2025, 3, 27)
_ROUNDS = 200
_MASTER = json.dumps({"masters": [{"id": "bench", "key": base64.b64encode(bytes(32)).decode()}]})
_DATA_KEYS: list[dict[str, Any]] = []
_WARM = 5
_UNITS, _OTHER_UNITS = 300, 9_700
_PAGES = ("first", "filtered", "search")
# Of those in the current cycle: most wait at the agency's desk.
_STATUSES = (
    *([Status.AGENCY_REVIEW] * 12),
    *([Status.ONSITE_CONFIRMATION] * 3),
    Status.RETURNED,
    *([Status.QUALIFIED] * 4),
)
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章"
_GIVEN = "明远清和安宁文博思齐云舒晓川听雨致建国志强春梅秀兰海燕红军永平福顺玉凤桂英长江"


def measure() -> Iterator[Measurement]:
    for engine, database in (("sqlite", _sqlite), ("postgresql", _postgres)):
        with database(SMALL) as small, database(LARGE) as large:
            browsers = (_sign_in(small), _sign_in(large))
            for page in _PAGES:
                baseline, value = _times(browsers, page)
                yield Measurement(f"desk-{page}-{engine}", value, "ms", baseline, _statements(browsers[1], page))


@contextmanager
def _sqlite(size: int) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory(prefix="gongkao-bench-") as name:
        path = Path(name) / "gongkao.sqlite3"
        with _app(Path(name), f"sqlite:///{path}") as app:
            facts = _offices(app)
            with sqlite3.connect(path) as connection:
                for table, columns, rows in _rows(size, facts, ""):
                    marks = ", ".join("?" * len(columns))
                    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
            yield app


@contextmanager
def _postgres(size: int) -> Iterator[Flask]:
    with (
        tempfile.TemporaryDirectory(prefix="gongkao-bench-") as name,
        start_postgres() as url,
        _app(Path(name), url) as app,
        psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection,
    ):
        facts = _offices(app)
        for table, columns, rows in _rows(size, facts, "+00"):
            copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with connection.cursor().copy(copy) as target:
                for row in rows:
                    target.write_row(row)
        # As the server does by itself after a while.
        connection.execute("VACUUM ANALYZE")
        yield app


@contextmanager
def _app(folder: Path, url: str) -> Iterator[Flask]:
    secret = "a key for measuring only, long enough to be taken"
    keys = folder / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(_MASTER, encoding="ascii")
    app = create_app(Settings(mode="test", instance=folder, database_url=url, secret_key=secret, clock=DAY))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        _share_keys()
        starting_data.load()
    yield app
    with app.app_context():
        db.engine.dispose()
    clock.install(clock.real_time)


def _share_keys() -> None:
    """One process asks both sizes in turns, so they have the same keys, as the first one made them."""
    with transaction() as session:
        made = session.execute(text("SELECT purpose, secret, created_at FROM data_key ORDER BY id")).mappings().all()
        _DATA_KEYS.extend([dict(row) for row in made] if not _DATA_KEYS else [])
        for number, row in enumerate(_DATA_KEYS, start=1):
            session.execute(text("UPDATE data_key SET secret = :secret WHERE id = :id"), {**row, "id": number})
    keyring().load()


def _offices(app: Flask) -> dict[str, Any]:
    """An officer at the desk and the earlier cycles; the ids that the rows refer to."""
    with app.app_context(), transaction() as session:
        agencies = list(session.scalars(select(Agency.id).order_by(Agency.id)))
        own = session.scalars(select(Agency).where(Agency.code == CITY)).one()
        now = cycles.current_cycle()
        earlier = [
            Cycle(
                year=now.year - back,
                title=now.title,
                notice=now.notice,
                notice_issued_on=now.notice_issued_on,
                deferral_due=now.deferral_due,
            )
            for back in range(1, 10)
        ]
        officer = Account(
            username="bench", password_hash="!", role=Role.AGENCY_OFFICER, display_name="经办", agency_id=own.id
        )
        session.add_all([*earlier, officer])
        session.flush()
        facts: dict[str, Any] = {
            "own": own.id,
            "others": [one for one in agencies if one != own.id],
            "cycle": now.id,
            "earlier": [one.id for one in earlier],
            "trades": list(session.scalars(select(Trade.id))),
        }
    return facts


def _rows(size: int, facts: dict[str, Any], zone: str) -> Iterator[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]:
    """Every table with its columns and rows; few columns, but every reference true."""
    chance = random.Random(2025)
    people = min(size, 100_000)
    # Of each person what an application keeps as well.
    kept: list[tuple[str, str]] = []

    def moment(days: int) -> str:
        at = datetime(DAY.year, DAY.month, DAY.day, 1, tzinfo=UTC) - timedelta(
            days=days, seconds=chance.randrange(30_000)
        )
        return f"{at:%Y-%m-%d %H:%M:%S.%f}{zone}"

    def units() -> Iterator[Sequence[Any]]:
        for number in range(1, _UNITS + _OTHER_UNITS + 1):
            agency = facts["own"] if number <= _UNITS else facts["others"][number % len(facts["others"])]
            name = f"{chance.choice(_SURNAMES)}{chance.choice(_GIVEN)}{'学校站局所'[number % 4]}{number}"
            level = UnitLevel.MUNICIPAL.value
            yield number, name, credit_code(number), level, CITY, f"/{number}/", agency, "", True, moment(200)

    def persons() -> Iterator[Sequence[Any]]:
        for number in range(1, people + 1):
            born = date(1966, 1, 1) + timedelta(days=number % 14_000)
            name = chance.choice(_SURNAMES) + chance.choice(_GIVEN) + chance.choice(_GIVEN)
            sealed = person_columns(identity_number("410122", born, number // 14_000 + 1), "13800000000")
            kept.append((name, sealed["identity_tail"]))
            yield number, name, moment(100), *sealed.values()

    def applications() -> Iterator[Sequence[Any]]:
        number = 0
        for cycle in (facts["cycle"], *facts["earlier"]):
            current = cycle == facts["cycle"]
            for person in range(1, people + 1):
                number += 1
                if number > size:
                    return
                # Spread among all, as they come in.
                own = person % (people // DESK) == 0
                unit = chance.randint(1, _UNITS) if own else chance.randint(_UNITS + 1, _UNITS + _OTHER_UNITS)
                agency = facts["own"] if own else facts["others"][unit % len(facts["others"])]
                status = chance.choice(_STATUSES) if current else Status.QUALIFIED
                back = "agency" if status is Status.RETURNED else None
                at = moment(chance.randrange(14) if current else 400)
                grade, trade = chance.choice((5, 4, 4, 3, 3, 3, 2)), chance.choice(facts["trades"])
                code = f"2025{number:09d}"
                yield (
                    code,
                    cycle,
                    person,
                    *kept[person - 1],
                    status.value,
                    back,
                    at,
                    at,
                    at,
                    at,
                    1,
                    unit,
                    agency,
                    trade,
                    grade,
                    False,
                    False,
                )

    def messages() -> Iterator[Sequence[Any]]:
        for _ in range(200):
            yield facts["own"], "application", "申报待办理", "", "", moment(3), 0

    yield (
        "unit",
        (
            "id",
            "name",
            "credit_code",
            "level",
            "region_code",
            "path",
            "agency_id",
            "contact_phone",
            "active",
            "created_at",
        ),
        units(),
    )
    sealed = ("identity_number", "identity_hash", "identity_tail", "mobile")
    yield "person", ("id", "name", "created_at", *sealed), persons()
    yield (
        "application",
        (
            *(
                "number",
                "cycle_id",
                "person_id",
                "person_name",
                "identity_tail",
                "status",
                "returned_to",
                "desk_since",
                "submitted_at",
                "created_at",
            ),
            *("updated_at", "version", "unit_id", "agency_id", "trade_id", "grade", "trade_changed"),
            "grade_one_confirmed",
        ),
        applications(),
    )
    yield "message", ("agency_id", "kind", "title", "body", "about", "created_at", "attempts"), messages()


def _sign_in(app: Flask) -> FlaskClient:
    with app.app_context():
        token = sessions.begin(db.session.scalars(select(Account).where(Account.username == "bench")).one())
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = token, True
    return client


def _times(browsers: Sequence[FlaskClient], page: str) -> list[float]:
    """The 95th percentile in ms of each, asked in turns, so that whatever else the machine does falls on all alike."""
    times: list[list[float]] = [[] for _ in browsers]
    for turn in range(-_WARM, _ROUNDS):
        for place, client in enumerate(browsers):
            start = time.perf_counter()
            _get(client, page, turn)
            if turn >= 0:
                times[place].append((time.perf_counter() - start) * 1000)
    return [statistics.quantiles(each, n=20)[-1] for each in times]


def _statements(client: FlaskClient, page: str) -> int:
    with _counted() as statements:
        _get(client, page, 0)
    return len(statements)


def _get(client: FlaskClient, page: str, turn: int) -> None:
    """One request, with a session of its own as on a server."""
    number, name = turn % 10, _GIVEN[turn % len(_GIVEN)]
    query = {
        "first": "",
        "filtered": f"?status=agency_review&grade={2 + number % 4}&page={1 + number}",
        "search": f"?q={(name, f'{turn * 7 % 1000:03d}{number}', f'{name}站')[turn % 3]}",
    }[page]
    answer = client.get(f"/review{query}")
    assert answer.status_code == 200 and "审查办理" in answer.text, answer.status


@contextmanager
def _counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)
