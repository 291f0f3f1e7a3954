"""The log: entries in a chain of hashes, their subjects, and the head. Triggers keep it append-only (R14)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Model


def _typed(text: str, whole: str, *, or_null: str = "") -> CheckConstraint:
    """Have SQLite check the columns' types, as PostgreSQL does: text in the place of a number would fit a hash."""
    conditions = [
        *(f"typeof({name}) = 'integer'" for name in whole.split()),
        *(f"typeof({name}) IN ('integer', 'null')" for name in or_null.split()),
        *(f"typeof({name}) = 'text'" for name in text.split()),
    ]
    return CheckConstraint(" AND ".join(conditions), "types").ddl_if(dialect="sqlite")


class LogEntry(Model):
    """An event: who, when, what. It keeps names as they were, so it has no foreign key to a person."""

    __table_args__ = (
        Index(None, "at"),
        Index(None, "actor_id"),
        _typed("actor_name actor_role action detail previous_hash hash", "id at", or_null="actor_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    actor_role: Mapped[str] = mapped_column(String(20))
    """The actor's role at that time; empty where there is none (a failed sign-in)."""
    action: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(Text)
    """JSON object with sorted keys, such as a message's subject, body and audience."""
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class LogSubject(Model):
    """A candidacy that an entry is about, as it was then. Subjects are written before their entry."""

    __table_args__ = (
        Index(None, "test_id", "entry_id"),
        Index(None, "candidacy_id", "entry_id"),
        _typed("number name test_title room", "entry_id candidacy_id user_id test_id"),
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    candidacy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int]
    test_id: Mapped[int]
    number: Mapped[str] = mapped_column(String(50))
    name: Mapped[str] = mapped_column(String(200))
    test_title: Mapped[str] = mapped_column(String(200))
    room: Mapped[str] = mapped_column(String(100))


class LogHead(Model):
    """One row: the number and the hash of the last entry. Every writer locks it until the commit.

    `subjects_of` is the entry that subjects were last written for, by a trigger. Its foreign key is that of all of them
    (`docs/decisions/0022-one-key-for-all-subjects.md`).
    """

    __table_args__ = (CheckConstraint("id = 1", "one_row"), _typed("hash", "number"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    subjects_of: Mapped[int | None] = mapped_column(ForeignKey(LogEntry.id, deferrable=True, initially="DEFERRED"))
