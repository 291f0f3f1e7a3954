"""The database does not answer: for how long a request waits, which errors mean it, and how the log words them."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar

import psycopg
import structlog
from flask import has_request_context
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from webapp.exceptions import Unavailable
from webapp.logging import RateLimitedLog

SILENCE_SECONDS = 12.0
"""How long a request waits for any response from PostgreSQL; longer than `lock_timeout`."""
READ_ONLY_SQLSTATE = "25006"
log = structlog.get_logger(__name__)
_outages = RateLimitedLog(5)
Result = TypeVar("Result")


class TimeoutConnection(psycopg.Connection[Any]):
    """A connection that gives up after a silence, in requests only: commands and background loops may wait.

    `statement_timeout` does not help here: a server that stands still cannot enforce it.
    """

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        """Wait for the server. Raises `psycopg.OperationalError` after a silence; the connection is then closed."""
        return super().wait(self._limit_silence(gen) if has_request_context() else gen, *args, **kwargs)

    def _limit_silence(self, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        """`gen`, until psycopg's wait loop has reported for too long that nothing is ready."""
        deadline = monotonic() + SILENCE_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    deadline = monotonic() + SILENCE_SECONDS
                elif monotonic() > deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no response for {SILENCE_SECONDS:.0f} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, busy or read-only, so that the same request may succeed later."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_outage(error.orig))
    if isinstance(error, psycopg.Error):
        is_away = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return is_away or error.sqlstate == READ_ONLY_SQLSTATE
    if isinstance(error, sqlite3.Error):
        # the base class itself: the file is damaged, or is no database
        return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
    return isinstance(error, PoolTimeout | Unavailable)


def outage_reason(error: BaseException) -> str:
    """The first line of the driver's message: later lines, and SQLAlchemy's message, may contain values of a row."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextmanager
def outages_logged() -> Iterator[None]:
    """Go on after an outage inside, which is logged."""
    try:
        yield
    except Exception as error:
        if not is_outage(error):
            raise
        log_outage(error)


def log_outage(error: BaseException) -> None:
    """Log an outage, at most every 5 s in this process."""
    _outages.write(log.error, "database did not answer", error=outage_reason(error))
