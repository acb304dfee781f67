"""orders and counts by index

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# The queues of units: the unit comes first now; with what is new at their ends.
_QUEUES = (
    ("ix_application_unit_queue", "unit_id", ["submitted_at"]),
    ("ix_application_supervising_queue", "supervising_unit_id", []),
)
_OF_RELEASE = """
UPDATE recheck SET {column} = (
    SELECT release.{column} FROM result JOIN release ON release.id = result.release_id
    WHERE result.id = recheck.result_id
)
"""


_REVIEWING = """
UPDATE {table} SET reviewing_agency_id = (
    SELECT application.agency_id FROM application WHERE application.id = {table}.application_id
)
"""
_SEEN_BY = (("result", ["reviewing_agency_id"]), ("certificate", ["cycle_id", "reviewing_agency_id"]))


def upgrade() -> None:
    for table, first in _SEEN_BY:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("reviewing_agency_id", sa.Integer(), nullable=True))
        op.execute(_REVIEWING.format(table=table))
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("reviewing_agency_id", existing_type=sa.Integer(), nullable=False)
            name = batch_op.f(f"fk_{table}_reviewing_agency_id_agency")
            batch_op.create_foreign_key(name, "agency", ["reviewing_agency_id"], ["id"])
        op.create_index(f"ix_{table}_reviewing_agency", table, [*first, "number", "id"])
    with op.batch_alter_table("recheck", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cycle_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("agency_id", sa.Integer(), nullable=True))
    for column in ("cycle_id", "agency_id"):
        op.execute(_OF_RELEASE.format(column=column))
    with op.batch_alter_table("recheck", schema=None) as batch_op:
        batch_op.alter_column("cycle_id", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("agency_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(batch_op.f("fk_recheck_cycle_id_cycle"), "cycle", ["cycle_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_recheck_agency_id_agency"), "agency", ["agency_id"], ["id"])
    op.drop_index("ix_recheck_state", table_name="recheck")
    op.create_index("ix_recheck_agency", "recheck", ["cycle_id", "agency_id", "state", "id"])
    op.drop_index("ix_registration_sheet_agency_id", table_name="registration_sheet")
    op.create_index("ix_registration_sheet_agency", "registration_sheet", ["agency_id", "status", "id"])
    op.create_index("ix_registration_sheet_submitted_at", "registration_sheet", ["submitted_at", "id"])
    op.create_index("ix_release_proposal_agency", "release_proposal", ["cycle_id", "agency_id", "state", "grade"])
    op.create_index("ix_training_class_starts_on", "training_class", ["cycle_id", "starts_on", "id"])
    op.drop_index("ix_unit_agency_id", table_name="unit")
    op.create_index("ix_unit_agency", "unit", ["agency_id", "id"])
    for name, unit, more in _QUEUES:
        op.drop_index(name, table_name="application")
        op.create_index(name, "application", [unit, "cycle_id", "status", "desk_since", *more])
    op.drop_index("ix_certificate_state", table_name="certificate")
    op.create_index("ix_certificate_state", "certificate", ["cycle_id", "state", "reviewing_agency_id"])


def downgrade() -> None:
    op.drop_index("ix_certificate_state", table_name="certificate")
    op.create_index("ix_certificate_state", "certificate", ["cycle_id", "state"])
    for table, _ in _SEEN_BY:
        op.drop_index(f"ix_{table}_reviewing_agency", table_name=table)
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"fk_{table}_reviewing_agency_id_agency"), type_="foreignkey")
            batch_op.drop_column("reviewing_agency_id")
    for name, unit, _ in _QUEUES:
        op.drop_index(name, table_name="application")
        op.create_index(name, "application", ["cycle_id", unit, "status", "desk_since"])
    op.drop_index("ix_unit_agency", table_name="unit")
    op.create_index("ix_unit_agency_id", "unit", ["agency_id"])
    op.drop_index("ix_training_class_starts_on", table_name="training_class")
    op.drop_index("ix_release_proposal_agency", table_name="release_proposal")
    op.drop_index("ix_registration_sheet_submitted_at", table_name="registration_sheet")
    op.drop_index("ix_registration_sheet_agency", table_name="registration_sheet")
    op.create_index("ix_registration_sheet_agency_id", "registration_sheet", ["agency_id"])
    op.drop_index("ix_recheck_agency", table_name="recheck")
    op.create_index("ix_recheck_state", "recheck", ["state"])
    with op.batch_alter_table("recheck", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_recheck_agency_id_agency"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_recheck_cycle_id_cycle"), type_="foreignkey")
        batch_op.drop_column("agency_id")
        batch_op.drop_column("cycle_id")
