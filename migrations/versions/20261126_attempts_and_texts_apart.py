"""attempts, with when each one's person was heard of, and the texts of a search have tables of their own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MINUTES = ("extra_minutes", "incident_minutes")
MOMENTS = ("started_at", "saved_at", "submitted_at", "paused_at", "withdrawn_at", "entered_at")
MOVED = (*MINUTES, "was_offline", *MOMENTS)
NOT_NEGATIVE = "extra_minutes >= 0 AND incident_minutes >= 0"
SUBMITTED = sa.text("submitted_at IS NOT NULL")
STAGES = ["withdrawn_at", "submitted_at", "paused_at", "started_at", "entered_at"]


def upgrade() -> None:
    """What happens in a test is written every few seconds, and counted over a nation: it moves to narrow rows."""
    op.create_table(
        "attempt",
        sa.Column("candidacy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in MINUTES),
        sa.Column("was_offline", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("last_seen", "left_at", *MOMENTS)),
        sa.CheckConstraint(NOT_NEGATIVE, name=op.f("ck_attempt_minutes_not_negative")),
        sa.ForeignKeyConstraint(["candidacy_id"], ["candidacy.id"], name=op.f("fk_attempt_candidacy_id")),
        sa.PrimaryKeyConstraint("candidacy_id", name=op.f("pk_attempt")),
    )
    if _on_postgresql():
        # presence and saves change a row in its page, without a word to any index
        op.execute("ALTER TABLE attempt SET (fillfactor = 70)")
    moved = ", ".join(MOVED)
    op.execute(  # the names are those above
        f"INSERT INTO attempt (candidacy_id, test_id, user_id, {moved}, last_seen, left_at) "  # noqa: S608
        f"SELECT candidacy.id, test_id, candidacy.user_id, {moved}, last_seen, left_at "
        "FROM candidacy LEFT JOIN presence ON presence.user_id = candidacy.user_id ORDER BY candidacy.id"
    )
    op.drop_table("presence")
    op.create_table(
        "search_text",
        sa.Column("candidacy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["candidacy_id"], ["candidacy.id"], name=op.f("fk_search_text_candidacy_id")),
        sa.PrimaryKeyConstraint("candidacy_id", name=op.f("pk_search_text")),
    )
    op.execute("INSERT INTO search_text SELECT id, test_id, search_text FROM candidacy ORDER BY id")
    if _on_postgresql():
        op.execute("DROP INDEX ix_candidacy_search_text")
    else:
        op.drop_index("ix_candidacy_test_id_search_text", table_name="candidacy")
    for name in ("started_at", "submitted_at", "test_id_user_id", *(["progress"] if _on_postgresql() else [])):
        op.drop_index(f"ix_candidacy_{name}", table_name="candidacy")
    with op.batch_alter_table("candidacy") as batch:
        batch.drop_constraint(op.f("ck_candidacy_minutes_not_negative"), type_="check")
        for name in (*MOVED, "search_text"):
            batch.drop_column(name)
    if _on_postgresql():
        op.execute("ALTER TABLE candidacy RESET (fillfactor)")
    _create_indexes("attempt", "candidacy_id")
    op.create_index("ix_attempt_user_id_test_id", "attempt", ["user_id", "test_id"])
    op.create_index("ix_attempt_test_id", "attempt", ["test_id"])
    op.create_index("ix_search_text_test_id", "search_text", ["test_id"])
    if _on_postgresql():
        op.execute("CREATE INDEX ix_search_text_text ON search_text USING gin (text gin_trgm_ops)")


def downgrade() -> None:
    """Back into the candidacies; of a person's moments, the latest."""
    op.create_table(
        "presence",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_presence_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_presence")),
    )
    if _on_postgresql():
        op.execute("ALTER TABLE presence SET (fillfactor = 50)")
    op.execute(
        "INSERT INTO presence (user_id, last_seen, left_at) SELECT user_id, max(last_seen), max(left_at) FROM attempt "
        "WHERE last_seen IS NOT NULL GROUP BY user_id"
    )
    with op.batch_alter_table("candidacy") as batch:
        for name in MINUTES:
            batch.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("was_offline", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
        for name in MOMENTS:
            batch.add_column(sa.Column(name, sa.BigInteger(), nullable=True))
    moved = ", ".join(f"{name} = attempt.{name}" for name in MOVED)
    op.execute(f"UPDATE candidacy SET {moved} FROM attempt WHERE attempt.candidacy_id = candidacy.id")  # noqa: S608
    op.execute("UPDATE candidacy SET search_text = text FROM search_text WHERE candidacy_id = candidacy.id")
    with op.batch_alter_table("candidacy") as batch:
        for name in (*MINUTES, "was_offline", "search_text"):
            batch.alter_column(name, server_default=None)
        batch.create_check_constraint(op.f("ck_candidacy_minutes_not_negative"), NOT_NEGATIVE)
    op.drop_table("search_text")
    op.drop_table("attempt")
    if _on_postgresql():
        op.execute("ALTER TABLE candidacy SET (fillfactor = 85)")
    _create_indexes("candidacy", "id")
    op.create_index("ix_candidacy_test_id_user_id", "candidacy", ["test_id", "user_id"])
    if _on_postgresql():
        op.execute("CREATE INDEX ix_candidacy_search_text ON candidacy USING gin (search_text gin_trgm_ops)")
    else:
        op.create_index("ix_candidacy_test_id_search_text", "candidacy", ["test_id", "search_text"])


def _create_indexes(table: str, key: str) -> None:
    op.create_index(f"ix_{table}_started_at", table, ["started_at"])
    op.create_index(
        f"ix_{table}_submitted_at", table, ["submitted_at"], sqlite_where=SUBMITTED, postgresql_where=SUBMITTED
    )
    if _on_postgresql():
        op.create_index(f"ix_{table}_progress", table, [*STAGES, key])


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
