"""A large exam day as rows: so many candidacies in tests that run now, on either database.

Made without the importer, which is measured by itself, and without randomness: every run searches the same people.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from tests.server import ROOT
from webapp.db.transactions import writing
from webapp.db.types import microseconds
from webapp.extensions import Model
from webapp.models import Answer, Candidacy, Contribution, Question, Role, Test, User
from webapp.monitor.search_text import SEPARATOR
from webapp.text.normalization import fold_for_search, natural_sort_key

MEMORY = "shared_buffers=1GB"
"""PostgreSQL's, as docs/deployment.md advises for half a million candidacies."""
ROOMS_OF_A_TEST = 125
GROUPS = 25
PEOPLE_IN_TWO_TESTS = 5
"""One candidacy in so many is the second one of a person who sits another test too."""


@dataclass(frozen=True)
class LargeHall:
    """What was built."""

    candidacies: int
    tests: int
    persons: int
    chief_id: int
    """Works in test 1 only."""
    admin_id: int
    """Sees all."""


def build(session: Session, now: datetime, candidacies: int = 500_000, tests: int = 40) -> LargeHall:
    """Fill an empty, migrated database. Takes about a minute for half a million."""
    per_test = candidacies // tests
    persons = candidacies - candidacies // PEOPLE_IN_TWO_TESTS
    chief, admin = persons + 1, persons + 2
    with writing(session):
        _load(session, User, _people(persons, chief, admin))
        _load(session, Test, _tests(tests, now))
        _load(session, Question, ((number, number, 1, "") for number in range(1, tests + 1)))
        _load(session, Contribution, _staff(tests, chief, admin))
        _load(session, Candidacy, _candidacies(candidacies, per_test, persons, now))
        _load(session, Answer, _answers(candidacies, per_test, now))
    analyze(session)
    return LargeHall(per_test * tests, tests, persons, chief, admin)


def analyze(session: Session) -> None:
    """What autovacuum does within minutes of a large import on PostgreSQL, and `flask db upgrade` on SQLite."""
    session.rollback()
    if session.get_bind().dialect.name == "postgresql":
        with session.get_bind().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        return
    with writing(session):
        session.execute(text("ANALYZE"))


def _load(session: Session, model: type[Model], rows: Iterable[tuple[Any, ...]]) -> None:
    """The first columns of a table in their order, as many as a row has; by COPY on PostgreSQL, which is quicker."""
    table = model.__table__
    assert isinstance(table, Table)
    rows = iter(rows)
    first = next(rows, ())
    rows = chain([first], rows) if first else []
    names = ", ".join(column.name for column in list(table.columns)[: len(first)])
    driver: Any = session.connection().connection.driver_connection
    if session.get_bind().dialect.name == "sqlite":
        marks = ", ".join("?" * len(first))
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
        return
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        if "id" in table.columns:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))"
            )


@cache
def _names() -> tuple[list[str], list[str]]:
    """First and last names of the real roster."""
    with (ROOT / "tests/data/roster.csv").open(encoding="utf-8", newline="") as roster:
        full = [row["name"] for row in csv.DictReader(roster)]
    return sorted({name.split()[0] for name in full}), sorted({name.split()[-1] for name in full})


def name_of(person: int) -> str:
    """The name of a person: some are common, none is everybody's."""
    first, last = _names()
    return f"{first[person * 7 % len(first)]} {last[person * 131 % len(last)]}"


def _people(persons: int, chief: int, admin: int) -> Iterator[tuple[Any, ...]]:
    for number in range(1, persons + 1):
        yield number, f"p{number}", f"p{number}", name_of(number), f"p{number}@example.org", None, False, 0, None
    yield chief, "chief", "chief", "Vera Holm", "", None, False, 0, None
    yield admin, "office", "office", "Exam Office", "", None, True, 0, None


