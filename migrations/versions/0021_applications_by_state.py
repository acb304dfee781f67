"""applications by state

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_COLUMNS = ["cycle_id", "status", "submitted_at", "grade", "agency_id", "id"]


def upgrade() -> None:
    op.create_index("ix_application_status", "application", _COLUMNS)


def downgrade() -> None:
    op.drop_index("ix_application_status", table_name="application")
