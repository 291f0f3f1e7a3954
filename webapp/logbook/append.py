"""Writing the log. Who writes holds its head until the commit, so numbers are given in commit order (R14, R1).

Within `writing(session)`: `lock_head()` first, then what is to be logged, `write_subjects()` where it concerns
candidates, and `append()` last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, literal, select
from sqlalchemy.orm import Session

from webapp.database import PLANNED_ONCE
from webapp.logbook.chain import Digest, Fields, Subject, canonical_detail
from webapp.models import Candidacy, LogEntry, LogHead, LogSubject, Test, User

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


@dataclass(frozen=True)
class Actor:
    """Who did it, as known then. `id` is None, `name` and `role` may be empty where nobody is signed in."""

    id: int | None
    name: str
    role: str


def lock_head(session: Session) -> LogHead:
    """The head of the log, locked until the transaction ends: the next writer waits for this commit."""
    options = {"populate_existing": True, PLANNED_ONCE: True}
    return session.scalars(select(LogHead).with_for_update().execution_options(**options)).one()


def write_subjects(session: Session, head: LogHead, candidacies: Select[Any]) -> list[Subject]:
    """Note every candidacy of a query as a subject of the entry to come, and give back what was noted.

    `candidacies` is drawn from `models.derived.sitting()`; which columns it has does not matter. One statement, so what
    is logged is what the query matched in this transaction (R5, R6); in order of candidacy id.
    """
    entry_id = literal(head.number + 1, LogSubject.entry_id.type)
    as_it_is = candidacies.with_only_columns(entry_id, *AS_IT_IS, maintain_column_froms=True)
    statement = insert(SUBJECTS).from_select(["entry_id", *Subject._fields], as_it_is)
    rows = session.connection().execute(statement.returning(*(SUBJECTS.c[name] for name in Subject._fields)))
    return sorted(map(Subject._make, rows.all()))  # one by one they take three times as long to fetch


def append(
    session: Session,
    head: LogHead,
    *,
    at: datetime,
    actor: Actor,
    action: str,
    detail: dict[str, Any],
    subjects: Sequence[Subject] = (),
) -> LogEntry:
    """Write the next entry and move the head to it.

    `head` comes from `lock_head()` in the same transaction, `subjects` from `write_subjects()`; `detail` is
    anything that JSON can hold. Raises `ValueError` if the subjects are not as many as were written for this entry:
    its hash could never be verified.
    """
    number = head.number + 1
    counted = select(func.count()).where(LogSubject.entry_id == number).execution_options(**{PLANNED_ONCE: True})
    written = session.scalar(counted)
    if written != len(subjects):
        raise ValueError(f"entry {number}: {written} subjects are written, {len(subjects)} were given")
    fields = Fields(number, at, actor.id, actor.name, actor.role, action, canonical_detail(detail))
    digest = Digest(head.hash, fields)
    digest.add(sorted(subjects))
    entry = LogEntry(
        id=number,
        at=at,
        actor_id=actor.id,
        actor_name=actor.name,
        actor_role=actor.role,
        action=action,
        detail=fields.detail,
        previous_hash=head.hash,
        hash=digest.hexdigest(),
    )
    session.add(entry)
    session.flush()  # the entry first: the head only moves to an entry that is there
    head.number, head.hash = number, entry.hash
    session.flush()
    return entry
