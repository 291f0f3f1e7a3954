"""A large hall of the size that a module wants (`SIZE` candidacies in `TESTS` tests), made once for all its tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.bench.large_hall import build
from tests.databases import NewDatabase, application_on
from tests.hall import Hall
from tests.monitor.sitting import Sitting
from tests.monitor.watched import Watched
from tests.open_connections import connections_outlive_tests
from webapp.clock import utcnow
from webapp.extensions import db

LargeHall = tuple[Flask, datetime]
"""Its application, and the moment for which it was made."""


@pytest.fixture(scope="module")
def large_hall(
    request: pytest.FixtureRequest,
    database_kind: str,
    new_database: NewDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LargeHall]:
    """Built for the module."""
    with application_on(new_database(database_kind, tmp_path_factory.mktemp("large_hall"))) as app:
        now = utcnow()
        with app.app_context():
            engine = db.engine
        with connections_outlive_tests(engine):
            with app.app_context():
                build(db.session(), now, candidacies=request.module.SIZE, tests=request.module.TESTS)
            yield app, now


@pytest.fixture
def large_hall_session(large_hall: LargeHall) -> Iterator[Session]:
    """A session on it."""
    with large_hall[0].app_context():
        yield db.session()


@pytest.fixture
def sitting(hall: Hall) -> Sitting:
    """A test with candidacies by name."""
    return Sitting(hall)


@pytest.fixture
def watched(app: Flask, hall: Hall) -> Watched:
    """A test of 120 candidates, and somebody who watches it."""
    return Watched(app, hall)
