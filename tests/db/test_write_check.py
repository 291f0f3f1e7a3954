"""`/readyz` sees a database that answers and takes no writes."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.databases import Database
from tests.postgres import connect_to_server
from tests.statements import statements
from webapp.extensions import db

FULL = "Nothing can be written to the database: its disk is full, or it is read-only.\n"


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As a disk without room: this process may write no file beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.only_on("sqlite")
def test_sqlite_without_room(client: FlaskClient) -> None:
    assert client.get("/readyz").status_code == 200
    with files_no_larger_than(100_000):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, FULL)
    assert client.get("/readyz").status_code == 200


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("setting", ["default_transaction_read_only = on", "temp_file_limit = '100kB'"])
def test_postgresql_read_only_or_without_room(
    app: Flask, client: FlaskClient, database: Database, setting: str
) -> None:
    """A limit of its temporary files is met by what a full disk is met by."""
    assert client.get("/readyz").status_code == 200
    with app.app_context():
        db.engine.dispose()
    with connect_to_server(database.url) as server:
        server.execute(f'ALTER DATABASE "{database.url.rpartition("/")[2]}" SET {setting}')
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, FULL)


def test_probes_write_no_row(app: Flask, client: FlaskClient) -> None:
    with statements(app) as made:
        assert client.get("/readyz").status_code == 200
    assert [one for one in made if "generate_series" in one or "user_version" in one]
    assert not [one for one in made if one.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_only_this_machine_and_the_token_are_told(client: FlaskClient) -> None:
    assert client.get("/readyz", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 403
    assert client.get("/readyz", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 403
    assert client.get("/healthz", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
