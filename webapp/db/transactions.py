"""Transactions: one writer at a time on SQLite, row locks on PostgreSQL; and whether writing is possible at all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from webapp.db.outages import is_outage, outage_reason
from webapp.exceptions import Unavailable

WRITE = "examhall_write"
"""Execution option of a connection that writes; on SQLite its value is the deadline for the write lock."""
WRITERS_LOCK = "examhall_writers_lock"
"""Execution option of an engine for SQLite: the lock for which the writers of this process queue."""
WRITE_TIMEOUT_SECONDS = 10.0
"""How long a writer waits for other writers, in this process and in others."""
SORT_A_MEGABYTE = text(
    "SELECT count(*) FROM (SELECT repeat('x', 250) AS filler, number FROM generate_series(1, 4000) AS number"
    " ORDER BY filler, number DESC OFFSET 0) AS sorted"
)


@contextmanager
def writing(session: Session, *, keep: bool = False) -> Iterator[None]:
    """One write transaction: begins anew, commits at the end, rolls back on any exception.

    What the session has read before is forgotten: what a decision rests on must be read inside. With `keep`, objects
    that were read or written inside stay loaded after the commit.

    On SQLite the writers of this process queue for a lock, which lets other greenlets run; the library's own wait
    would not. Raises `Unavailable` if another process holds SQLite for too long.
    """
    session.rollback()
    session.expire_on_commit = not keep
    deadline = monotonic() + WRITE_TIMEOUT_SECONDS  # before the queue, or a hundred writers would add up
    with session.get_bind().get_execution_options().get(WRITERS_LOCK, nullcontext()):
        try:
            session.connection(execution_options={WRITE: deadline})
            yield
            session.commit()
        except BaseException:
            session.rollback()
            raise


def read_snapshot(session: Session) -> None:
    """Have all further reads of this session see one snapshot, until its transaction ends.

    On PostgreSQL each statement would see its own, and a server-side cursor lives only inside a transaction. On SQLite
    every transaction is like this.
    """
    session.rollback()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def write_failure(engine: Engine) -> str | None:
    """Why nothing can be written, for the log; None if it can.

    With a full disk, or read-only, the database still answers every query.
    """
    try_writing = _try_sqlite if engine.dialect.name == "sqlite" else _try_postgresql
    try:
        with Session(engine) as session, writing(session):
            try_writing(session)
    except Exception as error:
        if isinstance(error, OSError) or is_outage(error):
            return outage_reason(error)
        raise
    return None


def _try_postgresql(session: Session) -> None:
    if session.scalar(text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")):
        raise Unavailable("the database is read-only, or a standby")
    session.execute(text("SET LOCAL work_mem = '64kB'"))
    session.execute(SORT_A_MEGABYTE)  # needs disk space for lack of memory, and writes no row


def _try_sqlite(session: Session) -> None:
    version = session.scalar(text("PRAGMA user_version"))
    session.execute(text(f"PRAGMA user_version = {version}"))  # writes a page and changes nothing
    # space freed inside the database file lets that succeed on a full disk, on which its log could not grow
    with tempfile.TemporaryFile(dir=Path(session.connection().engine.url.database or "").parent) as file:
        file.write(bytes(256 * 1024))
