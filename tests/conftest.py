"""Fixtures that every test may use: an application on a real database, migrated once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.globals import _cv_app
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.postgres import postgres  # noqa: F401 the fixture
from tests.running import (  # noqa: F401 hooks: pytest finds them here
    pytest_collection_modifyitems,
    pytest_make_collect_report,
    pytest_runtest_makereport,
)
from webapp import create_app
from webapp.config import Settings
from webapp.extensions import db


def settings_for(database: Path, **changes: object) -> Settings:
    """Settings of an application under test."""
    given: dict[str, object] = {
        "secret_key": "a key for tests only, 0123456789",
        "database_url": f"sqlite:///{database}",
    }
    return Settings(**{**given, **changes})  # type: ignore[arg-type]


class Browser(FlaskClient):
    """A browser whose requests get an application context of their own, as on a server.

    Inside the one that the `session` fixture holds open, Flask would use that for every request, and `flask.g`
    (the person, the CSRF token) would go from one request, and from one browser, to the next.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request."""
        token = _cv_app.set(None)  # type: ignore[arg-type]
        try:
            return super().open(*args, **kwargs)
        finally:
            _cv_app.reset(token)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database as the migrations make it."""
    path = tmp_path_factory.mktemp("database") / "migrated.db"
    app = create_app(settings_for(path))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return path


@pytest.fixture
def app(migrated_database: Path, tmp_path: Path) -> Iterator[Flask]:
    """An application with a database of its own."""
    path = tmp_path / "examhall.db"
    shutil.copy(migrated_database, path)
    app = create_app(settings_for(path))
    app.testing = True
    app.test_client_class = Browser
    yield app
    app.extensions["examhall_push"].background.stop()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session on that database, inside an application context."""
    with app.app_context():
        yield db.session()


@pytest.fixture
def hall(session: Session) -> Hall:
    """Makes people, tests, candidacies and contributions as a test needs them."""
    return Hall(session)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()
