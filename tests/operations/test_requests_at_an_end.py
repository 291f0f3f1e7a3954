"""A worker that ends (SIGHUP, SIGTERM) answers every request that has reached it, also those it has not begun yet."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest

from tests.databases import Database
from tests.nightly import at_night
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.only_on("sqlite")]
SLOW_START = "tests.operations.slow_start_wsgi:app"
WAITING = 60
MANY = 300
"""More than gunicorn accepts at a time."""
ROUNDS = pytest.mark.parametrize("rounds", [3, *at_night(8)])
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: exam.example\r\n\r\n"
BUSY_REQUEST = REQUEST.replace(b"healthz", b"healthz?hold")


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def status_of(client: socket.socket) -> str:
    """The status line of an answer; what happened instead, where there is none."""
    answer = b""
    try:
        while not answer.endswith(b"\r\n\r\nalive\n"):
            piece = client.recv(65536)
            if not piece:
                return f"closed after {answer!r}"
            answer += piece
    except OSError as error:
        return repr(error)
    return answer.split(b"\r\n")[0].decode()


def answers_of_a_frozen_worker(
    server: Server,
    seconds: float,
    end: signal.Signals,
    *,
    kept_alive: bool,
    waiting: int = WAITING,
    request: bytes = REQUEST,
) -> list[str]:
    """So many requests reach a worker that stands still; it is told to end, and goes on after `seconds`."""
    worker, master = server.worker_pid(), os.getpgid(server.worker_pid())
    clients = [connect(server) for _ in range(waiting if kept_alive else 0)]
    for client in clients:
        client.sendall(REQUEST)
        assert status_of(client).endswith("200 OK")
    time.sleep(0.1 if kept_alive else 0)
    os.kill(worker, signal.SIGSTOP)
    try:
        clients = clients or [connect(server) for _ in range(waiting)]
        for client in clients:
            client.sendall(request)
        os.kill(master, end)
        time.sleep(seconds)
    finally:
        os.kill(worker, signal.SIGCONT)
    answers = [status_of(client) for client in clients]
    for client in clients:
        client.close()
    return answers


@ROUNDS
def test_sighup_refuses_no_request(database: Database, rounds: int) -> None:
    with Server(database, SLOW_START) as server:
        answers = []
        for number in range(rounds):
            worker = server.worker_pid()
            seconds = 0.3 + 0.9 * number / (rounds - 1)
            answers += answers_of_a_frozen_worker(server, seconds, signal.SIGHUP, kept_alive=False)
            until = time.monotonic() + 60
            while worker in server.worker_pids() or not server.worker_pids():
                assert time.monotonic() < until, "the worker was not replaced"
                time.sleep(0.1)
        assert len(answers) == rounds * WAITING
        assert {answer: answers.count(answer) for answer in answers} == {"HTTP/1.1 200 OK": rounds * WAITING}
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("end", [signal.SIGTERM, *at_night(signal.SIGHUP)])
@pytest.mark.parametrize("kept_alive", [True, *at_night(False)], ids=["kept connections", "new connections"])
def test_what_waits_is_answered(database: Database, end: signal.Signals, kept_alive: bool) -> None:
    """On SIGTERM nobody else serves: what waits at the door is let in before it closes."""
    with Server(database, SLOW_START) as server:
        answers = answers_of_a_frozen_worker(server, 1.2, end, kept_alive=kept_alive, waiting=MANY)
        assert {answer: answers.count(answer) for answer in answers} == {"HTTP/1.1 200 OK": MANY}


@pytest.mark.parametrize("kept_alive", [False, *at_night(True)], ids=["new connections", "kept connections"])
def test_a_busy_worker_lets_in_and_answers_what_waits(database: Database, kept_alive: bool) -> None:
    """However long it takes for a part of it: the requests of one round hold it for longer than a second."""
    with Server(database, SLOW_START) as server:
        answers = answers_of_a_frozen_worker(
            server, 0.1, signal.SIGTERM, kept_alive=kept_alive, waiting=MANY, request=BUSY_REQUEST
        )
        assert {answer: answers.count(answer) for answer in answers} == {"HTTP/1.1 200 OK": MANY}
