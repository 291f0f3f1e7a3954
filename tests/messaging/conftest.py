"""Fixtures of the messaging tests: a test, its chief invigilator, and the chief's browser."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in
from webapp.models import Role, Test, User


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test()


@pytest.fixture
def sender(hall: Hall, test: Test) -> User:
    return hall.contributor(test, role=Role.CHIEF_INVIGILATOR)


@pytest.fixture
def browser(app: Flask, sender: User) -> FlaskClient:
    return signed_in(app, sender)
