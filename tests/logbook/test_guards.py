"""R14: the database itself refuses to change, delete or slip in anything, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.logbook.entries import NOW, SENDER, attempt, write
from webapp.db.transactions import writing
from webapp.logbook.append import append, lock_head, write_subjects
from webapp.logbook.verify import verify
from webapp.models import Candidacy, LogSubject

ENTRY = "(id, at, actor_name, actor_role, action, detail, previous_hash, hash)"
SUBJECT = "(entry_id, candidacy_id, user_id, test_id, number, name, test_title, room)"
LAST = "(SELECT hash FROM log_head)"
LONG = 200
READ_OF_THE_LOG = text("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'log_entry'")
"""PostgreSQL: entries that this connection has read."""

REFUSED = {
    "change an entry": ["UPDATE log_entry SET detail = '{}' WHERE id = 1"],
    "delete an entry": ["DELETE FROM log_subject", "DELETE FROM log_entry WHERE id = 2"],
    "delete the last entry": ["DELETE FROM log_entry WHERE id = 2"],
    "renumber an entry": ["UPDATE log_entry SET id = 3 WHERE id = 2"],
    "change a subject": ["UPDATE log_subject SET name = 'Nobody'"],
    "delete a subject": ["DELETE FROM log_subject"],
    "add a subject to an old entry": [f"INSERT INTO log_subject {SUBJECT} VALUES (1, 99, 1, 1, '', '', '', '')"],
    "subject without an entry": [f"INSERT INTO log_subject {SUBJECT} VALUES (3, 99, 1, 1, '', '', '', '')"],
    "subjects of an old entry beside those of the next": [
        f"INSERT INTO log_subject {SUBJECT} VALUES (3, 98, 1, 1, '', '', '', ''), (1, 99, 1, 1, '', '', '', '')"
    ],
    "subjects of a later entry beside those of the next": [
        f"INSERT INTO log_subject {SUBJECT} VALUES (3, 98, 1, 1, '', '', '', ''), (4, 99, 1, 1, '', '', '', '')"
    ],
    "leave a number out": [f"INSERT INTO log_entry {ENTRY} VALUES (4, 0, '', '', 'x', '{{}}', {LAST}, 'h')"],
    "take an old number": [f"INSERT INTO log_entry {ENTRY} VALUES (0, 0, '', '', 'x', '{{}}', {LAST}, 'h')"],
    "begin another chain": [f"INSERT INTO log_entry {ENTRY} VALUES (3, 0, '', '', 'x', '{{}}', '', 'h')"],
    "subject without an entry, hidden from the head": [
        f"INSERT INTO log_subject {SUBJECT} VALUES (3, 99, 1, 1, '', '', '', '')",
        "UPDATE log_head SET subjects_of = NULL",
    ],
    "subject without an entry, said to be of another": [
        f"INSERT INTO log_subject {SUBJECT} VALUES (3, 99, 1, 1, '', '', '', '')",
        "UPDATE log_head SET subjects_of = 2",
    ],
    "subjects of an entry that never comes": ["UPDATE log_head SET subjects_of = number + 1"],
    "add a subject to a written entry": [
        f"INSERT INTO log_entry {ENTRY} VALUES (3, 0, '', '', 'x', '{{}}', {LAST}, 'h')",
        f"INSERT INTO log_subject {SUBJECT} VALUES (3, 99, 1, 1, '', '', '', '')",
    ],
    "move the head back": ["UPDATE log_head SET number = 1"],
    "move the head two on": ["UPDATE log_head SET number = number + 2"],
    "move the head to no entry": ["UPDATE log_head SET number = number + 1"],
    "move the head with another hash": [
        f"INSERT INTO log_entry {ENTRY} VALUES (3, 0, '', '', 'x', '{{}}', {LAST}, 'h')",
        "UPDATE log_head SET number = 3, hash = 'other'",
    ],
    "change the head's hash": ["UPDATE log_head SET hash = ''"],
    "delete the head": ["DELETE FROM log_head"],
    "a second head": ["INSERT INTO log_head (id, number, hash) VALUES (2, 0, '')"],
}
ONLY = {
    "sqlite": {
        "replace an entry": [
            f"INSERT OR REPLACE INTO log_entry {ENTRY} VALUES (1, 0, '', '', 'x', '{{}}', {LAST}, 'h')"
        ],
        "replace by an update": ["UPDATE OR REPLACE log_entry SET id = 1 WHERE id = 2"],
        "replace a subject": [
            f"INSERT OR REPLACE INTO log_subject {SUBJECT}"
            " SELECT entry_id, candidacy_id, 1, 1, '', '', '', '' FROM log_subject LIMIT 1"
        ],
        "replace the head": ["INSERT OR REPLACE INTO log_head (id, number, hash) VALUES (1, 0, '')"],
        "upsert the head": [
            "INSERT INTO log_head (id, number, hash) VALUES (1, 0, '') ON CONFLICT (id) DO UPDATE SET number = 0"
        ],
        "move a row": ["UPDATE log_entry SET rowid = 77 WHERE id = 1"],
    },
    "postgresql": {
        "truncate the entries": ["TRUNCATE log_entry CASCADE"],
        "truncate the subjects": ["TRUNCATE log_subject"],
        "truncate the head": ["TRUNCATE log_head"],
        "upsert the head": [
            "INSERT INTO log_head (id, number, hash) VALUES (1, 0, '') ON CONFLICT (id) DO UPDATE SET number = 0"
        ],
        "upsert an entry": [
            f"INSERT INTO log_entry {ENTRY} VALUES (1, 0, '', '', 'x', '{{}}', {LAST}, 'h')"
            " ON CONFLICT (id) DO UPDATE SET detail = '{}'"
        ],
        "upsert a subject": [
            f"INSERT INTO log_subject {SUBJECT} SELECT entry_id, candidacy_id, 1, 1, '', '', '', '' FROM log_subject"
            " ON CONFLICT (entry_id, candidacy_id) DO UPDATE SET name = ''"
        ],
    },
}


def two_entries(session: Session, hall: Hall) -> None:
    hall.candidacies(hall.test(), 3)
    write(session, select(Candidacy.id))
    write(session)


def refusal(session: Session, commands: list[str]) -> str:
    """What the database answers to them; empty if it does as it is told."""
    try:
        attempt(session, *commands)
    except DatabaseError as error:
        return str(error)
    return ""


def test_the_database_refuses_to(session: Session, hall: Hall) -> None:
    two_entries(session, hall)
    for deed, commands in REFUSED.items():
        assert refusal(session, commands), deed
        assert (verify(session).entries, verify(session).sound) == (2, True), deed


@pytest.mark.only_on("sqlite")
def test_sqlite_refuses_to(session: Session, hall: Hall) -> None:
    two_entries(session, hall)
    for deed, commands in ONLY["sqlite"].items():
        assert "the log" in refusal(session, commands), deed
        assert (verify(session).entries, verify(session).sound) == (2, True), deed


@pytest.mark.only_on("postgresql")
def test_postgresql_refuses_to(session: Session, hall: Hall) -> None:
    two_entries(session, hall)
    for deed, commands in ONLY["postgresql"].items():
        assert "the log" in refusal(session, commands), deed
        assert (verify(session).entries, verify(session).sound) == (2, True), deed


@pytest.mark.thorough
def test_a_full_hall_passes_the_guards(session: Session, hall: Hall) -> None:
    """1,500 subjects in one statement, checked afterwards."""
    hall.candidacies(hall.test(), 1500)
    write(session, select(Candidacy.id))
    assert session.scalar(select(func.count()).select_from(LogSubject)) == 1500
    assert verify(session).sound


@pytest.mark.only_on("postgresql")
def test_the_guards_look_entries_up_and_do_not_read_the_log(session: Session, hall: Hall) -> None:
    """It grows for years, and each sending passes them."""
    hall.candidacies(hall.test(), 3)
    for _ in range(LONG):
        write(session)
    attempt(session, "ANALYZE log_entry")
    with writing(session):
        before = session.scalars(READ_OF_THE_LOG).one()
        head = lock_head(session)
        subjects = write_subjects(session, head, select(Candidacy.id).join(Candidacy.test).join(Candidacy.user))
        append(session, head, at=NOW, actor=SENDER, action="message.sent", detail={}, subjects=subjects)
        assert session.scalars(READ_OF_THE_LOG).one() - before in range(1, 10)
