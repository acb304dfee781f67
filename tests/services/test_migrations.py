"""Migrations: from empty to newest and back on both databases, and they agree with the models."""

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade

from gongkao.config import ROOT
from gongkao.extensions import db
from gongkao.services import starting_data


def _tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names())


def test_up_and_down_again(bare_app: Flask) -> None:
    folder = str(ROOT / "migrations")
    assert _tables() == set()
    upgrade(directory=folder)
    assert _tables() == set(db.metadata.tables) | {"alembic_version"}
    starting_data.load()
    db.session.remove()
    downgrade(directory=folder, revision="base")
    assert _tables() == {"alembic_version"}
    upgrade(directory=folder)
    assert _tables() == set(db.metadata.tables) | {"alembic_version"}
    assert starting_data.load() is True


def test_every_step_goes_up_and_down_with_rows_in_it(bare_app: Flask) -> None:
    folder = str(ROOT / "migrations")
    upgrade(directory=folder)
    starting_data.load()
    db.session.remove()
    steps = list(ScriptDirectory(folder).walk_revisions())
    for step in steps[:-1]:
        downgrade(directory=folder, revision=str(step.down_revision))
    for _ in steps[:-1]:
        upgrade(directory=folder, revision="+1")
    assert _tables() == set(db.metadata.tables) | {"alembic_version"}


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_models_and_migrations_agree(empty_app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": _differs, "compare_server_default": False}
        )
        assert compare_metadata(context, db.metadata) == []


def _differs(_context: Any, _inspected: Any, _column: Any, kept: Any, wanted: Any) -> bool | None:
    """Our own column types are compared as what they are in the database."""
    if isinstance(wanted, sa.types.TypeDecorator):
        wanted = wanted.impl
        if isinstance(wanted, sa.DateTime):
            return not isinstance(kept, sa.DateTime)
        return not (isinstance(kept, sa.String) and kept.length == wanted.length)
    return None
