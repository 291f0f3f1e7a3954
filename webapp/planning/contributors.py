"""The contributors' file: who works in which test, as what, and in which room only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from webapp.models import Role
from webapp.planning.people import People
from webapp.planning.refusals import Problem
from webapp.planning.roster import Roster, TestKey
from webapp.planning.sheets import Line, read_lines, shown

COLUMNS = ("test", "username", "name", "role", "room")
OPTIONAL = ("test_start", "password")
START = re.compile(r"(2\d{3}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d)?)?", re.ASCII)


@dataclass(frozen=True)
class ContributorLine:
    """A contribution as its line describes it."""

    title: str
    start_date: date | None
    """None where the file knows the test by its title only."""
    known_as: str
    role: str
    room: str | None
    line: Line


def read_contributors(data: bytes, file: str, people: People, problems: list[Problem]) -> list[ContributorLine]:
    """Read and check the file in itself; which tests are meant is decided by `test_of()`."""
    lines = []
    for line in read_lines(data, file, COLUMNS, OPTIONAL, problems):
        title = line.text("test", 200, required=True)
        known_as = people.take(line, with_email=False)
        role = line.text("role", 20, required=True)
        if role and role not in set(Role):
            line.wrong("role", f"{shown(role)} is none of {', '.join(Role)}")
        room = line.text("room", 100) or None
        lines.append(ContributorLine(title, _start_date(line), known_as, role, room, line))
    return lines


def _start_date(line: Line) -> date | None:
    text = line.fields.get("test_start", "").strip()
    if not text:
        return None
    match = START.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        line.wrong("test_start", f"{shown(text)} is not a date such as 2026-11-24")
        return None


def test_of(contributor: ContributorLine, roster: Roster, stored: dict[str, list[TestKey]]) -> TestKey | None:
    """The test that a line means: by title (and date, if it has one), among the roster's, else the stored ones.

    `stored` gives the tests of each title. None, and a problem, if there is none or more than one.
    """
    for keys in (roster.dates_of(contributor.title), stored.get(contributor.title, [])):
        fitting = [key for key in keys if contributor.start_date in {None, key[1]}]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            dates = ", ".join(sorted(str(day) for _, day in fitting))
            contributor.line.wrong("test", f"means several tests ({dates}); say which in a column test_start")
            return None
    if contributor.title not in roster.rooms or contributor.start_date is not None:
        contributor.line.wrong("test", f"{shown(contributor.title)} is not in the roster and not stored")
    return None
