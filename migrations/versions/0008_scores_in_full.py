"""scores in full

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grade_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("each_subject", sa.Boolean(), nullable=False),
        sa.Column("total_line", sa.Numeric(precision=5, scale=1), nullable=True),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_grade_rule_cycle_id_cycle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_rule")),
        sa.UniqueConstraint("cycle_id", "grade", name=op.f("uq_grade_rule_cycle_id_grade")),
    )
    op.create_table(
        "score_mapping",
        sa.Column("agency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("headings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_score_mapping_agency_id_agency")),
        sa.PrimaryKeyConstraint("agency_id", name=op.f("pk_score_mapping")),
    )
    op.create_table(
        "release_proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("document_number", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_release_proposal_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_release_proposal_cycle_id_cycle")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["account.id"], name=op.f("fk_release_proposal_decided_by_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["account.id"], name=op.f("fk_release_proposal_proposed_by_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_proposal")),
    )
    with op.batch_alter_table("release_proposal", schema=None) as batch_op:
        batch_op.create_index(
            "uq_release_proposal_open",
            ["cycle_id", "agency_id", "grade"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "review_panel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_review_panel_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_review_panel_cycle_id_cycle")),
        sa.ForeignKeyConstraint(["made_by_id"], ["account.id"], name=op.f("fk_review_panel_made_by_id_account")),
        sa.ForeignKeyConstraint(["opened_by_id"], ["account.id"], name=op.f("fk_review_panel_opened_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_panel")),
        sa.UniqueConstraint("cycle_id", "agency_id", "name", name=op.f("uq_review_panel_cycle_id_agency_id_name")),
    )
    with op.batch_alter_table("review_panel", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_review_panel_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "score_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("imported_by_id", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_score_import_agency_id_agency")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_score_import_cycle_id_cycle")),
        sa.ForeignKeyConstraint(
            ["imported_by_id"], ["account.id"], name=op.f("fk_score_import_imported_by_id_account")
        ),
        sa.ForeignKeyConstraint(["undone_by_id"], ["account.id"], name=op.f("fk_score_import_undone_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_import")),
    )
    with op.batch_alter_table("score_import", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_score_import_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "panel_assessor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("panel_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("unit_name", sa.String(length=60), nullable=False),
        sa.Column("sealed_by_id", sa.Integer(), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["panel_id"], ["review_panel.id"], name=op.f("fk_panel_assessor_panel_id_review_panel")
        ),
        sa.ForeignKeyConstraint(["sealed_by_id"], ["account.id"], name=op.f("fk_panel_assessor_sealed_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_assessor")),
    )
    with op.batch_alter_table("panel_assessor", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_panel_assessor_panel_id"), ["panel_id"], unique=False)

    op.create_table(
        "panel_criterion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("panel_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("full_mark", sa.Numeric(precision=5, scale=1), nullable=False),
        sa.ForeignKeyConstraint(
            ["panel_id"], ["review_panel.id"], name=op.f("fk_panel_criterion_panel_id_review_panel")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_criterion")),
    )
    with op.batch_alter_table("panel_criterion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_panel_criterion_panel_id"), ["panel_id"], unique=False)

    op.create_table(
        "panel_candidate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("panel_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("absent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("mean", sa.Numeric(precision=5, scale=1), nullable=True),
        sa.Column("spread", sa.Numeric(precision=5, scale=1), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_panel_candidate_application_id_application")
        ),
        sa.ForeignKeyConstraint(
            ["panel_id"], ["review_panel.id"], name=op.f("fk_panel_candidate_panel_id_review_panel")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_candidate")),
        sa.UniqueConstraint("application_id", name=op.f("uq_panel_candidate_application_id")),
    )
    with op.batch_alter_table("panel_candidate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_panel_candidate_panel_id"), ["panel_id"], unique=False)

    op.create_table(
        "score_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("subject_key", sa.String(length=20), nullable=False),
        sa.Column("value", sa.Numeric(precision=5, scale=1), nullable=True),
        sa.Column("absent", sa.Boolean(), nullable=False),
        sa.Column("entered_by_id", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_score_entry_application_id_application")
        ),
        sa.ForeignKeyConstraint(["entered_by_id"], ["account.id"], name=op.f("fk_score_entry_entered_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_entry")),
        sa.UniqueConstraint(
            "application_id",
            "subject_key",
            "entered_by_id",
            name=op.f("uq_score_entry_application_id_subject_key_entered_by_id"),
        ),
    )
    op.create_table(
        "panel_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessor_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("total", sa.Numeric(precision=5, scale=1), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessor_id"], ["panel_assessor.id"], name=op.f("fk_panel_mark_assessor_id_panel_assessor")
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["panel_candidate.id"], name=op.f("fk_panel_mark_candidate_id_panel_candidate")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_mark")),
        sa.UniqueConstraint("assessor_id", "candidate_id", name=op.f("uq_panel_mark_assessor_id_candidate_id")),
    )
    with op.batch_alter_table("panel_mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_panel_mark_candidate_id"), ["candidate_id"], unique=False)

    op.create_table(
        "recheck",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["answered_by_id"], ["account.id"], name=op.f("fk_recheck_answered_by_id_account")),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_recheck_result_id_result")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recheck")),
        sa.UniqueConstraint("result_id", name=op.f("uq_recheck_result_id")),
    )
    with op.batch_alter_table("recheck", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recheck_state"), ["state"], unique=False)

    op.create_table(
        "result_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("recheck_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("verification_code", sa.String(length=20), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["recheck_id"], ["recheck.id"], name=op.f("fk_result_version_recheck_id_recheck")),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_result_version_result_id_result")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result_version")),
        sa.UniqueConstraint("number", name=op.f("uq_result_version_number")),
        sa.UniqueConstraint("result_id", "version", name=op.f("uq_result_version_result_id_version")),
        sa.UniqueConstraint("verification_code", name=op.f("uq_result_version_verification_code")),
    )
    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.add_column(sa.Column("double_entry", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("cycle", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recheck_days", sa.Integer(), server_default="7", nullable=False))
        batch_op.add_column(sa.Column("panel_trims", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(
            sa.Column("panel_spread", sa.Numeric(precision=5, scale=1), server_default="20", nullable=False)
        )

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proposed_by_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_release_proposed_by_id_account"), "account", ["proposed_by_id"], ["id"]
        )

    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.add_column(sa.Column("breach", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("note", sa.String(length=200), server_default="", nullable=False))

    with op.batch_alter_table("subject", schema=None) as batch_op:
        batch_op.add_column(sa.Column("weight", sa.Numeric(precision=4, scale=1), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("subject", schema=None) as batch_op:
        batch_op.drop_column("weight")

    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.drop_column("note")
        batch_op.drop_column("breach")

    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_column("corrected_at")
        batch_op.drop_column("version")

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_release_proposed_by_id_account"), type_="foreignkey")
        batch_op.drop_column("proposed_by_id")

    with op.batch_alter_table("cycle", schema=None) as batch_op:
        batch_op.drop_column("panel_spread")
        batch_op.drop_column("panel_trims")
        batch_op.drop_column("recheck_days")

    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.drop_column("double_entry")

    op.drop_table("result_version")
    with op.batch_alter_table("recheck", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recheck_state"))

    op.drop_table("recheck")
    with op.batch_alter_table("panel_mark", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_panel_mark_candidate_id"))

    op.drop_table("panel_mark")
    op.drop_table("score_entry")
    with op.batch_alter_table("panel_candidate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_panel_candidate_panel_id"))

    op.drop_table("panel_candidate")
    with op.batch_alter_table("panel_criterion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_panel_criterion_panel_id"))

    op.drop_table("panel_criterion")
    with op.batch_alter_table("panel_assessor", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_panel_assessor_panel_id"))

    op.drop_table("panel_assessor")
    with op.batch_alter_table("score_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_score_import_agency_id"))

    op.drop_table("score_import")
    with op.batch_alter_table("review_panel", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_panel_agency_id"))

    op.drop_table("review_panel")
    with op.batch_alter_table("release_proposal", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_release_proposal_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.drop_table("release_proposal")
    op.drop_table("score_mapping")
    op.drop_table("grade_rule")
