"""A client that sends more than anybody reads, or too slowly: it is answered and cut, and nobody else waits."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import product
from threading import Event, Thread

import httpx
import pytest

from tests.databases import Database, NewDatabase, application_on
from tests.hall import Hall, signed_in
from tests.nightly import at_night
from tests.server import ROOT, Server
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.models import Question, User

pytestmark = [pytest.mark.server, pytest.mark.only_on("sqlite")]
FORM = "application/x-www-form-urlencoded"
FRAMINGS = {
    "length": (f"Content-Length: {10**12}", b"a" * 65_536),
    "chunks": ("Transfer-Encoding: chunked", b"10000\r\n" + b"a" * 65_536 + b"\r\n"),
    "letters": ("Transfer-Encoding: chunked", b"1\r\na\r\n" * 10_000),
}
WAYS = (
    ("POST", "/login", False),
    ("POST", "/tests/1/answers/1", True),
    ("POST", "/messages", True),
    ("POST", "/ping", True),
    ("POST", "/inbox/close", False),
    ("POST", "/nowhere", False),
    ("GET", "/static/icon.svg", False),
    ("GET", "/stream", False),
    ("PUT", "/healthz", False),
)
QUICK = """
import importlib.util, sys
_spec = importlib.util.spec_from_file_location("ours", "{root}/gunicorn.conf.py")
_ours = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_ours)
globals().update({{name: value for name, value in vars(_ours).items() if not name.startswith("_")}})
sys.modules["gunicorn_worker"].BODY_SECONDS = 2.0
"""


def session_on(database: Database) -> str:
    """The session of a new candidate whose exam has question 1."""
    with application_on(database) as app, app.app_context():
        hall = Hall(db.session())
        candidacy = hall.candidacy(hall.test())
        with writing(hall.session):
            hall.session.add(Question(test_id=candidacy.test_id, position=1, prompt="Why?"))
        browser = signed_in(app, hall.session.get_one(User, candidacy.user_id))
        found = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert found
        return f"Cookie: {found.key}={found.value}"


@pytest.fixture(scope="module")
def server(database_kind: str, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For tests that bring a session of a browser of its own, or none."""
    with Server(new_database(database_kind, tmp_path_factory.mktemp("endless"))) as running:
        yield running


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    """The session of a candidate on that server."""
    return session_on(server.database)


def connect(server: Server, method: str, path: str, *headers: str) -> socket.socket:
    """A connection on which a request's head was sent."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    client.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode())
    return client


def send_until_cut(client: socket.socket, piece: bytes, pause: float = 0) -> None:
    """Send the same again and again, until the server has closed the connection."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            client.sendall(piece)
        except OSError:
            return
        time.sleep(pause)
    pytest.fail("the server still takes it")


def received(client: socket.socket) -> str:
    """All that the server has answered until it closed the connection."""
    answer = b""
    try:
        while piece := client.recv(65_536):
            answer += piece
    except ConnectionResetError:
        return answer.decode()  # what came before is the answer
    return answer.decode()


@pytest.mark.nightly
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=b", "text/plain"])
def test_what_has_no_end_is_answered_and_cut(server: Server, cookie: str, kind: str) -> None:
    """At every address, whoever sends it, and whether somebody reads it or not."""

    def send(given: tuple[tuple[str, str, bool], str]) -> str:
        (method, path, is_signed_in), framing = given
        length, piece = FRAMINGS[framing]
        headers = [length, f"Content-Type: {kind}", *([cookie] if is_signed_in else [])]
        with closing(connect(server, method, path, *headers)) as client:
            send_until_cut(client, piece)
            return received(client).partition("\r\n\r\n")[0]

    everything = list(product(WAYS, FRAMINGS))
    with ThreadPoolExecutor(8) as clients:
        heads = list(clients.map(send, everything))
    for given, head in zip(everything, heads, strict=True):
        assert head.startswith("HTTP/1.1 4") or given[0][1].startswith("/static/"), (given, head)
        assert "\r\nConnection: close" in head, (given, head)
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("framing", ["letters", *at_night("length", "chunks")])
def test_nobody_else_waits_for_it(server: Server, framing: str) -> None:
    """Three such clients, one after the other on each of three lines, while others ask."""
    length, piece = FRAMINGS[framing]
    over = Event()

    def send_on_and_on() -> None:
        while not over.is_set():
            with closing(connect(server, "POST", "/login", length, f"Content-Type: {FORM}")) as client:
                send_until_cut(client, piece)

    senders = [Thread(target=send_on_and_on) for _ in range(3)]
    for sender in senders:
        sender.start()
    taken = []
    with httpx.Client(base_url=server.url, timeout=20) as others:
        for _ in range(40):
            begun = time.monotonic()
            assert others.get("/login").status_code == 200
            taken.append(time.monotonic() - begun)
    over.set()
    for sender in senders:
        sender.join()
    assert sorted(taken)[36] < 0.5, sorted(taken)
    assert max(taken) < 1.5, sorted(taken)


@pytest.mark.nightly
def test_a_body_that_comes_too_slowly_is_cut(database: Database) -> None:
    """With a limit of 2 s instead of 30, and one byte every fifth of a second: 408, also for a save."""
    cookie = session_on(database)
    conf = database.folder / "quick.conf.py"
    conf.write_text(QUICK.format(root=ROOT))

    def gunicorn(port: int) -> list[str]:
        return [sys.executable, "-m", "gunicorn", "-c", str(conf), "-b", f"127.0.0.1:{port}", "wsgi:app"]

    with Server(database, command=gunicorn) as server:
        for path, length in (
            ("/login", "Content-Length: 500"),
            ("/tests/1/answers/1", "Content-Length: 500"),
            ("/login", "Transfer-Encoding: chunked"),
        ):
            with closing(connect(server, "POST", path, length, f"Content-Type: {FORM}", cookie)) as client:
                begun = time.monotonic()
                send_until_cut(client, b"a" if "Length" in length else b"1\r\na\r\n", pause=0.2)
                assert 1.5 < time.monotonic() - begun < 8
                head = received(client).partition("\r\n\r\n")[0]
            assert head.startswith("HTTP/1.1 408 "), (path, head)
            assert "\r\nConnection: close" in head
        assert "Traceback" not in server.log.read_text()


def test_a_body_within_the_limits_keeps_its_connection(server: Server) -> None:
    """A form of nearly 1 MB is read, and the same connection serves the next request."""
    with closing(connect(server, "POST", "/login", f"Content-Type: {FORM}", "Content-Length: 1000000")) as client:
        client.sendall(b"username=" + b"a" * 999_991)
        answer = b""
        while b"</html>" not in answer:
            answer += client.recv(65_536)
        assert b"\r\nConnection: keep-alive" in answer
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 OK")
