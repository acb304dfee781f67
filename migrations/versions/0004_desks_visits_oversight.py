"""desks, visits, oversight

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visit_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_visit_slot_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_visit_slot_cycle_id_cycle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_slot")),
    )
    with op.batch_alter_table("visit_slot", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_slot_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "calendar_filing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("region_code", sa.String(length=6), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("opens", sa.Date(), nullable=False),
        sa.Column("closes", sa.Date(), nullable=False),
        sa.Column("grades", sa.JSON(), nullable=True),
        sa.Column("extension", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("filed_by_id", sa.Integer(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objection", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_calendar_filing_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_calendar_filing_cycle_id_cycle")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["account.id"], name=op.f("fk_calendar_filing_decided_by_id_account")
        ),
        sa.ForeignKeyConstraint(["filed_by_id"], ["account.id"], name=op.f("fk_calendar_filing_filed_by_id_account")),
        sa.ForeignKeyConstraint(["region_code"], ["region.code"], name=op.f("fk_calendar_filing_region_code_region")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_filing")),
    )
    with op.batch_alter_table("calendar_filing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calendar_filing_agency_id"), ["agency_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_calendar_filing_region_code"), ["region_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_calendar_filing_status"), ["status"], unique=False)

    op.create_table(
        "phrase",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_phrase_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phrase")),
        sa.UniqueConstraint("account_id", "text", name=op.f("uq_phrase_account_id_text")),
    )
    op.create_table(
        "sample",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("drawn_by_id", sa.Integer(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_sample_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_sample_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["drawn_by_id"], ["account.id"], name=op.f("fk_sample_drawn_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
    )
    with op.batch_alter_table("sample", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sample_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_saved_view_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("account_id", "page", "name", name=op.f("uq_saved_view_account_id_page_name")),
    )
    op.create_table(
        "unit_statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("posts", sa.JSON(), nullable=False),
        sa.Column("terms", sa.String(length=500), nullable=False),
        sa.Column("responsible_name", sa.String(length=30), nullable=False),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["account.id"], name=op.f("fk_unit_statement_confirmed_by_id_account")
        ),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_unit_statement_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_statement_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_statement")),
        sa.UniqueConstraint("cycle_id", "unit_id", name=op.f("uq_unit_statement_cycle_id_unit_id")),
    )
    with op.batch_alter_table("unit_statement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_statement_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "upward_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("signed_id", sa.Integer(), nullable=True),
        sa.Column("sent_by_id", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by_id", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_reason", sa.String(length=300), nullable=False),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_upward_report_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_upward_report_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["paper_id"], ["stored_file.id"], name=op.f("fk_upward_report_paper_id_stored_file")),
        sa.ForeignKeyConstraint(
            ["received_by_id"], ["account.id"], name=op.f("fk_upward_report_received_by_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"], ["upward_report.id"], name=op.f("fk_upward_report_replaced_by_id_upward_report")
        ),
        sa.ForeignKeyConstraint(["sent_by_id"], ["account.id"], name=op.f("fk_upward_report_sent_by_id_account")),
        sa.ForeignKeyConstraint(["sheet_id"], ["stored_file.id"], name=op.f("fk_upward_report_sheet_id_stored_file")),
        sa.ForeignKeyConstraint(["signed_id"], ["stored_file.id"], name=op.f("fk_upward_report_signed_id_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upward_report")),
        sa.UniqueConstraint("number", name=op.f("uq_upward_report_number")),
    )
    with op.batch_alter_table("upward_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upward_report_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("bearer_name", sa.String(length=30), nullable=False),
        sa.Column("bearer_mobile", sa.String(length=20), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_visit_agency_id_agency")),
        sa.ForeignKeyConstraint(["created_by_id"], ["account.id"], name=op.f("fk_visit_created_by_id_account")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_visit_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["slot_id"], ["visit_slot.id"], name=op.f("fk_visit_slot_id_visit_slot")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_visit_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("number", name=op.f("uq_visit_number")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_agency_id"), ["agency_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_slot_id"), ["slot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_status"), ["status"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "review_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("desk", sa.String(40), nullable=False),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_review_note_account_id_account")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_review_note_application_id_application")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_note")),
        sa.UniqueConstraint("application_id", "desk", name=op.f("uq_review_note_application_id_desk")),
    )
    op.create_table(
        "sample_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("upheld", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("reviewed_by_id", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_sample_member_application_id_application")
        ),
        sa.ForeignKeyConstraint(
            ["reviewed_by_id"], ["account.id"], name=op.f("fk_sample_member_reviewed_by_id_account")
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_sample_member_sample_id_sample")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_member")),
        sa.UniqueConstraint("sample_id", "application_id", name=op.f("uq_sample_member_sample_id_application_id")),
    )
    with op.batch_alter_table("sample_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sample_member_application_id"), ["application_id"], unique=False)

    op.create_table(
        "visit_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_visit_member_application_id_application")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_member_visit_id_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_member")),
        sa.UniqueConstraint("application_id", name=op.f("uq_visit_member_application_id")),
    )
    with op.batch_alter_table("visit_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_member_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "false_materials_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("raised_by_id", sa.Integer(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("statement", sa.String(length=2000), nullable=False),
        sa.Column("statement_file_id", sa.Integer(), nullable=True),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("statement_waived", sa.String(length=200), nullable=False),
        sa.Column("decision", sa.String(length=1000), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ban_id", sa.Integer(), nullable=True),
        sa.Column("appeal", sa.String(length=1000), nullable=False),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_false_materials_case_agency_id_agency")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_false_materials_case_application_id_application")
        ),
        sa.ForeignKeyConstraint(["ban_id"], ["ban.id"], name=op.f("fk_false_materials_case_ban_id_ban")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["account.id"], name=op.f("fk_false_materials_case_decided_by_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["lifted_by_id"], ["account.id"], name=op.f("fk_false_materials_case_lifted_by_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["raised_by_id"], ["account.id"], name=op.f("fk_false_materials_case_raised_by_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["statement_file_id"],
            ["stored_file.id"],
            name=op.f("fk_false_materials_case_statement_file_id_stored_file"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_false_materials_case")),
        sa.UniqueConstraint("number", name=op.f("uq_false_materials_case_number")),
    )
    with op.batch_alter_table("false_materials_case", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_false_materials_case_agency_id"), ["agency_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_false_materials_case_application_id"), ["application_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_false_materials_case_status"), ["status"], unique=False)

    op.create_table(
        "original",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_by_id", sa.Integer(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_by_id", sa.Integer(), nullable=True),
        sa.Column("returned_to", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["visit_member.id"], name=op.f("fk_original_member_id_visit_member")),
        sa.ForeignKeyConstraint(["received_by_id"], ["account.id"], name=op.f("fk_original_received_by_id_account")),
        sa.ForeignKeyConstraint(["returned_by_id"], ["account.id"], name=op.f("fk_original_returned_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_original")),
        sa.UniqueConstraint("member_id", "label", name=op.f("uq_original_member_id_label")),
    )
    with op.batch_alter_table("original", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_original_received_at"), ["received_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_original_returned_at"), ["returned_at"], unique=False)

    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.add_column(sa.Column("second_review", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.add_column(sa.Column("claimed_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("first_reviewed_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("first_reviewed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_application_first_reviewed_by_id_account"), "account", ["first_reviewed_by_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_application_claimed_by_id_account"), "account", ["claimed_by_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_application_claimed_by_id_account"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_application_first_reviewed_by_id_account"), type_="foreignkey")
        batch_op.drop_column("first_reviewed_at")
        batch_op.drop_column("first_reviewed_by_id")
        batch_op.drop_column("claimed_at")
        batch_op.drop_column("claimed_by_id")

    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.drop_column("second_review")

    with op.batch_alter_table("original", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_original_returned_at"))
        batch_op.drop_index(batch_op.f("ix_original_received_at"))

    op.drop_table("original")
    with op.batch_alter_table("false_materials_case", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_false_materials_case_status"))
        batch_op.drop_index(batch_op.f("ix_false_materials_case_application_id"))
        batch_op.drop_index(batch_op.f("ix_false_materials_case_agency_id"))

    op.drop_table("false_materials_case")
    with op.batch_alter_table("visit_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_member_visit_id"))

    op.drop_table("visit_member")
    with op.batch_alter_table("sample_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sample_member_application_id"))

    op.drop_table("sample_member")
    op.drop_table("review_note")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_unit_id"))
        batch_op.drop_index(batch_op.f("ix_visit_status"))
        batch_op.drop_index(batch_op.f("ix_visit_slot_id"))
        batch_op.drop_index(batch_op.f("ix_visit_agency_id"))

    op.drop_table("visit")
    with op.batch_alter_table("upward_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upward_report_agency_id"))

    op.drop_table("upward_report")
    with op.batch_alter_table("unit_statement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_statement_unit_id"))

    op.drop_table("unit_statement")
    op.drop_table("saved_view")
    with op.batch_alter_table("sample", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sample_agency_id"))

    op.drop_table("sample")
    op.drop_table("phrase")
    with op.batch_alter_table("calendar_filing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calendar_filing_status"))
        batch_op.drop_index(batch_op.f("ix_calendar_filing_region_code"))
        batch_op.drop_index(batch_op.f("ix_calendar_filing_agency_id"))

    op.drop_table("calendar_filing")
    with op.batch_alter_table("visit_slot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_slot_agency_id"))

    op.drop_table("visit_slot")
