"""identity numbers, mobiles and the like sealed; what an agency's queue is searched by beside its index

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from gongkao.sealing import keyring

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Table: column, longest plain text, whether it may be NULL, server default.
_SEALED: dict[str, tuple[tuple[str, int, bool, str | None], ...]] = {
    "person": (("identity_number", 18, False, None), ("mobile", 20, False, None)),
    "account": (("mobile", 20, False, None), ("email", 120, False, ""), ("totp_secret", 64, True, None)),
    "roster_entry": (("identity_number", 18, False, None), ("mobile", 20, False, None)),
    "ban": (("identity_number", 18, False, None),),
    "password_help": (("identity_number", 18, False, None), ("mobile", 20, False, None)),
    "registration_sheet": (("office_phone", 30, False, None), ("mobile", 20, False, None)),
    "visit": (("bearer_mobile", 20, False, None),),
    "saved_view": (("query", 500, False, None),),
}
_IDENTIFIED = ("person", "roster_entry", "ban", "password_help")
_QUEUE = ("cycle_id", "agency_id", "status", "desk_since", "unit_id", "trade_id", "grade", "person_id")
_BATCH = 2000


def _width(length: int) -> int:
    return 11 + 4 * -(-(length + 28) // 3)


def upgrade() -> None:
    op.create_table(
        "data_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
    )
    connection = op.get_bind()
    _forget_thoroughly(connection)
    keyring().make_missing(connection)
    for table in _IDENTIFIED:
        op.add_column(table, sa.Column("identity_hash", sa.String(64), nullable=False, server_default=""))
        op.add_column(table, sa.Column("identity_tail", sa.String(10), nullable=False, server_default=""))
    op.drop_index("ix_ban_identity_number", "ban")
    op.drop_index("ix_password_help_identity_number", "password_help")
    op.drop_index("ix_roster_entry_identity_number", "roster_entry")
    for table, columns in _SEALED.items():
        with op.batch_alter_table(table) as batch:
            for name, length, nullable, default in columns:
                batch.alter_column(
                    name,
                    existing_type=sa.String(length),
                    type_=sa.String(_width(length)),
                    existing_nullable=nullable,
                    existing_server_default=default,
                )
            if table == "person":
                batch.drop_constraint("uq_person_identity_number", type_="unique")
            if table == "roster_entry":
                batch.drop_constraint("uq_roster_entry_cycle_id_identity_number", type_="unique")
            if table == "account":
                batch.alter_column(
                    "username", existing_type=sa.String(40), type_=sa.String(64), existing_nullable=False
                )
    for table, columns in _SEALED.items():
        _convert(connection, table, columns, lambda text, label: keyring().seal(text, label), hashed=True)
    op.create_index("ix_person_identity_hash", "person", ["identity_hash"], unique=True)
    op.create_index(
        "uq_roster_entry_cycle_id_identity_hash", "roster_entry", ["cycle_id", "identity_hash"], unique=True
    )
    for table in ("roster_entry", "ban", "password_help"):
        op.create_index(f"ix_{table}_identity_hash", table, ["identity_hash"])
    _execute(
        connection,
        "UPDATE account SET username = (SELECT identity_hash FROM person WHERE person.id = account.person_id)"
        " WHERE person_id IS NOT NULL",
    )
    op.add_column("application", sa.Column("person_name", sa.String(30), nullable=False, server_default=""))
    op.add_column("application", sa.Column("identity_tail", sa.String(10), nullable=False, server_default=""))
    for column, source in (("person_name", "name"), ("identity_tail", "identity_tail")):
        _execute(
            connection,
            f"UPDATE application SET {column} = (SELECT {source} FROM person WHERE person.id = application.person_id)",
        )
    op.drop_index("ix_application_agency_queue", "application")
    op.create_index(
        "ix_application_agency_queue", "application", [*_QUEUE, "person_name", "identity_tail", "number", "id"]
    )


def downgrade() -> None:
    connection = op.get_bind()
    op.drop_index("ix_application_agency_queue", "application")
    op.drop_column("application", "identity_tail")
    op.drop_column("application", "person_name")
    op.create_index("ix_application_agency_queue", "application", list(_QUEUE))
    for table in ("roster_entry", "ban", "password_help"):
        op.drop_index(f"ix_{table}_identity_hash", table)
    op.drop_index("uq_roster_entry_cycle_id_identity_hash", "roster_entry")
    op.drop_index("ix_person_identity_hash", "person")
    for table, columns in _SEALED.items():
        _convert(connection, table, columns, lambda text, label: keyring().open(text, label), hashed=False)
    _execute(
        connection,
        "UPDATE account SET username = (SELECT identity_number FROM person WHERE person.id = account.person_id)"
        " WHERE person_id IS NOT NULL",
    )
    for table, columns in _SEALED.items():
        with op.batch_alter_table(table) as batch:
            for name, length, nullable, default in columns:
                batch.alter_column(
                    name,
                    existing_type=sa.String(_width(length)),
                    type_=sa.String(length),
                    existing_nullable=nullable,
                    existing_server_default=default,
                )
            if table in _IDENTIFIED:
                batch.drop_column("identity_tail")
                batch.drop_column("identity_hash")
            if table == "person":
                batch.create_unique_constraint("uq_person_identity_number", ["identity_number"])
            if table == "roster_entry":
                batch.create_unique_constraint(
                    "uq_roster_entry_cycle_id_identity_number", ["cycle_id", "identity_number"]
                )
            if table == "account":
                batch.alter_column(
                    "username", existing_type=sa.String(64), type_=sa.String(40), existing_nullable=False
                )
    op.create_index("ix_roster_entry_identity_number", "roster_entry", ["identity_number"])
    op.create_index("ix_password_help_identity_number", "password_help", ["identity_number"])
    op.create_index("ix_ban_identity_number", "ban", ["identity_number"])
    op.drop_table("data_key")


def _forget_thoroughly(connection: sa.Connection) -> None:
    """What stood in plain shall not be left in SQLite's freed pages. On PostgreSQL docs/operations.md says how."""
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("PRAGMA secure_delete=ON"))


