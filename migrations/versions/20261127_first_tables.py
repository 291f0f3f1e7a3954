"""first tables"""

# ruff: noqa: S608 the statements below hold constants only
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0100"
down_revision = None
branch_labels = None
depends_on = None

CLOSED = "closed_at IS NOT NULL"
SUBMITTED = "submitted_at IS NOT NULL"
CHANGED = "changed_at IS NOT NULL"
PROGRESS = ["withdrawn_at", "submitted_at", "blank", "paused_at", "started_at", "entered_at", "id"]
TABLES = [
    "delivery",
    "answer",
    "question",
    "message",
    "log_subject",
    "ended_session",
    "contribution",
    "candidacy",
    "user_account",
    "test",
    "sign_in_budget",
    "log_head",
    "log_entry",
]

# SQLite stores any type in any column: text in the place of a number would fit a hash of the log
COLUMN_TYPES = {
    "log_entry": "typeof(id) = 'integer' AND typeof(at) = 'integer' AND typeof(actor_id) IN ('integer', 'null')"
    " AND typeof(actor_name) = 'text' AND typeof(actor_role) = 'text' AND typeof(action) = 'text'"
    " AND typeof(detail) = 'text' AND typeof(previous_hash) = 'text' AND typeof(hash) = 'text'",
    "log_subject": "typeof(entry_id) = 'integer' AND typeof(candidacy_id) = 'integer' AND typeof(user_id) = 'integer'"
    " AND typeof(test_id) = 'integer' AND typeof(number) = 'text' AND typeof(name) = 'text'"
    " AND typeof(test_title) = 'text' AND typeof(room) = 'text'",
    "log_head": "typeof(number) = 'integer' AND typeof(hash) = 'text'",
}

# What a candidate's pages show. Each change of it notes its moment, also one that is made by hand
CANDIDACY_SHOWN = "extra_minutes, incident_minutes, started_at, paused_at, submitted_at, withdrawn_at"
TEST_SHOWN = "starts_at, ends_at, closed_at"
SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
POSTGRESQL_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

