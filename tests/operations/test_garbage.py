"""Under gunicorn, garbage collections do not stop the streams every few seconds."""

from __future__ import annotations

import httpx
import pytest

from tests.databases import Database
from tests.server import Server

# how a process collects its garbage has nothing to do with the database
pytestmark = [pytest.mark.server, pytest.mark.one_database]


def test_full_collections_are_seldom_and_leave_out_the_application(database: Database) -> None:
    with Server(database, "tests.operations.collections_wsgi:app") as server:
        full, left_out = map(int, httpx.get(f"{server.url}/objects").text.split())
    assert full <= 1
    assert left_out > 100_000
