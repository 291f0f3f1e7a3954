"""Writing the log. Who writes holds its head until the commit, so numbers are given in commit order (R14, R1).

Within `writing(session)`: `lock_head()` first, `write_subjects()` where it concerns candidates, and `append()`, which
does not ask the database before it has the hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, Integer, Select, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session

from webapp.db.sql import PREPARED
from webapp.db.types import microseconds
from webapp.logbook.chain import Digest, Fields, Subject, canonical_detail
from webapp.models import Candidacy, LogEntry, LogHead, LogSubject, Test, User

ENTRIES: Any = LogEntry.__table__
HEAD: Any = LogHead.__table__
SUBJECTS: Any = LogSubject.__table__
AS_IT_IS: tuple[Any, ...] = (
    Candidacy.id,
    Candidacy.user_id,
    Candidacy.test_id,
    Candidacy.number,
    User.name,
    Test.title,
    Candidacy.room,
)
"""What is noted of a candidacy, in the order of `Subject`."""

# everybody who writes waits for whoever holds the head: what is done meanwhile is made once, and without the session,
# which would take as long again as each of these statements takes
LOCK_HEAD = select(HEAD.c.number, HEAD.c.hash).with_for_update().execution_options(**PREPARED)
_SUBJECTS_WRITTEN = select(func.count()).where(SUBJECTS.c.entry_id == bindparam("of_id", type_=ENTRIES.c.id.type))
WRITE_ENTRY = (
    insert(ENTRIES)
    .from_select(
        [column.name for column in ENTRIES.c],
        select(*(bindparam(f"of_{column.name}", type_=column.type) for column in ENTRIES.c)).where(
            _SUBJECTS_WRITTEN.scalar_subquery() == bindparam("subjects", type_=Integer)
        ),
    )
    .execution_options(preserve_rowcount=True, **PREPARED)
)
"""Writes nothing unless as many subjects as are said are written for this entry."""
MOVE_HEAD = update(HEAD).values(number=bindparam("to_number"), hash=bindparam("to_hash")).execution_options(**PREPARED)


class Head(NamedTuple):
    """Where the log ends: the last number given, and the hash of its entry."""

    number: int
    hash: str


@dataclass(frozen=True)
class Actor:
    """Who did it, as known then. `id` is None, `name` and `role` may be empty where nobody is signed in."""

    id: int | None
    name: str
    role: str


def lock_head(session: Session) -> Head:
    """The head of the log, locked until the transaction ends: the next writer waits for this commit."""
    return Head._make(session.connection().execute(LOCK_HEAD).one())


def write_subjects(session: Session, head: Head, candidacies: Select[Any]) -> CursorResult[Any]:
    """Note every candidacy of a query as a subject of the entry to come; `in_order()` tells what was noted.

    `candidacies` is drawn from roster entry, test and person, whatever its columns. One statement, so what
    is logged is what the query matched in this transaction (R5, R6).
    """
    entry_id = literal(head.number + 1, LogSubject.entry_id.type)
    as_it_is = candidacies.with_only_columns(entry_id, *AS_IT_IS, maintain_column_froms=True)
    statement = insert(SUBJECTS).from_select(["entry_id", *Subject._fields], as_it_is)
    return session.connection().execute(statement.returning(*(SUBJECTS.c[name] for name in Subject._fields)))


def in_order(written: CursorResult[Any]) -> list[Subject]:
    """The subjects that `write_subjects()` has noted, in order of candidacy id. The database is not asked again."""
    return sorted(map(Subject._make, written.all()))  # one by one they take three times as long to fetch


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

    `head` comes from `lock_head()` in the same transaction, `subjects` from `in_order()`; `detail` is
    anything that JSON can hold. Raises `ValueError` if the subjects are not as many as were written for this entry,
    or a value is not of its field's type: its hash could never be verified.
    """
    number = head.number + 1
    fields = Fields(number, microseconds(at), actor.id, actor.name, actor.role, action, canonical_detail(detail))
    digest = Digest(head.hash, fields)
    digest.add(sorted(subjects))
    moved = Head(number, digest.hexdigest())
    connection = session.connection()
    entry = {
        "of_id": number,
        "of_at": at,
        "of_actor_id": actor.id,
        "of_actor_name": actor.name,
        "of_actor_role": actor.role,
        "of_action": action,
        "of_detail": fields.detail,
        "of_previous_hash": head.hash,
        "of_hash": moved.hash,
    }
    # the entry first: the head only moves to an entry that is there
    if connection.execute(WRITE_ENTRY, {**entry, "subjects": len(subjects)}).rowcount != 1:
        written = connection.scalar(_SUBJECTS_WRITTEN, {"of_id": number})
        raise ValueError(f"entry {number}: {written} subjects are written, {len(subjects)} were given")
    connection.execute(MOVE_HEAD, {"to_number": moved.number, "to_hash": moved.hash})
    return moved
