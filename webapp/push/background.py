"""The loops of a process: beats, sweep, presence, bus. They start with its first request, because servers fork."""

import os
import threading
from collections.abc import Callable

import structlog
from flask import Flask

from webapp.db.outages import is_outage, outage_reason

log = structlog.get_logger(__name__)


class Background:
    """Loops in daemon threads (greenlets under gevent), with an application context for each step."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._threads: list[threading.Thread] = []
        self._loops: list[tuple[float, Callable[[], None]]] = []
        self._at_end: list[Callable[[], None]] = []
        self._started_in: int | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def every(self, seconds: float, step: Callable[[], None]) -> None:
        """Call `step` at this interval from the process's first request on; 0 if the step waits by itself."""
        self._loops.append((seconds, step))

    def at_end(self, step: Callable[[], None]) -> None:
        """Call `step` when the loops have ended."""
        self._at_end.append(step)

    def ensure_started(self, prepare: Callable[[], None]) -> None:
        """Start the loops once per process, after `prepare` in the caller's context."""
        if self._started_in == os.getpid():
            return
        with self._lock:
            if self._started_in == os.getpid():
                return
            prepare()
            self._threads = [
                threading.Thread(target=self._run, args=loop, name="examhall", daemon=True) for loop in self._loops
            ]
            for thread in self._threads:
                thread.start()
            self._started_in = os.getpid()

    def stop(self) -> None:
        """End the loops after their current steps; for tests, since a server's loops end with its process."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        for step in self._at_end:
            step()

    def _run(self, seconds: float, step: Callable[[], None]) -> None:
        failures = 0
        while not self._stopped.wait(seconds):
            try:
                with self._app.app_context():
                    step()
                if failures:
                    log.info("background step works again", step=step.__qualname__, failed=failures)
                failures = 0
            except Exception as error:  # a loop that ended would break R8 or R21 in this process unseen
                if not is_outage(error):
                    log.exception("background step failed", step=step.__qualname__)
                    continue
                if not failures:
                    reason = outage_reason(error)
                    log.warning("background step failed; trying again", step=step.__qualname__, error=reason)
                failures += 1
