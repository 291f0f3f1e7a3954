"""Migrations run both ways on both databases, and make what the models say."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Session

from tests.databases import KINDS, Database, application_on
from webapp.database import of_this_database
from webapp.extensions import db


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
