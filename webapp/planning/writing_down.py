"""Writing what an import changes, in a few statements per kind; call it inside `writing()`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.models import Candidacy, Contribution, Question, Role, Test, User
from webapp.planning.credentials import Password
from webapp.planning.draft import Changes, Draft, Files
from webapp.planning.people import Person
from webapp.planning.roster import TestKey
from webapp.planning.search_text import refresh_search_text
from webapp.planning.stored import Stored, chunks
from webapp.push import write_end_of_all

NEVER_HEARD: dict[str, Any] = {"last_seen": None, "left_at": None}


@dataclass
class PeopleChanges:
    """New and changed people; new ones as the rows to insert."""

    rows: Changes = field(default_factory=Changes)
    renamed: set[int] = field(default_factory=set)
    """Ids of those whose names stand in search texts."""


def compare_people(people: dict[str, Person], passwords: dict[str, Password], stored: Stored) -> PeopleChanges:
    """What changes about the people themselves. A new password ends their sessions (epoch)."""
    changes = PeopleChanges()
    for known_as, person in people.items():
        password, row = passwords[known_as].hash, stored.people.get(known_as)
        if row is None:
            changes.rows.new.append(
                {
                    "username": person.username,
                    "sign_in_name": known_as,
                    "name": person.name,
                    "email": person.email or "",
                    "password_hash": password,
                }
            )
            continue
        wanted: dict[str, Any] = {"name": person.name}
        if person.email is not None:
            wanted["email"] = person.email
        if password is not None:
            wanted |= {"password_hash": password, "epoch": row.epoch + 1}
        if "name" in changes.rows.compare(row, wanted):
            changes.renamed.add(row.id)
    return changes


def write_down(session: Session, files: Files, stored: Stored, draft: Draft, people: PeopleChanges) -> None:
    """Write all of it. `stored` is what the same transaction has read."""
    user_ids = _write_people(session, files, stored, people)
    test_ids = _write_tests(session, stored, draft)
    stale = _write_candidacies(session, draft, user_ids, test_ids)
    _write_contributions(session, draft, user_ids, test_ids)
    stale |= _named_in(session, people.renamed, {test_ids[key] for key in draft.replanned})
    for ids in chunks(stale):
        refresh_search_text(session, ids)


def _write_people(session: Session, files: Files, stored: Stored, people: PeopleChanges) -> dict[str, int]:
    _insert(session, User, people.rows.new)
    _update(session, User, people.rows.changed)
    for ended in chunks(row["id"] for row in people.rows.changed if "epoch" in row):
        write_end_of_all(session, ended, utcnow())
    ids = {known_as: row.id for known_as, row in stored.people.items()}
    for names in chunks(name for name in files.people if name not in ids):
        rows = session.execute(select(User.sign_in_name, User.id).where(User.sign_in_name.in_(names)))
        ids.update((name, user_id) for name, user_id in rows)
    return ids


def _write_tests(session: Session, stored: Stored, draft: Draft) -> dict[TestKey, int]:
    rows = [
        {"title": test.key[0], "start_date": test.key[1], "starts_at": test.starts_at, "ends_at": test.ends_at}
        for test in draft.tests.new
    ]
    _insert(session, Test, rows)
    _update(session, Test, draft.tests.changed)
    ids = {key: row.id for key, row in stored.tests.items()}
    for titles in chunks({test.key[0] for test in draft.tests.new}):
        found = session.execute(select(Test.title, Test.start_date, Test.id).where(Test.title.in_(titles)))
        ids.update(((title, day), test_id) for title, day, test_id in found)
    questions = [{"test_id": ids[key], "position": 1, "prompt": ""} for key in draft.without_questions]
    _insert(session, Question, questions)
    return ids


def _write_candidacies(
    session: Session, draft: Draft, user_ids: dict[str, int], test_ids: dict[TestKey, int]
) -> set[int]:
    """Returns the ids of the candidacies whose search text is stale."""
    changed = [
        {**row, "user_id": user_ids[row.pop("known_as")]} if "known_as" in row else row
        for row in (dict(row) for row in draft.candidacies.changed)
    ]
    # two people may swap their numbers: each first lets go of the old one
    letting_go = [{"id": row["id"], "number": f"\x1f{row['id']}"} for row in changed if "number" in row]
    _update(session, Candidacy, letting_go)
    heard = _heard(session, (row["user_id"] for row in changed if "user_id" in row))
    # in the order in which presence locks them
    changed.sort(key=lambda row: row["id"])
    for row in changed:
        if "user_id" in row:
            row.update(heard.get(row["user_id"], NEVER_HEARD))
    _update(session, Candidacy, changed)
    rows = [
        {"user_id": user_ids[new.known_as], "test_id": test_ids[new.test], "number": new.number, **new.values}
        for new in draft.candidacies.new
    ]
    heard = _heard(session, (row["user_id"] for row in rows))
    _insert(session, Candidacy, [{**row, **heard.get(row["user_id"], NEVER_HEARD)} for row in rows])
    return {row["id"] for row in changed} | _ids_of(session, rows)


def _ids_of(session: Session, rows: list[dict[str, Any]]) -> set[int]:
    """The ids of the candidacies that were just inserted: those of their tests that have no search text yet."""
    ids = set[int]()
    for some in chunks({row["test_id"] for row in rows}):
        new = select(Candidacy.id).where(Candidacy.test_id.in_(some), Candidacy.search_text == "")
        ids.update(session.scalars(new))
    return ids


def _heard(session: Session, user_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """When people were heard of who sit another test already: presence is theirs, whatever the test."""
    heard: dict[int, dict[str, Any]] = {}
    for some in chunks(set(user_ids)):
        latest = select(Candidacy.user_id, func.max(Candidacy.last_seen), func.max(Candidacy.left_at))
        for user_id, last_seen, left_at in session.execute(
            latest.where(Candidacy.user_id.in_(some)).group_by(Candidacy.user_id)
        ):
            heard[user_id] = {"last_seen": last_seen, "left_at": left_at}
    return heard


def _write_contributions(
    session: Session, draft: Draft, user_ids: dict[str, int], test_ids: dict[TestKey, int]
) -> None:
    _insert(
        session,
        Contribution,
        [
            {
                "user_id": user_ids[line.known_as],
                "test_id": test_ids[key],
                "role": line.role,
                "room": line.room,
            }
            for key, line in draft.contributions.new
        ],
    )
    _update(session, Contribution, draft.contributions.changed)


def _named_in(session: Session, user_ids: set[int], test_ids: set[int]) -> set[int]:
    """Candidacies that are found by the names of these people, or whose tests have other planners now."""
    tests, stale = set(test_ids), set[int]()
    for some in chunks(user_ids):
        stale.update(session.scalars(select(Candidacy.id).where(Candidacy.user_id.in_(some))))
        planned = (Contribution.user_id.in_(some), Contribution.role == Role.PLANNER)
        tests.update(session.scalars(select(Contribution.test_id).where(*planned)))
    for some in chunks(tests):
        stale.update(session.scalars(select(Candidacy.id).where(Candidacy.test_id.in_(some))))
    return stale


def _insert(session: Session, model: Any, rows: Iterable[dict[str, Any]]) -> None:
    for some in chunks(rows):
        session.execute(insert(model.__table__), some)


def _update(session: Session, model: Any, rows: Iterable[dict[str, Any]]) -> None:
    for some in chunks(rows):
        session.execute(update(model), some)
