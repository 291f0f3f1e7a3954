"""deliveries are kept by person alone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CLOSED = sa.text("closed_at IS NOT NULL")


def upgrade() -> None:
    """Each was written in an index by message too; whom a message was for is in its log entry."""
    op.drop_index("ix_delivery_user_id_message_id", table_name="delivery")
    _keyed_by("user_id", "message_id")


def downgrade() -> None:
    """By message again, and by person."""
    _keyed_by("message_id", "user_id")
    op.create_index("ix_delivery_user_id_message_id", "delivery", ["user_id", "message_id"])


def _keyed_by(*columns: str) -> None:
    # SQLite's table is written anew, without an index whose condition is not known to what does it
    op.drop_index("ix_delivery_closed_at", table_name="delivery")
    with op.batch_alter_table("delivery") as batch:
        batch.drop_constraint("pk_delivery", type_="primary")
        batch.create_primary_key("pk_delivery", [*columns])
    op.create_index("ix_delivery_closed_at", "delivery", ["closed_at"], sqlite_where=CLOSED, postgresql_where=CLOSED)
