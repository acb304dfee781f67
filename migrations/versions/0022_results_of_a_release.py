"""results of a release

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_result_release_id", table_name="result")
    op.create_index("ix_result_release", "result", ["release_id", "passed", "application_id"])


def downgrade() -> None:
    op.drop_index("ix_result_release", table_name="result")
    op.create_index("ix_result_release_id", "result", ["release_id"])
