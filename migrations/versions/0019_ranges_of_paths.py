"""ranges of paths

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_QUEUE = ["cycle_id", "agency_id", "status", "desk_since", "unit_id", "trade_id", "grade", "person_id"]
_MORE = ["person_name", "identity_tail", "number", "id"]
_SEATS = ["run_id", "sitting_id", "room_id"]


def upgrade() -> None:
    _compare_paths("C")
    op.drop_index("ix_application_agency_queue", table_name="application")
    op.create_index("ix_application_agency_queue", "application", [*_QUEUE, *_MORE, "submitted_at"])
    op.drop_index("ix_seat_run_sitting", table_name="seat")
    op.create_index("ix_seat_run_sitting", "seat", [*_SEATS, "application_id"])


def downgrade() -> None:
    op.drop_index("ix_seat_run_sitting", table_name="seat")
    op.create_index("ix_seat_run_sitting", "seat", _SEATS)
    op.drop_index("ix_application_agency_queue", table_name="application")
    op.create_index("ix_application_agency_queue", "application", [*_QUEUE, *_MORE])
    _compare_paths("default")


def _compare_paths(collation: str) -> None:
    """SQLite compares character by character already."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("unit", "path", type_=sa.String(length=200, collation=collation))
