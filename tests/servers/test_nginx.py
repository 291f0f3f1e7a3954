"""The real nginx with deploy/nginx.conf, TLS and HTTP/2, in front of two processes on one PostgreSQL with Redis."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tests.databases import NewDatabase, application_on
from tests.hall import Hall
from tests.redis_server import redis_in
from tests.server import ENDED, Person, Server
from tests.servers.exam import hold_exam
from tests.servers.nginx import Http2Listener, Nginx
from webapp.extensions import db
from webapp.web.security import CONTENT_SECURITY_POLICY

pytestmark = [pytest.mark.server, pytest.mark.only_on("postgresql")]
BEAT = ("beat", "", "")
AT_ONCE = 5.0
"""On a busy machine; what nginx keeps back comes with the next beat, up to fifteen seconds later."""
"""What a proxy holds back comes with the next beat, after fifteen seconds, or never."""
TO_ALL = {"scope": "filtered", "q": "algebra"}


@dataclass
class Site:
    """nginx, the two processes behind it, and who takes part."""

    nginx: Nginx
    processes: list[Server]
    names: list[str]
    sent: int = 0
    """Messages to everybody so far; each has the next number, and stays open."""

    def send(self, sender: Person) -> None:
        """Send one more."""
        self.sent += 1
        assert sender.send(f"Message {self.sent}", **TO_ALL).status_code == 201

    def numbers(self) -> set[str]:
        """Of all messages so far."""
        return {str(number) for number in range(1, self.sent + 1)}

    def streams(self, process: Server) -> int:
        """How many streams a process holds."""
        figures = httpx.get(f"{process.url}/metrics").text
        return int(float(figures.split("\nexamhall_open_streams ")[1].split("\n")[0]))


def shipped_gunicorn(port: int, *more: str) -> list[str]:
    """deploy/gunicorn.conf.py with one worker."""
    own = ("-w", "1", "-b", f"127.0.0.1:{port}")
    return [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", *own, *more, "wsgi:app"]


@pytest.fixture(scope="module")
def site(database_kind: str, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One process on a Unix socket, as from systemd, and one on a port, as on another machine; for all tests."""
    folder = tmp_path_factory.mktemp("site")
    database = new_database(database_kind, folder)
    with application_on(database) as app, app.app_context():
        names = hold_exam(Hall(db.session()), 4)
    with ExitStack() as stack:
        redis = stack.enter_context(redis_in(folder))
        environ = {"EXAMHALL_REDIS_URL": redis.url, "EXAMHALL_TRUSTED_PROXIES": "1"}
        path = folder / "one.sock"
        one = Server(database, environ=environ, command=lambda port: shipped_gunicorn(port, "-b", f"unix:{path}"))
        two = Server(database, environ=environ, command=shipped_gunicorn)
        processes = [stack.enter_context(server) for server in (one, two)]
        nginx = Nginx(folder, [f"unix:{path}", f"127.0.0.1:{two.port}"])
        stack.enter_context(nginx.running())
        yield Site(nginx, processes, names)


def test_nginx_has_nothing_to_say_about_the_file(tmp_path: Path) -> None:
    said = Nginx(tmp_path, ["127.0.0.1:8000", "192.0.2.11:8000"]).check()
    assert "test is successful" in said
    assert "[warn]" not in said
    assert "[alert]" not in said


def test_streams_over_http_2_are_not_held_back_and_are_shared_out(site: Site) -> None:
    people = [site.nginx.person(name) for name in site.names]
    cookie = people[0].http.get("/inbox").request.headers["Cookie"]
    assert cookie.startswith("__Host-examhall_session_")
    begun = time.monotonic()
    streams = [site.nginx.listen(person) for person in people]
    for stream in streams:
        assert stream.version == "HTTP/2"
        stream.wait_for(lambda stream=stream: stream.events[:1] == [BEAT], AT_ONCE)  # type: ignore[misc]
    assert time.monotonic() - begun < len(streams) * AT_ONCE
    assert [site.streams(process) for process in site.processes] == [2, 2], "least_conn counts streams"

    site.send(site.nginx.person("ines"))
    for stream in streams:
        stream.wait_for(lambda stream=stream: set(stream.ids()) == site.numbers(), AT_ONCE)  # type: ignore[misc]


