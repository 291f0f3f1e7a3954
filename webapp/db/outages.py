"""Which errors mean that the database cannot answer now, and how the log words them."""

from __future__ import annotations

import sqlite3

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from webapp.exceptions import Unavailable
from webapp.logging import RateLimitedLog

log = structlog.get_logger(__name__)
READ_ONLY = "25006"
"""PostgreSQL's code for a write to a standby, or to a database that an operator has set to be read only."""

_outages = RateLimitedLog(5)


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, busy or cannot be written, so that the same request may succeed later.

    The error may be SQLAlchemy's, or the driver's own where a statement did not go through SQLAlchemy.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_outage(error.orig))
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or error.sqlstate == READ_ONLY
    if isinstance(error, sqlite3.Error):
        # the plain class: a file that is damaged, or not a database any more
        return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
    return isinstance(error, NoConnectionLeft | Unavailable)


def outage_reason(error: BaseException) -> str:
    """The first line of what the driver says: the following ones, and SQLAlchemy's, may tell values of a row."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def log_outage(error: BaseException) -> None:
    """Write one line for an outage, at most every 5 s in this process."""
    _outages.write(log.error, "database did not answer", error=outage_reason(error))
