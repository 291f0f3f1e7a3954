"""The log's own fixtures: what the database itself must hold is tried on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import Browser
from tests.hall import Hall
from tests.postgres import application_on
from webapp.extensions import db


@pytest.fixture(params=["sqlite", "postgresql"])
def either_app(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An application on SQLite, then one on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("app")
        return
    with application_on(request.getfixturevalue("postgres").migrated()) as app:
        app.test_client_class = Browser
        yield app


@pytest.fixture
def either(either_app: Flask) -> Iterator[Session]:
    """A session on that database."""
    with either_app.app_context():
        yield db.session()


@pytest.fixture
def either_hall(either: Session) -> Hall:
    """The factory on that database."""
    return Hall(either)
