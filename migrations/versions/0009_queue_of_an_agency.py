"""an agency's queue is counted, filtered and searched in one index

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NAME, _BEFORE = "ix_application_agency_queue", ["cycle_id", "agency_id", "status", "desk_since"]


def upgrade() -> None:
    op.drop_index(_NAME, "application")
    op.create_index(_NAME, "application", [*_BEFORE, "unit_id", "trade_id", "grade", "person_id"])


def downgrade() -> None:
    op.drop_index(_NAME, "application")
    op.create_index(_NAME, "application", _BEFORE)