def test_what_the_application_is_told_about_the_client(site: Site) -> None:
    """TLS and a client from elsewhere: the cookie stays with TLS, `/metrics` is shut, plain HTTP is sent on."""
    ada = site.nginx.person(site.names[0])
    assert "; Secure;" in ada.post("/logout").headers["Set-Cookie"]
    assert ada.http.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    assert httpx.get(f"{site.processes[0].url}/metrics").status_code == 200
    plain = httpx.get(f"http://127.0.0.1:{site.nginx.plain_port}/tests/1?a=b", headers={"Host": "localhost"})
    assert (plain.status_code, plain.headers["Location"]) == (308, "https://localhost/tests/1?a=b")

    # R18: the address of a monitor holds its filter; Examhall itself refuses a candidate
    rooms = "&".join(f"room={'x' * 95}{number:03}" for number in range(500))
    assert site.nginx.person(site.names[1]).http.get(f"/monitor?{rooms}").status_code == 403

    # a form that is too large: Examhall says so in words, and nginx does not even read what is far too large
    refused = ada.post("/login", username="x" * (1024 * 1024 + 1))
    assert refused.status_code == 413
    assert "Nothing was saved" in refused.text
    much = httpx.post(f"{site.nginx.url}/login", content=b"x" * (2 * 1024 * 1024 + 1), verify=site.nginx.trust)
    assert (much.status_code, "nginx" in much.text) == (413, True)
    assert "a=b" not in (site.nginx.folder / "access.log").read_text()


def test_static_files_from_disk_say_what_the_application_says(site: Site) -> None:
    with httpx.Client(verify=site.nginx.trust, http2=True) as browser:
        for address, kept in (("css/base.css?v=0123456789ab", True), ("js/stream.js", False)):
            ours = httpx.get(f"{site.processes[0].url}/static/{address}")
            theirs = browser.get(f"{site.nginx.url}/static/{address}")
            assert (theirs.status_code, theirs.headers["Server"], theirs.content) == (200, "nginx", ours.content)
            assert theirs.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
            told = [name for name in ours.headers if name.startswith(("x-", "referrer", "cross-origin", "permissions"))]
            told.remove("x-examhall")  # for answers that pages take, and no page takes a file by itself
            assert len(told) == 5
            assert [theirs.headers[name] for name in told] == [ours.headers[name] for name in told]
            for one in (ours, theirs):
                assert ("max-age=31536000" in one.headers["Cache-Control"]) == kept
                assert ("no-cache" in one.headers["Cache-Control"]) != kept


def test_a_process_that_restarts_in_the_middle_costs_no_answer_and_no_message(site: Site) -> None:
    """Somebody sends on and on; each answer is a success at its first try, and every stream gets every message."""
    ines = site.nginx.person("ines")
    pages = [Page(site.nginx, site.nginx.person(name)) for name in site.names]
    restarting = Thread(target=restart, args=(site.processes[1],))
    restarting.start()
    try:
        while restarting.is_alive() or site.sent < 10:
            assert ines.http.get("/monitor").status_code == 200
            site.send(ines)
    finally:
        restarting.join()  # or it would start the process again when everything is over
    wanted, deadline = site.numbers(), time.monotonic() + 30
    while any(page.seen() != wanted for page in pages):
        assert time.monotonic() < deadline, [wanted - page.seen() for page in pages]
        time.sleep(0.05)
    assert sum(page.returns for page in pages) == 2, "those of one process came back, the others stayed"


def restart(server: Server) -> None:
    """End a process the ordinary way and start it again."""
    server.stop()
    server.start()


class Page:
    """A candidate's page: where its stream ends, it opens the next."""

    def __init__(self, nginx: Nginx, person: Person) -> None:
        self.returns = 0
        self._nginx, self._person = nginx, person
        self._stream = nginx.listen(person)
        self._seen: set[str] = set()

    def seen(self) -> set[str]:
        """The ids of all notices so far."""
        self._seen.update(self._stream.ids())
        if ENDED in self._stream.events:
            self._seen.update(self._stream.ids())
            self.returns += 1
            self._stream: Http2Listener = self._nginx.listen(self._person)
        return self._seen
