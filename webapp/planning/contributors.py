"""The contributors' file: who works in which test, in which role, and in which room only."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from webapp.models import Role
from webapp.planning.exceptions import Problem
from webapp.planning.roster import People, Roster, TestKey
from webapp.planning.sheets import Line, quote, read_lines

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
    """Read the file and check it in itself. `find_test_key()` decides which tests are meant."""
    lines = []
    for line in read_lines(data, file, COLUMNS, OPTIONAL, problems):
        title = line.text("test", 200, required=True)
        known_as = people.add(line, with_email=False)
        role = line.text("role", 20, required=True)
        if role and role not in set(Role):
            line.add_problem("role", f"{quote(role)} is not a role; use one of {', '.join(Role)}")
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
        line.add_problem("test_start", f"{quote(text)} is not a date; write it like 2026-11-24")
        return None


def find_test_key(contributor: ContributorLine, roster: Roster, stored: Collection[TestKey]) -> TestKey | None:
    """The test that a line means, by title and date, if it has one: among the roster's tests, else the stored ones.

    None, and a problem of the line, if there is none or more than one.
    """
    for keys in (roster.tests, stored):
        found = [
            (title, day) for title, day in keys if title == contributor.title and contributor.start_date in {None, day}
        ]
        if len(found) == 1:
            return found[0]
        if found:
            dates = ", ".join(sorted(f"{day}" for _, day in found))
            contributor.line.add_problem("test", f"means several tests ({dates}); add a column test_start")
            return None
    # a title that stands in a bad line of the roster has its problem there
    if contributor.title not in roster.rooms or contributor.start_date is not None:
        contributor.line.add_problem("test", f"{quote(contributor.title)} is neither in the roster nor stored")
    return None
