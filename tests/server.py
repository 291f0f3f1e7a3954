"""A real server (gunicorn with gevent, or any other) on a free port, over a database of its own; and its clients."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from html import unescape
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

import httpx

from tests.databases import SECRET_KEY, Database

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery"
START_SECONDS = 60.0
ENDED = ("(ended)", "", "")
TRUST = ssl.create_default_context()
"""Shared by all clients: making one takes 40 ms, and each client would make its own, also for plain HTTP."""

_opened: list[Person | Listener] = []


def close_all() -> None:
    """Close every person's browser and every stream that a test has opened."""
    while _opened:
        _opened.pop().close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server process on one database; it can be killed and started again on the same port.

    It is gunicorn with `wsgi` and `arguments`, unless `command` gives another command line for a port. `inherits` are
    files of this process that it gets too, `open_files` is its limit of them. Its clock is `clock_factor` times as fast
    as the world's.
    """

    def __init__(
        self,
        database: Database,
        wsgi: str = "wsgi:app",
        environ: dict[str, str] | None = None,
        arguments: Sequence[str] = (),
        command: Callable[[int], Sequence[str]] | None = None,
        inherits: Sequence[int] = (),
        open_files: int | None = None,
        clock_factor: int = 1,
    ) -> None:
        self.clock_factor = clock_factor
        if clock_factor != 1:
            wsgi = "tests.quick_clock:app"
            quick = {"GEVENT_LOOP": "tests.quick_clock.QuickLoop", "CLOCK_FACTOR": str(clock_factor)}
            environ = {**quick, **(environ or {})}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = database
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", wsgi, "-b", f"127.0.0.1:{self.port}"]
        limits = ["prlimit", f"--nofile={open_files}:{open_files}"] if open_files else []
        self.command = [*limits, *(command(self.port) if command else [*gunicorn, *arguments])]
        self.inherits = inherits
        self.log = database.folder / f"server-{self.port}.log"
        self.environ = {
            **os.environ,
            "EXAMHALL_SECRET_KEY": SECRET_KEY,
            "EXAMHALL_DATABASE_URL": database.url,
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self.inherits,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.05)

    def _answers(self) -> bool:
        # asked twenty times each second: httpx would make a client each time, which takes half of that
        asking = HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            asking.request("GET", "/healthz")
            return asking.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            asking.close()

    def kill(self) -> None:
        """SIGKILL to the whole server, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it the ordinary way."""
        self._end(signal.SIGTERM)

    def reload(self) -> None:
        """Have its workers replaced by new ones, as `systemctl reload` does."""
        assert self._process
        self._process.send_signal(signal.SIGHUP)

    def worker_pids(self) -> list[int]:
        """Its worker processes, oldest first; none for a moment after one was killed."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [int(child) for child in children]

    def worker_pid(self) -> int:
        """The worker process; the oldest of several."""
        return self.worker_pids()[0]

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if how is signal.SIGKILL:
            os.killpg(self._process.pid, how)
        else:
            self._process.send_signal(how)
        self._process.wait(timeout=20)
        self._process = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class Person:
    """Somebody with a browser: signs in by the form and keeps the cookie and the CSRF token.

    `browser` is what httpx takes beside: a certificate to trust, HTTP/2. With `cookies` they are signed in already.
    """

    def __init__(self, url: str, username: str, password: str = PASSWORD, **browser: Any) -> None:
        self.http = httpx.Client(base_url=url, timeout=20, **{"verify": TRUST, **browser})
        if "cookies" not in browser:
            form = {"username": username, "password": password, "csrf_token": csrf(self.http.get("/login"))}
            answer = self.http.post("/login", data=form)
            assert answer.status_code == 302, answer.text
        self.token = csrf(self.http.get("/inbox"))
        _opened.append(self)

    def at(self, url: str) -> Person:
        """The same browser at another process: the cookie is all that it brings."""
        other = copy(self)
        other.http = httpx.Client(base_url=url, timeout=20, cookies=dict(self.http.cookies), verify=TRUST)
        _opened.append(other)
        return other

    def close(self) -> None:
        """Close the browser."""
        self.http.close()

    def post(self, address: str, **fields: object) -> httpx.Response:
        """A form, as HTMX posts it."""
        return self.http.post(
            address,
            data=fields,
            headers={"X-CSRFToken": self.token, "HX-Request": "true"},
        )

    def send(self, subject: str, **selection: object) -> httpx.Response:
        """Open the dialog for a selection and press Send."""
        return self.post("/messages", **self.compose(subject, **selection))

    def compose(self, subject: str, **selection: object) -> dict[str, object]:
        """Open the dialog for a selection and fill it in: the form's fields."""
        dialog = self.http.get("/messages/new", params=selection, headers={"HX-Request": "true"})  # type: ignore[arg-type]
        assert dialog.status_code == 200, dialog.text
        fields: dict[str, Any] = {}
        for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', dialog.text):
            fields.setdefault(name, []).append(unescape(value))
        return {**fields, "subject": subject, "body": "Body of " + subject}

    def send_until_answered(self, subject: str, **selection: object) -> None:
        """Send, and post the same form again where no answer came, as the page does."""
        deadline = time.monotonic() + 60
        fields = self.compose(subject, **selection)
        while True:
            with suppress(httpx.TransportError):
                answer = self.post("/messages", **fields)
                assert answer.status_code == 201, answer.text
                return
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)


def csrf(page: httpx.Response) -> str:
    """The CSRF token that a page carries."""
    found = re.search(r'name="csrf-token" content="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


class Listener:
    """A person's open stream, read in a thread; `events` grows as they come."""

    def __init__(self, person: Person) -> None:
        self.events: list[tuple[str, str, str]] = []
        """(event name, id, data); the last one is ENDED"""
        self.status: int | None = None
        self._request(person)
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()
        _opened.append(self)
        self.wait_for(lambda: self.status is not None)

    def close(self) -> None:
        """Drop the connection, as a browser that is closed does."""
        with suppress(OSError):  # it may have been cut already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=10)
        self._connection.close()

    def _request(self, person: Person) -> None:
        host = person.http.base_url
        self._connection = HTTPConnection(str(host.host), host.port or 80, timeout=60)
        cookies = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())
        self._connection.request("GET", "/stream", headers={"Cookie": cookies})
        self._socket = self._connection.sock

    def _lines(self) -> Iterator[str]:
        with self._connection.getresponse() as answer:
            self.status = answer.status
            for line in iter(answer.readline, b""):
                yield line.decode().rstrip("\n")

    def ids(self) -> list[str]:
        """The ids of the notices so far."""
        return [number for name, number, _ in self.events if not name]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until a condition holds, or fail."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain; events: {[event[:2] for event in self.events]}"
            time.sleep(0.01)

    def _read(self) -> None:
        try:
            for event in _events(self._lines()):
                self.events.append(event)  # one by one: others watch the list
        except (OSError, HTTPException, httpx.TransportError, ValueError):
            self.status = self.status or 0
        self.events.append(ENDED)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    name = number = ""
    data: list[str] = []
    for line in lines:
        if not line:
            yield name, number, "\n".join(data)
            name, number, data = "", "", []
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "id":
            number = value
        elif field == "data":
            data.append(value)
