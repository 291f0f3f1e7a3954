"""when what a candidate must be told of their sitting last changed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CHANGED = sa.text("changed_at IS NOT NULL")


def upgrade() -> None:
    """Servers look for the changes of the last seconds, and tell the pages of these people."""
    op.add_column("attempt", sa.Column("changed_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_attempt_changed_at", "attempt", ["changed_at"], sqlite_where=CHANGED, postgresql_where=CHANGED)


def downgrade() -> None:
    """Pages learn it from what they ask."""
    op.drop_index("ix_attempt_changed_at", table_name="attempt")
    op.drop_column("attempt", "changed_at")
