"""What keeps the database quick, done nightly."""

from sqlalchemy import text

from gongkao.extensions import db
from gongkao.services.transaction import transaction
from gongkao.storage.bulk import ANALYSIS


def refresh_statistics() -> None:
    """Let SQLite learn how its tables have grown, so that it chooses the right index; PostgreSQL does so by itself."""
    if db.engine.dialect.name == "sqlite":
        with transaction() as session:
            for statement in ANALYSIS:
                session.execute(text(statement))
