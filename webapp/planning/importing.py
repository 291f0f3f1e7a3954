"""The import of a roster: all of it in one transaction, or nothing.

The files are read and compared with what is stored, and passwords are hashed. Only then does the transaction begin. It
compares once more, so that what is written fits what is there.
"""

import csv
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import String, cast, func, literal, or_, select, text, update
from sqlalchemy.orm import Session

from webapp.accounts.passwords import AT_ONCE, generate_password, hash_generated, hash_password, matches
from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.exams.changes import note_changes
from webapp.models import Candidacy, Contribution, Question, Role, Test, User
from webapp.monitor.search_text import SEPARATOR, refresh_search_text
from webapp.planning.files import read_files
from webapp.planning.import_plan import ImportPlan, Password, make_plan
from webapp.planning.sheets import ImportRefused, Line
from webapp.push.sessions import write_end_of_all
from webapp.web.csv_download import harmless


def import_roster(
    session: Session,
    roster: Path,
    contributors: Path | None,
    *,
    zone: ZoneInfo,
    credentials: Path | None,
    dry_run: bool = False,
) -> ImportPlan:
    """Import a roster, and the contributors of its tests.

    `zone` is the one of the roster's local times. `credentials` names the file for new passwords, which must not exist.
    With `dry_run` everything is checked and nothing written. Returns what has changed, or would change. Raises
    `RosterRefused` with every bad line, or another `ImportRefused`; then nothing was imported.
    """
    files = read_files(roster, contributors, zone)
    hashes = {name: user.password_hash for name, user in make_plan(session, files, {}).user_rows.items()}
    session.rollback()  # no transaction is open while passwords are hashed
    to_make = sum(line["password"] is None and hashes[name] is None for name, line in files.people.items())
    if dry_run:
        plan = make_plan(session, files, _make_passwords(files.people, hashes))
        session.rollback()
        return plan
    if to_make and credentials is None:
        remedy = "Name a file for those that are made, with --credentials OUT.csv"
        raise ImportRefused(f"{to_make} people have no password yet. {remedy}")
    if to_make and credentials and os.path.lexists(credentials):
        raise ImportRefused(f"{credentials}: exists already, and is not overwritten; name another file")
    passwords = _make_passwords(files.people, hashes)
    with ExitStack() as on_failure:
        with writing(session):
            plan = make_plan(session, files, passwords)
            apply(session, plan)
            if credentials and to_make:
                _write_passwords(credentials, files.people, passwords, on_failure)
        on_failure.pop_all()
    return plan


def _make_passwords(people: Mapping[str, Line], hashes: Mapping[str, str | None]) -> dict[str, Password]:
    """The password of each person: made if there is none, hashed if it is given and new. One thread per core.

    `hashes` are the stored ones; people, hashes and the result are by the username as it is compared.
    """

    def make_password(known_as: str) -> Password:
        before, password = hashes.get(known_as), people[known_as]["password"]
        if password is None and before is None:
            new = generate_password()
            return Password(before, hash_generated(new), new)
        if password is None or (before is not None and matches(before, password)):
            return Password(before, None, None)
        return Password(before, hash_password(password), None)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return dict(zip(people, threads.map(make_password, people), strict=True))


def _write_passwords(
    path: Path, people: Mapping[str, Line], passwords: Mapping[str, Password], on_failure: ExitStack
) -> None:
    """Write the passwords that were made to a new file (mode 600), before the commit: whatever fails has to fail then.

    `on_failure` gets a callback that deletes the file.
    """
    made = [(people[name]["username"], password.made) for name, password in passwords.items() if password.made]
    try:
        with open(path, "x", encoding="utf-8-sig", newline="", opener=partial(os.open, mode=0o600)) as file:
            on_failure.callback(path.unlink, missing_ok=True)
            rows = [("username", "password"), *made]
            csv.writer(file, lineterminator="\n").writerows(map(harmless, row) for row in rows)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror}") from error


