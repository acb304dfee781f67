"""messages, password help, roster, bans, deferrals, conditions

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "condition_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["account.id"], name=op.f("fk_condition_set_created_by_id_account")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_condition_set_cycle_id_cycle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condition_set")),
        sa.UniqueConstraint("cycle_id", "version", name=op.f("uq_condition_set_cycle_id_version")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("agency_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("body", sa.String(length=500), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_by_id", sa.Integer(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_message_account_id_account")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_message_agency_id_agency")),
        sa.ForeignKeyConstraint(["read_by_id"], ["account.id"], name=op.f("fk_message_read_by_id_account")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_message_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_account", ["account_id", "read_at", "id"], unique=False)
        batch_op.create_index("ix_message_agency", ["agency_id", "read_at", "id"], unique=False)
        batch_op.create_index("ix_message_outgoing", ["sent_at", "attempts"], unique=False)
        batch_op.create_index("ix_message_unit", ["unit_id", "read_at", "id"], unique=False)

    op.create_table(
        "password_help",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("identity_number", sa.String(length=18), nullable=False),
        sa.Column("mobile", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_password_help_account_id_account")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_password_help_agency_id_agency")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_password_help_decided_by_id_account")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_password_help_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_help")),
    )
    with op.batch_alter_table("password_help", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_password_help_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_password_help_agency_id"), ["agency_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_password_help_identity_number"), ["identity_number"], unique=False)
        batch_op.create_index(batch_op.f("ix_password_help_status"), ["status"], unique=False)
        batch_op.create_index(batch_op.f("ix_password_help_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "roster_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("identity_number", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("mobile", sa.String(length=20), nullable=False),
        sa.Column("education", sa.String(length=20), nullable=False),
        sa.Column("department", sa.String(length=40), nullable=False),
        sa.Column("post", sa.String(length=40), nullable=False),
        sa.Column("post_kind", sa.String(length=20), nullable=False),
        sa.Column("staff_kind", sa.String(length=10), nullable=False),
        sa.Column("work_started_on", sa.Date(), nullable=True),
        sa.Column("post_started_on", sa.Date(), nullable=True),
        sa.Column("certificate_grade", sa.Integer(), nullable=True),
        sa.Column("certificate_trade", sa.String(length=40), nullable=False),
        sa.Column("certificate_number", sa.String(length=40), nullable=False),
        sa.Column("certificate_issued_on", sa.Date(), nullable=True),
        sa.Column("imported_by_id", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_roster_entry_cycle_id_cycle")),
        sa.ForeignKeyConstraint(
            ["imported_by_id"], ["account.id"], name=op.f("fk_roster_entry_imported_by_id_account")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_roster_entry_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_entry")),
        sa.UniqueConstraint("cycle_id", "identity_number", name=op.f("uq_roster_entry_cycle_id_identity_number")),
    )
    with op.batch_alter_table("roster_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_roster_entry_identity_number"), ["identity_number"], unique=False)
        batch_op.create_index(batch_op.f("ix_roster_entry_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "ban",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity_number", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_ban_agency_id_agency")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_ban_application_id_application")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_ban_decided_by_id_account")),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["account.id"], name=op.f("fk_ban_lifted_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban")),
    )
    with op.batch_alter_table("ban", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ban_agency_id"), ["agency_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ban_application_id"), ["application_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ban_identity_number"), ["identity_number"], unique=False)

    op.create_table(
        "deferral",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("years", sa.JSON(), nullable=False),
        sa.Column("pledged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_by_id", sa.Integer(), nullable=True),
        sa.Column("made_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("reminded_days", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agreed_by_id"], ["account.id"], name=op.f("fk_deferral_agreed_by_id_account")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_deferral_application_id_application")
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_deferral_decided_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deferral")),
        sa.UniqueConstraint("application_id", name=op.f("uq_deferral_application_id")),
    )
    with op.batch_alter_table("deferral", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deferral_status"), ["status"], unique=False)

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.String(length=120), server_default="", nullable=False))
        batch_op.add_column(sa.Column("totp_secret", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("totp_enabled_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("totp_last_step", sa.Integer(), nullable=True))

    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.add_column(sa.Column("post_kind", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("retirement_acknowledged_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("retirement_agreed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("awards_since", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("achievements_since", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("condition_set_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("evaluation", sa.JSON(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_application_condition_set_id_condition_set"), "condition_set", ["condition_set_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_application_condition_set_id_condition_set"), type_="foreignkey")
        batch_op.drop_column("evaluation")
        batch_op.drop_column("condition_set_id")
        batch_op.drop_column("achievements_since")
        batch_op.drop_column("awards_since")
        batch_op.drop_column("retirement_agreed_at")
        batch_op.drop_column("retirement_acknowledged_at")
        batch_op.drop_column("post_kind")

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_column("totp_last_step")
        batch_op.drop_column("totp_enabled_at")
        batch_op.drop_column("totp_secret")
        batch_op.drop_column("email")

    with op.batch_alter_table("deferral", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deferral_status"))

    op.drop_table("deferral")
    with op.batch_alter_table("ban", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ban_identity_number"))
        batch_op.drop_index(batch_op.f("ix_ban_application_id"))
        batch_op.drop_index(batch_op.f("ix_ban_agency_id"))

    op.drop_table("ban")
    with op.batch_alter_table("roster_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_roster_entry_unit_id"))
        batch_op.drop_index(batch_op.f("ix_roster_entry_identity_number"))

    op.drop_table("roster_entry")
    with op.batch_alter_table("password_help", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_password_help_unit_id"))
        batch_op.drop_index(batch_op.f("ix_password_help_status"))
        batch_op.drop_index(batch_op.f("ix_password_help_identity_number"))
        batch_op.drop_index(batch_op.f("ix_password_help_agency_id"))
        batch_op.drop_index(batch_op.f("ix_password_help_account_id"))

    op.drop_table("password_help")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index("ix_message_unit")
        batch_op.drop_index("ix_message_outgoing")
        batch_op.drop_index("ix_message_agency")
        batch_op.drop_index("ix_message_account")

    op.drop_table("message")
    op.drop_table("condition_set")
