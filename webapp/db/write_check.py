"""Whether the database takes writes: with a full disk, or read-only, it still answers every query."""

import tempfile
from pathlib import Path
from threading import Lock
from time import monotonic

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from webapp.db.outages import is_outage, outage_reason
from webapp.db.transactions import writing
from webapp.exceptions import Unavailable

CACHE_SECONDS = 3.0
"""For how long a good result is reused: probes may come from many places."""
DISK_BYTES = 256 * 1024
SORT = text(
    "SELECT count(*) FROM (SELECT repeat('x', 250) AS filler, number FROM generate_series(1, 4000) AS number"
    " ORDER BY filler, number DESC OFFSET 0) AS sorted"
)
"""Sorts a megabyte: with less memory than that, PostgreSQL needs disk space for it and writes no row."""
READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")


class WriteCheck:
    """Checks at most every few seconds; probes that come meanwhile wait for the result."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._valid_until = 0.0

    def reason(self, engine: Engine) -> str | None:
        """Why nothing can be written, for the log; None if it can."""
        with self._lock:
            if monotonic() < self._valid_until:
                return None
            try:
                with Session(engine) as session, writing(session):
                    _try_writing(session)
            except OSError as error:
                return error.strerror or str(error)
            except Exception as error:
                if not is_outage(error):
                    raise
                return outage_reason(error)
            self._valid_until = monotonic() + CACHE_SECONDS
            return None


def _try_writing(session: Session) -> None:
    if session.get_bind().dialect.name == "sqlite":
        _write_to_sqlite(session)
        return
    if session.scalar(READ_ONLY):
        raise Unavailable("the database is read-only, or a standby")
    session.execute(text("SET LOCAL work_mem = '64kB'"))
    session.execute(SORT)


def _write_to_sqlite(session: Session) -> None:
    version = session.scalar(text("PRAGMA user_version"))
    session.execute(text(f"PRAGMA user_version = {version}"))  # writes a page and changes nothing
    # space freed inside the database file lets that succeed on a full disk, on which its log could not grow
    folder = Path(session.connection().engine.url.database or "").parent
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(DISK_BYTES))
