"""search by index

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BEFORE = ["cycle_id", "submitted_at", "status", "grade", "agency_id", "trade_id", "desk_since"]
_MORE = ["unit_id", "supervising_unit_id", "person_id", "person_name", "identity_tail", "number", "id"]


def upgrade() -> None:
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index("ix_application_submitted")
        batch_op.create_index("ix_application_submitted", [*_BEFORE, *_MORE], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index("ix_application_submitted")
        batch_op.create_index("ix_application_submitted", _BEFORE, unique=False)
