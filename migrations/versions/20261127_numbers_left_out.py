"""the entry of a restore may leave numbers out"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SQLITE = """
CREATE TRIGGER log_entry_next BEFORE INSERT ON log_entry
WHEN {wrong_number} OR NEW.previous_hash IS NOT (SELECT hash FROM log_head)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry takes the next number'); END;
CREATE TRIGGER log_head_forward BEFORE UPDATE ON log_head
WHEN NEW.id IS NOT OLD.id OR {wrong_step} OR NOT EXISTS (
    SELECT 1 FROM log_entry WHERE id = NEW.number AND hash = NEW.hash AND previous_hash = OLD.hash)
BEGIN SELECT RAISE(ABORT, 'the log only grows'); END
"""
POSTGRESQL = """
CREATE OR REPLACE FUNCTION log_next_entry() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM log_head WHERE {right_number} AND hash = NEW.previous_hash) THEN
        RAISE EXCEPTION 'the log is append-only: an entry takes the next number';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION log_head_forward() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.id IS DISTINCT FROM OLD.id OR {wrong_step} OR NOT EXISTS (
        SELECT 1 FROM log_entry WHERE id = NEW.number AND hash = NEW.hash AND previous_hash = OLD.hash
    ) THEN
        RAISE EXCEPTION 'the log only grows';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Pages that are open know numbers that a backup does not have: after a restore none of them is given again."""
    if op.get_bind().dialect.name == "sqlite":
        number = "(SELECT number + 1 FROM log_head)"
        _guard_sqlite(
            wrong_number=f"(NEW.id IS NOT {number} AND NOT (NEW.action IS 'log.restored' AND NEW.id > {number}))",
            wrong_step="NEW.number <= OLD.number",
        )
    else:
        larger = "NEW.action = 'log.restored' AND NEW.id > number + 1"
        _guard_postgresql(
            right_number=f"(number + 1 = NEW.id OR ({larger}))",
            wrong_step="NEW.number IS NULL OR NEW.number <= OLD.number",
        )


def downgrade() -> None:
    """Each entry takes the next number."""
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite(
            wrong_number="NEW.id IS NOT (SELECT number + 1 FROM log_head)",
            wrong_step="NEW.number IS NOT OLD.number + 1",
        )
    else:
        _guard_postgresql(right_number="number + 1 = NEW.id", wrong_step="NEW.number IS DISTINCT FROM OLD.number + 1")


def _guard_sqlite(**conditions: str) -> None:
    op.execute("DROP TRIGGER log_entry_next")
    op.execute("DROP TRIGGER log_head_forward")
    for statement in SQLITE.format(**conditions).split(";\nCREATE"):
        op.execute(statement if "CREATE" in statement else f"CREATE{statement}")


def _guard_postgresql(**conditions: str) -> None:
    op.execute(POSTGRESQL.format(**conditions))
