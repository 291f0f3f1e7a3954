"""The loops of a process: beats, outbox sweep, presence, bus. They start with its first request (servers fork)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import structlog
from flask import Flask

from webapp.db.outages import is_outage, outage_reason

log = structlog.get_logger(__name__)


class Background:
    """Loops that run in daemon threads (greenlets under gevent), each with an application context per step."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._threads: list[threading.Thread] = []
        self._loops: list[tuple[float, Callable[[], None]]] = []
        self._at_end: list[Callable[[], None]] = []
        self._started_in: int | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def every(self, seconds: float, step: Callable[[], None]) -> None:
        """Have `step` called every so many seconds once the process has had a request; 0: it waits by itself."""
        self._loops.append((seconds, step))

    def at_end(self, step: Callable[[], None]) -> None:
        """Have `step` called when the loops have ended."""
        self._at_end.append(step)

    def ensure_started(self, first: Callable[[], None]) -> None:
        """Start the loops if this process has none yet; `first` runs before, in the caller's context."""
        if self._started_in == os.getpid():
            return
        with self._lock:
            if self._started_in == os.getpid():
                return
            first()
            self._threads = [
                threading.Thread(target=self._run, args=loop, name="examhall", daemon=True) for loop in self._loops
            ]
            for thread in self._threads:
                thread.start()
            self._started_in = os.getpid()

    def stop(self) -> None:
        """End the loops for good, each after the step it is in. A server never does; whoever ends an app early must."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        for step in self._at_end:
            step()

    def _run(self, seconds: float, step: Callable[[], None]) -> None:
        failed = 0
        while not self._stopped.wait(seconds):
            try:
                with self._app.app_context():
                    step()
                if failed:
                    log.info("background step works again", step=step.__qualname__, failed=failed)
                failed = 0
            except Exception as error:  # a loop that ends takes R8 or R21 along for this whole process, unseen
                if not is_outage(error):
                    log.exception("background step failed", step=step.__qualname__)
                elif not failed:  # the next step does what this one could not
                    reason = outage_reason(error)
                    log.warning("background step failed; trying again", step=step.__qualname__, error=reason)
                failed += is_outage(error)
