"""A request waits for PostgreSQL for a limited time."""

from collections.abc import Generator
from time import monotonic
from typing import Any, TypeVar

import psycopg
from flask import has_request_context

SILENCE_SECONDS = 12.0
"""How long a request waits for any response from the database; longer than `lock_timeout`."""

Result = TypeVar("Result")


class DatabaseTimeout(psycopg.OperationalError):
    """The database has not responded in time; the connection is closed."""


class TimeoutConnection(psycopg.Connection[Any]):
    """A connection that gives up after a silence, in requests only: commands and background loops may wait.

    `statement_timeout` does not help here: a server that stands still cannot enforce it.
    """

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        """Wait for the server. Raises `DatabaseTimeout`."""
        if has_request_context():
            gen = self._limit_silence(gen)
        return super().wait(gen, *args, **kwargs)

    def _limit_silence(self, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        """`gen`, but closes the connection when psycopg's wait loop reports for too long that nothing is ready."""
        deadline = monotonic() + SILENCE_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    deadline = monotonic() + SILENCE_SECONDS
                elif monotonic() > deadline:
                    self.pgconn.finish()
                    raise DatabaseTimeout(f"no response for {SILENCE_SECONDS:.0f} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result
