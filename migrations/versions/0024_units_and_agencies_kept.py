"""units and agencies kept

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_HELD = sa.text("received_at IS NOT NULL AND returned_at IS NULL")
_OFFICE = sa.text("agency_id IS NOT NULL OR region_code IS NOT NULL")
_COLUMNS = (
    ("deferral", "agency_id", "agency"),
    ("false_materials_case", "unit_id", "unit"),
    ("original", "unit_id", "unit"),
)
_SET = """
UPDATE {table} SET {column} = (
    SELECT application.{column} FROM application
    WHERE application.id = {table}.application_id AND application.submitted_at IS NOT NULL
)
"""
# A draft that was handed in once may have lost its unit; then the one that brought the original has it.
_SET_OF_ORIGINALS = """
UPDATE original SET unit_id = (
    SELECT COALESCE(application.unit_id, visit.unit_id) FROM visit_member
    JOIN application ON application.id = visit_member.application_id JOIN visit ON visit.id = visit_member.visit_id
    WHERE visit_member.id = original.member_id
)
"""


def upgrade() -> None:
    for table, column, other in _COLUMNS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(column, sa.Integer(), nullable=True))
        op.execute(_SET_OF_ORIGINALS if table == "original" else _SET.format(table=table, column=column))
        with op.batch_alter_table(table, schema=None) as batch_op:
            if table == "original":
                batch_op.alter_column(column, existing_type=sa.Integer(), nullable=False)
            batch_op.create_foreign_key(batch_op.f(f"fk_{table}_{column}_{other}"), other, [column], ["id"])
    op.create_index("ix_deferral_agency", "deferral", ["agency_id", "cycle_id", "status", "id"])
    op.create_index("ix_false_materials_case_unit_id", "false_materials_case", ["unit_id"])
    op.create_index(
        "ix_original_held_of_unit",
        "original",
        ["unit_id", "received_at", "id"],
        sqlite_where=_HELD,
        postgresql_where=_HELD,
    )
    op.drop_index("ix_unit_agency", table_name="unit")
    op.create_index("ix_unit_agency", "unit", ["agency_id", "name", "id"])
    op.drop_index("ix_visit_slot_agency_id", table_name="visit_slot")
    op.create_index("ix_visit_slot_agency", "visit_slot", ["agency_id", "starts_at", "id"])
    op.create_index("ix_account_office", "account", ["username", "id"], sqlite_where=_OFFICE, postgresql_where=_OFFICE)


def downgrade() -> None:
    op.drop_index("ix_account_office", table_name="account")
    op.drop_index("ix_visit_slot_agency", table_name="visit_slot")
    op.create_index("ix_visit_slot_agency_id", "visit_slot", ["agency_id"])
    op.drop_index("ix_unit_agency", table_name="unit")
    op.create_index("ix_unit_agency", "unit", ["agency_id", "id"])
    op.drop_index("ix_original_held_of_unit", table_name="original")
    op.drop_index("ix_false_materials_case_unit_id", table_name="false_materials_case")
    op.drop_index("ix_deferral_agency", table_name="deferral")
    for table, column, other in _COLUMNS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"fk_{table}_{column}_{other}"), type_="foreignkey")
            batch_op.drop_column(column)
