"""Fixtures of the server tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import close_all


@pytest.fixture(autouse=True)
def no_connection_is_left() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    close_all()
