"""originals of an agency

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_HELD = sa.text("received_at IS NOT NULL AND returned_at IS NULL")
_AGENCY = """
UPDATE original SET agency_id = (
    SELECT visit.agency_id FROM visit_member JOIN visit ON visit.id = visit_member.visit_id
    WHERE visit_member.id = original.member_id
)
"""


def upgrade() -> None:
    op.drop_index("ix_original_held", table_name="original")
    with op.batch_alter_table("original", schema=None) as batch_op:
        batch_op.add_column(sa.Column("agency_id", sa.Integer(), nullable=True))
    op.execute(_AGENCY)
    with op.batch_alter_table("original", schema=None) as batch_op:
        batch_op.alter_column("agency_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(batch_op.f("fk_original_agency_id_agency"), "agency", ["agency_id"], ["id"])
    _index("agency_id", "received_at", "member_id", "id")


def downgrade() -> None:
    op.drop_index("ix_original_held", table_name="original")
    with op.batch_alter_table("original", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_original_agency_id_agency"), type_="foreignkey")
        batch_op.drop_column("agency_id")
    _index("member_id")


def _index(*columns: str) -> None:
    op.create_index("ix_original_held", "original", list(columns), sqlite_where=_HELD, postgresql_where=_HELD)
