"""`make demo`: the server and the simulated candidates under one supervisor, which ends all that it started."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from types import FrameType

from webapp.config import ROOT

HOST = "127.0.0.1"
START_SECONDS = 60.0
END_SECONDS = 8.0
LOOK_EVERY = 0.1
PARENT_DEATH_SIGNAL = 1
"""prctl(2): PR_SET_PDEATHSIG."""

Say = Callable[[str], None]
Process = subprocess.Popen[bytes]


class CannotServe(Exception):
    """The demo does not run; the text is one line for the person who started it."""


class Stop:
    """Set by Ctrl-C, by SIGTERM and when the terminal is closed."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


@contextmanager
def stopping() -> Iterator[Stop]:
    """Take the signals from here on; what is under way is finished before they count."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
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


def serve(port: int, candidates: int, stop: Stop, say: Say, ready: Say) -> None:
    """Serve the hall until `stop` is asked for; `candidates` come by themselves (0: none).

    `ready` gets the address as soon as the server answers. Raises `CannotServe` if the server does not start or
    ends by itself. Nothing that was started here is left when this returns.
    """
    server = _start("gunicorn", "-c", "gunicorn.conf.py", "-w", "1", "-b", f"{HOST}:{port}",
                    "--graceful-timeout", "1", "--log-level", "warning", "wsgi:app")  # fmt: skip
    started = [server]
    try:
        _wait_until_ready(server, port, stop)
        if not stop.asked:
            address = f"http://{HOST}:{port}"
            ready(address)
            if candidates:
                started.append(
                    _start("flask", "--app", "wsgi", "simulate", "--url", address, "--candidates", str(candidates))
                )
            _watch(server, stop)
    finally:
        say("Stopping …")
        _end(reversed(started))


def _start(module: str, *arguments: str) -> Process:
    """A process of its own group: Ctrl-C in the terminal reaches the supervisor alone, which ends it in order."""
    return subprocess.Popen(  # noqa: S603 our own commands
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 the supervisor has no threads
    )


def _end_with_parent() -> None:
    """Where the kernel can: end this process too if the supervisor is killed and can end nobody any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _wait_until_ready(server: Process, port: int, stop: Stop) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not stop.asked and not _is_ready(port):
        if server.poll() is not None:
            raise CannotServe("The server did not start; the lines above say why.")
        if time.monotonic() > deadline:
            raise CannotServe(f"The server did not answer within {START_SECONDS:.0f} seconds.")
        time.sleep(LOOK_EVERY)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _watch(server: Process, stop: Stop) -> None:
    while not stop.asked:
        if server.poll() is not None:
            raise CannotServe("The server has ended by itself; the lines above say why.")
        time.sleep(LOOK_EVERY)


def _end(processes: Iterator[Process]) -> None:
    """Ask each to end, the later started first; whoever does not is killed with all that it started."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
