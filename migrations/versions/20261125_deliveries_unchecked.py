"""deliveries without a check of each one's message"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CLOSED = sa.text("closed_at IS NOT NULL")


def upgrade() -> None:
    """They are written by one statement, beside their message; PostgreSQL looked for it once for each of them."""
    op.drop_index("ix_delivery_closed_at", table_name="delivery")
    with op.batch_alter_table("delivery") as batch:
        batch.drop_constraint("fk_delivery_message_id", type_="foreignkey")
    _index_closings()


def downgrade() -> None:
    """With the check."""
    op.drop_index("ix_delivery_closed_at", table_name="delivery")
    with op.batch_alter_table("delivery") as batch:
        batch.create_foreign_key("fk_delivery_message_id", "message", ["message_id"], ["id"])
    _index_closings()


def _index_closings() -> None:
    op.create_index("ix_delivery_closed_at", "delivery", ["closed_at"], sqlite_where=CLOSED, postgresql_where=CLOSED)
