"""parts of names

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_CHARACTERS = 30
_TAKE_APART = """
INSERT INTO name_part (cycle_id, part, application_id)
SELECT cycle_id, substr(person_name, {start}), id FROM application WHERE length(person_name) >= {start}
"""


def upgrade() -> None:
    op.create_table(
        "name_part",
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column(
            "part",
            sa.String(length=_CHARACTERS).with_variant(sa.String(length=_CHARACTERS, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("application_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_name_part_application_id_application"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_name_part_cycle_id_cycle"),
        sa.PrimaryKeyConstraint("cycle_id", "part", "application_id", name="pk_name_part"),
        sqlite_with_rowid=False,
    )
    for start in range(1, _CHARACTERS + 1):
        op.execute(_TAKE_APART.format(start=start))
    op.create_index("ix_application_tail", "application", ["cycle_id", "identity_tail"])


def downgrade() -> None:
    op.drop_index("ix_application_tail", table_name="application")
    op.drop_table("name_part")
