"""`make demo`: a supervisor of the server and the simulated candidates, which ends all that it started."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from types import FrameType

from webapp.config import ROOT

HOST = "127.0.0.1"
START_SECONDS = 60.0
END_SECONDS = 8.0
INTERVAL_SECONDS = 0.1
PARENT_DEATH_SIGNAL = 1
"""prctl(2): PR_SET_PDEATHSIG."""
Process = subprocess.Popen[bytes]


class CannotServe(Exception):
    """The demo does not run; the text is one line for the person who started it."""


class Stop:
    """Whether Ctrl-C, SIGTERM or the end of the terminal has asked the demo to stop."""

    def __init__(self) -> None:
        self.requested = False

    def request(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        self.requested = True


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Take the signals from here on: what is under way is finished before they count."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop.request) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_port(port: int) -> None:
    """Raises `CannotServe` if the port is taken or not ours to take."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotServe(
                f"Port {port} cannot be used ({error.strerror}). Choose another: make demo PORT={port % 65535 + 1}"
            ) from error


def serve(port: int, candidates: int, stop: Stop, ready: Callable[[str], None]) -> None:
    """Serve the hall until `stop` is requested, with so many simulated candidates.

    `ready` gets the address as soon as the server answers. Raises `CannotServe` if the server does not start or ends
    by itself. Nothing that was started is left when this returns.
    """
    address = f"http://{HOST}:{port}"
    server = _start("gunicorn", "-c", "gunicorn.conf.py", "-w", "1", "-b", f"{HOST}:{port}",
                    "--graceful-timeout", "1", "--log-level", "warning", "wsgi:app")  # fmt: skip
    started = [server]
    try:
        if _wait_until_ready(server, port, stop):
            ready(address)
            if candidates:
                simulate = ("--app", "wsgi", "simulate", "--url", address, "--candidates", str(candidates))
                started.append(_start("flask", *simulate))
        while not stop.requested:
            if server.poll() is not None:
                raise CannotServe("The server has ended by itself; the lines above say why.")
            time.sleep(INTERVAL_SECONDS)
    finally:
        for process in reversed(started):
            _end(process)


def _start(module: str, *arguments: str) -> Process:
    """Start a process in a group of its own: Ctrl-C reaches the supervisor alone, which ends all in order."""
    return subprocess.Popen(  # noqa: S603 our own commands
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 the supervisor has no threads
    )


def _end_with_parent() -> None:
    """Have the kernel end this process if the supervisor is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _wait_until_ready(server: Process, port: int, stop: Stop) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while not stop.requested:
        with suppress(OSError, HTTPException), closing(HTTPConnection(HOST, port, timeout=5)) as connection:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return True
        if server.poll() is not None:
            raise CannotServe("The server did not start; the lines above say why.")
        if time.monotonic() > deadline:
            raise CannotServe(f"The server did not answer within {START_SECONDS:.0f} seconds.")
        time.sleep(INTERVAL_SECONDS)
    return False


def _end(process: Process) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
