"""examinations

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exam_sitting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grades", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_exam_sitting_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_exam_sitting_cycle_id_cycle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_sitting")),
        sa.UniqueConstraint("cycle_id", "agency_id", "number", name=op.f("uq_exam_sitting_cycle_id_agency_id_number")),
    )
    with op.batch_alter_table("exam_sitting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exam_sitting_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "exam_site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("contact_name", sa.String(length=30), nullable=False),
        sa.Column("contact_phone", sa.String(length=40), nullable=False),
        sa.Column("power_ready", sa.Boolean(), nullable=True),
        sa.Column("power_note", sa.String(length=200), nullable=False),
        sa.Column("recording_ready", sa.Boolean(), nullable=True),
        sa.Column("recording_note", sa.String(length=200), nullable=False),
        sa.Column("rooms_standard", sa.Boolean(), nullable=True),
        sa.Column("rooms_note", sa.String(length=200), nullable=False),
        sa.Column("recordings_kept_at", sa.String(length=120), nullable=False),
        sa.Column("recordings_holder", sa.String(length=60), nullable=False),
        sa.Column("plan_file_id", sa.Integer(), nullable=True),
        sa.Column("checked_by_id", sa.Integer(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_exam_site_agency_id_agency")),
        sa.ForeignKeyConstraint(["checked_by_id"], ["account.id"], name=op.f("fk_exam_site_checked_by_id_account")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_exam_site_cycle_id_cycle")),
        sa.ForeignKeyConstraint(
            ["plan_file_id"], ["stored_file.id"], name=op.f("fk_exam_site_plan_file_id_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_site")),
        sa.UniqueConstraint("cycle_id", "agency_id", "name", name=op.f("uq_exam_site_cycle_id_agency_id_name")),
    )
    with op.batch_alter_table("exam_site", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exam_site_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "seating_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("changed_by_hand", sa.Integer(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by_id", sa.Integer(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_seating_run_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_seating_run_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["issued_by_id"], ["account.id"], name=op.f("fk_seating_run_issued_by_id_account")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_seating_run_made_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seating_run")),
        sa.UniqueConstraint("cycle_id", "agency_id", name=op.f("uq_seating_run_cycle_id_agency_id")),
    )
    with op.batch_alter_table("seating_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seating_run_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "training_class",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("trade_id", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_training_class_agency_id_agency")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["account.id"], name=op.f("fk_training_class_created_by_id_account")
        ),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_training_class_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["trade_id"], ["trade.id"], name=op.f("fk_training_class_trade_id_trade")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_class")),
    )
    with op.batch_alter_table("training_class", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_training_class_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "exam_room",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("location", sa.String(length=60), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("computers", sa.Integer(), nullable=False),
        sa.Column("accessible", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["exam_site.id"], name=op.f("fk_exam_room_site_id_exam_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_room")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_exam_room_site_id_number")),
    )
    op.create_table(
        "site_incident",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("measures", sa.Text(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["account.id"], name=op.f("fk_site_incident_recorded_by_id_account")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["exam_site.id"], name=op.f("fk_site_incident_site_id_exam_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_incident")),
    )
    with op.batch_alter_table("site_incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_incident_site_id"), ["site_id"], unique=False)

    op.create_table(
        "seat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ticket_number", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_seat_application_id_application")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["exam_room.id"], name=op.f("fk_seat_room_id_exam_room")),
        sa.ForeignKeyConstraint(["run_id"], ["seating_run.id"], name=op.f("fk_seat_run_id_seating_run")),
        sa.ForeignKeyConstraint(["sitting_id"], ["exam_sitting.id"], name=op.f("fk_seat_sitting_id_exam_sitting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint("application_id", name=op.f("uq_seat_application_id")),
        sa.UniqueConstraint("sitting_id", "room_id", "number", name=op.f("uq_seat_sitting_id_room_id_number")),
        sa.UniqueConstraint("ticket_number", name=op.f("uq_seat_ticket_number")),
    )
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seat_room_id"), ["room_id"], unique=False)
        batch_op.create_index("ix_seat_run_sitting", ["run_id", "sitting_id", "room_id"], unique=False)

    op.create_table(
        "sitting_room",
        sa.Column("sitting_id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["exam_room.id"], name=op.f("fk_sitting_room_room_id_exam_room")),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["exam_sitting.id"], name=op.f("fk_sitting_room_sitting_id_exam_sitting")
        ),
        sa.PrimaryKeyConstraint("sitting_id", "room_id", name=op.f("pk_sitting_room")),
    )
    with op.batch_alter_table("sitting_room", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sitting_room_room_id"), ["room_id"], unique=False)

    op.create_table(
        "special_need",
        sa.Column("application_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_special_need_application_id_application")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["account.id"], name=op.f("fk_special_need_recorded_by_id_account")
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_special_need")),
    )
    op.create_table(
        "training_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=True),
        sa.Column("completed", sa.Boolean(), nullable=True),
        sa.Column("remark", sa.String(length=60), nullable=False),
        sa.Column("enrolled_by_id", sa.Integer(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_training_member_application_id_application")
        ),
        sa.ForeignKeyConstraint(
            ["class_id"], ["training_class.id"], name=op.f("fk_training_member_class_id_training_class")
        ),
        sa.ForeignKeyConstraint(
            ["enrolled_by_id"], ["account.id"], name=op.f("fk_training_member_enrolled_by_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_member")),
        sa.UniqueConstraint("application_id", name=op.f("uq_training_member_application_id")),
    )
    with op.batch_alter_table("training_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_training_member_class_id"), ["class_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("training_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_training_member_class_id"))

    op.drop_table("training_member")
    op.drop_table("special_need")
    with op.batch_alter_table("sitting_room", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sitting_room_room_id"))

    op.drop_table("sitting_room")
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.drop_index("ix_seat_run_sitting")
        batch_op.drop_index(batch_op.f("ix_seat_room_id"))

    op.drop_table("seat")
    with op.batch_alter_table("site_incident", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_site_incident_site_id"))

    op.drop_table("site_incident")
    op.drop_table("exam_room")
    with op.batch_alter_table("training_class", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_training_class_agency_id"))

    op.drop_table("training_class")
    with op.batch_alter_table("seating_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seating_run_agency_id"))

    op.drop_table("seating_run")
    with op.batch_alter_table("exam_site", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exam_site_agency_id"))

    op.drop_table("exam_site")
    with op.batch_alter_table("exam_sitting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exam_sitting_agency_id"))

    op.drop_table("exam_sitting")
