"""A connection to a database that a test leaves open fails this test, not the one in which Python collects it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

TESTS = str(Path(__file__).parent)
LINES = 3
"""Enough to find the place by."""

_open: dict[int, tuple[Any, str]] = {}
"""By identity: connections that have to be closed when the running test ends, and the lines that asked for them."""


@event.listens_for(Pool, "connect")
def _on_connect(connection: Any, _record: object) -> None:
    lines = []
    frame = sys._getframe().f_back
    while frame and len(lines) < LINES:
        if frame.f_code.co_filename.startswith(TESTS):
            lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back
    _open[id(connection)] = (connection, " ← ".join(lines) or "a thread of the application")


@event.listens_for(Pool, "close")
@event.listens_for(Pool, "close_detached")
def _on_close(connection: Any, _record: object = None) -> None:
    _open.pop(id(connection), None)


@contextmanager
def connections_outlive_tests(engine: Engine) -> Iterator[None]:
    """The engine of a fixture for several tests: its connections have to be closed when the fixture ends."""
    outliving: dict[int, tuple[Any, str]] = {}

    def keep(connection: Any, _record: object) -> None:
        outliving[id(connection)] = _open.pop(id(connection))

    event.listen(engine, "connect", keep)
    try:
        yield
    finally:
        event.remove(engine, "connect", keep)
        _open.update(outliving)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """After a test's fixtures have ended: whatever is open now was forgotten."""
    try:
        yield
    finally:
        openings = [(connection, lines) for connection, lines in _open.values() if not _is_closed(connection)]
        _open.clear()
        for connection, _ in openings:
            connection.close()
    assert not openings, "left open: " + "; ".join(f"{connection} of {lines}" for connection, lines in openings)


def _is_closed(connection: Any) -> bool:
    """Also where SQLAlchemy was not asked to close it: it was lost, or its first statements failed."""
    if not isinstance(connection, sqlite3.Connection):
        return bool(connection.closed)
    try:
        connection.in_transaction  # noqa: B018
    except sqlite3.ProgrammingError:
        return True
    return False
