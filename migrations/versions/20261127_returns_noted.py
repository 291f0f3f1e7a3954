"""when somebody came back from a long absence is noted, not only that they were away"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The warning ends a while after the return. Of absences before this nobody knows when they ended."""
    op.add_column("attempt", sa.Column("back_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE attempt SET back_at = coalesce(started_at, last_seen, 0) WHERE was_offline")
    op.drop_column("attempt", "was_offline")


def downgrade() -> None:
    """That somebody was away stays known."""
    op.add_column("attempt", sa.Column("was_offline", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE attempt SET was_offline = true WHERE back_at IS NOT NULL")
    op.drop_column("attempt", "back_at")
