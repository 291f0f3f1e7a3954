"""`make demo`, for real: a server with candidates on a free port, and nothing left when it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.nightly import at_night
from tests.server import ROOT, free_port
from webapp.demo.hall import PASSWORD

pytestmark = [pytest.mark.server, pytest.mark.one_database]
START_SECONDS = 60.0


class Demo:
    """The script that `make demo` runs, in a folder of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "demo.log"
        copy = folder / "copy"
        copy.mkdir()
        for path in ROOT.iterdir():
            if path.name != "instance":
                (copy / path.name).symlink_to(path)
        # what a script runs in the background (these tests, say) hears no Ctrl-C, and its children do not either
        command = ["env", "--default-signal=INT", ROOT / ".ci" / "demo", str(port), "1", "4"]
        environ = {**os.environ, "EXAMHALL_SECRET_KEY": "a key for tests only, 0123456789"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=copy, env=environ, stdout=log, stderr=log, start_new_session=True
            )

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, or fail with what was printed."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def processes(self) -> dict[int, str]:
        """Everything that works for this demo, by its port on the command line."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue  # ended meanwhile
            if f"127.0.0.1:{self.port}" in words or self.url in words or str(self.port) in words:
                found[int(path.parent.name)] = " ".join(words)
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo that serves, with its candidates walking in."""
    demo = Demo(tmp_path, free_port())
    try:
        demo.wait_for(lambda: "candidates walk in" in demo.log.read_text() or demo.process.poll() is not None)
        yield demo
    finally:
        for pid in demo.processes():
            os.kill(pid, signal.SIGKILL)
        demo.process.wait()


def test_sign_in_watch_and_stop(demo: Demo) -> None:
    """The printed people can sign in, candidates come by themselves, and Ctrl-C ends all of it."""
    assert f"Examhall is at {demo.url}" in demo.log.read_text()
    with httpx.Client(base_url=demo.url, timeout=20) as browser:
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/login").text)
        assert token
        form = {"username": "chief", "password": PASSWORD, "csrf_token": token[1]}
        assert browser.post("/login", data=form).status_code == 302
        story = browser.get("/monitor", params={"room": "Sal A115", "group": "Group 07"}).text
        assert 'data-count="77"' in story
        demo.wait_for(lambda: 'data-count="0"' not in browser.get("/monitor", params={"status": "online"}).text)
    assert len(demo.processes()) >= 4
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=20) == 0
    assert demo.processes() == {}
    assert "Traceback" not in demo.log.read_text()


@pytest.mark.parametrize("number", at_night(signal.SIGTERM, signal.SIGHUP))
def test_other_ways_to_end_it(demo: Demo, number: signal.Signals) -> None:
    """A closed terminal and a plain kill leave no orphans either."""
    demo.process.send_signal(number)
    assert demo.process.wait(timeout=20) == 0
    assert demo.processes() == {}


@pytest.mark.nightly
def test_server_is_told_to_end(demo: Demo) -> None:
    """As by Ctrl-C where a script runs the demo in the background, which makes the shell deaf to it."""
    os.kill(min(pid for pid, words in demo.processes().items() if "gunicorn" in words), signal.SIGINT)
    assert demo.process.wait(timeout=20) == 0
    assert "Stopped." in demo.log.read_text()
    demo.wait_for(lambda: not demo.processes())


@pytest.mark.nightly
def test_supervisor_is_killed(demo: Demo) -> None:
    """Even SIGKILL to the supervisor takes the others along."""
    demo.process.kill()
    demo.process.wait()
    demo.wait_for(lambda: not demo.processes())


@pytest.mark.nightly
def test_server_dies(demo: Demo) -> None:
    """Then the demo says so, ends its candidates and fails."""
    gunicorn = min(pid for pid, words in demo.processes().items() if "gunicorn" in words)
    os.kill(gunicorn, signal.SIGKILL)
    assert demo.process.wait(timeout=30) == 1
    assert "has ended by itself" in demo.log.read_text()
    demo.wait_for(lambda: not demo.processes())


def test_port_taken(tmp_path: Path) -> None:
    """One line that says what to type, before anything is built or started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        demo = Demo(tmp_path, other.getsockname()[1])
        assert demo.process.wait(timeout=START_SECONDS) == 1
    lines = demo.log.read_text().splitlines()
    assert len(lines) == 1
    assert re.search(r"Port \d+ cannot be used .*: make demo PORT=\d+", lines[0])
