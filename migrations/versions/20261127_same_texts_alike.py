"""texts that look the same are the same, and a search finds them without their accents"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from webapp.models.people import sign_in_name
from webapp.text.normalization import fold_for_search, normalize

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ROWS = 5000
SEPARATOR = "\x1f"
TEXTS = (
    ("candidacy", "group_name", ""),
    ("candidacy", "room", ""),
    ("candidacy", "building", ""),
    ("candidacy", "seat", ""),
    ("candidacy", "question_set", ""),
    ("candidacy", "sort_name", ""),
    ("contribution", "room", ""),
    ("user_account", "name", ""),
    ("user_account", "username", ""),
    ("candidacy", "number", "other.test_id = candidacy.test_id"),
    ("test", "title", "other.start_date = test.start_date"),
)
"""Table, column, and the other rows in which it must not stand again."""
SEARCHED = sa.text(
    "SELECT candidacy_id, text FROM search_text WHERE candidacy_id > :last ORDER BY candidacy_id LIMIT :rows"
)
WRITE = sa.text("UPDATE search_text SET text = :new WHERE candidacy_id = :id")


def upgrade() -> None:
    """What is stored gets the form in which it is compared from now on. Where that is taken, both stay as they are."""
    for table, column, others in TEXTS:
        _replace(table, column, others, ((text, normalize(text)) for text in _each(table, column)))
    names = _each("user_account", "sign_in_name")
    _replace("user_account", "sign_in_name", "true", ((name, sign_in_name(name)) for name in names))
    connection, last = op.get_bind(), 0
    while rows := connection.execute(SEARCHED, {"last": last, "rows": ROWS}).all():
        last = rows[-1].candidacy_id
        texts = ((row.candidacy_id, row.text, _searched(row.text)) for row in rows)
        if changed := [{"id": number, "new": new} for number, old, new in texts if new != old]:
            connection.execute(WRITE, changed)


def downgrade() -> None:
    """All of it is good for the version before, whose search then finds what is typed without accents."""


def _searched(text: str) -> str:
    return SEPARATOR.join(map(fold_for_search, text.split(SEPARATOR)))


def _each(table: str, column: str) -> list[str]:
    return list(op.get_bind().scalars(sa.text(f"SELECT DISTINCT {column} FROM {table} WHERE {column} <> ''")))  # noqa: S608 the names above


def _replace(table: str, column: str, others: str, changes: Iterable[tuple[str, str]]) -> None:
    statement = f"UPDATE {table} SET {column} = :new WHERE {column} = :old"  # noqa: S608 the names above
    if others:
        statement += f" AND NOT EXISTS (SELECT 1 FROM {table} other WHERE other.{column} = :new AND {others})"  # noqa: S608
    for old, new in changes:
        if old != new:
            op.get_bind().execute(sa.text(statement), {"old": old, "new": new})
