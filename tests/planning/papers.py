"""Rosters and contributors' files as text, and their import."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.models import Candidacy, Contribution, Question, Test, User
from webapp.planning.files import CONTRIBUTORS, roster_columns
from webapp.planning.import_plan import RosterRefused
from webapp.planning.importing import import_roster


class Count(NamedTuple):
    """How many rows of one kind are new, changed and unchanged."""

    new: int
    changed: int
    unchanged: int


class Report(NamedTuple):
    """What an import has changed, or would change."""

    tests: Count
    people: Count
    candidacies: Count
    contributors: Count
    passwords_made: int


STOCKHOLM = ZoneInfo("Europe/Stockholm")
COLUMNS = tuple(roster_columns(STOCKHOLM))
STAFF_COLUMNS = tuple(CONTRIBUTORS)
USUAL = {
    "test": "Algebra",
    "test_start": "2026-11-24T08:00",
    "test_end": "2026-11-24T12:00",
    "room": "Hall 1",
    "password": "",
}


def candidate(number: int, **fields: str) -> dict[str, str]:
    """A line of a roster."""
    own = {
        "candidate_id": f"C{number}",
        "username": f"u{number}",
        "name": f"Person {number}",
        "email": f"u{number}@example.org",
    }
    return {**USUAL, **own, **fields}


def staff(username: str = "inv1", **fields: str) -> dict[str, str]:
    """A line of a contributors' file."""
    return {"test": "Algebra", "username": username, "name": "Inge", "role": "invigilator", **fields}


def paper(columns: tuple[str, ...], lines: tuple[dict[str, str], ...]) -> bytes:
    """A CSV file with these columns; fields that a line does not have are empty."""
    rows = [
        columns,
        *(['"' + line.get(column, "").replace('"', '""') + '"' for column in columns] for line in lines),
    ]
    return "".join(",".join(row) + "\r\n" for row in rows).encode()


def roster(*lines: dict[str, str]) -> bytes:
    """A roster of these lines."""
    return paper(COLUMNS, lines)


def contributors(*lines: dict[str, str], columns: tuple[str, ...] = STAFF_COLUMNS) -> bytes:
    """A contributors' file of these lines."""
    return paper(columns, lines)


def bring_in(session: Session, candidates: bytes, people: bytes | None = None, **options: Any) -> Report:
    """Import; made passwords go to a file that nobody reads unless `credentials` says where."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "roster.csv").write_bytes(candidates)
        (folder / "staff.csv").write_bytes(people or b"")
        plan = import_roster(
            session,
            folder / "roster.csv",
            folder / "staff.csv" if people is not None else None,
            **{"zone": STOCKHOLM, "credentials": folder / "credentials.csv", **options},
        )
    changes = plan.tests, plan.people, plan.candidacies, plan.contributors
    return Report(*(Count(*change.count()) for change in changes), plan.passwords_made())


def problems(session: Session, candidates: bytes, people: bytes | None = None) -> list[str]:
    """What is said to be wrong with these files, a line for each; empty if they are imported."""
    try:
        bring_in(session, candidates, people)
    except RosterRefused as refusal:
        return [str(problem) for problem in refusal.problems]
    return []


def person(session: Session, username: str) -> User:
    """Somebody who is stored."""
    session.rollback()
    return session.scalars(select(User).where(User.username == username)).one()


def everything(session: Session) -> list[object]:
    """Every row that an import may write, with all its columns."""
    session.rollback()
    return [
        tuple(row)
        for model in (User, Test, Question, Candidacy, Contribution)
        for row in session.execute(select(*model.__table__.columns).order_by(*model.__table__.primary_key))
    ]
