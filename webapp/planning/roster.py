"""The roster: which tests there are, when, and who sits them where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from webapp.planning.people import People
from webapp.planning.refusals import Problem
from webapp.planning.sheets import Line, read_lines, shown

COLUMNS = (
    "test", "test_start", "test_end", "candidate_id", "name", "email", "username", "password",
    "group", "room", "building", "seat", "question_set", "extra_minutes",
)  # fmt: skip
"""All are needed: a line is the whole truth of its candidacy, and a missing column would empty a field for everyone."""
PLACES = (
    ("group", "group_name", 100),
    ("room", "room", 100),
    ("building", "building", 100),
    ("seat", "seat", 50),
    ("question_set", "question_set", 100),
)
"""Column of the file, column of the table, most characters."""
MOST_EXTRA_MINUTES = 1440

TestKey = tuple[str, date]
"""How a roster knows a test: title, and start date in the installation's zone."""


@dataclass(frozen=True)
class TestLine:
    """A test as its first line describes it."""

    key: TestKey
    starts_at: datetime
    ends_at: datetime
    line: Line


@dataclass(frozen=True)
class CandidateLine:
    """A candidacy as its line describes it."""

    test: TestKey
    known_as: str
    number: str
    values: dict[str, str | int]
    """Columns of the candidacy that an import sets, besides its number."""
    line: Line


@dataclass(frozen=True)
class Roster:
    """What a roster says, checked in itself."""

    tests: dict[TestKey, TestLine]
    candidates: list[CandidateLine]
    rooms: dict[str, set[str]]
    """Title → every room that a line names with it, also a line that will not do for another reason."""
    by_title: dict[str, list[TestKey]]

    def dates_of(self, title: str) -> list[TestKey]:
        """The tests of this title."""
        return self.by_title.get(title, [])


def read_roster(data: bytes, file: str, zone: ZoneInfo, people: People, problems: list[Problem]) -> Roster:
    """Read and check a roster; `zone` is that of its local times. Everything that is wrong goes to `problems`."""
    tests: dict[TestKey, TestLine] = {}
    candidates: list[CandidateLine] = []
    numbers: dict[tuple[TestKey, str], int] = {}
    persons: dict[tuple[TestKey, str], int] = {}
    rooms: dict[str, set[str]] = {}
    for line in read_lines(data, file, COLUMNS, (), problems):
        key = _test(line, zone, tests)
        known_as = people.take(line, with_email=True)
        number = line.text("candidate_id", 50, required=True)
        values: dict[str, str | int] = {field: line.text(column, size) for column, field, size in PLACES}
        values["extra_minutes"] = _extra_minutes(line)
        rooms.setdefault(line.text("test", 200), set()).add(str(values["room"]))
        if key is None:
            continue
        if number and (first := numbers.setdefault((key, number), line.number)) != line.number:
            line.wrong("candidate_id", f"{shown(number)} stands in line {first} already, in the same test")
        if known_as and (first := persons.setdefault((key, known_as), line.number)) != line.number:
            line.wrong("username", f"{shown(known_as)} sits this test in line {first} already")
        candidates.append(CandidateLine(key, known_as, number, values, line))
    by_title: dict[str, list[TestKey]] = {}
    for key in tests:
        by_title.setdefault(key[0], []).append(key)
    return Roster(tests, candidates, rooms, by_title)


def _test(line: Line, zone: ZoneInfo, tests: dict[TestKey, TestLine]) -> TestKey | None:
    title = line.text("test", 200, required=True)
    starts_at = line.moment("test_start", zone)
    ends_at = line.moment("test_end", zone)
    if starts_at is None or ends_at is None:
        return None
    if ends_at <= starts_at:
        line.wrong("test_end", "is not after the start")
    key = (title, starts_at.astimezone(zone).date())
    known = tests.setdefault(key, TestLine(key, starts_at, ends_at, line))
    if starts_at != known.starts_at:
        line.wrong("test_start", f"is another time than in line {known.line.number}, for the same test")
    if ends_at != known.ends_at:
        line.wrong("test_end", f"is another time than in line {known.line.number}, for the same test")
    return key


def _extra_minutes(line: Line) -> int:
    text = line.fields["extra_minutes"].strip()
    if not text:
        return 0
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or int(text) > MOST_EXTRA_MINUTES:
        line.wrong("extra_minutes", f"{shown(text)} is not a whole number from 0 to {MOST_EXTRA_MINUTES}")
        return 0
    return int(text)
