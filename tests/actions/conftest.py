"""A running test, and the people who act in it."""

from __future__ import annotations

import pytest

from tests.hall import Hall
from webapp.models import Role, Test, User


@pytest.fixture
def test(hall: Hall) -> Test:
    return hall.test()


@pytest.fixture
def chief(hall: Hall, test: Test) -> User:
    return hall.contributor(test, role=Role.CHIEF_INVIGILATOR)


@pytest.fixture
def planner(hall: Hall, test: Test) -> User:
    return hall.contributor(test, role=Role.PLANNER)
