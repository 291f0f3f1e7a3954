"""the monitor at size: sorted, filtered and searched by indexes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BLANK = " \t\n\r\v\f\u00a0\u2028\u2029\u3000"
WRITTEN = sa.text(f"trim(text, '{BLANK}') <> ''")
SUBMITTED = sa.text("submitted_at IS NOT NULL")
INDEXES = {
    "ix_candidacy_test_id_sort_name": ["test_id", "sort_name"],
    "ix_candidacy_sort_name": ["sort_name"],
    "ix_candidacy_room": ["room"],
    "ix_candidacy_group_name": ["group_name"],
    "ix_candidacy_flagged": ["flagged"],
    "ix_candidacy_attendance": ["attendance"],
    "ix_candidacy_started_at": ["started_at"],
}
PROGRESS = ["withdrawn_at", "submitted_at", "paused_at", "started_at", "entered_at", "id"]


CLOSED = sa.text("closed_at IS NOT NULL")


def upgrade() -> None:
    """The name that lists are sorted by stands in the candidacy, where an index can have the test before it."""
    _without_check_of_persons()
    op.add_column("candidacy", sa.Column("sort_name", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE candidacy SET sort_name = (SELECT lower(name) FROM user_account WHERE id = candidacy.user_id)")
    with op.batch_alter_table("candidacy") as batch:
        batch.alter_column("sort_name", existing_type=sa.Text(), existing_nullable=False, server_default=None)
    for name, columns in INDEXES.items():
        op.create_index(op.f(name), "candidacy", columns)
    op.create_index(
        "ix_candidacy_submitted_at", "candidacy", ["submitted_at"], sqlite_where=SUBMITTED, postgresql_where=SUBMITTED
    )
    op.create_index("ix_answer_written", "answer", ["candidacy_id"], sqlite_where=WRITTEN, postgresql_where=WRITTEN)
    if op.get_context().dialect.name == "postgresql":
        # any part of a word; the extension is a trusted one, which the owner of a database may create
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE INDEX ix_candidacy_search_text ON candidacy USING gin (search_text gin_trgm_ops)")
        op.create_index("ix_candidacy_progress", "candidacy", PROGRESS)
        # candidates save all the time: room beside a row, so that its new version needs no entry in any index
        op.execute("ALTER TABLE candidacy SET (fillfactor = 85)")
        op.execute("ALTER TABLE presence SET (fillfactor = 50)")


def _without_check_of_persons() -> None:
    """A delivery's person is one of a candidacy, which has the foreign key."""
    op.drop_index("ix_delivery_closed_at", table_name="delivery")
    with op.batch_alter_table("delivery") as batch:
        batch.drop_constraint("fk_delivery_user_id", type_="foreignkey")
    _index_closings()


def _index_closings() -> None:
    op.create_index("ix_delivery_closed_at", "delivery", ["closed_at"], sqlite_where=CLOSED, postgresql_where=CLOSED)


def downgrade() -> None:
    """Without them."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE presence RESET (fillfactor)")
        op.execute("ALTER TABLE candidacy RESET (fillfactor)")
        op.drop_index("ix_candidacy_progress", table_name="candidacy")
        op.execute("DROP INDEX ix_candidacy_search_text")
    op.drop_index("ix_answer_written", table_name="answer")
    op.drop_index("ix_candidacy_submitted_at", table_name="candidacy")
    for name in reversed(INDEXES):
        op.drop_index(op.f(name), table_name="candidacy")
    op.drop_column("candidacy", "sort_name")
    op.drop_index("ix_delivery_closed_at", table_name="delivery")
    with op.batch_alter_table("delivery") as batch:
        batch.create_foreign_key("fk_delivery_user_id", "user_account", ["user_id"], ["id"])
    _index_closings()
