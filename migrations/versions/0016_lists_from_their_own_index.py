"""lists from their own index

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_HELD = sa.text("received_at IS NOT NULL AND returned_at IS NULL")
_OF_ACCOUNT = ("unit_id", "agency_id", "region_code")


def upgrade() -> None:
    with op.batch_alter_table("deferral", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cycle_id", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE deferral SET cycle_id = (SELECT cycle_id FROM application WHERE application.id = deferral.application_id)"
    )
    with op.batch_alter_table("deferral", schema=None) as batch_op:
        batch_op.alter_column("cycle_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(batch_op.f("fk_deferral_cycle_id_cycle"), "cycle", ["cycle_id"], ["id"])
        batch_op.create_index("ix_deferral_queue", ["cycle_id", "status", "id"], unique=False)

    op.create_index("ix_original_held", "original", ["member_id"], sqlite_where=_HELD, postgresql_where=_HELD)

    op.drop_index("ix_training_class_agency_id", table_name="training_class")
    op.create_index("ix_training_class_agency", "training_class", ["agency_id", "cycle_id"])

    op.drop_index("ix_unit_check_status", table_name="unit_check")
    op.create_index("ix_unit_check_status", "unit_check", ["cycle_id", "status", "unit_id"])
    op.create_index("ix_unit_check_queue", "unit_check", ["cycle_id", "checked_at", "id"])

    for name in _OF_ACCOUNT:
        there = sa.text(f"{name} IS NOT NULL")
        op.drop_index(f"ix_account_{name}", table_name="account")
        op.create_index(f"ix_account_{name}", "account", [name], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    for name in _OF_ACCOUNT:
        op.drop_index(f"ix_account_{name}", table_name="account")
        op.create_index(f"ix_account_{name}", "account", [name])

    op.drop_index("ix_unit_check_queue", table_name="unit_check")
    op.drop_index("ix_unit_check_status", table_name="unit_check")
    op.create_index("ix_unit_check_status", "unit_check", ["status"])

    op.drop_index("ix_training_class_agency", table_name="training_class")
    op.create_index("ix_training_class_agency_id", "training_class", ["agency_id"])

    op.drop_index("ix_original_held", table_name="original")

    with op.batch_alter_table("deferral", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_deferral_cycle_id_cycle"), type_="foreignkey")
        batch_op.drop_index("ix_deferral_queue")
        batch_op.drop_column("cycle_id")
