"""The log of a server: each line is JSON, and none tells a value of a row or a parameter of a statement."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.databases import Database
from tests.operations.test_server_start import KEY, gunicorn
from tests.server import Server

pytestmark = pytest.mark.one_database

WAYS = ("view", "statement", "type", "beside", "late")


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.server
def test_each_line_is_json(database: Database) -> None:
    """gunicorn's own, access lines, tracebacks of views, threads and greenlets, warnings, what libraries write."""
    with Server(database, wsgi="tests.operations.failing_wsgi:app", arguments=["--access-logfile", "-"]) as server:
        for way in WAYS:
            with suppress(httpx.TransportError):  # one of them fails in the middle of its answer
                answer = httpx.get(f"{server.url}/fails/{way}", timeout=20)
                assert answer.status_code == (200 if way == "beside" else answer.status_code)
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"no request\r\n\r\n")
            client.recv(65_536)
        worker = server.worker_pid()
        server.reload()
        until = time.monotonic() + 20
        while worker in server.worker_pids() or not server.worker_pids():
            assert time.monotonic() < until
            time.sleep(0.1)
        server.stop()
        text = server.log.read_text()
    lines = lines_of(text)
    events = " | ".join(line["event"] for line in lines)
    for expected in (
        "Listening at", "unexpected error", "GET /fails/view", "uncaught exception in Greenlet", "uncaught exception |",
        "one\nof two lines", "said\non two lines", "said by Flask", "Handling signal: hup", "Shutting down",
    ):  # fmt: skip
        assert expected in events, expected
    traces = " | ".join(line["exception"] for line in lines if "exception" in line)
    for expected in ("ValueError: two\nlines", "RuntimeError: beside", "ValueError: in the middle", "in _fail\n"):
        assert expected in traces, expected
    assert "IntegrityError" in traces
    assert "INSERT INTO user_account" in traces or "constraint failed: user_account" in traces
    assert "what nobody may read" not in text


@pytest.mark.nightly  # by day: `test_database_at_start.py`
@pytest.mark.parametrize(
    "environ",
    [{**KEY, "EXAMHALL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, {}],
    ids=["database", "setting"],
)
def test_why_it_cannot_start_is_json_too(environ: dict[str, str]) -> None:
    ended = gunicorn(environ=environ)
    lines = lines_of(ended.stderr)
    assert ended.returncode != 0
    assert "Examhall cannot start. EXAMHALL_" in lines[-1]["event"]