def _tests(tests: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    for number in range(1, tests + 1):
        starts = now - timedelta(minutes=60 + number % 5 * 15)
        day = date(starts.year, starts.month, starts.day)
        yield number, title_of(number), day, *map(microseconds, (starts, starts + timedelta(hours=4))), None, None


def title_of(test: int) -> str:
    """What a test is called."""
    subjects = ("Algebra", "Biology", "Chemistry", "English", "History", "Physics", "Civics", "Swedish")
    return f"{subjects[test % len(subjects)]} {test} (NP{1000 + test})"


def _staff(tests: int, chief: int, admin: int) -> Iterator[tuple[Any, ...]]:
    yield 1, chief, 1, Role.CHIEF_INVIGILATOR.value, None
    for number in range(2, tests + 1):
        yield number, admin, number, Role.PLANNER.value, None


def _person_of(row: int, persons: int) -> int:
    return row if row <= persons else (row - persons) * 3 % persons + 1


def _test_of(row: int, per_test: int) -> int:
    return (row - 1) // per_test + 1


def _fields(row: int, per_test: int) -> tuple[str, ...]:
    """Candidate ID, group, room, building, seat and set of questions."""
    test, place = _test_of(row, per_test), (row - 1) % per_test
    room = place * ROOMS_OF_A_TEST // per_test
    return (
        f"{chr(65 + test % 26)}{100_000 + row:06}", f"Group {place % GROUPS + 1:02}",
        f"Sal {chr(65 + test % 8)}{100 + room}", f"Campus {'NSEW'[room % 4]}",
        f"{place % 100 + 1}{'ABCDEF'[place % 6]}", f"Set {'ABCD'[place % 4]}",
    )  # fmt: skip


def _candidacies(candidacies: int, per_test: int, persons: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    started, saved = microseconds(now - timedelta(minutes=50)), microseconds(now)
    second = 1_000_000
    for row in range(1, candidacies + 1):
        person, test = _person_of(row, persons), _test_of(row, per_test)
        progress, fields = _progress_of(row), _fields(row, per_test)
        began = started + row % 600 * second if progress not in {"inactive", "dashboard"} else None
        ended = saved - row % 1200 * second
        yield (
            row, person, test, 30 if row % 20 == 0 else 0, 0, row % 50 == 7, row % 3 == 0, progress == "blank",
            *_heard(person, now),
            saved if row % 25 == 3 else None,
            None if progress == "inactive" else started - 600 * second,
            began,
            ended - row % 1200 * second if began else None,
            saved if progress == "paused" else None,
            ended if progress in {"submitted", "blank"} else None,
            ended if progress == "withdrawn" else None,
            None,
            (None, "present", "present", "absent")[row % 4] if row % 9 else "absent",
            *fields[:5], "", fields[5],
            name_of(person).casefold(), natural_sort_key(fields[0]), _search_text(test, name_of(person), fields),
        )  # fmt: skip


def _search_text(test: int, name: str, fields: tuple[str, ...]) -> str:
    planner = [] if test == 1 else ["Exam Office"]
    return SEPARATOR.join(fold_for_search(part) for part in (fields[0], name, *fields[1:], title_of(test), *planner))


def _progress_of(row: int) -> str:
    share = row * 37 % 100
    for below, progress in (
        (4, "inactive"), (8, "dashboard"), (9, "paused"), (15, "submitted"), (16, "blank"), (17, "withdrawn"),
    ):  # fmt: skip
        if share < below:
            return progress
    return "in_progress"


def _answers(candidacies: int, per_test: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    for row in range(1, candidacies + 1):
        progress = _progress_of(row)
        if progress in {"inactive", "dashboard"}:
            continue
        words = "" if progress == "blank" else "The reaction takes place because " * (1 + row % 5)
        yield row, row, (row - 1) // per_test + 1, words, microseconds(now - timedelta(seconds=row % 1200))


def _heard(person: int, now: datetime) -> tuple[int | None, int | None]:
    """When somebody was last seen, and when they left."""
    if person % 25 == 0:
        return None, None  # never came
    ago = 120 + person % 3000 if person % 12 == 5 else person % 40
    seen = microseconds(now - timedelta(seconds=ago))
    return seen, seen + 1 if person % 200 == 9 else None
