"""lists by index

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index(
            "ix_application_submitted",
            ["cycle_id", "submitted_at", "status", "grade", "agency_id", "trade_id", "desk_since"],
            unique=False,
        )
        batch_op.create_index(
            "ix_application_agency_submitted",
            ["cycle_id", "agency_id", "submitted_at", "status", "grade"],
            unique=False,
        )
        batch_op.create_index("ix_application_number", ["cycle_id", "number"], unique=False)
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificate_state"))
        batch_op.create_index("ix_certificate_state", ["cycle_id", "state"], unique=False)
        batch_op.create_index("ix_certificate_number", ["cycle_id", "number"], unique=False)
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_result_passed"))
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_region_code"), ["region_code"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_region_code"))
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_result_passed"), ["passed"], unique=False)
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index("ix_certificate_number")
        batch_op.drop_index("ix_certificate_state")
        batch_op.create_index(batch_op.f("ix_certificate_state"), ["state"], unique=False)
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index("ix_application_number")
        batch_op.drop_index("ix_application_agency_submitted")
        batch_op.drop_index("ix_application_submitted")
