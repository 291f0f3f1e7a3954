"""Transactions: one writer at a time on SQLite, as many as come on PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

WRITE = "examhall_write"
"""Execution option of a connection that writes; on SQLite its value is the moment at which it gives up waiting."""
WRITE_TIMEOUT_SECONDS = 10.0
"""How long a writer waits for another process's write (a command beside the server) before it gives up."""

_write_locks: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_locks_guard = threading.Lock()


def read_snapshot(session: Session) -> None:
    """Have all that this session reads from now on be of one moment, until its transaction ends.

    Else each statement sees its own on PostgreSQL; on SQLite every transaction is like this. A list that is read by and
    by needs it: PostgreSQL keeps a place in it within a transaction only.
    """
    session.rollback()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def writing(session: Session, *, keep: bool = False) -> Iterator[None]:
    """One write transaction: begins fresh, commits at the end, rolls back on any exception.

    With `keep`, what was read and written in it can be looked at afterwards without another statement.

    On SQLite a lock of this process, which yields while it waits, is held around `BEGIN IMMEDIATE … COMMIT`, so
    that no greenlet or thread waits inside the library. What the session had read before is forgotten: what a
    decision rests on must be read inside. Raises `Unavailable` if another process holds SQLite for too long.
    """
    session.rollback()
    bind = session.get_bind()
    engine = bind if isinstance(bind, Engine) else bind.engine
    session.expire_on_commit = not keep
    # counted from before the queue of this process, or a hundred requests would wait one after the other
    deadline = time.monotonic() + WRITE_TIMEOUT_SECONDS
    with _turn(engine), _all_or_nothing(session):
        session.connection(execution_options={WRITE: deadline})
        yield


@contextmanager
def write_connection(engine: Engine) -> Iterator[Connection]:
    """A connection for one statement that writes, or a few on SQLite, where no session is needed.

    On PostgreSQL each statement on it is a transaction by itself; on SQLite all of them are one, begun and ended as in
    `writing()`. A session's own beginning and end take longer than a small statement.
    """
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            yield connection
        return
    deadline = time.monotonic() + WRITE_TIMEOUT_SECONDS
    with (
        _lock_of(engine),
        engine.connect().execution_options(**{WRITE: deadline}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _all_or_nothing(session: Session) -> Iterator[None]:
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise


def _turn(engine: Engine) -> AbstractContextManager[Any]:
    """This process's turn to write: of its own on SQLite, which has one writer at a time."""
    return _lock_of(engine) if engine.dialect.name == "sqlite" else nullcontext()


def _lock_of(engine: Engine) -> threading.Lock:
    known = _write_locks.get(engine)
    if known is not None:
        return known
    with _locks_guard:
        return _write_locks.setdefault(engine, threading.Lock())