# The database itself keeps the log append-only. The head only steps to the next entry, which must be there and carry on
# the chain. A subject is only written for the entry to come, which the head's foreign key then requires at the commit:
# one check for all subjects. The entry of a restore may leave numbers out. SQLite's INSERT OR REPLACE deletes without
# firing a DELETE trigger, so inserts are guarded on every table.
SQLITE_TRIGGERS = [
    *(
        f"""CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table}
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"""
        for table, verb in (
            ("log_entry", "update"),
            ("log_entry", "delete"),
            ("log_subject", "update"),
            ("log_subject", "delete"),
            ("log_head", "insert"),
            ("log_head", "delete"),
        )
    ),
    """CREATE TRIGGER log_entry_next BEFORE INSERT ON log_entry
    WHEN NEW.previous_hash IS NOT (SELECT hash FROM log_head) OR (
        NEW.id IS NOT (SELECT number + 1 FROM log_head)
        AND NOT (NEW.action IS 'log.restored' AND NEW.id > (SELECT number + 1 FROM log_head)))
    BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry takes the next number'); END""",
    """CREATE TRIGGER log_subject_next BEFORE INSERT ON log_subject
    WHEN NEW.entry_id IS NOT (SELECT number + 1 FROM log_head)
        OR EXISTS (SELECT 1 FROM log_entry WHERE id = NEW.entry_id)
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
    """CREATE TRIGGER log_subject_written AFTER INSERT ON log_subject
    WHEN NEW.entry_id IS NOT (SELECT subjects_of FROM log_head)
    BEGIN UPDATE log_head SET subjects_of = NEW.entry_id; END""",
    """CREATE TRIGGER log_head_subjects BEFORE UPDATE OF subjects_of ON log_head
    WHEN NEW.subjects_of IS NOT OLD.number + 1
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
    """CREATE TRIGGER log_head_forward BEFORE UPDATE OF id, number, hash ON log_head
    WHEN NEW.id IS NOT OLD.id OR NEW.number <= OLD.number OR NOT EXISTS (
        SELECT 1 FROM log_entry WHERE id = NEW.number AND hash = NEW.hash AND previous_hash = OLD.hash)
    BEGIN SELECT RAISE(ABORT, 'the log only grows'); END""",
    f"""CREATE TRIGGER candidacy_changed AFTER UPDATE OF {CANDIDACY_SHOWN} ON candidacy
    BEGIN UPDATE candidacy SET changed_at = {SQLITE_NOW} WHERE id = NEW.id; END""",
    f"""CREATE TRIGGER test_changed AFTER UPDATE OF {TEST_SHOWN} ON test
    BEGIN UPDATE candidacy SET changed_at = {SQLITE_NOW} WHERE test_id = NEW.id; END""",
]
POSTGRESQL_FUNCTIONS = {
    "log_refuse": "BEGIN RAISE EXCEPTION 'the log is append-only'; END",
    "log_next_entry": """BEGIN
        IF NOT EXISTS (
            SELECT 1 FROM log_head WHERE hash = NEW.previous_hash AND (
                number + 1 = NEW.id OR (NEW.action = 'log.restored' AND NEW.id > number + 1))
        ) THEN
            RAISE EXCEPTION 'the log is append-only: an entry takes the next number';
        END IF;
        RETURN NEW;
    END""",
    "log_next_subjects": """DECLARE
        following bigint := (SELECT number + 1 FROM log_head);
    BEGIN
        IF EXISTS (SELECT 1 FROM added WHERE entry_id IS DISTINCT FROM following)
            OR (EXISTS (SELECT 1 FROM added) AND EXISTS (SELECT 1 FROM log_entry WHERE id = following))
        THEN
            RAISE EXCEPTION 'the log is append-only';
        END IF;
        UPDATE log_head SET subjects_of = following WHERE EXISTS (SELECT 1 FROM added);
        RETURN NULL;
    END""",
    "log_head_forward": """BEGIN
        IF NEW.id IS DISTINCT FROM OLD.id OR NEW.number IS NULL OR NEW.number <= OLD.number OR NOT EXISTS (
            SELECT 1 FROM log_entry WHERE id = NEW.number AND hash = NEW.hash AND previous_hash = OLD.hash
        ) THEN
            RAISE EXCEPTION 'the log only grows';
        END IF;
        RETURN NEW;
    END""",
    "note_candidacy": f"BEGIN NEW.changed_at := {POSTGRESQL_NOW}; RETURN NEW; END",
    # locked in the order of ids, as presence does
    "note_candidacies_of_test": f"""BEGIN
        PERFORM 1 FROM candidacy WHERE test_id = NEW.id ORDER BY id FOR NO KEY UPDATE;
        UPDATE candidacy SET changed_at = {POSTGRESQL_NOW} WHERE test_id = NEW.id;
        RETURN NULL;
    END""",
}
POSTGRESQL_TRIGGERS = [
    *(
        f"CREATE TRIGGER {table}_guard BEFORE {verbs} ON {table} FOR EACH ROW EXECUTE FUNCTION log_refuse()"
        for table, verbs in (
            ("log_entry", "UPDATE OR DELETE"), ("log_subject", "UPDATE OR DELETE"), ("log_head", "INSERT OR DELETE"),
        )
    ),
    *(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION log_refuse()"
        for table in ("log_entry", "log_subject", "log_head")
    ),
    """CREATE TRIGGER log_head_subjects BEFORE UPDATE OF subjects_of ON log_head FOR EACH ROW
    WHEN (NEW.subjects_of IS DISTINCT FROM OLD.number + 1) EXECUTE FUNCTION log_refuse()""",
    """CREATE TRIGGER log_head_forward BEFORE UPDATE OF id, number, hash ON log_head
    FOR EACH ROW EXECUTE FUNCTION log_head_forward()""",
    "CREATE TRIGGER log_entry_next BEFORE INSERT ON log_entry FOR EACH ROW EXECUTE FUNCTION log_next_entry()",
    # once for all rows of a statement: a full hall is one statement of 1,500 rows
    """CREATE TRIGGER log_subject_next AFTER INSERT ON log_subject REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION log_next_subjects()""",
    f"""CREATE TRIGGER candidacy_changed BEFORE UPDATE OF {CANDIDACY_SHOWN} ON candidacy
    FOR EACH ROW EXECUTE FUNCTION note_candidacy()""",
    f"""CREATE TRIGGER test_changed AFTER UPDATE OF {TEST_SHOWN} ON test
    FOR EACH ROW EXECUTE FUNCTION note_candidacies_of_test()""",
]  # fmt: skip


