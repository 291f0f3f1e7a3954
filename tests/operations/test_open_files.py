"""The limit of open files is reached: 503 and a line that names the limit; the server lives and serves again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from tests.databases import Database
from tests.hall import Hall, signed_in
from tests.nightly import clock_factors
from tests.server import Server
from webapp.models import User

pytestmark = [pytest.mark.server, pytest.mark.one_database]
LIMIT = 256
STREAMS = (LIMIT - 96) // 2
CLIENTS = 320


@pytest.fixture
def cookies(app: Flask, hall: Hall) -> list[str]:
    """Sessions of as many candidates as there are clients."""
    test = hall.test()
    ids = [one.user_id for one in hall.candidacies(test, CLIENTS)]
    found = []
    for user_id in ids:
        browser = signed_in(app, hall.session.get_one(User, user_id))
        cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie
        found.append(f"{cookie.key}={cookie.value}")
    hall.session.rollback()
    return found


@pytest.fixture
def server(database: Database, factor: int) -> Iterator[Server]:
    with Server(database, open_files=LIMIT, clock_factor=factor) as running:
        yield running


def ask(server: Server, address: str, cookie: str) -> tuple[socket.socket, str]:
    """A request on a connection that stays open; the answer's head."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    client.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(65536)
        assert piece, f"closed without an answer: {head!r}"
        head += piece
    return client, head.split(b"\r\n\r\n")[0].decode()


@clock_factors
def test_more_clients_than_files(cookies: list[str], server: Server, factor: int) -> None:
    worker = server.worker_pid()
    with ExitStack() as open_connections:
        heads = []
        for cookie in cookies:
            client, head = ask(server, "/stream", cookie)
            open_connections.callback(client.close)
            heads.append(head)
        streams = [head for head in heads if " 200 " in head.splitlines()[0]]
        refused = [head for head in heads if " 503 " in head.splitlines()[0]]
        assert len(streams) == STREAMS
        assert len(refused) == CLIENTS - STREAMS
        assert all("Retry-After: " in head for head in refused)
    deadline = time.monotonic() + 40 / factor  # who has left is noticed at the next beat
    with ExitStack() as open_connections:
        again = 0
        while again < STREAMS:
            client, head = ask(server, "/stream", cookies[again])
            if " 200 " in head.splitlines()[0]:
                again += 1
                open_connections.callback(client.close)
            else:
                client.close()
                time.sleep(0.5 / factor)
            assert time.monotonic() < deadline, "the files of those who left are not given back"
        page, head = ask(server, "/inbox", cookies[-1])
        page.close()
        assert " 200 " in head.splitlines()[0]
    said = server.log.read_text()
    assert server.worker_pid() == worker
    assert "Traceback" not in said
    assert said.count(f"the limit of open files (ulimit -n) is {LIMIT}") == 1
    assert said.count(f'"open_files_limit": {LIMIT}') == 1
