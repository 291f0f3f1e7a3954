"""The import of a roster: all of it in one transaction, or nothing.

The files are read and compared with what is stored, and passwords are hashed. Only then does the transaction begin. It
compares once more, so that what is written fits what is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.planning.apply_plan import apply
from webapp.planning.contributors import read_contributors
from webapp.planning.credentials import Password, check_destination, check_unchanged, hand_out, make_passwords
from webapp.planning.exceptions import Problem, RosterRefused
from webapp.planning.import_plan import Changes, Files, ImportPlan, make_plan, read_stored
from webapp.planning.roster import People, read_roster


@dataclass(frozen=True)
class Source:
    """A file: the name to call it by, and its bytes."""

    name: str
    data: bytes


class Count(NamedTuple):
    """How many rows of one kind are new, changed and unchanged."""

    new: int
    changed: int
    unchanged: int


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
    """Import a roster, and the contributors of its tests.

    `zone` is the one of the roster's local times. `credentials` names the file for new passwords, which must not exist.
    With `dry_run` everything is checked and nothing written. Raises `RosterRefused` with every bad line,
    `CredentialsNeeded`, `CredentialsNotWritten` or `ChangedMeanwhile`; then nothing was imported.
    """
    files = _read(roster, contributors, zone)
    plan = _plan(session, files, {})
    hashes = {name: user.password_hash for name, user in plan.users.items()}
    session.rollback()  # no transaction is open while passwords are hashed
    if not dry_run:
        check_destination(files.people, hashes, credentials)
    passwords = make_passwords(files.people, hashes)
    if dry_run:
        report = _report(_plan(session, files, passwords), passwords)
        session.rollback()
        return report
    with hand_out(credentials, passwords) as write_credentials, writing(session):
        plan = _plan(session, files, passwords)
        apply(session, plan)
        write_credentials()
    return _report(plan, passwords)


def _read(roster: Source, contributors: Source | None, zone: ZoneInfo) -> Files:
    problems: list[Problem] = []
    people = People()
    candidates = read_roster(roster.data, roster.name, zone, people, problems)
    staff = read_contributors(contributors.data, contributors.name, people, problems) if contributors else []
    return Files(people.by_name, candidates, staff, problems)


def _plan(session: Session, files: Files, passwords: Mapping[str, Password]) -> ImportPlan:
    stored = read_stored(session, files)
    check_unchanged(passwords, stored.users)
    new_hashes = {name: password.hash for name, password in passwords.items() if password.hash is not None}
    plan = make_plan(files, stored, new_hashes)
    if files.problems:
        raise RosterRefused(files.problems)
    return plan


def _report(plan: ImportPlan, passwords: Mapping[str, Password]) -> Report:
    return Report(
        tests=_count(plan.test_changes),
        people=_count(plan.user_changes),
        candidacies=_count(plan.candidacies),
        contributors=_count(plan.contributions),
        passwords_made=sum(password.made is not None for password in passwords.values()),
    )


def _count(changes: Changes[Any]) -> Count:
    return Count(len(changes.new), len(changes.changed), changes.unchanged)
