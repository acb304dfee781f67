"""results of jobs cleared, files let go, sheets entered twice

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "discarded_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_discarded_file")),
    )
    with op.batch_alter_table("discarded_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_discarded_file_discarded_at"), ["discarded_at"], unique=False)
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_job_finished_at"), ["finished_at"], unique=False)
    with op.batch_alter_table("panel_assessor", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("first_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("first_sheet", sa.JSON(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_panel_assessor_first_by_id_account"), "account", ["first_by_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("panel_assessor", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_panel_assessor_first_by_id_account"), type_="foreignkey")
        batch_op.drop_column("first_sheet")
        batch_op.drop_column("first_at")
        batch_op.drop_column("first_by_id")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_finished_at"))
        batch_op.drop_column("cleared_at")
    op.drop_table("discarded_file")
