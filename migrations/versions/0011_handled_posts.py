"""posts that were handled already

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handled_post",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("location", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_handled_post")),
    )
    op.create_index(op.f("ix_handled_post_at"), "handled_post", ["at"])


def downgrade() -> None:
    op.drop_table("handled_post")
