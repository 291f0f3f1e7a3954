"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The log is append-only, and the database itself sees to it (R14). The head only steps to the next entry, which must
# be there and carry on the chain; a subject is only written for an entry to come. SQLite's INSERT OR REPLACE deletes
# without firing a DELETE trigger, so inserts are guarded on every table.
GUARDS = {
    "sqlite": [
        f"""CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table}
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"""
        for table in ("log_entry", "log_subject")
        for verb in ("update", "delete")
    ]
    + [
        """CREATE TRIGGER log_entry_next BEFORE INSERT ON log_entry
        WHEN NEW.id IS NOT (SELECT number + 1 FROM log_head)
            OR NEW.previous_hash IS NOT (SELECT hash FROM log_head)
        BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry takes the next number'); END""",
        """CREATE TRIGGER log_subject_next BEFORE INSERT ON log_subject
        WHEN NEW.entry_id IS NOT (SELECT number + 1 FROM log_head)
            OR EXISTS (SELECT 1 FROM log_entry WHERE id = NEW.entry_id)
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
        """CREATE TRIGGER log_head_no_insert BEFORE INSERT ON log_head
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
        """CREATE TRIGGER log_head_no_delete BEFORE DELETE ON log_head
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
        """CREATE TRIGGER log_head_forward BEFORE UPDATE ON log_head
        WHEN NEW.id IS NOT OLD.id OR NEW.number IS NOT OLD.number + 1 OR NOT EXISTS (
            SELECT 1 FROM log_entry WHERE id = NEW.number AND hash = NEW.hash AND previous_hash = OLD.hash)
        BEGIN SELECT RAISE(ABORT, 'the log only grows'); END""",
    ],
    "postgresql": [
        """CREATE FUNCTION log_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$""",
        """CREATE FUNCTION log_next_entry() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF NOT EXISTS (
                SELECT 1 FROM log_head WHERE number + 1 = NEW.id AND hash = NEW.previous_hash
            ) THEN
                RAISE EXCEPTION 'the log is append-only: an entry takes the next number';
            END IF;
            RETURN NEW;
        END $$""",
        """CREATE FUNCTION log_next_subjects() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF EXISTS (
                SELECT 1 FROM added
                WHERE entry_id IS DISTINCT FROM (SELECT number + 1 FROM log_head)
                    OR entry_id IN (SELECT id FROM log_entry)
            ) THEN
                RAISE EXCEPTION 'the log is append-only';
            END IF;
            RETURN NULL;
        END $$""",
        """CREATE FUNCTION log_head_forward() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF NEW.id <> OLD.id OR NEW.number <> OLD.number + 1 OR NOT EXISTS (
                SELECT 1 FROM log_entry WHERE id = NEW.number AND hash = NEW.hash AND previous_hash = OLD.hash
            ) THEN
                RAISE EXCEPTION 'the log only grows';
            END IF;
            RETURN NEW;
        END $$""",
    ]
    + [
        f"""CREATE TRIGGER {table}_guard BEFORE {verbs} ON {table}
        FOR EACH ROW EXECUTE FUNCTION {function}()"""
        for table, verbs, function in (
            ("log_entry", "UPDATE OR DELETE", "log_refuse"),
            ("log_subject", "UPDATE OR DELETE", "log_refuse"),
            ("log_head", "INSERT OR DELETE", "log_refuse"),
        )
    ]
    + [
        """CREATE TRIGGER log_head_forward BEFORE UPDATE ON log_head
        FOR EACH ROW EXECUTE FUNCTION log_head_forward()""",
        """CREATE TRIGGER log_entry_next BEFORE INSERT ON log_entry
        FOR EACH ROW EXECUTE FUNCTION log_next_entry()""",
        # once for all rows of a statement: a full hall is one statement of 1,500 rows
        """CREATE TRIGGER log_subject_next AFTER INSERT ON log_subject REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION log_next_subjects()""",
    ]
    + [
        f"""CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION log_refuse()"""
        for table in ("log_entry", "log_subject", "log_head")
    ],
}


def upgrade() -> None:
    op.create_table(
        "log_entry",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("actor_role", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entry")),
    )
    op.create_index(op.f("ix_log_entry_actor_id"), "log_entry", ["actor_id"], unique=False)
    op.create_index(op.f("ix_log_entry_at"), "log_entry", ["at"], unique=False)
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )
    op.create_table(
        "test",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_test_ends_after_start")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test")),
        sa.UniqueConstraint("title", "start_date", name=op.f("uq_test_title_start_date")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=150), nullable=False),
        sa.Column("sign_in_name", sa.String(length=150), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("sign_in_name", name=op.f("uq_user_account_sign_in_name")),
    )
    op.create_table(
        "candidacy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("group_name", sa.String(length=100), nullable=False),
        sa.Column("room", sa.String(length=100), nullable=False),
        sa.Column("building", sa.String(length=100), nullable=False),
        sa.Column("seat", sa.String(length=50), nullable=False),
        sa.Column("question_set", sa.String(length=100), nullable=False),
        sa.Column("extra_minutes", sa.Integer(), nullable=False),
        sa.Column("incident_minutes", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("saved_at", sa.BigInteger(), nullable=True),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("was_offline", sa.Boolean(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("attendance", sa.String(length=10), nullable=True),
        sa.Column("id_checked", sa.Boolean(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.CheckConstraint("attendance IN ('present', 'absent')", name=op.f("ck_candidacy_attendance_known")),
        sa.CheckConstraint(
            "extra_minutes >= 0 AND incident_minutes >= 0", name=op.f("ck_candidacy_minutes_not_negative")
        ),
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name=op.f("fk_candidacy_test_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_candidacy_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidacy")),
        sa.UniqueConstraint("test_id", "number", name=op.f("uq_candidacy_test_id_number")),
        sa.UniqueConstraint("user_id", "test_id", name=op.f("uq_candidacy_user_id_test_id")),
    )
    op.create_index(op.f("ix_candidacy_test_id_group_name"), "candidacy", ["test_id", "group_name"], unique=False)
    op.create_index(op.f("ix_candidacy_test_id_room"), "candidacy", ["test_id", "room"], unique=False)
    op.create_table(
        "contribution",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("room", sa.String(length=100), nullable=True),
        sa.CheckConstraint(
            "role IN ('invigilator', 'chief_invigilator', 'planner')", name=op.f("ck_contribution_role_known")
        ),
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name=op.f("fk_contribution_test_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_contribution_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution")),
        sa.UniqueConstraint("user_id", "test_id", name=op.f("uq_contribution_user_id_test_id")),
    )
    op.create_index(op.f("ix_contribution_test_id"), "contribution", ["test_id"], unique=False)
    op.create_table(
        "log_subject",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("candidacy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("test_title", sa.String(length=200), nullable=False),
        sa.Column("room", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["log_entry.id"],
            name=op.f("fk_log_subject_entry_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("entry_id", "candidacy_id", name=op.f("pk_log_subject")),
    )
    op.create_index(op.f("ix_log_subject_test_id_entry_id"), "log_subject", ["test_id", "entry_id"], unique=False)
    op.create_index(op.f("ix_log_subject_user_id_entry_id"), "log_subject", ["user_id", "entry_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sender_id", sa.Integer(), nullable=False),
        sa.Column("sender_name", sa.String(length=200), nullable=False),
        sa.Column("sender_role", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("candidacies", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "sender_role IN ('invigilator', 'chief_invigilator', 'planner')",
            name=op.f("ck_message_sender_role_known"),
        ),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 4000", name=op.f("ck_message_body_length")),
        sa.CheckConstraint("length(subject) BETWEEN 1 AND 120", name=op.f("ck_message_subject_length")),
        sa.ForeignKeyConstraint(["sender_id"], ["user_account.id"], name=op.f("fk_message_sender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("sender_id", "idempotency_key", name=op.f("uq_message_sender_id_idempotency_key")),
    )
    op.create_index(op.f("ix_message_sent_at"), "message", ["sent_at"], unique=False)
    op.create_table(
        "presence",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_presence_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_presence")),
    )
    op.create_table(
        "question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name=op.f("fk_question_test_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("test_id", "position", name=op.f("uq_question_test_id_position")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_sign_in_attempt_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(op.f("ix_sign_in_attempt_user_id_at"), "sign_in_attempt", ["user_id", "at"], unique=False)
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidacy_id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["candidacy_id"], ["candidacy.id"], name=op.f("fk_answer_candidacy_id")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_answer_question_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("candidacy_id", "question_id", name=op.f("uq_answer_candidacy_id_question_id")),
    )
    op.create_table(
        "delivery",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_delivery_message_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_delivery_user_id")),
        sa.PrimaryKeyConstraint("message_id", "user_id", name=op.f("pk_delivery")),
    )
    op.create_index(op.f("ix_delivery_user_id_message_id"), "delivery", ["user_id", "message_id"], unique=False)
    op.execute("INSERT INTO log_head (id, number, hash) VALUES (1, 0, '')")
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, triggers in (
            ("log_entry", ("guard", "next", "no_truncate")),
            ("log_subject", ("guard", "next", "no_truncate")),
            ("log_head", ("guard", "forward", "no_truncate")),
        ):
            for trigger in triggers:
                op.execute(f"DROP TRIGGER {table}_{trigger} ON {table}")
        for function in ("log_refuse", "log_next_entry", "log_next_subjects", "log_head_forward"):
            op.execute(f"DROP FUNCTION {function}()")
    op.drop_index(op.f("ix_delivery_user_id_message_id"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_table("answer")
    op.drop_index(op.f("ix_sign_in_attempt_user_id_at"), table_name="sign_in_attempt")
    op.drop_table("sign_in_attempt")
    op.drop_table("question")
    op.drop_table("presence")
    op.drop_index(op.f("ix_message_sent_at"), table_name="message")
    op.drop_table("message")
    op.drop_index(op.f("ix_log_subject_user_id_entry_id"), table_name="log_subject")
    op.drop_index(op.f("ix_log_subject_test_id_entry_id"), table_name="log_subject")
    op.drop_table("log_subject")
    op.drop_index(op.f("ix_contribution_test_id"), table_name="contribution")
    op.drop_table("contribution")
    op.drop_index(op.f("ix_candidacy_test_id_room"), table_name="candidacy")
    op.drop_index(op.f("ix_candidacy_test_id_group_name"), table_name="candidacy")
    op.drop_table("candidacy")
    op.drop_table("user_account")
    op.drop_table("test")
    op.drop_table("log_head")
    op.drop_index(op.f("ix_log_entry_at"), table_name="log_entry")
    op.drop_index(op.f("ix_log_entry_actor_id"), table_name="log_entry")
    op.drop_table("log_entry")
