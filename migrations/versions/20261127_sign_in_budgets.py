"""budgets of wrong passwords by account and client, and accounts that are taken out of use"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Budgets instead of single attempts, which mattered for five minutes only; a date on which an account ended."""
    op.create_table(
        "sign_in_budget",
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("spent_until", sa.BigInteger(), nullable=False),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account", "client", name=op.f("pk_sign_in_budget")),
    )
    op.create_index(op.f("ix_sign_in_budget_spent_until"), "sign_in_budget", ["spent_until"])
    op.drop_index(op.f("ix_sign_in_attempt_user_id_at"), table_name="sign_in_attempt")
    op.drop_table("sign_in_attempt")
    op.add_column("user_account", sa.Column("deactivated_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Back to single attempts. Accounts that were taken out of use can sign in again."""
    with op.batch_alter_table("user_account") as table:
        table.drop_column("deactivated_at")
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_sign_in_attempt_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(op.f("ix_sign_in_attempt_user_id_at"), "sign_in_attempt", ["user_id", "at"])
    op.drop_index(op.f("ix_sign_in_budget_spent_until"), table_name="sign_in_budget")
    op.drop_table("sign_in_budget")
