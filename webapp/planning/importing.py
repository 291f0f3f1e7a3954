"""The import of a roster: all of it in one transaction, or nothing.

The files are read and compared with what is stored, and passwords are hashed. Only then does the transaction begin. It
compares once more, so that what is written fits what is there.
"""

from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from webapp.db.transactions import writing
from webapp.planning.apply_plan import apply
from webapp.planning.credentials import credentials_file, make_passwords, write_passwords
from webapp.planning.exceptions import CredentialsNeeded
from webapp.planning.files import read_files
from webapp.planning.import_plan import Count, ImportPlan, make_plan
from webapp.planning.sheets import Source


class Report(NamedTuple):
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
    files = read_files(roster, contributors, zone)
    hashes = {name: user.password_hash for name, user in make_plan(session, files, {}).user_rows.items()}
    session.rollback()  # no transaction is open while passwords are hashed
    without = sum(line["password"] is None and hashes[name] is None for name, line in files.people.items())
    if dry_run:
        plan = make_plan(session, files, make_passwords(files.people, hashes))
        session.rollback()
        return _report(plan, without)
    if without and credentials is None:
        raise CredentialsNeeded(without)
    with credentials_file(credentials) if credentials and without else nullcontext() as file:
        passwords = make_passwords(files.people, hashes)
        with writing(session):
            plan = make_plan(session, files, passwords)
            apply(session, plan)
            if file:
                write_passwords(file, files.people, passwords)
    return _report(plan, without)


def _report(plan: ImportPlan, passwords_made: int) -> Report:
    return Report(
        tests=plan.tests.count(),
        people=plan.people.count(),
        candidacies=plan.candidacies.count(),
        contributors=plan.contributors.count(),
        passwords_made=passwords_made,
    )
