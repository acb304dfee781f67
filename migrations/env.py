"""Alembic's environment: the app's own engine and tables, on SQLite and PostgreSQL."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app

from gongkao.extensions import db
from gongkao.models.types import Choice, Moment


# The number of the lock that says somebody is changing the tables.
MIGRATING = 20250310


def render_item(kind: str, item: Any, _autogenerate: Any) -> str | bool:
    """Migrations stand alone: our column types are written as what they are in the database."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Choice):
        return "sa.String(40)"
    return False


def leave_out_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """No migration is written where nothing has changed."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run() -> None:
    options = {
        **current_app.extensions["migrate"].configure_args,
        "render_item": render_item,
        "process_revision_directives": leave_out_empty,
    }
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # A table that is altered is copied and dropped; checks of foreign keys must sleep meanwhile, and that can
            # only be said outside a transaction.
            raw: Any = connection.connection.dbapi_connection
            raw.execute("PRAGMA foreign_keys=OFF")
        context.configure(connection=connection, target_metadata=db.metadata, **options)
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                # Servers that start at the same time migrate one after the other; the later ones find it done.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
            context.run_migrations()
            if connection.dialect.name == "sqlite":
                broken = connection.execute(sa.text("PRAGMA foreign_key_check")).first()
                if broken is not None:
                    raise RuntimeError(f"the migration leaves a row pointing at nothing: {tuple(broken)}")
        if connection.dialect.name == "sqlite":
            raw.execute("PRAGMA foreign_keys=ON")


run()
