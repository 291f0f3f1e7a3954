"""How the database is opened and written: one write transaction at a time on SQLite, plain ones on PostgreSQL."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, Connection, Dialect, Engine, event
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from webapp.answering import AnsweringConnection, connection_class
from webapp.exceptions import Unavailable
from webapp.pool import PoolInTurn
from webapp.reachable import create_private

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WRITE = "examhall_write"
PLANNED_ONCE = "examhall_planned_once"
"""Option of a statement whose best plan does not depend on its parameters: planned once for each connection."""
NOT_AWAITED = "examhall_not_awaited"
"""Option of a statement without rows, in a transaction: PostgreSQL works on it while this process goes on. What comes
next on the connection waits for its end, and raises its error. It is planned once."""
EXPLAINED = "examhall_explained"
"""Option of a query that PostgreSQL is to tell its plan of, as one value of JSON, instead of running it."""
PATIENCE_SECONDS = 10.0
"""How long a writer waits for another process's write (a command beside the server) before it gives up."""

LARGEST_ID = 2**31 - 1
"""Ids are PostgreSQL's `integer`. A statement with a larger one fails there; on SQLite it just finds nothing."""

_write_locks: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_locks_guard = threading.Lock()


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, kept as whole microseconds since 1970.

    A number, because the same arithmetic (own end = end + minutes) then runs on SQLite and PostgreSQL and uses
    their indexes. In Python it is always an aware datetime.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else EPOCH + value * MICROSECOND


def microseconds(moment: datetime) -> int:
    """An aware moment as whole microseconds since 1970 (the way `Instant` stores it)."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return (moment - EPOCH) // MICROSECOND


def of_this_database(dialect: str) -> Callable[..., bool]:
    """For Alembic's comparison: whether something of the models exists on this database (`info={"only_on": …}`)."""

    def include(item: Any, _name: str | None, _type: str, _reflected: bool, _compare_to: Any) -> bool:
        return bool(item.info.get("only_on", dialect) == dialect)

    return include


def engine_options(url: str) -> dict[str, Any]:
    """What an engine for this database is made with. Streams hold no connection, so a pool is for requests only."""
    common = {
        "poolclass": PoolInTurn,
        # the log of a failure tells the statement; what it carries may be a password's hash, or what somebody wrote
        "hide_parameters": True,
    }
    if url.startswith("sqlite"):
        return {**common, "pool_size": 20, "max_overflow": 40, "pool_timeout": 10}
    return {
        **common,
        # each statement that reads is a transaction by itself, and sees its own moment anyway: one round trip, not
        # three. `writing()` begins a real one
        "isolation_level": "AUTOCOMMIT",
        # one core serves no more statements at a time than this; a nation's 40 processes stay below 500 connections.
        # All are kept: those opened for a crowd and closed after it were a twentieth of what a hall's saves took
        "pool_size": 12,
        "max_overflow": 0,
        "pool_timeout": 10,
        "connect_args": {
            "application_name": "examhall",
            # nothing is prepared because it comes often (`PLANNED_ONCE` is): the monitor's statements depend on the
            # phrase searched for, and a plan made once for any phrase reads the whole table. (plan_cache_mode would do
            # too, and have the check of every foreign key planned anew: a sending to 1,500 took a tenth of a second
            # more.)
            "prepare_threshold": sys.maxsize,
            "connect_timeout": 5,
            # a database whose machine is gone answers nothing, not even with an error
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
        },
    }


def prepare(engine: Engine) -> None:
    """Give every connection of this engine its settings.

    On SQLite a plain transaction may only read: a write outside `writing()` fails at once instead of deadlocking one
    day. On PostgreSQL there is none outside it.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", lambda _dialect, _record, given, _options: create_private(given[0]))
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    else:
        event.listen(engine, "do_connect", _connect_to_postgresql)
        event.listen(engine, "connect", _on_postgresql_connect)
        event.listen(engine, "begin", _on_postgresql_begin)
        for statement in ("do_execute", "do_executemany"):
            event.listen(engine, statement, _await_what_was_started)
        event.listen(engine, "do_execute", _execute_as_asked)


def _await_what_was_started(cursor: Any, *_: Any) -> None:
    cursor.connection.await_started()


def _execute_as_asked(cursor: Any, statement: str, parameters: Any, context: ExecutionContext) -> bool:
    """Whether this has run the statement, in the way that its options say."""
    if context.execution_options.get(NOT_AWAITED):
        cursor.connection.start(cursor, statement, parameters)
    elif context.execution_options.get(PLANNED_ONCE):
        cursor.execute(statement, parameters, prepare=True)
    elif context.execution_options.get(EXPLAINED):
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    else:
        return False
    return True


def _connect_to_postgresql(_dialect: Dialect, _record: Any, arguments: Any, options: Any) -> AnsweringConnection:
    return connection_class().connect(*arguments, **options)


def _on_postgresql_connect(connection: Any, _record: Any) -> None:
    settings = {
        # as long as a writer on SQLite waits
        "lock_timeout": f"{PATIENCE_SECONDS:.0f}s",
        # a process that stands still within a sending must not hold the log's head for ever
        "idle_in_transaction_session_timeout": "60s",
        # compiling a statement took longer than running it
        "jit": "off",
        # who is online among half a million, and a phrase that many match: with the default of 4 MB in several passes
        "work_mem": "32MB",
        # what is searched lies in memory: with the default of 4 an index looks dearer than a table read whole
        "random_page_cost": "1.1",
    }
    with connection.cursor() as cursor:
        calls = ", ".join("set_config(%s, %s, false)" for _ in settings)
        cursor.execute(f"SELECT {calls}", [part for pair in settings.items() for part in pair])
    connection.commit()


def _on_postgresql_begin(connection: Connection) -> None:
    if WRITE in connection.get_execution_options():
        connection.exec_driver_sql("BEGIN")  # by SQLAlchemy, which takes a lost connection out of its pool


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 50")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # said to the driver itself: each of these by SQLAlchemy takes twenty times what it takes SQLite
    driver: Any = connection.connection.driver_connection
    deadline = connection.get_execution_options().get(WRITE)
    writes, info = deadline is not None, connection.connection.info
    if info.get(WRITE) is not writes:
        driver.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        # readers wait only where WAL itself is being mended, and writers by sleeping
        driver.execute(f"PRAGMA busy_timeout = {0 if writes else 50}")
        info[WRITE] = writes
    if deadline is not None:
        _begin_immediate(driver, deadline)
    else:
        driver.execute("BEGIN")


def _begin_immediate(driver: sqlite3.Connection, deadline: float) -> None:
    """Take SQLite's write lock. Waits by sleeping, which yields under gevent; SQLite's own wait would stop the loop."""
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise Unavailable("the database is busy") from error
            time.sleep(0.02)
        else:
            return


def in_one_moment(session: Session) -> None:
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
    deadline = time.monotonic() + PATIENCE_SECONDS
    with _turn(engine), _all_or_nothing(session):
        session.connection(execution_options={WRITE: deadline})
        yield


@contextmanager
def writing_at_once(engine: Engine) -> Iterator[Connection]:
    """A connection for one statement that writes, or a few on SQLite, where no session is needed.

    On PostgreSQL each statement on it is a transaction by itself; on SQLite all of them are one, begun and ended as in
    `writing()`. A session's own beginning and end take longer than a small statement.
    """
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            yield connection
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
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
