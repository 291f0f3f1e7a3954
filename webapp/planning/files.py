"""Both files of an import, checked in themselves: the roster (which tests there are, when, and who sits them where),
and the contributors (who works in which test, in which role, and in which room only)."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from webapp.accounts.passwords import problem_with
from webapp.models import Role
from webapp.models.people import LONGEST_USERNAME, sign_in_name
from webapp.planning.sheets import Line, Parser, Problem, encoding_problem, quote, read_lines
from webapp.text.normalization import normalize, strip_invisible

DAY = re.compile(r"2\d{3}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?", re.ASCII)
LOCAL_TIME = re.compile(r"2\d{3}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):\d\d(?::\d\d)?", re.ASCII)
MOST_EXTRA_MINUTES = 1440
DAMAGE = (
    (re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE), "a number that a spreadsheet has rounded"),
    (
        re.compile(r"#¡?[^\W\d_a-z][^\sa-z]{0,20}[!?]|#[^\W\d_a-z]/[^\W\d_a-z]|#NV|#GETTING_DATA|#{3,}|Err:\d{3}"),
        "an error of a spreadsheet",
    ),
    (re.compile(r'=\s*(?:".*"|[\w.]+\(.*\)|\$?[A-Z]{1,3}\$?\d{1,7})', re.DOTALL), "a formula of a spreadsheet"),
)
"""What a spreadsheet leaves of a value that it misread."""


def text(longest: int, *, required: bool = False) -> Parser:
    """A parser of texts of at most `longest` characters, normalized."""

    def parse(written: str) -> tuple[str, str]:
        value = normalize(written)
        reason = _damage(written, value)
        if not reason and required and not value:
            reason = "has invisible characters only" if written else "is empty"
        elif not reason and len(value) > longest:
            reason = f"has {len(value)} characters; at most {longest} fit"
        return value, reason

    return parse


def username(written: str) -> tuple[str, str]:
    value, reason = text(LONGEST_USERNAME, required=True)(written)
    if not reason and len(sign_in_name(value)) > LONGEST_USERNAME:
        reason = f"is longer than {LONGEST_USERNAME} characters when case is folded"
    return value, reason


def password(written: str) -> tuple[str | None, str]:
    """A password without invisible characters at its ends; None for an empty field."""
    value = strip_invisible(written)
    return value or None, value and (_damage(value, value) or problem_with(value) or "")


def role(written: str) -> tuple[str, str]:
    value, reason = text(20, required=True)(written)
    if not reason and value not in set(Role):
        reason = f"{quote(value)} is not a role; use one of {', '.join(Role)}"
    return value, reason


def minutes(written: str) -> tuple[int, str]:
    """Minutes of extra time; an empty field has none."""
    if re.fullmatch(r"\d{0,4}", written, re.ASCII) and int(written or 0) <= MOST_EXTRA_MINUTES:
        return int(written or 0), ""
    return 0, f"{quote(written)} is not a whole number from 0 to {MOST_EXTRA_MINUTES}"


def day(written: str) -> tuple[date | None, str]:
    """A date, with or without a time; None for an empty field."""
    try:
        return date.fromisoformat(written[:10] if DAY.fullmatch(written) else "") if written else None, ""
    except ValueError:
        return None, f"{quote(written)} is not a date; write it like 2026-11-24"


def moment(zone: ZoneInfo) -> Parser:
    """A parser of local times of `zone`, which gives moments in UTC.

    A time that the clocks skip in spring is a problem. Of one that they show twice in autumn, it is the first.
    """

    def parse(written: str) -> tuple[datetime | None, str]:
        try:
            here = datetime.fromisoformat(written if LOCAL_TIME.fullmatch(written) else "")
        except ValueError:
            return None, f"{quote(written)} is not a local time; write it like 2026-11-24T08:00"
        value = here.replace(tzinfo=zone).astimezone(UTC)
        if value.astimezone(zone).replace(tzinfo=None) != here:
            return None, f"{written} does not exist in {zone}: the clocks go forward then"
        return value, ""

    return parse


def _damage(written: str, value: str) -> str:
    if reason := encoding_problem(written):
        return reason
    for pattern, what in DAMAGE:
        if pattern.fullmatch(value):
            return f"{quote(value)} is {what}; give the column the format “Text” and enter it anew"
    return ""


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


def read_files(roster: Path, contributors: Path | None, zone: ZoneInfo) -> Files:
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
