"""units by index

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CHARACTERS = 60
_TAKE_APART = """
INSERT INTO unit_name_part (part, unit_id)
SELECT upper(substr(name, {start})), id FROM unit WHERE length(name) >= {start}
"""
_SET_AGENCY = """
UPDATE unit_check SET agency_id = (SELECT unit.agency_id FROM unit WHERE unit.id = unit_check.unit_id)
"""


def upgrade() -> None:
    op.create_table(
        "unit_name_part",
        sa.Column(
            "part",
            sa.String(length=_CHARACTERS).with_variant(sa.String(length=_CHARACTERS, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("unit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_unit_name_part_unit_id_unit"),
        sa.PrimaryKeyConstraint("part", "unit_id", name="pk_unit_name_part"),
        sqlite_with_rowid=False,
    )
    for start in range(1, _CHARACTERS + 1):
        op.execute(_TAKE_APART.format(start=start))
    op.drop_index("ix_unit_agency", table_name="unit")
    op.create_index("ix_unit_agency", "unit", ["agency_id", "name", "id", "active"])
    with op.batch_alter_table("unit_check", schema=None) as batch_op:
        batch_op.add_column(sa.Column("agency_id", sa.Integer(), nullable=True))
    op.execute(_SET_AGENCY)
    with op.batch_alter_table("unit_check", schema=None) as batch_op:
        batch_op.alter_column("agency_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(batch_op.f("fk_unit_check_agency_id_agency"), "agency", ["agency_id"], ["id"])
    op.create_index("ix_unit_check_unit", "unit_check", ["cycle_id", "unit_id", "status"])
    op.create_index("ix_unit_check_agency", "unit_check", ["cycle_id", "agency_id", "status"])


def downgrade() -> None:
    op.drop_index("ix_unit_check_agency", table_name="unit_check")
    op.drop_index("ix_unit_check_unit", table_name="unit_check")
    with op.batch_alter_table("unit_check", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_unit_check_agency_id_agency"), type_="foreignkey")
        batch_op.drop_column("agency_id")
    op.drop_index("ix_unit_agency", table_name="unit")
    op.create_index("ix_unit_agency", "unit", ["agency_id", "name", "id"])
    op.drop_table("unit_name_part")
