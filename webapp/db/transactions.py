"""Transactions: one writer at a time on SQLite, row locks on PostgreSQL."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

WRITE = "examhall_write"
"""Execution option of a connection that writes; on SQLite its value is the deadline for the write lock."""
WRITE_TIMEOUT_SECONDS = 10.0
"""How long a writer waits for other writers, in this process and in others."""

_write_locks: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_write_locks_guard = threading.Lock()


@contextmanager
def writing(session: Session, *, keep: bool = False) -> Iterator[None]:
    """One write transaction: begins anew, commits at the end, rolls back on any exception.

    What the session has read before is forgotten: what a decision rests on must be read inside. With `keep`, objects
    that were read or written inside stay loaded after the commit.

    On SQLite the writers of this process queue for a lock, which lets other greenlets run; the library's own wait
    would not. Raises `Unavailable` if another process holds SQLite for too long.
    """
    session.rollback()
    bind = session.get_bind()
    session.expire_on_commit = not keep
    deadline = time.monotonic() + WRITE_TIMEOUT_SECONDS  # before the queue, or a hundred writers would add up
    with _write_lock(bind if isinstance(bind, Engine) else bind.engine):
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


def _write_lock(engine: Engine) -> AbstractContextManager[Any]:
    if engine.dialect.name == "postgresql":
        return nullcontext()
    with _write_locks_guard:
        return _write_locks.setdefault(engine, threading.Lock())
