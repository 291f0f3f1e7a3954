"""the people of a test in the order of their numbers"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who of a test is online is asked by everybody who watches it; presence lies in the order of persons."""
    op.create_index("ix_candidacy_test_id_user_id", "candidacy", ["test_id", "user_id"])


def downgrade() -> None:
    """Without."""
    op.drop_index("ix_candidacy_test_id_user_id", table_name="candidacy")
