"""Both databases: a test that asks for `database`, or for what stands on it, runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.postgres import Cluster
from webapp import create_app
from webapp.config import Settings
from webapp.db.transactions import writing
from webapp.extensions import db

KINDS = ("sqlite", "postgresql")
SECRET_KEY = "a key for tests only, 0123456789"


@dataclass(frozen=True)
class Database:
    """A migrated database: of which kind, its address for SQLAlchemy, and a folder for what else belongs to a test."""

    kind: str
    url: str
    folder: Path


NewDatabase = Callable[[str, Path], Database]


def settings_for(database: Database, **changes: object) -> Settings:
    """Settings of an application under test."""
    given: dict[str, object] = {"secret_key": SECRET_KEY, "database_url": database.url}
    return Settings(**{**given, **changes})  # type: ignore[arg-type]


@contextmanager
def application_on(database: Database, **changes: object) -> Iterator[Flask]:
    """An application on a database, with changed settings; its connections are closed at the end."""
    app = create_app(settings_for(database, **changes))
    app.testing = True
    yield app
    app.extensions["examhall_push"].background.stop()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database sqlite` for a quick run."""
    parser.addoption("--database", choices=[*KINDS, "both"], default="both", help="which databases to run on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test on each database that makes sense for it: all, unless `only_on` says less."""
    if "database_kind" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("database")
    only = metafunc.definition.get_closest_marker("only_on")
    kinds = [kind for kind in (only.args if only else KINDS) if chosen in (kind, "both")]
    if not only or len(only.args) > 1 or kinds:
        metafunc.parametrize("database_kind", kinds, scope="session")
    else:
        skip = pytest.mark.skip(reason=f"for {only.args[0]} only, and this run is on {chosen}")
        metafunc.parametrize("database_kind", [pytest.param(only.args[0], marks=skip)], scope="session")


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """Makes databases: each kind is migrated once in a run, and copied."""
    migrated: dict[str, Path] = {}

    def make(kind: str, folder: Path) -> Database:
        if kind == "postgresql":
            cluster: Cluster = request.getfixturevalue("postgres")
            return Database(kind, cluster.migrated(_migrate), folder)
        if kind not in migrated:
            migrated[kind] = tmp_path_factory.mktemp("database") / "migrated.db"
            _migrate(f"sqlite:///{migrated[kind]}")
        shutil.copy(migrated[kind], folder / "examhall.db")
        return Database(kind, f"sqlite:///{folder / 'examhall.db'}", folder)

    return make


def _migrate(url: str) -> None:
    app = create_app(Settings(secret_key=SECRET_KEY, database_url=url))
    with app.app_context():
        upgrade()
        db.engine.dispose()


@pytest.fixture(name="database")
def database_of_its_own(
    database_kind: str, new_database: NewDatabase, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """A database of the test's own."""
    made = new_database(database_kind, tmp_path)
    cluster: Cluster | None = request.getfixturevalue("postgres") if made.kind == "postgresql" else None
    yield made
    if cluster:
        cluster.drop(made.url)


def refuse_inserts(session: Session, table: str) -> None:
    """Have the database refuse every new row of a table, as a full disk or a constraint would."""
    if session.get_bind().dialect.name == "sqlite":
        commands = [f"CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END"]
    else:
        commands = [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()",
        ]
    with writing(session):
        for command in commands:
            session.execute(text(command))
