"""Whether the database takes writes: a full disk and a read-only database answer every question as before."""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import Lock
from time import monotonic

from sqlalchemy import Engine, text

from webapp.db.outages import is_outage, outage_reason
from webapp.db.transactions import WRITE, write_connection

KEPT_SECONDS = 3.0
"""For how long a good answer is given again: probes may come from many places."""
ROOM = 256 * 1024
"""Bytes that must find room on the disk."""
SPILL = text(
    "SELECT count(*) FROM (SELECT repeat('x', 250) AS filler, number FROM generate_series(1, 4000) AS number"
    " ORDER BY filler, number DESC OFFSET 0) AS sorted"
)
"""Sorts a megabyte with less memory than that, so that PostgreSQL needs room on its disk, and no row is written."""
READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")


class WriteCheck:
    """Asks a database that takes writes at most every few seconds; probes that come meanwhile wait for the answer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until = 0.0
        self._reason: str | None = None

    def reason(self, engine: Engine) -> str | None:
        """Why nothing can be written, for the log; None if it can."""
        with self._lock:
            if monotonic() >= self._until:
                self._reason = _reason(engine)
                self._until = monotonic() + (KEPT_SECONDS if self._reason is None else 0)
            return self._reason


def _reason(engine: Engine) -> str | None:
    try:
        if engine.dialect.name == "postgresql":
            return _try_postgresql(engine)
        _try_sqlite(engine)
    except OSError as error:
        return error.strerror or str(error)
    except Exception as error:
        if not is_outage(error):
            raise
        return outage_reason(error)
    return None


def _try_postgresql(engine: Engine) -> str | None:
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        if connection.scalar(READ_ONLY):
            return "the database is read-only, or a standby"
        connection.execute(text("SET LOCAL work_mem = '64kB'"))
        connection.execute(SPILL)
    return None


def _try_sqlite(engine: Engine) -> None:
    with write_connection(engine) as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar()
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")  # one page, committed; nothing has changed
    # what was deleted leaves room in its files, which later writes do not find
    with tempfile.TemporaryFile(dir=Path(engine.url.database or "").parent) as room:
        room.write(bytes(ROOM))