def upgrade() -> None:
    create_people()
    create_tests()
    create_candidacy()
    create_answer()
    create_messages()
    create_log()
    create_triggers()


def create_people() -> None:
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
        sa.Column("deactivated_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.UniqueConstraint("sign_in_name", name="uq_user_account_sign_in_name"),
    )
    op.create_table(
        "ended_session",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_ended_session_user_id"),
        sa.PrimaryKeyConstraint("user_id", "session_id", name="pk_ended_session"),
    )
    op.create_index("ix_ended_session_at", "ended_session", ["at"])
    op.create_table(
        "sign_in_budget",
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("spent_until", sa.BigInteger(), nullable=False),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account", "client", name="pk_sign_in_budget"),
    )
    op.create_index("ix_sign_in_budget_spent_until", "sign_in_budget", ["spent_until"])


def create_tests() -> None:
    op.create_table(
        "test",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("reopened_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_test_ends_after_start")),
        sa.PrimaryKeyConstraint("id", name="pk_test"),
        sa.UniqueConstraint("title", "start_date", name="uq_test_title_start_date"),
    )
    op.create_table(
        "question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name="fk_question_test_id"),
        sa.PrimaryKeyConstraint("id", name="pk_question"),
        sa.UniqueConstraint("test_id", "position", name="uq_question_test_id_position"),
    )
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
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name="fk_contribution_test_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_contribution_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contribution"),
        sa.UniqueConstraint("user_id", "test_id", name="uq_contribution_user_id_test_id"),
    )
    op.create_index("ix_contribution_test_id", "contribution", ["test_id"])