def apply(session: Session, plan: ImportPlan) -> None:
    """Write all rows of a plan that was made in this transaction, and what follows from them."""
    tests = [plan.test_rows[key] for key in plan.files.tests]
    with session.no_autoflush:
        found_by_names = _found_by_names(session, plan)
        _lock(session, plan, tests, found_by_names)
        # two people may swap their candidate IDs, so each first gets one that nobody can type
        renumbered = id_in(Candidacy.id, _ids(plan.candidacies.changed_in("number")))
        placeholder = literal(SEPARATOR) + cast(Candidacy.id, String)
        session.connection().execute(update(Candidacy).where(renumbered).values(number=placeholder))
        _copy_presence(session, [*plan.candidacies.new, *plan.candidacies.changed_in("user")])
        for rows in (plan.people.new, plan.tests.new, plan.candidacies.new, plan.contributors.new):
            session.add_all(rows)
        session.flush()
        test_ids = _ids(tests)
        test_ids -= set(session.scalars(select(Question.test_id).where(id_in(Question.test_id, test_ids))))
        session.add_all(Question(test_id=test_id, position=1) for test_id in test_ids)
    if signed_out := _ids(plan.people.changed_in("epoch")):
        write_end_of_all(session, list(signed_out), utcnow())
    changed = _ids(plan.candidacies.changed)
    refresh_search_text(session, changed | _ids(plan.candidacies.new) | found_by_names)
    for model in (User, Test, Question, Contribution, Candidacy):
        # until PostgreSQL looks by itself how many rows there are now, its planner expects a handful
        session.execute(text(f"ANALYZE {model.__tablename__}"))
    note_changes(session, candidacy_ids=changed, test_ids=_ids(plan.tests.changed))


def _ids(rows: Collection[User] | Collection[Test] | Collection[Candidacy]) -> set[int]:
    """The ids of the rows that are stored."""
    return {row.id for row in rows} - {None}


def _lock(session: Session, plan: ImportPlan, tests: Collection[Test], found_by_names: set[int]) -> None:
    """Lock first the people, as a role does, then the tests, as closing does, then all stored candidacies that are
    written, in the order of ids, as presence does: no deadlock then.

    Those of changed tests are among them, because a trigger notes the change.
    """
    for id_, ids in ((User.id, _ids(plan.people.changed)), (Test.id, _ids(tests))):
        session.execute(select(id_).where(id_in(id_, ids)).order_by(id_).with_for_update(key_share=True)).all()
    ids = found_by_names | _ids(plan.candidacies.changed)
    written = or_(id_in(Candidacy.id, ids), id_in(Candidacy.test_id, _ids(plan.tests.changed)))
    session.execute(select(Candidacy.id).where(written).order_by(Candidacy.id).with_for_update()).all()


def _copy_presence(session: Session, candidacies: Collection[Candidacy]) -> None:
    """Presence belongs to the person: a candidacy that is new to somebody takes it from their other tests."""
    columns = Candidacy.user_id, func.max(Candidacy.last_seen), func.max(Candidacy.left_at)
    sitting = id_in(Candidacy.user_id, _ids([candidacy.user for candidacy in candidacies]))
    rows = session.execute(select(*columns).where(sitting).group_by(Candidacy.user_id))
    presence = {user_id: moments for user_id, *moments in rows}
    for candidacy in candidacies:
        candidacy.last_seen, candidacy.left_at = presence.get(candidacy.user.id, (None, None))


def _found_by_names(session: Session, plan: ImportPlan) -> set[int]:
    """Ids of the stored candidacies whose search text has the name of a renamed person or of another planner."""
    renamed = _ids(plan.people.changed_in("name"))
    planned = id_in(Contribution.user_id, renamed), Contribution.role == Role.PLANNER
    test_ids = _ids(plan.replanned) | set(session.scalars(select(Contribution.test_id).where(*planned)))
    found = or_(id_in(Candidacy.user_id, renamed), id_in(Candidacy.test_id, test_ids))
    return set(session.scalars(select(Candidacy.id).where(found)))
