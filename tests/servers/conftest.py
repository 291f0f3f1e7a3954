"""Fixtures of the server tests."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tests.server import close_all

DESCRIPTORS = 8192


@pytest.fixture(autouse=True)
def no_connection_is_left() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    close_all()


@pytest.fixture(autouse=True, scope="session")
def enough_descriptors() -> None:
    """As the document asks for: often a shell allows 1,024. Servers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, DESCRIPTORS)), hard))