def create_candidacy() -> None:
    op.create_table(
        "candidacy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("extra_minutes", sa.Integer(), nullable=False),
        sa.Column("incident_minutes", sa.Integer(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("id_checked", sa.Boolean(), nullable=False),
        sa.Column("blank", sa.Boolean(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=True),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("back_at", sa.BigInteger(), nullable=True),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("saved_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("attendance", sa.String(length=10), nullable=True),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("group_name", sa.String(length=100), nullable=False),
        sa.Column("room", sa.String(length=100), nullable=False),
        sa.Column("building", sa.String(length=100), nullable=False),
        sa.Column("seat", sa.String(length=50), nullable=False),
        sa.Column("question_set", sa.String(length=100), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("sort_number", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.CheckConstraint("attendance IN ('present', 'absent')", name=op.f("ck_candidacy_attendance_known")),
        sa.CheckConstraint(
            "extra_minutes >= 0 AND incident_minutes >= 0", name=op.f("ck_candidacy_minutes_not_negative")
        ),
        sa.ForeignKeyConstraint(["test_id"], ["test.id"], name="fk_candidacy_test_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_candidacy_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_candidacy"),
        sa.UniqueConstraint("test_id", "number", name="uq_candidacy_test_id_number"),
        sa.UniqueConstraint("user_id", "test_id", name="uq_candidacy_user_id_test_id"),
        postgresql_with={"fillfactor": 50},
    )
    if on_postgresql():
        # trusted: the owner of a database may create it
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.create_index("ix_candidacy_progress", "candidacy", PROGRESS)
        op.create_index(
            "ix_candidacy_search_text", "candidacy", ["search_text"],
            postgresql_using="gin", postgresql_ops={"search_text": "gin_trgm_ops"},
        )  # fmt: skip
    op.create_index("ix_candidacy_attendance", "candidacy", ["attendance"])
    op.create_index(
        "ix_candidacy_changed_at",
        "candidacy",
        ["changed_at"],
        sqlite_where=sa.text(CHANGED),
        postgresql_where=sa.text(CHANGED),
    )
    op.create_index("ix_candidacy_flagged", "candidacy", ["flagged"])
    op.create_index("ix_candidacy_group_name", "candidacy", ["group_name"])
    op.create_index("ix_candidacy_room", "candidacy", ["room"])
    op.create_index("ix_candidacy_sort_name", "candidacy", ["sort_name"])
    op.create_index("ix_candidacy_started_at", "candidacy", ["started_at"])
    op.create_index(
        "ix_candidacy_submitted_at",
        "candidacy",
        ["submitted_at"],
        sqlite_where=sa.text(SUBMITTED),
        postgresql_where=sa.text(SUBMITTED),
    )
    op.create_index("ix_candidacy_test_id_group_name", "candidacy", ["test_id", "group_name"])
    op.create_index("ix_candidacy_test_id_room", "candidacy", ["test_id", "room"])
    op.create_index("ix_candidacy_test_id_sort_name", "candidacy", ["test_id", "sort_name"])


def create_answer() -> None:
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidacy_id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["candidacy_id"], ["candidacy.id"], name="fk_answer_candidacy_id"),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name="fk_answer_question_id"),
        sa.PrimaryKeyConstraint("id", name="pk_answer"),
        sa.UniqueConstraint("candidacy_id", "question_id", name="uq_answer_candidacy_id_question_id"),
    )


def create_messages() -> None:
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
            "sender_role IN ('invigilator', 'chief_invigilator', 'planner')", name=op.f("ck_message_sender_role_known")
        ),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 4000", name=op.f("ck_message_body_length")),
        sa.CheckConstraint("length(subject) BETWEEN 1 AND 120", name=op.f("ck_message_subject_length")),
        sa.ForeignKeyConstraint(["sender_id"], ["user_account.id"], name="fk_message_sender_id"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("sender_id", "idempotency_key", name="uq_message_sender_id_idempotency_key"),
    )
    op.create_index("ix_message_sent_at", "message", ["sent_at"])
    op.create_table(
        "delivery",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "message_id", name="pk_delivery"),
    )
    op.create_index(
        "ix_delivery_closed_at",
        "delivery",
        ["closed_at"],
        sqlite_where=sa.text(CLOSED),
        postgresql_where=sa.text(CLOSED),
    )


def create_log() -> None:
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
        *column_types("log_entry"),
        sa.PrimaryKeyConstraint("id", name="pk_log_entry"),
    )
    op.create_index("ix_log_entry_actor_id", "log_entry", ["actor_id"])
    op.create_index("ix_log_entry_at", "log_entry", ["at"])
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("subjects_of", sa.BigInteger(), nullable=True),
        *column_types("log_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
        sa.ForeignKeyConstraint(
            ["subjects_of"], ["log_entry.id"], name="fk_log_head_subjects_of", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.execute("INSERT INTO log_head (id, number, hash) VALUES (1, 0, '')")
    op.create_table(
        "log_subject",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("candidacy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("test_title", sa.String(length=200), nullable=False),
        sa.Column("room", sa.String(length=100), nullable=False),
        *column_types("log_subject"),
        sa.PrimaryKeyConstraint("entry_id", "candidacy_id", name="pk_log_subject"),
    )
    op.create_index("ix_log_subject_test_id_entry_id", "log_subject", ["test_id", "entry_id"])


def create_triggers() -> None:
    """After the head's row, which the triggers would refuse."""
    if on_postgresql():
        for name, body in POSTGRESQL_FUNCTIONS.items():
            op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    for statement in POSTGRESQL_TRIGGERS if on_postgresql() else SQLITE_TRIGGERS:
        op.execute(statement)


def on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def column_types(table: str) -> list[sa.CheckConstraint]:
    return [] if on_postgresql() else [sa.CheckConstraint(COLUMN_TYPES[table], name=op.f(f"ck_{table}_types"))]


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if on_postgresql():
        for name in POSTGRESQL_FUNCTIONS:
            op.execute(f"DROP FUNCTION {name}()")
