"""Joins the parts of push and runs their loops."""

import os
import threading
from collections.abc import Callable

import structlog
from flask import Flask, current_app

from webapp.clock import utcnow
from webapp.config import Settings
from webapp.db.outages import is_outage, outage_reason
from webapp.extensions import db
from webapp.models import EndedSession
from webapp.push.bus import Bus, RedisBus
from webapp.push.events import SignOut
from webapp.push.hub import Hub, stream_capacity
from webapp.push.presence import FLUSH_SECONDS, OnReturn, PresenceRecorder
from webapp.push.sessions import sign_outs, write_end
from webapp.push.sweep import SWEEP_SECONDS, MessageSource, Sweep

log = structlog.get_logger(__name__)


class Push:
    """The parts of one application's push, and the loops of its process: beats, sweep, presence, bus."""

    def __init__(self, app: Flask, messages: MessageSource, on_return: OnReturn) -> None:
        settings: Settings = app.config["SETTINGS"]
        self.hub = Hub(stream_capacity(settings.streams_per_process))
        self.bus = Bus(self.hub)
        self.sweep = Sweep(self.hub, messages, lambda moment: sign_outs(db.session(), EndedSession.at > moment))
        self.messages = messages
        self.presence = PresenceRecorder(self.hub, on_return)
        self._app = app
        self._loops: list[tuple[float, Callable[[], None]]] = []
        self._threads: list[threading.Thread] = []
        self._started_in: int | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.every(1.0, self.hub.beat)
        self.every(SWEEP_SECONDS, self.sweep.step)
        self.every(FLUSH_SECONDS, lambda: self.presence.flush(db.session(), utcnow()))
        if settings.redis_url:
            try:
                self.bus = bus = RedisBus(self.hub, settings.redis_url, settings.secret_key)
                self.every(0.0, bus.publish_next)
                self.every(0.0, bus.listen)
            except ValueError:
                # the address is not logged: it may contain a password
                log.warning("EXAMHALL_REDIS_URL: not an address; going on without Redis, messages take up to 2 s")

    def every(self, seconds: float, step: Callable[[], None]) -> None:
        """Call `step` at this interval, in an application context; 0 if the step waits by itself."""
        self._loops.append((seconds, step))

    @property
    def is_started(self) -> bool:
        """Whether the loops run in this process."""
        return self._started_in == os.getpid()

    def start(self) -> None:
        """Start the loops in daemon threads (greenlets under gevent), once per process."""
        with self._lock:
            if self.is_started:
                return
            self.sweep.start()
            self.presence.start(db.session(), utcnow())
            self._threads = [threading.Thread(target=self._run, args=loop, daemon=True) for loop in self._loops]
            for thread in self._threads:
                thread.start()
            self._started_in = os.getpid()

    def stop(self) -> None:
        """End the loops after their current steps; for tests, since a server's loops end with its process."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def sign_out(self, user_id: int, session_id: str) -> None:
        """End a session and its streams in every process. Its person counts as gone unless another device is active."""
        write_end(db.session(), user_id, session_id)
        self.bus.publish(SignOut(user_id, session_id))
        self.presence.left(user_id, utcnow())

    def drain(self) -> None:
        """End the streams of this process in order and write presence, because the process ends."""
        self.hub.drain()
        with self._app.app_context():
            try:
                self.presence.flush(db.session(), utcnow())
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("the last seconds of presence are not written", error=outage_reason(error))

    def _run(self, seconds: float, step: Callable[[], None]) -> None:
        failures = 0
        while not self._stopped.wait(seconds):
            try:
                with self._app.app_context():
                    step()
            except Exception as error:  # a loop that ended would break R8 or R21 in this process unseen
                if not is_outage(error):
                    log.exception("background step failed", step=step.__qualname__)
                    continue
                if not failures:
                    reason = outage_reason(error)
                    log.warning("background step failed; trying again", step=step.__qualname__, error=reason)
                failures += 1
            else:
                if failures:
                    log.info("background step works again", step=step.__qualname__, failed=failures)
                failures = 0


def current_push() -> Push:
    """The push of the current application."""
    push: Push = current_app.extensions["examhall_push"]
    return push
