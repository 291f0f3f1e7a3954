"""candidate IDs sort as people count: A1, A2, A10"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.text.normalization import natural_sort_key

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROWS = 5000
NUMBERS = sa.text("SELECT id, number FROM candidacy WHERE id > :last ORDER BY id LIMIT :rows")
WRITE = sa.text("UPDATE candidacy SET sort_number = :new WHERE id = :id")


def upgrade() -> None:
    op.add_column("candidacy", sa.Column("sort_number", sa.Text(), nullable=False, server_default=""))
    connection, last = op.get_bind(), 0
    while rows := connection.execute(NUMBERS, {"last": last, "rows": ROWS}).all():
        last = rows[-1].id
        connection.execute(WRITE, [{"id": row.id, "new": natural_sort_key(row.number)} for row in rows])


def downgrade() -> None:
    op.drop_column("candidacy", "sort_number")
