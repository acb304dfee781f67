"""registration sheets by submission

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("registration_sheet", schema=None) as batch_op:
        batch_op.create_index("ix_registration_sheet_submitted_at", ["submitted_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("registration_sheet", schema=None) as batch_op:
        batch_op.drop_index("ix_registration_sheet_submitted_at")
