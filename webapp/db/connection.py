"""How this process waits for PostgreSQL: not for ever, and for some statements only when it needs their end."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

import psycopg
from flask import has_request_context
from psycopg.waiting import Wait

SILENCE_SECONDS = 12.0
"""For how long a request waits for any word from the database. It must be longer than a lock is waited for."""

Result = TypeVar("Result")


_impatient = ContextVar("examhall_impatient", default=False)


@contextmanager
def request_timeout() -> Iterator[None]:
    """Wait no longer for the database than in a request: for what a server answers without Flask."""
    before = _impatient.set(True)
    try:
        yield
    finally:
        _impatient.reset(before)


def _is_impatient() -> bool:
    return has_request_context() or _impatient.get()


class DatabaseTimeout(psycopg.OperationalError):
    """The database has said nothing for too long; the connection is closed."""


class TimeoutConnection(psycopg.Connection[Any]):
    """A connection that gives up after a silence, in requests only: commands and loops may wait."""

    _started: AbstractContextManager[Any] | None = None
    """What a statement goes on in that nobody has waited for yet."""

    def start(self, cursor: psycopg.Cursor[Any], statement: str, parameters: Any) -> None:
        """Hand over a statement without rows, and leave the database to it."""
        started = self.pipeline()
        started.__enter__()
        self._started = started
        cursor.execute(statement, parameters, prepare=True)

    def await_started(self) -> None:
        """Wait for the end of what `start` has begun, if it did; raises its error."""
        started, self._started = self._started, None
        if started is not None:
            started.__exit__(None, None, None)

    def commit(self) -> None:
        """Commit, after the end of what was started."""
        self.await_started()
        super().commit()

    def rollback(self) -> None:
        """Roll back what was started too; whether that had gone well matters no more."""
        with suppress(psycopg.Error):
            self.await_started()
        super().rollback()

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        """Wait for what the database has to say. Raises `DatabaseTimeout`."""
        waiting = self._unless_silent(gen) if _is_impatient() else gen
        return super().wait(waiting, *args, **kwargs)

    def _unless_silent(self, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        until = monotonic() + SILENCE_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    until = monotonic() + SILENCE_SECONDS
                elif monotonic() > until:
                    self._give_up()
                wanted = gen.send(ready)
        except StopIteration as ended:
            result: Result = ended.value
            return result

    def _give_up(self) -> None:
        self.pgconn.finish()
        raise DatabaseTimeout(f"no answer for {SILENCE_SECONDS:.0f} s")


class GreenConnection(TimeoutConnection):
    """The same where threads are greenlets: it waits in gevent's loop itself.

    psycopg would wait by `poll`, which gevent has to imitate: with a watcher made anew for each wait, a fifth to a
    third of what a small statement costs.
    """

    _reading: Any = None

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        """Wait for what the database has to say. Raises `DatabaseTimeout`."""
        if kwargs.get("timeout") is not None:  # how psycopg waits where it has stopped a statement
            return super().wait(gen, *args, **kwargs)
        silence = SILENCE_SECONDS if _is_impatient() else None
        try:
            wanted = next(gen)
            while True:
                self._until_ready(wanted, silence)
                wanted = gen.send(wanted)
        except StopIteration as ended:
            result: Result = ended.value
            return result

    def _until_ready(self, wanted: Wait, silence: float | None) -> None:
        import gevent  # noqa: PLC0415 only where the server runs on gevent

        hub = gevent.get_hub()
        if wanted != Wait.R:
            watcher = hub.loop.io(self.pgconn.socket, int(wanted))  # rare: a statement larger than the buffers
        elif self._reading is None or self._reading.loop is not hub.loop:
            watcher = self._reading = hub.loop.io(self.pgconn.socket, int(wanted))
        else:
            watcher = self._reading
        patience = gevent.Timeout.start_new(silence)
        try:
            hub.wait(watcher)
        except gevent.Timeout as ended:
            if ended is not patience:
                raise
            self._give_up()
        finally:
            patience.close()


def connection_class() -> type[TimeoutConnection]:
    """The one for this process."""
    monkey = sys.modules.get("gevent.monkey")
    return GreenConnection if monkey and monkey.is_module_patched("select") else TimeoutConnection
