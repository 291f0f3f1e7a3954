"""Whether the database can be opened: checked when a server starts, so that it can say so in one line.

It imports nothing of the application: gunicorn.conf.py runs this file in a process of its own, before gevent patches
the workers, with the database's URL on standard input.
"""

import os
import sys
from contextlib import suppress

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool


def create_private_file(path: str) -> None:
    """Create a missing SQLite file that only its owner can read; SQLite gives the files beside it the same mode.

    Errors are left to SQLite, which opens the file next and says what is wrong.
    """
    if path and not path.startswith((":", "file:")):
        with suppress(OSError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def connection_failure(url: str) -> str | None:
    """Why no connection can be opened, as one line for the operator without the URL; None if it can."""
    try:
        options = {} if url.startswith("sqlite") else {"connect_timeout": 5}
        engine = create_engine(url, poolclass=NullPool, connect_args=options)
        if engine.dialect.name == "sqlite":
            create_private_file(engine.url.database or "")
        engine.connect().close()
    except DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
    except (SQLAlchemyError, ValueError):
        reason = "this is not an address"  # without the URL, which may hold a password
    else:
        return None
    return f"Examhall cannot start. EXAMHALL_DATABASE_URL: the database cannot be opened: {reason}"


if __name__ == "__main__":
    sys.exit(connection_failure(sys.stdin.read()))
