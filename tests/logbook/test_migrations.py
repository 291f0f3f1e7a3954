"""Migrations run both ways on both databases, and make what the models say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.databases import KINDS, Database, application_on
from tests.logbook.entries import attempt, write
from webapp.database import of_this_database, writing
from webapp.extensions import db
from webapp.logbook.verify import verify


def differences(connection: Connection) -> list[object]:
    """What the models have and the database has not, or the other way round."""
    here = of_this_database(connection.dialect.name)
    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": here})
    return compare_metadata(context, db.metadata)


def test_models_and_migrations_are_equal(session: Session) -> None:
    assert differences(session.connection()) == []


def there_and_back(app: Flask) -> None:
    with app.app_context():
        for _ in range(2):
            upgrade()
            assert "log_head" in inspect(db.engine).get_table_names()
            downgrade(revision="base")
            assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        if db.engine.dialect.name == "postgresql":
            left = db.session.scalars(text("SELECT proname FROM pg_proc WHERE proname LIKE 'log%next%'")).all()
            assert left == []


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = request.getfixturevalue("postgres").empty() if kind == "postgresql" else f"sqlite:///{tmp_path / 'new.db'}"
    with application_on(Database(kind, url, tmp_path)) as app:
        there_and_back(app)


AN_EXAM = (
    "INSERT INTO user_account (id, username, sign_in_name, name, email, is_admin, epoch) "
    "VALUES (1, 'ada', 'ada', 'Ada', '', false, 0), (2, 'bob', 'bob', 'Bob', '', false, 0)",
    "INSERT INTO test (id, title, start_date, starts_at, ends_at) VALUES (1, 'Law', '2026-11-23', 1, 2)",
    "INSERT INTO question (id, test_id, position, prompt) VALUES (1, 1, 1, '')",
    "INSERT INTO candidacy (id, user_id, test_id, number, group_name, room, building, seat, question_set,"
    " extra_minutes, incident_minutes, started_at, saved_at, was_offline, flagged, id_checked, sort_name, search_text) "
    "VALUES (7, 1, 1, 'N1', '', 'Room 1', '', '', '', 15, 5, 3, 4, true, true, false, 'ada', 'n1 ada'),"
    " (8, 2, 1, 'N2', '', 'Room 1', '', '', '', 0, 0, NULL, NULL, false, false, false, 'bob', 'n2 bob')",
    "INSERT INTO answer (id, candidacy_id, question_id, text, saved_at) VALUES (1, 7, 1, 'because', 4)",
    "INSERT INTO presence (user_id, last_seen, left_at) VALUES (1, 5, 6)",
)
"""Two candidates, one of whom has begun, as revision 0007 knows them."""


def test_an_exam_that_runs_goes_through_the_split_of_the_candidacy_and_back(app: Flask, session: Session) -> None:
    """With an answer that points at a candidacy: SQLite makes that table anew."""
    session.close()

    def rows(query: str) -> list[tuple[object, ...]]:
        with db.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    before = (
        "SELECT id, extra_minutes, incident_minutes, started_at, saved_at, was_offline, flagged, room, search_text "
        "FROM candidacy ORDER BY id"
    )
    downgrade(revision="0007")
    with writing(db.session()):
        for statement in AN_EXAM:
            db.session.execute(text(statement))
    db.session.remove()
    kept = rows(before)
    upgrade()
    assert rows(
        "SELECT candidacy_id, test_id, user_id, extra_minutes, started_at, last_seen, left_at FROM attempt ORDER BY 1"
    ) == [(7, 1, 1, 15, 3, 5, 6), (8, 1, 2, 0, None, None, None)]
    assert rows("SELECT * FROM search_text ORDER BY 1") == [(7, 1, "n1 ada"), (8, 1, "n2 bob")]
    assert rows("SELECT room, flagged FROM candidacy WHERE id = 7") == [("Room 1", True)]
    with db.engine.connect() as connection:
        assert differences(connection) == []
    downgrade(revision="0007")
    assert rows(before) == kept
    assert rows("SELECT * FROM presence") == [(1, 5, 6)]
    assert rows("SELECT candidacy_id, text FROM answer") == [(7, "because")]


SUBMISSIONS = (
    *AN_EXAM[:3],
    "INSERT INTO candidacy (id, user_id, test_id, number, group_name, room, building, seat, question_set,"
    " flagged, id_checked, sort_name) "
    "VALUES (7, 1, 1, 'N1', '', '', '', '', '', false, false, ''),"
    " (8, 2, 1, 'N2', '', '', '', '', '', false, false, '')",
    "INSERT INTO attempt (candidacy_id, test_id, user_id, extra_minutes, incident_minutes, was_offline, submitted_at) "
    "VALUES (7, 1, 1, 0, 0, false, 4), (8, 1, 2, 0, 0, false, 4)",
    "INSERT INTO answer (id, candidacy_id, question_id, text, saved_at) "
    "VALUES (1, 7, 1, 'because', 4), (2, 8, 1, '\n ', 4)",
)
"""Two who have submitted, one of them blank, as revision 0009 knows them."""


def test_which_submissions_are_blank_is_found_out_once(app: Flask, session: Session) -> None:
    session.close()
    downgrade(revision="0009")
    with writing(db.session()):
        for statement in SUBMISSIONS:
            db.session.execute(text(statement))
    db.session.remove()
    upgrade()
    with db.engine.connect() as connection:
        found = connection.execute(text("SELECT candidacy_id FROM attempt WHERE blank"))
        assert found.scalars().all() == [8]
        assert differences(connection) == []


def test_deliveries_and_what_was_closed_are_kept_when_they_are_kept_by_person(app: Flask, session: Session) -> None:
    deliveries = [(1, 7, None), (1, 8, 5), (2, 7, 6)]

    def kept() -> list[tuple[object, ...]]:
        with db.engine.connect() as connection:
            found = connection.execute(text("SELECT message_id, user_id, closed_at FROM delivery ORDER BY 1, 2"))
            return [tuple(row) for row in found]

    session.close()
    downgrade(revision="0010")
    with writing(db.session()):
        for message, person, closed in deliveries:
            values = {"message": message, "person": person, "closed": closed}
            db.session.execute(text("INSERT INTO delivery VALUES (:message, :person, :closed)"), values)
    db.session.remove()
    for way in (upgrade, lambda: downgrade(revision="0010")):
        way()
        assert kept() == deliveries
        with pytest.raises(IntegrityError), writing(db.session()):
            db.session.execute(text("INSERT INTO delivery VALUES (2, 7, NULL)"))
        db.session.remove()


@pytest.mark.only_on("sqlite")
def test_rows_that_would_point_at_nothing_stop_a_migration(
    app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite does not look while it runs, so all are looked at before the commit."""
    session.close()
    downgrade(revision="0007")
    db.session.remove()
    with closing(sqlite3.connect(str(db.engine.url.database))) as unchecked, unchecked:
        unchecked.execute(
            "INSERT INTO answer (candidacy_id, question_id, text, saved_at) VALUES (404, 404, 'of nobody', 1)"
        )
    with pytest.raises(SystemExit):
        upgrade()
    assert "rows that point at nothing: [('answer'" in caplog.text
    assert "presence" in inspect(db.engine).get_table_names(), "nothing has changed"


@pytest.mark.only_on("sqlite")
def test_what_a_tampered_log_holds_outlasts_the_columns_types(app: Flask, session: Session) -> None:
    """R14: evidence is neither mended nor in the way of a new version, and the guards are there afterwards."""
    write(session)
    session.close()
    downgrade(revision="0011")
    with closing(sqlite3.connect(str(db.engine.url.database))) as unguarded, unguarded:
        guards = unguarded.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        unguarded.execute("DROP TRIGGER log_entry_no_update")
        unguarded.execute("UPDATE log_entry SET at = 'noon'")
        unguarded.execute(dict(guards)["log_entry_no_update"])
    upgrade(revision="0012")
    with closing(sqlite3.connect(str(db.engine.url.database))) as connection:
        left = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert sorted(left) == sorted(guards)
    upgrade()
    assert verify(db.session()).number == 1
    for table in ("log_entry", "log_head"):
        with pytest.raises(IntegrityError, match="the log"):
            attempt(db.session(), f"UPDATE {table} SET hash = ''")
