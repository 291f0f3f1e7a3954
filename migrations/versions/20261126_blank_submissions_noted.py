"""that a submission is blank is noted with it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SPACES = " \t\n\r\v\f\u00a0\u2028\u2029\u3000"
WRITTEN = f"trim(text, '{SPACES}') <> ''"
STAGES = ("paused_at", "started_at", "entered_at", "candidacy_id")


def upgrade() -> None:
    """It was found in the answers at each look, over a nation for a tenth of a second, and by an index that every
    save of an answer was written in."""
    op.add_column("attempt", sa.Column("blank", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE attempt SET blank = true WHERE submitted_at IS NOT NULL AND NOT EXISTS "  # noqa: S608 the spaces above
        f"(SELECT 1 FROM answer WHERE answer.candidacy_id = attempt.candidacy_id AND {WRITTEN})"
    )
    op.drop_index("ix_answer_written", table_name="answer")
    if _on_postgresql():
        op.drop_index("ix_attempt_progress", table_name="attempt")
        op.create_index("ix_attempt_progress", "attempt", ["withdrawn_at", "submitted_at", "blank", *STAGES])


def downgrade() -> None:
    """Found in the answers again."""
    if _on_postgresql():
        op.drop_index("ix_attempt_progress", table_name="attempt")
        op.create_index("ix_attempt_progress", "attempt", ["withdrawn_at", "submitted_at", *STAGES])
    written = sa.text(WRITTEN)
    op.create_index("ix_answer_written", "answer", ["candidacy_id"], sqlite_where=written, postgresql_where=written)
    op.drop_column("attempt", "blank")


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
