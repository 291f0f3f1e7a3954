"""what each process learns from the database: ended sessions and closed notices"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table for sessions that have ended, and the newest closings by an index of their own."""
    op.create_table(
        "ended_session",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_ended_session_user_id")),
        sa.PrimaryKeyConstraint("user_id", "session_id", name=op.f("pk_ended_session")),
    )
    op.create_index(op.f("ix_ended_session_at"), "ended_session", ["at"])
    closed = sa.text("closed_at IS NOT NULL")
    op.create_index(
        op.f("ix_delivery_closed_at"), "delivery", ["closed_at"], sqlite_where=closed, postgresql_where=closed
    )


def downgrade() -> None:
    """Both away again."""
    op.drop_index(op.f("ix_delivery_closed_at"), table_name="delivery")
    op.drop_table("ended_session")
