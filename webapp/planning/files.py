"""Both files of an import, checked in themselves: the roster (which tests there are, when, and who sits them where),
and the contributors (who works in which test, in which role, and in which room only)."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from webapp.planning.exceptions import Problem
from webapp.planning.fields import Parser, day, minutes, moment, password, quote, role, text, username
from webapp.planning.sheets import Line, Source, read_lines

TITLE = text(200, required=True)
NAME = text(200, required=True)
ROOM = text(100)
CONTRIBUTORS = {"test": TITLE, "username": username, "name": NAME, "role": role, "room": ROOM}
OPTIONAL = {"test_start": day, "password": password}
"""Further columns that the contributors' file may have."""

TestKey = tuple[str, date]
"""How a roster knows a test: title, and start date in the installation's zone."""


def roster_columns(zone: ZoneInfo) -> dict[str, Parser]:
    """The roster's columns. All are required: a missing one would empty a field of every candidacy."""
    return {
        "test": TITLE,
        "test_start": moment(zone),
        "test_end": moment(zone),
        "candidate_id": text(50, required=True),
        "name": NAME,
        "email": text(254),
        "username": username,
        "password": password,
        "group": text(100),
        "room": ROOM,
        "building": text(100),
        "seat": text(50),
        "question_set": text(100),
        "extra_minutes": minutes,
    }


@dataclass
class Files:
    """The contents of both files. Everything that is wrong goes to `problems`."""

    people: dict[str, Line] = field(default_factory=dict)
    """Username as it is compared → the first line with it, which gets the address and the password of any other."""
    tests: dict[TestKey, Line] = field(default_factory=dict)
    """The first line of each test in the roster."""
    candidates: list[tuple[TestKey, Line]] = field(default_factory=list)
    contributors: list[Line] = field(default_factory=list)
    rooms: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Title → every room that a line of the roster names with it, also a line with a problem."""
    first_lines: dict[tuple[TestKey, str, str], int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def is_repeated(self, test: TestKey, line: Line, column: str, value: str, reason: str) -> bool:
        """Whether an earlier line of this test has the value: a problem, whose `reason` has a place for that line."""
        first = self.first_lines.setdefault((test, reason, value), line.number)
        if first == line.number or not value:
            return False
        line.add_problem(column, f"{quote(value)} {reason.format(first)}")
        return True


def read_files(roster: Source, contributors: Source | None, zone: ZoneInfo) -> Files:
    """Read and check both files; the roster's times are local times of `zone`."""
    files = Files()
    for line in read_lines(roster, roster_columns(zone), {}, files.problems):
        _add_person(files.people, line)
        files.rooms[line["test"]].add(line["room"])
        if line["test_start"] is None or line["test_end"] is None:
            continue
        test = line["test"], line["test_start"].astimezone(zone).date()
        _add_test(files.tests, test, line)
        files.is_repeated(test, line, "candidate_id", line["candidate_id"], "is already in line {}, in the same test")
        files.is_repeated(test, line, "username", line.known_as, "already sits this test in line {}")
        files.candidates.append((test, line))
    if contributors:
        for line in read_lines(contributors, CONTRIBUTORS, OPTIONAL, files.problems):
            _add_person(files.people, line)
            files.contributors.append(line)
    return files


def _add_person(people: dict[str, Line], line: Line) -> None:
    first = people.setdefault(line.known_as, line) if line.known_as else line
    for column, noun in (("name", "name"), ("email", "address"), ("password", "password")):
        before, value = first.values.get(column), line.values.get(column)
        if before is None:
            first.values[column] = value
        elif value is not None and value != before:
            line.add_problem(column, f"is not the {noun} that this username has in {first.file}, line {first.number}")


def _add_test(tests: dict[TestKey, Line], test: TestKey, line: Line) -> None:
    if line["test_end"] <= line["test_start"]:
        line.add_problem("test_end", "is not after the start")
    first = tests.setdefault(test, line)
    for column in ("test_start", "test_end"):
        if line[column] != first[column]:
            line.add_problem(column, f"differs from line {first.number}, which is for the same test")
