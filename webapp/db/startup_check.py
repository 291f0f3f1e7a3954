"""Whether the database can be opened at all: asked once, when a server starts, so that it says so in one line.

Imports nothing of the application: gunicorn.conf.py runs this file in a process of its own, before its workers are
patched by gevent, with the address on standard input.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

CONNECT_SECONDS = 5


def create_private_file(path: str) -> None:
    """Create the file of a SQLite database for its owner alone, if it is not there; those beside it become alike.

    What cannot be created SQLite itself words, right afterwards.
    """
    if path and not path.startswith((":", "file:")):
        with suppress(OSError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def connection_failure(url: str) -> str | None:
    """Open a connection and close it; if that fails, one line for the operator, without the address."""
    options = {} if url.startswith("sqlite") else {"connect_timeout": CONNECT_SECONDS}
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=options)
        if engine.dialect.name == "sqlite":
            create_private_file(engine.url.database or "")
        engine.connect().close()
    except DBAPIError as error:
        lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        return _words(lines[0])
    except (SQLAlchemyError, ValueError):
        return _words("this is not an address")  # not repeated: it may hold a password
    return None


def _words(reason: str) -> str:
    return f"Examhall cannot start. EXAMHALL_DATABASE_URL: the database cannot be opened: {reason}"


if __name__ == "__main__":
    sys.exit(connection_failure(sys.stdin.read()))
