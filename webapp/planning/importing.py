"""The import of a roster: all of it in one transaction, or nothing.

The files are read and compared with what is stored, and passwords are hashed. Only then does the transaction begin. It
compares once more, so that what is written fits what is there.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple, TextIO
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from webapp.accounts.passwords import AT_ONCE, generate_password, hash_generated, hash_password, matches
from webapp.db.transactions import writing
from webapp.planning.apply_plan import apply
from webapp.planning.exceptions import ImportRefused
from webapp.planning.files import read_files
from webapp.planning.import_plan import Count, ImportPlan, Password, make_plan
from webapp.planning.sheets import Line, Source
from webapp.web.csv_download import harmless


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
    With `dry_run` everything is checked and nothing written. Raises `RosterRefused` with every bad line, or another
    `ImportRefused`; then nothing was imported.
    """
    files = read_files(roster, contributors, zone)
    hashes = {name: user.password_hash for name, user in make_plan(session, files, {}).user_rows.items()}
    session.rollback()  # no transaction is open while passwords are hashed
    to_make = sum(line["password"] is None and hashes[name] is None for name, line in files.people.items())
    if dry_run:
        plan = make_plan(session, files, _make_passwords(files.people, hashes))
        session.rollback()
        return _report(plan, to_make)
    if to_make and credentials is None:
        remedy = "Name a file for those that are made, with --credentials OUT.csv"
        raise ImportRefused(f"{to_make} people have no password yet. {remedy}")
    if to_make and credentials and os.path.lexists(credentials):
        raise ImportRefused(f"{credentials}: exists already, and is not overwritten; name another file")
    passwords = _make_passwords(files.people, hashes)
    with _credentials_file(credentials) if credentials and to_make else nullcontext() as file, writing(session):
        plan = make_plan(session, files, passwords)
        apply(session, plan)
        if file:
            _write_passwords(file, files.people, passwords)
    return _report(plan, to_make)


def _report(plan: ImportPlan, made: int) -> Report:
    return Report(plan.tests.count(), plan.people.count(), plan.candidacies.count(), plan.contributors.count(), made)


def _make_passwords(people: Mapping[str, Line], hashes: Mapping[str, str | None]) -> dict[str, Password]:
    """The password of each person: made if there is none, hashed if it is given and new. One thread per core.

    `hashes` are the stored ones; people, hashes and the result are by the username as it is compared.
    """

    def make_password(known_as: str) -> Password:
        before, given = hashes.get(known_as), people[known_as]["password"]
        if given is None and before is None:
            made = generate_password()
            return Password(before, hash_generated(made), made)
        if given is None or (before is not None and matches(before, given)):
            return Password(before, None, None)
        return Password(before, hash_password(given), None)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return dict(zip(people, threads.map(make_password, people), strict=True))


@contextmanager
def _credentials_file(path: Path) -> Iterator[TextIO]:
    """A new file (mode 600) for passwords, which is deleted if the block fails. Raises `ImportRefused`."""
    try:
        file = open(path, "x", encoding="utf-8-sig", newline="", opener=partial(os.open, mode=0o600))  # noqa: SIM115
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror}") from error
    try:
        with file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ImportRefused(f"{path}: {error.strerror}") from error
        raise


def _write_passwords(file: TextIO, people: Mapping[str, Line], passwords: Mapping[str, Password]) -> None:
    """Write the passwords that were made, and close the file: whatever fails has to fail before the commit."""
    made = [(people[name]["username"], password.made) for name, password in passwords.items() if password.made]
    with file:
        csv.writer(file, lineterminator="\n").writerows(map(harmless, row) for row in [("username", "password"), *made])
        file.flush()
        os.fsync(file.fileno())
