"""Both databases: a test that asks for `database`, or for what stands on it, runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.compiled import COMPILED_TEMPLATES
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
def application_on(database: Database, engine: Engine | None = None, **changes: object) -> Iterator[Flask]:
    """An application on a database, with changed settings; its connections are closed at the end.

    `engine` is an earlier application's on the same database: it has compiled its statements already.
    """
    app = create_app(settings_for(database, **changes))
    app.testing = True
    app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
    if engine:
        with app.app_context():
            db.engines[None] = engine.execution_options()  # what listens to it is this application's alone
    try:
        yield app
    finally:
        app.extensions["examhall_push"].stop()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database sqlite` for a quick run."""
    parser.addoption("--database", choices=[*KINDS, "both"], default="both", help="which databases to run on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test on each database that makes sense for it: all, unless `only_on` says less.

    What is marked `one_database` runs on that one by day, SQLite unless it names it, and on the other at night.
    """
    if "database_kind" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("database")
    only = metafunc.definition.get_closest_marker("only_on")
    kinds = [kind for kind in (only.args if only else KINDS) if chosen in (kind, "both")]
    if only and len(only.args) == 1 and not kinds:  # `pytest_collection_modifyitems` takes it out of this run
        metafunc.parametrize("database_kind", only.args, scope="session")
        return
    for_one = metafunc.definition.get_closest_marker("one_database") if len(kinds) > 1 else None
    by_day = (for_one.args or ("sqlite",)) if for_one else kinds
    parameters = [pytest.param(kind, marks=() if kind in by_day else pytest.mark.nightly) for kind in kinds]
    metafunc.parametrize("database_kind", parameters, scope="session")


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
        for earlier in folder.glob("examhall.db*"):  # with what SQLite keeps beside it
            earlier.unlink()
        shutil.copy(migrated[kind], folder / "examhall.db")
        return Database(kind, f"sqlite:///{folder / 'examhall.db'}", folder)

    return make


def _migrate(url: str) -> None:
    app = create_app(Settings(secret_key=SECRET_KEY, database_url=url))
    with app.app_context():
        try:
            upgrade()
        finally:
            db.engine.dispose()


@pytest.fixture(scope="session")
def used_databases() -> dict[str, Database]:
    """The database of each kind that this worker's tests use one after the other."""
    return {}


@pytest.fixture
def database(
    database_kind: str,
    new_database: NewDatabase,
    used_databases: dict[str, Database],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Database:
    """A migrated, empty database, which no other test uses meanwhile."""
    used = used_databases.get(database_kind)
    if database_kind == "sqlite":
        used = new_database(database_kind, used.folder if used else tmp_path_factory.mktemp("used"))
    else:
        cluster: Cluster = request.getfixturevalue("postgres")
        if not (used and cluster.empty_tables(used.url)):
            used = new_database(database_kind, tmp_path)
    used_databases[database_kind] = used
    return replace(used, folder=tmp_path)


@pytest.fixture(scope="session")
def engines() -> dict[str, Engine]:
    """By address: the engine of the first application that a test had on the worker's database."""
    return {}


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
