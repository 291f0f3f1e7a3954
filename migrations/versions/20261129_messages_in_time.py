"""schedules, corrections, quick texts, receipts and requests for help"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None

LEVEL_KNOWN = "level IN ('normal', 'important')"
SUBJECT_LENGTH = "length(subject) BETWEEN 1 AND 120"
BODY_LENGTH = "length(body) BETWEEN 1 AND 4000"
OPEN = sa.text("ended_at IS NULL")
REFERENCES = {
    "corrects_id": (sa.BigInteger(), "message"),
    "schedule_id": (sa.Integer(), "schedule"),
    "help_request_id": (sa.Integer(), "help_request"),
}
"""What a message may point at: type and table."""


def upgrade() -> None:
    op.add_column("test", sa.Column("help_kinds", sa.Text(), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("shown_at", sa.BigInteger(), nullable=True))
    create_schedule()
    create_help_request()
    create_quick_text()
    with op.batch_alter_table("message") as message:
        message.add_column(sa.Column("level", sa.String(length=10), server_default="normal", nullable=False))
        message.add_column(sa.Column("withdrawn_at", sa.BigInteger(), nullable=True))
        for column, (type_, table) in REFERENCES.items():
            message.add_column(sa.Column(column, type_, nullable=True))
            message.create_foreign_key(f"fk_message_{column}", table, [column], ["id"], ondelete="SET NULL")
        message.create_check_constraint(op.f("ck_message_level_known"), LEVEL_KNOWN)
    for column in REFERENCES:
        index_if_set("message", column)
    op.create_index("ix_message_withdrawn_at", "message", ["withdrawn_at"])
    create_scheduled_person()


def index_if_set(table: str, column: str) -> None:
    """An index over the rows in which a column is not NULL."""
    is_set = sa.text(f"{column} IS NOT NULL")
    op.create_index(f"ix_{table}_{column}", table, [column], sqlite_where=is_set, postgresql_where=is_set)


def create_schedule() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("due_after", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(LEVEL_KNOWN, name=op.f("ck_schedule_level_known")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'missed', 'cancelled')", name=op.f("ck_schedule_state_known")),
        sa.CheckConstraint("(at IS NULL) <> (minutes IS NULL)", name=op.f("ck_schedule_one_time")),
        sa.CheckConstraint("minutes BETWEEN 1 AND 240", name=op.f("ck_schedule_minutes_in_range")),
        sa.CheckConstraint(SUBJECT_LENGTH, name=op.f("ck_schedule_subject_length")),
        sa.CheckConstraint(BODY_LENGTH, name=op.f("ck_schedule_body_length")),
        sa.ForeignKeyConstraint(["author_id"], ["user_account.id"], name="fk_schedule_author_id"),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
        sa.UniqueConstraint("author_id", "idempotency_key", name="uq_schedule_author_id_idempotency_key"),
    )
    op.create_index("ix_schedule_state", "schedule", ["state"])


def create_scheduled_person() -> None:
    op.create_table(
        "scheduled_person",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name="fk_scheduled_person_schedule_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_scheduled_person_user_id"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name="fk_scheduled_person_message_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("schedule_id", "user_id", name="pk_scheduled_person"),
    )
    index_if_set("scheduled_person", "message_id")


def create_help_request() -> None:
    op.create_table(
        "help_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidacy_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.Integer(), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("length(kind) BETWEEN 1 AND 60", name=op.f("ck_help_request_kind_length")),
        sa.CheckConstraint("(claimed_by IS NULL) = (claimed_at IS NULL)", name=op.f("ck_help_request_claim_whole")),
        sa.ForeignKeyConstraint(["candidacy_id"], ["candidacy.id"], name="fk_help_request_candidacy_id"),
        sa.ForeignKeyConstraint(["claimed_by"], ["user_account.id"], name="fk_help_request_claimed_by"),
        sa.ForeignKeyConstraint(["ended_by"], ["user_account.id"], name="fk_help_request_ended_by"),
        sa.PrimaryKeyConstraint("id", name="pk_help_request"),
    )
    op.create_index("ix_help_request_candidacy_id", "help_request", ["candidacy_id"])
    op.create_index("ix_help_request_ended_at", "help_request", ["ended_at"])
    where = {"sqlite_where": OPEN, "postgresql_where": OPEN}
    op.create_index("uq_help_request_open", "help_request", ["candidacy_id"], unique=True, **where)


def create_quick_text() -> None:
    op.create_table(
        "quick_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("test_id", sa.Integer(), nullable=True),
        sa.Column("locale", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (test_id IS NULL)", name=op.f("ck_quick_text_one_owner")),
        sa.CheckConstraint(SUBJECT_LENGTH, name=op.f("ck_quick_text_subject_length")),
        sa.CheckConstraint(BODY_LENGTH, name=op.f("ck_quick_text_body_length")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_quick_text_user_id"),
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name="fk_quick_text_test_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quick_text"),
    )
    op.create_index("ix_quick_text_user_id", "quick_text", ["user_id"])
    op.create_index("ix_quick_text_test_id", "quick_text", ["test_id"])


def downgrade() -> None:
    op.drop_table("scheduled_person")
    for column in ("withdrawn_at", *REFERENCES):
        op.drop_index(f"ix_message_{column}", "message")
    with op.batch_alter_table("message") as message:
        for column in REFERENCES:
            message.drop_constraint(f"fk_message_{column}", type_="foreignkey")
        message.drop_constraint(op.f("ck_message_level_known"), type_="check")
        for column in ("level", "withdrawn_at", *REFERENCES):
            message.drop_column(column)
    for table in ("quick_text", "help_request", "schedule"):
        op.drop_table(table)
    op.drop_column("delivery", "shown_at")
    op.drop_column("test", "help_kinds")
