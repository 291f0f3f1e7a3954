"""actions on candidates, incidents, absences, notes and saved views"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None

SHOWN_BEFORE = "extra_minutes, incident_minutes, started_at, paused_at, submitted_at, withdrawn_at"
SHOWN = f"{SHOWN_BEFORE}, room, seat"
"""What a candidate's pages show: each change of it notes its moment."""
SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


def upgrade() -> None:
    op.add_column("user_account", sa.Column("monitor_settings", sa.Text(), server_default="", nullable=False))
    op.add_column("candidacy", sa.Column("note", sa.String(length=500), server_default="", nullable=False))
    create_absence()
    create_action()
    create_incident()
    create_saved_view()
    op.create_index("ix_log_subject_candidacy_id_entry_id", "log_subject", ["candidacy_id", "entry_id"])
    note_changes_of(SHOWN)


def create_absence() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidacy_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["candidacy_id"], ["candidacy.id"], name="fk_absence_candidacy_id"),
        sa.PrimaryKeyConstraint("id", name="pk_absence"),
        sa.UniqueConstraint("candidacy_id", "since", name="uq_absence_candidacy_id_since"),
    )


def create_action() -> None:
    op.create_table(
        "candidate_action",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name="fk_candidate_action_actor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_candidate_action"),
        sa.UniqueConstraint("actor_id", "idempotency_key", name="uq_candidate_action_actor_id_idempotency_key"),
    )


def create_incident() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_by", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_incident_ends_after_start")),
        sa.ForeignKeyConstraint(["started_by"], ["user_account.id"], name="fk_incident_started_by"),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_table(
        "incident_candidacy",
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("candidacy_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["candidacy_id"], ["candidacy.id"], name="fk_incident_candidacy_candidacy_id"),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name="fk_incident_candidacy_incident_id"),
        sa.PrimaryKeyConstraint("incident_id", "candidacy_id", name="pk_incident_candidacy"),
    )
    op.create_index("ix_incident_candidacy_candidacy_id", "incident_candidacy", ["candidacy_id"])


def create_saved_view() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name="fk_saved_view_test_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_saved_view_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_view"),
        sa.UniqueConstraint("user_id", "name", name="uq_saved_view_user_id_name"),
    )
    op.create_index("ix_saved_view_test_id", "saved_view", ["test_id"])


def note_changes_of(columns: str) -> None:
    """Replace the trigger that notes when something changed that the candidate's pages show."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER candidacy_changed ON candidacy")
        op.execute(
            f"""CREATE TRIGGER candidacy_changed BEFORE UPDATE OF {columns} ON candidacy
            FOR EACH ROW EXECUTE FUNCTION note_candidacy()"""
        )
    else:
        op.execute("DROP TRIGGER candidacy_changed")
        op.execute(
            f"""CREATE TRIGGER candidacy_changed AFTER UPDATE OF {columns} ON candidacy
            BEGIN UPDATE candidacy SET changed_at = {SQLITE_NOW} WHERE id = NEW.id; END"""  # noqa: S608 constants only
        )


def downgrade() -> None:
    note_changes_of(SHOWN_BEFORE)
    op.drop_index("ix_log_subject_candidacy_id_entry_id", "log_subject")
    for table in ("saved_view", "incident_candidacy", "incident", "candidate_action", "absence"):
        op.drop_table(table)
    op.drop_column("candidacy", "note")
    op.drop_column("user_account", "monitor_settings")
