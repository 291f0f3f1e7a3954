"""Fixtures that every test may use: an application on a real database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import Context
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.databases import (  # noqa: F401 hooks and fixtures: pytest finds them here
    Database,
    application_on,
    database,
    engines,
    new_database,
    pytest_addoption,
    pytest_generate_tests,
    used_databases,
)
from tests.efforts import hash_quickly
from tests.hall import Hall
from tests.in_memory import keep_files_in_memory
from tests.open_connections import pytest_runtest_teardown  # noqa: F401 the hook
from tests.postgres import own_postgres, postgres  # noqa: F401 the fixtures
from tests.redis_server import redis  # noqa: F401 the fixture
from tests.running import (  # noqa: F401 hooks: pytest finds them here
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_make_collect_report,
    pytest_make_parametrize_id,
    pytest_runtest_makereport,
)
from webapp.clock import utcnow
from webapp.extensions import db

keep_files_in_memory()
hash_quickly()
# an example may take as long as a busy machine needs: what is to be quick has a bound of its own
hypothesis.settings.register_profile("default", deadline=None, max_examples=8)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=200)
hypothesis.settings.load_profile("default")


class Browser(FlaskClient):
    """A browser whose requests get an application context of their own, as on a server.

    Inside the one that the `session` fixture holds open, Flask would use that for every request, and `flask.g`
    (the person, the CSRF token) would go from one request, and from one browser, to the next.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request. As on a server, the answer is closed when it has been read, unless `buffered` is false."""
        kwargs.setdefault("buffered", True)
        return Context().run(super().open, *args, **kwargs)


@pytest.fixture
def app(database: Database, engines: dict[str, Engine]) -> Iterator[Flask]:  # noqa: F811 the fixture
    """An application of the test's own. Its engine knows what earlier tests on this database have asked."""
    with application_on(database, engines.get(database.url)) as app:
        app.test_client_class = Browser
        yield app
        with app.app_context():
            engines.setdefault(database.url, db.engine)


@pytest.fixture
def at_noon() -> Iterator[None]:
    """Has it be tomorrow's noon, for a test that reads times: an end after midnight is shown with its date."""
    now = utcnow()
    with time_machine.travel(now.replace(hour=12, minute=0) + timedelta(days=1), tick=True):
        yield


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
