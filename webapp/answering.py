"""PostgreSQL connections whose requests do not wait for ever: a database that stands still says nothing at all."""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any, TypeVar

import psycopg
from flask import has_request_context

SILENCE_SECONDS = 12.0
"""For how long a request waits for any word from the database. It must be longer than a lock is waited for."""

Result = TypeVar("Result")


class NoAnswer(psycopg.OperationalError):
    """The database has said nothing for too long; the connection is closed."""


class AnsweringConnection(psycopg.Connection[Any]):
    """A connection that gives up after a silence, in requests only: commands and loops may wait."""

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        """Wait for what the database has to say. Raises `NoAnswer`."""
        waiting = self._unless_silent(gen) if has_request_context() else gen
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
                    self.pgconn.finish()
                    raise NoAnswer(f"no answer for {SILENCE_SECONDS:.0f} s")
                wanted = gen.send(ready)
        except StopIteration as ended:
            result: Result = ended.value
            return result
