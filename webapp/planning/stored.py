"""What the database knows of the people and tests that a roster speaks of, read in a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.models import Candidacy, Contribution, Question, Test, User
from webapp.planning.roster import TestKey

CHUNK = 5000
"""Values in one statement: SQLite takes 32,766, PostgreSQL 65,535."""
CANDIDACY = (
    "id", "test_id", "user_id", "number", "group_name", "room", "building", "seat", "question_set", "extra_minutes",
    "started_at",
)  # fmt: skip
Item = TypeVar("Item")


@dataclass
class Stored:
    """Rows by the keys under which a roster knows them."""

    people: dict[str, Any] = field(default_factory=dict)
    """id, name, email, password_hash, epoch by `sign_in_name`."""
    names: dict[int, str] = field(default_factory=dict)
    """User id → `sign_in_name`, of those above."""
    tests: dict[TestKey, Any] = field(default_factory=dict)
    """id, starts_at, ends_at."""
    by_title: dict[str, list[TestKey]] = field(default_factory=dict)
    with_questions: set[int] = field(default_factory=set)
    by_number: dict[tuple[int, str], Any] = field(default_factory=dict)
    """Candidacies by test id and number; all of the tests concerned."""
    by_person: dict[tuple[int, int], Any] = field(default_factory=dict)
    """The same by test id and user id."""
    rooms: dict[int, set[str]] = field(default_factory=dict)
    contributions: dict[tuple[int, int], Any] = field(default_factory=dict)
    """id, role, room by test id and user id."""


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in lists of at most `CHUNK`."""
    kept = list(items)
    for start in range(0, len(kept), CHUNK):
        yield kept[start : start + CHUNK]


def read_stored(session: Session, known_as: Iterable[str], titles: Iterable[str]) -> Stored:
    """Read the people with these usernames and all about the tests with these titles."""
    stored = Stored()
    row: Any
    for names in chunks(known_as):
        columns = (User.sign_in_name, User.id, User.name, User.email, User.password_hash, User.epoch)
        for row in session.execute(select(*columns).where(User.sign_in_name.in_(names))):
            stored.people[row.sign_in_name] = row
            stored.names[row.id] = row.sign_in_name
    for some in chunks(titles):
        moments = (Test.id, Test.title, Test.start_date, Test.starts_at, Test.ends_at)
        for row in session.execute(select(*moments).where(Test.title.in_(some))):
            stored.tests[row.title, row.start_date] = row
            stored.by_title.setdefault(row.title, []).append((row.title, row.start_date))
    for ids in chunks(row.id for row in stored.tests.values()):
        _read_tests(session, stored, ids)
    return stored


def _read_tests(session: Session, stored: Stored, ids: list[int]) -> None:
    asked = session.scalars(select(Question.test_id).where(Question.test_id.in_(ids)).distinct())
    stored.with_questions.update(asked)
    columns = [getattr(Candidacy, name) for name in CANDIDACY]
    for row in session.execute(select(*columns).where(Candidacy.test_id.in_(ids))):
        stored.by_number[row.test_id, row.number] = row
        stored.by_person[row.test_id, row.user_id] = row
        stored.rooms.setdefault(row.test_id, set()).add(row.room)
    own: Any = (Contribution.id, Contribution.test_id, Contribution.user_id, Contribution.role, Contribution.room)
    for row in session.execute(select(*own).where(Contribution.test_id.in_(ids))):
        stored.contributions[row.test_id, row.user_id] = row
