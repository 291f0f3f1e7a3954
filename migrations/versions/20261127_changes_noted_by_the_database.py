"""a change of a sitting is noted by the database, whatever makes it"""

# ruff: noqa: S608 only the constants below are put into the statements
from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

OF_ATTEMPT = "extra_minutes, incident_minutes, started_at, paused_at, submitted_at, withdrawn_at"
OF_TEST = "starts_at, ends_at, closed_at"
SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
POSTGRESQL_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
TRIGGERS = {
    "sqlite": [
        f"""CREATE TRIGGER attempt_changed AFTER UPDATE OF {OF_ATTEMPT} ON attempt
        BEGIN UPDATE attempt SET changed_at = {SQLITE_NOW} WHERE candidacy_id = NEW.candidacy_id; END""",
        f"""CREATE TRIGGER test_changed AFTER UPDATE OF {OF_TEST} ON test
        BEGIN UPDATE attempt SET changed_at = {SQLITE_NOW} WHERE test_id = NEW.id; END""",
    ],
    "postgresql": [
        f"""CREATE FUNCTION note_attempt() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.changed_at := {POSTGRESQL_NOW}; RETURN NEW; END $$""",
        # locked in the order of numbers, as presence does
        f"""CREATE FUNCTION note_attempts_of_test() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            PERFORM 1 FROM attempt WHERE test_id = NEW.id ORDER BY candidacy_id FOR NO KEY UPDATE;
            UPDATE attempt SET changed_at = {POSTGRESQL_NOW} WHERE test_id = NEW.id;
            RETURN NULL;
        END $$""",
        f"""CREATE TRIGGER attempt_changed BEFORE UPDATE OF {OF_ATTEMPT} ON attempt
        FOR EACH ROW EXECUTE FUNCTION note_attempt()""",
        f"""CREATE TRIGGER test_changed AFTER UPDATE OF {OF_TEST} ON test
        FOR EACH ROW EXECUTE FUNCTION note_attempts_of_test()""",
    ],
}


def upgrade() -> None:
    """A page must hear of a pause or of more time even where it was written by hand."""
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """The use cases note it."""
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER attempt_changed")
        op.execute("DROP TRIGGER test_changed")
        return
    op.execute("DROP TRIGGER attempt_changed ON attempt")
    op.execute("DROP TRIGGER test_changed ON test")
    op.execute("DROP FUNCTION note_attempt()")
    op.execute("DROP FUNCTION note_attempts_of_test()")
