"""Which errors mean that the database cannot answer now, and how the log words them."""

import sqlite3

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from webapp.exceptions import Unavailable
from webapp.logging import RateLimitedLog

log = structlog.get_logger(__name__)
READ_ONLY_SQLSTATE = "25006"

_outages = RateLimitedLog(5)


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


def log_outage(error: BaseException) -> None:
    """Log an outage, at most every 5 s in this process."""
    _outages.write(log.error, "database did not answer", error=outage_reason(error))
