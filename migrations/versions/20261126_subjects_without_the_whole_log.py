"""subjects are checked without reading the whole log"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# %s: how it is told that a statement has added subjects to an entry that is there, or to any but the next
NEXT_SUBJECTS = """CREATE OR REPLACE FUNCTION log_next_subjects() RETURNS trigger LANGUAGE plpgsql AS
    $$ %s
            RAISE EXCEPTION 'the log is append-only';
        END IF;
        INSERT INTO log_begun (entry_id) SELECT DISTINCT entry_id FROM added ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$"""
LOOKED_UP = """DECLARE
        lowest bigint;
        highest bigint;
        following bigint;
    BEGIN
        SELECT min(entry_id), max(entry_id) INTO lowest, highest FROM added;
        SELECT number + 1 INTO following FROM log_head;
        IF lowest IS NOT NULL AND (
            lowest IS DISTINCT FROM following
            OR highest IS DISTINCT FROM following
            OR EXISTS (SELECT 1 FROM log_entry WHERE id = following)
        ) THEN"""
READ_WHOLE = """BEGIN
        IF EXISTS (
            SELECT 1 FROM added
            WHERE entry_id IS DISTINCT FROM (SELECT number + 1 FROM log_head)
                OR entry_id IN (SELECT id FROM log_entry)
        ) THEN"""


def upgrade() -> None:
    """PostgreSQL read all entries of the log for each sending: more with every year."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(NEXT_SUBJECTS % LOOKED_UP)


def downgrade() -> None:
    """By a list of all entries."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(NEXT_SUBJECTS % READ_WHOLE)
