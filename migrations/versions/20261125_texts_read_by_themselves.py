"""SQLite reads the texts of a search by themselves"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """It looks at every text, which stands at the end of a long row; PostgreSQL has an index over parts of words."""
    if op.get_context().dialect.name == "sqlite":
        op.create_index("ix_candidacy_test_id_search_text", "candidacy", ["test_id", "search_text"])


def downgrade() -> None:
    """From the rows."""
    if op.get_context().dialect.name == "sqlite":
        op.drop_index("ix_candidacy_test_id_search_text", table_name="candidacy")
