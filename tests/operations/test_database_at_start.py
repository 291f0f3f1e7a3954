"""A database or a Redis that is not there when a server starts: one line, and who may go on goes on."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.databases import Database
from tests.nightly import at_night
from tests.operations.test_server_start import KEY, gunicorn, run
from tests.postgres import Cluster
from tests.server import Server, free_port
from webapp.db.startup_check import connection_failure

PASSWORD = "a-password-that-nobody-may-read"


@pytest.fixture(scope="module")
def guarded(postgres: Cluster) -> str:
    """The address of a server that asks this user for a password, without the user."""
    with psycopg.connect(postgres.address, autocommit=True) as connection:
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'another'")
        row = connection.execute("SHOW hba_file").fetchone()
        assert row
        rules = Path(row[0])
        rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        connection.execute("SELECT pg_reload_conf()")
    return postgres.address.split("@")[1]


def wrong(kind: str, guarded: str) -> str:
    """An address with which something is wrong."""
    there = guarded.split("/", maxsplit=1)[0]
    return {
        "port": f"postgresql://examhall:{PASSWORD}@127.0.0.1:port/name",
        "password with signs": f"postgresql://examhall:{PASSWORD}/@127.0.0.1/name",
        "option": f"postgresql://examhall:{PASSWORD}@{guarded}?nonsense=1",
        "host": f"postgresql://examhall:{PASSWORD}@nowhere.invalid/name",
        "refused": f"postgresql://examhall:{PASSWORD}@127.0.0.1:{free_port()}/name",
        "password": f"postgresql://guarded:{PASSWORD}@{guarded}",
        "database": f"postgresql://examhall:{PASSWORD}@{there}/missing",
        "folder": "sqlite:////no/such/folder/examhall.db",
    }[kind]


KINDS = ("port", "password with signs", "option", "host", "refused", "password", "database", "folder")


@pytest.mark.server
def test_whatever_is_wrong_is_one_line_without_the_password(guarded: str) -> None:
    for kind in KINDS:
        said = connection_failure(wrong(kind, guarded))
        assert said, kind
        assert len(said.splitlines()) == 1, said
        assert said.startswith("Examhall cannot start. EXAMHALL_DATABASE_URL: "), said
        assert PASSWORD not in said


@pytest.mark.server
@pytest.mark.parametrize("kind", ["password", *at_night(*(kind for kind in KINDS if kind != "password"))])
def test_one_line_and_no_password(kind: str, guarded: str) -> None:
    """Said by the server, of whose lines each is JSON, and by a command."""
    environ = {**KEY, "EXAMHALL_DATABASE_URL": wrong(kind, guarded)}
    for ended, code in (
        (gunicorn(environ=environ), 1),
        (run("flask", "--app", "wsgi", "db", "upgrade", environ=environ), 4),
    ):
        lines = (ended.stdout + ended.stderr).strip().splitlines()
        said = "\n".join(line for line in lines if "Starting gunicorn" not in line)
        assert ended.returncode == code
        assert len(said.splitlines()) == 1, said
        assert "Examhall cannot start. EXAMHALL_DATABASE_URL: " in said
        assert PASSWORD not in said
        if code == 1:
            assert json.loads(said)["event"].startswith("Examhall cannot start. EXAMHALL_DATABASE_URL: ")


@pytest.mark.nightly
@pytest.mark.server
def test_commands_that_need_no_database_or_an_empty_one(postgres: Cluster) -> None:
    refused = {**KEY, "EXAMHALL_DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/name"}
    asked = run("flask", "--app", "wsgi", "--help", environ=refused)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "import-roster" in asked.stdout
    empty = postgres.empty()
    assert (
        run("flask", "--app", "wsgi", "db", "upgrade", environ={**KEY, "EXAMHALL_DATABASE_URL": empty}).returncode == 0
    )
    postgres.drop(empty)


@pytest.mark.server
@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("redis://127.0.0.1:1", "Redis does not answer"),
        *at_night(("http://localhost", "EXAMHALL_REDIS_URL: not an address")),
        *at_night(
            ("redis://localhost:port", "EXAMHALL_REDIS_URL: not an address"),
            ("redis://nowhere.invalid", "Redis does not answer"),
        ),
    ],
)
def test_without_redis_it_warns_once_and_serves(database: Database, address: str, words: str) -> None:
    with Server(database, environ={"EXAMHALL_REDIS_URL": address}) as server:
        assert httpx.get(f"{server.url}/login").status_code == 200
        deadline = time.monotonic() + 10
        while words not in server.log.read_text():
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.1)
        time.sleep(1.5)
        said = server.log.read_text()
        assert said.count("Redis") + said.count("REDIS") <= 2
        assert said.count(words) == 1
        assert "Traceback" not in said
