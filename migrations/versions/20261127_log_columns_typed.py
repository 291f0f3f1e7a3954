"""the log's columns hold their own types on SQLite too"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from alembic import op
from alembic.operations import BatchOperations

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TYPES = {
    "log_entry": "typeof(id) = 'integer' AND typeof(at) = 'integer' AND typeof(actor_id) IN ('integer', 'null')"
    " AND typeof(actor_name) = 'text' AND typeof(actor_role) = 'text' AND typeof(action) = 'text'"
    " AND typeof(detail) = 'text' AND typeof(previous_hash) = 'text' AND typeof(hash) = 'text'",
    "log_subject": "typeof(entry_id) = 'integer' AND typeof(candidacy_id) = 'integer' AND typeof(user_id) = 'integer'"
    " AND typeof(test_id) = 'integer' AND typeof(number) = 'text' AND typeof(name) = 'text'"
    " AND typeof(test_title) = 'text' AND typeof(room) = 'text'",
    "log_head": "typeof(number) = 'integer' AND typeof(hash) = 'text'",
}


def upgrade() -> None:
    """Text in a number's place let two subjects pass for one. What such a table holds already is copied as it is:
    `log verify` has to find it."""
    for table, condition in TYPES.items():
        _made_anew(table, partial(_check_types, condition=condition))


def downgrade() -> None:
    for table in TYPES:
        _made_anew(table, partial(_check_no_types, table=table))


def _check_types(batch: BatchOperations, condition: str) -> None:
    batch.create_check_constraint("types", condition)


def _check_no_types(batch: BatchOperations, table: str) -> None:
    batch.drop_constraint(op.f(f"ck_{table}_types"), type_="check")


def _made_anew(table: str, change: Callable[[BatchOperations], object]) -> None:
    """SQLite changes a table by copying it, which takes its guards away: they are put back as they were."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    triggers = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
    try:
        with op.batch_alter_table(table, recreate="always") as batch:
            change(batch)
    finally:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
    for _, guard in triggers:
        connection.exec_driver_sql(guard)
