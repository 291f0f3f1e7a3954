"""`make demo`: a supervisor of the server and the simulated candidates, which ends all that it started."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

from webapp.config import ROOT
from webapp.exceptions import Refusal

HOST = "127.0.0.1"
START_SECONDS = 60.0
END_SECONDS = 8.0
INTERVAL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a plain kill, the end of the terminal."""
PARENT_DEATH_SIGNAL = 1
"""prctl(2): PR_SET_PDEATHSIG."""
Process = subprocess.Popen[bytes]


class CannotServe(Refusal):
    """The demo does not run; the text is one line for the person who started it."""


def hold_stop_signals() -> None:
    """Leave the signals pending from here on: what is under way is finished before they count."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def check_port(port: int) -> None:
    """Raises `CannotServe` if the port is taken or not ours to take."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        reason, other = os.strerror(error.errno or 0), port % 65535 + 1
        raise CannotServe(f"Port {port} cannot be used ({reason}). Choose another: make demo PORT={other}") from error


def serve(port: int, candidates: int, ready: Callable[[str], None]) -> None:
    """Serve the hall until a stop signal, with so many simulated candidates.

    `ready` gets the address as soon as the server answers. Raises `CannotServe` if the server does not start or ends
    by itself. Nothing that was started is left when this returns.
    """
    address = f"http://{HOST}:{port}"
    server = _start("gunicorn", "-c", "gunicorn.conf.py", "-w", "1", "-b", f"{HOST}:{port}",
                    "--graceful-timeout", "1", "--log-level", "warning", "wsgi:app")  # fmt: skip
    started = [server]
    is_ready, deadline = False, time.monotonic() + START_SECONDS
    try:
        while signal.sigpending().isdisjoint(STOP_SIGNALS):
            if server.poll() is not None:
                event = "has ended by itself" if is_ready else "did not start"
                raise CannotServe(f"The server {event}; the lines above say why.")
            if not is_ready and _is_ready(port):
                is_ready = True
                ready(address)
                if candidates:
                    simulate = ("--app", "wsgi", "simulate", "--url", address, "--candidates", str(candidates))
                    started.append(_start("flask", *simulate))
            if not is_ready and time.monotonic() > deadline:
                raise CannotServe(f"The server did not answer within {START_SECONDS:.0f} seconds.")
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
        preexec_fn=_prepare_process,  # noqa: PLW1509 the supervisor has no threads
    )


def _prepare_process() -> None:
    """Take signals as usual, and have the kernel end this process if the supervisor is killed."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _is_ready(port: int) -> bool:
    with suppress(OSError, HTTPException), closing(HTTPConnection(HOST, port, timeout=5)) as connection:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def _end(process: Process) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
