"""Writing the log, and the canonical form of an entry with its hash, which verifying and exporting use too (R14, R1).

The writer holds the head of the log until the commit, so numbers follow commit order. Within `writing(session)`:
`lock_head()` first, `write_subjects()` where candidates are concerned, then `append()`.

`docs/reference.md` describes the form. A value is encoded only after its type has been checked, and a line contains no
line feed, so no two entries share a form.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, insert, literal, select, update
from sqlalchemy.orm import Session

from webapp.db.sql import PREPARED
from webapp.db.transactions import writing
from webapp.db.types import microseconds
from webapp.models import Candidacy, LogEntry, LogHead, LogSubject, Test, User

FORM = "examhall-log-1"
RESTORED = "log.restored"
"""The action of the only entry that may leave numbers out; its detail names the last one before it."""
SUBJECT_COLUMNS: tuple[Any, ...] = (
    Candidacy.id, Candidacy.user_id, Candidacy.test_id, Candidacy.number, User.name, Test.title, Candidacy.room,
)  # fmt: skip
"""What the log keeps of a candidacy, in the order of `Subject`."""
LOCK_HEAD = select(LogHead.number, LogHead.hash).with_for_update().execution_options(**PREPARED)
NUMBERS_LEFT_OUT = 1_000_000
"""By a restore: far more than are given between a backup and its restore."""

_encode = json.JSONEncoder(separators=(",", ":")).encode
_INTEGER, _TEXT = {int}, {str}


class WrongType(ValueError):
    """A value that the log does not hold: text in a number's place, or text that is not Unicode."""


class Subject(NamedTuple):
    """A candidacy that an entry is about, as it was then; fields in the order in which they are hashed."""

    candidacy_id: int
    user_id: int
    test_id: int
    number: str
    name: str
    test_title: str
    room: str


class Fields(NamedTuple):
    """What an entry says, without its place in the chain; `at` is in microseconds since 1970, UTC."""

    number: int
    at: int
    actor_id: int | None
    actor_name: str
    actor_role: str
    action: str
    detail: str


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
    return sorted(map(Subject._make, written.all()))


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


def entry_hash(previous_hash: str, fields: Fields, subjects: Iterable[Subject]) -> str:
    """The hash of an entry, 64 hexadecimal digits; subjects come in order of candidacy id. Raises `WrongType`."""
    digest = hashlib.sha256(entry_form(previous_hash, fields))
    for subject in subjects:
        digest.update(subject_form(subject))
    return digest.hexdigest()


def entry_form(previous_hash: str, fields: Fields) -> bytes:
    """The line of an entry; the previous hash of the first one is empty. Raises `WrongType`."""
    number, at, actor_id, *texts = fields
    numbers = (number, at) if actor_id is None else (number, at, actor_id)
    return _line([FORM, previous_hash, *fields], numbers, [previous_hash, *texts])


def subject_form(subject: Subject) -> bytes:
    """The line of a subject. Raises `WrongType`."""
    return _line(subject, subject[:3], subject[3:])


def _line(values: Sequence[Any], numbers: Sequence[Any], texts: Sequence[Any]) -> bytes:
    if not _INTEGER.issuperset(map(type, numbers)):
        raise WrongType("holds something else where a whole number belongs")
    if not _TEXT.issuperset(map(type, texts)):
        raise WrongType("holds something else where text belongs")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:  # two lone surrogates would be escaped like the character that they form together
        raise WrongType("holds text that is not Unicode") from None
    return _encode(values).encode() + b"\n"


def canonical_detail(detail: dict[str, Any]) -> str:
    """A JSON object with sorted keys, without spaces, in readable script, because the log is searched in it.

    A lone surrogate, which neither databases nor pages take, becomes a question mark.
    """
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode()
