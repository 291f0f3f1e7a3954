"""Writing the log. The writer holds the head of the log until the commit, so numbers follow commit order (R14, R1).

Within `writing(session)`: `lock_head()` first, `write_subjects()` where candidates are concerned, then `append()`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, insert, literal, select, update
from sqlalchemy.orm import Session

from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.db.types import microseconds
from webapp.logbook.chain import RESTORED, Fields, Subject, canonical_detail, entry_hash
from webapp.models import Candidacy, LogEntry, LogHead, LogSubject, Test, User

SUBJECT_COLUMNS: tuple[Any, ...] = (
    Candidacy.id, Candidacy.user_id, Candidacy.test_id, Candidacy.number, User.name, Test.title, Candidacy.room,
)  # fmt: skip
"""What the log keeps of a candidacy, in the order of `Subject`."""
LOCK_HEAD = select(LogHead.number, LogHead.hash).with_for_update().execution_options(**PREPARED)
NUMBERS_LEFT_OUT = 1_000_000
"""By a restore: far more than are given between a backup and its restore."""


class Head(NamedTuple):
    """The end of the log: the last number, and the hash of its entry."""

    number: int
    hash: str


class Actor(NamedTuple):
    """Who did it, as known then. `id` is None, and `name` and `role` may be empty, where nobody is signed in."""

    id: int | None
    name: str
    role: str


def lock_head(session: Session) -> Head:
    """The head of the log, locked until the transaction ends: the next writer waits for this commit."""
    return Head._make(session.connection().execute(LOCK_HEAD).one())


def write_subjects(session: Session, head: Head, candidacies: Select[Any]) -> list[Subject]:
    """Note every candidacy of a query as a subject of the next entry; gives them in order of candidacy id.

    The query joins candidacy, test and person; its columns do not matter. One statement, so what is logged is what the
    query matched in this transaction (R5, R6).
    """
    entry_id = literal(head.number + 1, LogSubject.entry_id.type)
    rows = candidacies.with_only_columns(entry_id, *SUBJECT_COLUMNS, maintain_column_froms=True)
    statement = insert(LogSubject).from_select(["entry_id", *Subject._fields], rows)
    written = session.connection().execute(
        statement.returning(*(getattr(LogSubject, name) for name in Subject._fields))
    )
    return sorted(map(Subject._make, written))


def append(
    session: Session,
    head: Head,
    *,
    at: datetime,
    actor: Actor,
    action: str,
    detail: dict[str, Any],
    subjects: Sequence[Subject] = (),
) -> Head:
    """Write the next entry, and give the head that has moved to it.

    `head` comes from `lock_head()` in the same transaction, `subjects` from `write_subjects()`; `detail` is anything
    that JSON can hold. Raises `ValueError` if the subjects written for this entry are not as many, or if a value is not
    of its field's type: such a hash could never be verified.
    """
    number, connection = head.number + 1, session.connection()
    written = connection.scalar(select(func.count()).where(LogSubject.entry_id == number))
    if written != len(subjects):
        raise ValueError(f"entry {number}: {written} subjects are written, {len(subjects)} were given")
    fields = Fields(number, microseconds(at), *actor, action, canonical_detail(detail))
    moved = Head(number, entry_hash(head.hash, fields, sorted(subjects)))
    who = {"actor_id": actor.id, "actor_name": actor.name, "actor_role": actor.role}
    what = {"id": number, "at": at, "action": action, "detail": fields.detail}
    entry = {**who, **what, "previous_hash": head.hash, "hash": moved.hash}
    connection.execute(insert(LogEntry), entry)  # first: the head only moves to an entry that exists
    connection.execute(update(LogHead).values(moved._asdict()))
    return moved


def note_restore(session: Session, now: datetime) -> tuple[int, int]:
    """Write the entry that leaves numbers out after a restore; gives the first and the last of them.

    An open page knows messages by number, also those that the backup lacks. It would take a new message with such a
    number for one that its reader has already closed.
    """
    with writing(session):
        head = lock_head(session)
        skipped = Head(head.number + NUMBERS_LEFT_OUT, head.hash)
        append(session, skipped, at=now, actor=Actor(None, "", ""), action=RESTORED, detail={"after": head.number})
        return head.number + 1, skipped.number
