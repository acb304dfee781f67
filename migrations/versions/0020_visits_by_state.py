"""visits by state

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_visit_agency_id", table_name="visit")
    op.create_index("ix_visit_agency", "visit", ["agency_id", "cycle_id", "status", "id"])


def downgrade() -> None:
    op.drop_index("ix_visit_agency", table_name="visit")
    op.create_index("ix_visit_agency_id", "visit", ["agency_id"])
