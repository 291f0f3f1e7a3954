"""when a test was opened again is noted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A test closes by itself some hours after its end; one that was opened again is given the same hours once more."""
    op.add_column("test", sa.Column("reopened_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("test", "reopened_at")
