"""The import of a roster: all of it in one transaction, or nothing.

Files are read and compared with what is stored, passwords are hashed, and only then does the transaction begin; it
compares once more, so that what is written fits what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.exams.changes import note_changes
from webapp.models import Candidacy, Contribution, Question, Test, User
from webapp.planning.contributors import read_contributors
from webapp.planning.credentials import Password, check_destination, check_unchanged, handed_out, work_out
from webapp.planning.draft import Changes, Draft, Files, compare
from webapp.planning.people import People
from webapp.planning.refusals import Problem, RosterRefused
from webapp.planning.roster import read_roster
from webapp.planning.stored import Stored, read_stored
from webapp.planning.writing_down import PeopleChanges, compare_people, write_down


@dataclass(frozen=True)
class Source:
    """A file as it was handed in: the name to call it by, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Count:
    """How many of one kind are new, changed and unchanged."""

    new: int
    changed: int
    unchanged: int

    @classmethod
    def of(cls, changes: Changes) -> Count:
        """The numbers of some changes."""
        return cls(len(changes.new), len(changes.changed), changes.unchanged)


@dataclass(frozen=True)
class Report:
    """What an import has changed, or would change."""

    tests: Count
    people: Count
    candidacies: Count
    contributors: Count
    passwords_made: int


def import_roster(
    session: Session,
    roster: Source,
    contributors: Source | None,
    *,
    zone: ZoneInfo,
    credentials: Path | None,
    dry_run: bool = False,
) -> Report:
    """Bring in a roster, and the contributors of its tests.

    `zone` is the one of the roster's local times; `credentials` names the file for passwords that are made here,
    which must not exist. With `dry_run` everything is checked and nothing written. Raises `RosterRefused` with every
    bad line, `CredentialsNeeded`, `CredentialsNotWritten`, or `ChangedMeanwhile`; then nothing was imported.
    """
    files = _read(roster, contributors, zone)
    stored = _stored(session, files)
    draft = _compare(files, stored)
    session.rollback()  # nothing is held while passwords are hashed
    if not dry_run:
        check_destination(files.people, stored, credentials)
    passwords = work_out(files.people, stored)
    if not dry_run:
        with handed_out(credentials, passwords) as hand_out, writing(session):
            stored = _stored(session, files)
            check_unchanged(passwords, stored)
            draft = _compare(files, stored)
            write_down(session, files, stored, draft, compare_people(files.people, passwords, stored))
            _count_rows(session)
            note_changes(
                session,
                candidacy_ids=(row["id"] for row in draft.candidacies.changed),
                test_ids=(row["id"] for row in draft.tests.changed),
            )
            hand_out()
    return _report(draft, compare_people(files.people, passwords, stored), passwords)


def _count_rows(session: Session) -> None:
    """Tell the database how many rows of which kind there are now, before the hall that was imported comes in.

    PostgreSQL looks by itself within minutes; until then it takes 1,500 candidates for a handful.
    """
    for model in (User, Test, Question, Contribution, Candidacy):
        session.execute(text(f"ANALYZE {model.__tablename__}"))


def _read(roster: Source, contributors: Source | None, zone: ZoneInfo) -> Files:
    problems: list[Problem] = []
    people = People()
    sitting = read_roster(roster.data, roster.name, zone, people, problems)
    working = read_contributors(contributors.data, contributors.name, people, problems) if contributors else []
    return Files(people.by_name, sitting, working, problems)


def _stored(session: Session, files: Files) -> Stored:
    bad = {(problem.file, problem.line) for problem in files.problems}
    good_titles = {line.title for line in files.contributors if (line.line.file, line.line.number) not in bad} | {
        test.key[0] for test in files.roster.tests.values() if (test.line.file, test.line.number) not in bad
    }
    good_people = (
        name for name, person in files.people.items() if (person.first_line.file, person.first_line.number) not in bad
    )
    return read_stored(session, good_people, good_titles)


def _compare(files: Files, stored: Stored) -> Draft:
    draft = compare(files, stored)
    if files.problems:
        raise RosterRefused(files.problems)
    return draft


def _report(draft: Draft, people: PeopleChanges, passwords: dict[str, Password]) -> Report:
    return Report(
        tests=Count.of(draft.tests),
        people=Count.of(people.rows),
        candidacies=Count.of(draft.candidacies),
        contributors=Count.of(draft.contributions),
        passwords_made=sum(password.made is not None for password in passwords.values()),
    )
