"""The extension objects, made once and bound to an app in `app.create_app`."""

from typing import Any

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine, MetaData, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase

WRITE = "gongkao_write"
# What stands in a session's `info`: that it is in a use case, or reads from the replica (`services.replica`), which is
# also the replica's name among the engines.
USE_CASE = "use_case"
REPLICA = "reports"
_READERS = "readers"


class Base(DeclarativeBase):
    # Named constraints, so that a migration can drop one on either database.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class _Session(Session):
    """One session a request: on the main database, and on the replica for as long as `services.replica` says so.

    Only a use case is a transaction. What merely reads sees every statement's newest data on PostgreSQL anyway, and
    without a transaction to roll back at its end the connection keeps its prepared statements.
    """

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        bind = db.engines[REPLICA] if self.info.get(REPLICA) else super().get_bind(*args, **kwargs)
        if self.info.get(USE_CASE) or bind.dialect.name != "postgresql" or isinstance(bind, Connection):
            return bind
        readers: dict[Engine, Engine] = self.info.setdefault(_READERS, {})
        if bind not in readers:
            # The same pool, for statements that are each by themselves.
            readers[bind] = bind.execution_options(isolation_level="AUTOCOMMIT")
        return readers[bind]


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"class_": _Session})
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address)
talisman = Talisman()


@event.listens_for(Engine, "connect")
def _prepare(connection: Any, _record: Any) -> None:
    if type(connection).__module__.startswith("sqlite3"):
        _prepare_sqlite(connection)
    else:
        _prepare_postgresql(connection)


def _prepare_postgresql(connection: Any) -> None:
    # Pages read few rows by index, from memory or a disk without moving parts. Compiling a statement takes longer than
    # running it does.
    with connection.cursor() as cursor:
        cursor.execute("SET jit = off")
        cursor.execute("SET random_page_cost = 1.1")
    connection.commit()


def _prepare_sqlite(connection: Any) -> None:
    # SQLAlchemy's own "begin" below starts transactions, so the driver must not.
    connection.isolation_level = None
    # The cache holds 32 MB: enough for the people and applications that one agency's queue is searched by.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=15000",
        "cache_size=-32768",
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # A use case takes the write lock at once: a reader that turns writer half-way could be refused.
        writes = connection.get_execution_options().get(WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
