"""The roster: which tests there are, when, and who sits them where; and the people that both files name."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from webapp.planning.exceptions import Problem
from webapp.planning.sheets import LONGEST_USERNAME, Line, quote, read_lines

COLUMNS = (
    "test", "test_start", "test_end", "candidate_id", "name", "email", "username", "password",
    "group", "room", "building", "seat", "question_set", "extra_minutes",
)  # fmt: skip
"""All are required: a missing column would empty a field of every candidacy."""
PLACES = (
    ("group", "group_name", 100),
    ("room", "room", 100),
    ("building", "building", 100),
    ("seat", "seat", 50),
    ("question_set", "question_set", 100),
)
"""Column of the file, column of the table, longest text."""
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
    """The candidacy's other columns that an import sets."""
    line: Line


@dataclass(frozen=True)
class Roster:
    """The contents of a roster, checked in itself."""

    tests: dict[TestKey, TestLine] = field(default_factory=dict)
    candidates: list[CandidateLine] = field(default_factory=list)
    rooms: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Title → every room that a line names with it, also a line with a problem."""


@dataclass
class Person:
    """Somebody as the files describe them."""

    known_as: str
    """The username as it is compared."""
    username: str
    name: str
    email: str | None
    """None where only the contributors' file, which has no addresses, names the person."""
    password: str | None
    line: Line
    """The first one that names the person."""


class People:
    """Collects people by username, and notes where two lines contradict each other."""

    def __init__(self) -> None:
        self.by_name: dict[str, Person] = {}

    def add(self, line: Line, *, with_email: bool) -> str:
        """Read the person of a line; returns the username as it is compared."""
        known_as = line.username()
        username = line.text("username", LONGEST_USERNAME)
        email = line.text("email", 254) if with_email else None
        new = Person(known_as, username, line.text("name", 200, required=True), email, line.password(), line)
        if known_as and (person := self.by_name.setdefault(known_as, new)) is not new:
            _merge(person, new)
        return known_as


def _merge(person: Person, new: Person) -> None:
    where = f"{person.line.file}, line {person.line.number}"
    if new.name != person.name:
        new.line.add_problem("name", f"is not the name that this username has in {where}")
    for column, noun in (("email", "address"), ("password", "password")):
        before, after = getattr(person, column), getattr(new, column)
        if before is None:
            setattr(person, column, after)
        elif after is not None and after != before:
            new.line.add_problem(column, f"is not the {noun} that this username has in {where}")


def read_roster(data: bytes, file: str, zone: ZoneInfo, people: People, problems: list[Problem]) -> Roster:
    """Read and check a roster, whose times are local times of `zone`. Everything that is wrong goes to `problems`."""
    roster = Roster()
    numbers: dict[tuple[TestKey, str], int] = {}
    persons: dict[tuple[TestKey, str], int] = {}
    for line in read_lines(data, file, COLUMNS, (), problems):
        key = _test(line, zone, roster.tests)
        known_as = people.add(line, with_email=True)
        number = line.text("candidate_id", 50, required=True)
        values: dict[str, str | int] = {name: line.text(column, longest) for column, name, longest in PLACES}
        values["extra_minutes"] = _extra_minutes(line)
        roster.rooms[line.text("test", 200)].add(str(values["room"]))
        if key is None:
            continue
        if number and (first := numbers.setdefault((key, number), line.number)) != line.number:
            line.add_problem("candidate_id", f"{quote(number)} is already in line {first}, in the same test")
        if known_as and (first := persons.setdefault((key, known_as), line.number)) != line.number:
            line.add_problem("username", f"{quote(known_as)} already sits this test in line {first}")
        roster.candidates.append(CandidateLine(key, known_as, number, values, line))
    return roster


def _test(line: Line, zone: ZoneInfo, tests: dict[TestKey, TestLine]) -> TestKey | None:
    title = line.text("test", 200, required=True)
    starts_at = line.moment("test_start", zone)
    ends_at = line.moment("test_end", zone)
    if starts_at is None or ends_at is None:
        return None
    if ends_at <= starts_at:
        line.add_problem("test_end", "is not after the start")
    key = (title, starts_at.astimezone(zone).date())
    first = tests.setdefault(key, TestLine(key, starts_at, ends_at, line))
    for column, moment, earlier in (("test_start", starts_at, first.starts_at), ("test_end", ends_at, first.ends_at)):
        if moment != earlier:
            line.add_problem(column, f"differs from line {first.line.number}, which is for the same test")
    return key


def _extra_minutes(line: Line) -> int:
    text = line.fields["extra_minutes"].strip()
    if not text:
        return 0
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or int(text) > MOST_EXTRA_MINUTES:
        line.add_problem("extra_minutes", f"{quote(text)} is not a whole number from 0 to {MOST_EXTRA_MINUTES}")
        return 0
    return int(text)
