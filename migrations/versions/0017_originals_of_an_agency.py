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
    op.drop_index("ix_original_received_at", table_name="original")
    op.drop_index("ix_original_returned_at", table_name="original")
    _index("ix_original_held", "agency_id", "received_at", "member_id", "id")
    _index("ix_original_held_since", "received_at", "id")


def downgrade() -> None:
    op.drop_index("ix_original_held_since", table_name="original")
    op.drop_index("ix_original_held", table_name="original")
    op.create_index("ix_original_returned_at", "original", ["returned_at"])
    op.create_index("ix_original_received_at", "original", ["received_at"])
    with op.batch_alter_table("original", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_original_agency_id_agency"), type_="foreignkey")
        batch_op.drop_column("agency_id")
    _index("ix_original_held", "member_id")


def _index(name: str, *columns: str) -> None:
    op.create_index(name, "original", list(columns), sqlite_where=_HELD, postgresql_where=_HELD)
