"""Migrations run both ways on both databases, and make what the models say."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Session

from tests.databases import KINDS, Database, application_on
from tests.server import ROOT
from webapp.db.engine import exists_on
from webapp.extensions import db


def differences(connection: Connection) -> list[object]:
    """What the models have and the database has not, or the other way round."""
    here = exists_on(connection.dialect.name)
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


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = request.getfixturevalue("postgres").empty() if kind == "postgresql" else f"sqlite:///{tmp_path / 'new.db'}"
    with application_on(Database(kind, url, tmp_path)) as app:
        there_and_back(app)


VERSION = "SELECT version_num FROM alembic_version"
LATER = '''"""nothing"""

revision = "later"
down_revision = "{newest}"


def upgrade() -> None:
    """Change nothing."""
'''


@pytest.mark.only_on("sqlite")
def test_rows_that_would_point_at_nothing_stop_a_migration(
    app: Flask, session: Session, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """SQLite checks no foreign key while a migration runs, so all are checked before the commit."""
    newest = session.scalar(text(VERSION))
    session.close()
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    (tmp_path / "migrations/versions/later.py").write_text(LATER.format(newest=newest))
    with closing(sqlite3.connect(str(db.engine.url.database))) as unchecked, unchecked:
        unchecked.execute(
            "INSERT INTO answer (candidacy_id, question_id, text, saved_at) VALUES (404, 404, 'of nobody', 1)"
        )
    with pytest.raises(SystemExit):
        upgrade(directory=str(tmp_path / "migrations"))
    assert "rows that point at nothing: [('answer'" in caplog.text
    assert db.session.scalar(text(VERSION)) == newest, "nothing has changed"


def test_every_constraint_has_a_name_and_every_id_a_foreign_key(session: Session) -> None:
    """Without: the log, which keeps ids as they were, and subjects and deliveries, as decision records say."""
    inspector = inspect(session.connection())
    without = set()
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        keys = inspector.get_foreign_keys(table)
        others = inspector.get_check_constraints(table) + inspector.get_unique_constraints(table)
        assert all(one["name"] for one in [inspector.get_pk_constraint(table), *keys, *others]), table
        pointing = {name for key in keys for name in key["constrained_columns"]}
        names = {column["name"] for column in inspector.get_columns(table)}
        without |= {f"{table}.{name}" for name in names - pointing if name.endswith("_id")}
    log = {"log_entry.actor_id", *(f"log_subject.{name}_id" for name in ("entry", "candidacy", "user", "test"))}
    assert without == log | {"delivery.user_id", "delivery.message_id", "ended_session.session_id"}


@pytest.mark.only_on("postgresql")
def test_the_candidacy_leaves_room_for_updates_that_touch_no_index(session: Session) -> None:
    """A save and a sign of life come every few seconds: PostgreSQL writes the new row version beside the old one."""
    room = session.scalar(text("SELECT reloptions FROM pg_class WHERE oid = 'candidacy'::regclass"))
    assert room == ["fillfactor=50"]
    indexed = {
        name for index in inspect(session.connection()).get_indexes("candidacy") for name in index["column_names"]
    }
    assert not {"saved_at", "last_seen", "left_at"} & indexed
    assert "started_at" in indexed