def _convert(
    connection: sa.Connection,
    table: str,
    columns: tuple[tuple[str, int, bool, str | None], ...],
    change: Callable[[str, str], str],
    *,
    hashed: bool,
) -> None:
    """Seal or open every row of a table, some thousands at a time."""
    names = [column[0] for column in columns]
    plain = sa.table(table, sa.column("id"), *(sa.column(name) for name in names))
    marked = sa.table(table, sa.column("id"), sa.column("identity_hash"), sa.column("identity_tail"))
    values = {name: sa.bindparam(f"new_{name}") for name in names}
    last = 0
    while True:
        rows = connection.execute(
            sa.select(plain).where(plain.c.id > last).order_by(plain.c.id).limit(_BATCH)
        ).mappings()
        found = [dict(row) for row in rows]
        if not found:
            return
        new: list[dict[str, Any]] = []
        for row in found:
            changed = {f"new_{name}": row[name] and change(row[name], f"{table}.{name}") for name in names}
            new.append({"own_id": row["id"], **changed})
        connection.execute(sa.update(plain).where(plain.c.id == sa.bindparam("own_id")).values(values), new)
        if hashed and table in _IDENTIFIED:
            connection.execute(
                sa.update(marked)
                .where(marked.c.id == sa.bindparam("own_id"))
                .values(identity_hash=sa.bindparam("hash"), identity_tail=sa.bindparam("tail")),
                [
                    {
                        "own_id": row["id"],
                        "hash": keyring().lookup(row["identity_number"]),
                        "tail": keyring().tail(row["identity_number"]),
                    }
                    for row in found
                ],
            )
        last = found[-1]["id"]


def _execute(connection: sa.Connection, statement: str) -> None:
    connection.execute(sa.text(statement))
