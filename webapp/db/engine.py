"""Engines: their options, their pool, and the settings of each connection."""

import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.pool import QueuePool
from sqlalchemy.pool.base import ConnectionPoolEntry
from sqlalchemy.util.queue import Empty, Queue

from webapp.db.outages import TimeoutConnection
from webapp.db.startup_check import create_private_file
from webapp.db.transactions import WRITE, WRITE_TIMEOUT_SECONDS, WRITERS_LOCK
from webapp.exceptions import Unavailable
from webapp.text.normalization import fold_for_search

POSTGRESQL_SETTINGS = {
    "lock_timeout": f"{WRITE_TIMEOUT_SECONDS:.0f}s",
    # a process that stops within a sending must not hold the head of the log
    "idle_in_transaction_session_timeout": "60s",
    # compiling a statement takes longer than running it
    "jit": "off",
    # sorts and hashes of a large hall's candidates in one pass
    "work_mem": "32MB",
    # the tables lie in memory: with the default, a whole scan looks cheaper than an index
    "random_page_cost": "1.1",
}


READING = ("SELECT", "WITH", "EXPLAIN", "PRAGMA")
"""How a statement begins that a connection may execute outside `writing()` on SQLite."""


class FairQueue(Queue[ConnectionPoolEntry]):
    """Hands a connection that comes back to the request that has waited longest (decision record 11)."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.waiters: deque[Future[ConnectionPoolEntry]] = deque()

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:
        """Give `item` to the first waiter; without waiters, keep it as the base class does."""
        with self.mutex:
            while self.waiters:
                waiter = self.waiters.popleft()
                if waiter.set_running_or_notify_cancel():
                    waiter.set_result(item)
                    return
            # still locked: a request that came in between would wait for a connection that lies here
            super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """The next free connection. Raises `Empty` if there is none after `timeout` seconds."""
        with self.mutex:
            if not block or not self._empty():
                return super().get(block=False)
            waiter: Future[ConnectionPoolEntry] = Future()
            self.waiters.append(waiter)
        try:
            return waiter.result(timeout)
        except TimeoutError:
            if waiter.cancel():
                raise Empty from None
            return waiter.result()
        except BaseException:  # a greenlet that is killed while it waits
            if not waiter.cancel():
                self.put(waiter.result(), block=False)
            raise


class FairPool(QueuePool):
    """A `QueuePool` in which no request waits longer than one that came later."""

    _queue_class = FairQueue


def exists_on(dialect: str) -> Callable[..., bool]:
    """For Alembic: whether a table or an index of the models exists on this database (`info={"only_on": …}`)."""
    return lambda item, *_: item.info.get("only_on", dialect) == dialect


def engine_options(url: str) -> dict[str, Any]:
    """Options of an engine for the database at `url`. Streams hold no connection, so the pool serves requests only."""
    # parameters may be password hashes or messages, and the statement of an error goes into the log
    common = {"poolclass": FairPool, "pool_timeout": 10, "hide_parameters": True}
    if url.startswith("sqlite"):
        return {**common, "pool_size": 20, "max_overflow": 40}
    return {
        **common,
        # a statement is a transaction by itself: one round trip instead of three; `writing()` sends BEGIN
        "isolation_level": "AUTOCOMMIT",
        # one core runs no more statements at a time; 40 processes stay below 500 connections; none is closed after a
        # peak, because opening connections again would slow down the next one
        "pool_size": 12,
        "max_overflow": 0,
        "connect_args": {
            "application_name": "examhall",
            # only statements with `PREPARED` are: the best plan of a search depends on its phrase, and a generic plan
            # reads the whole table (`plan_cache_mode` would also plan each check of a foreign key anew)
            "prepare_threshold": sys.maxsize,
            "connect_timeout": 5,
            # detect a database whose machine is gone, which sends not even an error
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
        },
    }


def configure_engine(engine: Engine) -> None:
    """Give every connection of this engine its settings.

    On SQLite a write outside `writing()` raises at once; otherwise it could fail later with "database is locked".
    """
    if engine.dialect.name == "sqlite":
        engine.update_execution_options(**{WRITERS_LOCK: Lock()})
        event.listen(engine, "do_connect", lambda _dialect, _record, args, _options: create_private_file(args[0]))
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
        event.listen(engine, "before_cursor_execute", _require_writing)
    else:
        event.listen(engine, "do_connect", _connect_to_postgresql)
        event.listen(engine, "begin", _on_postgresql_begin)
        event.listen(engine, "do_execute", _execute)


def _execute(cursor: Any, statement: str, parameters: Any, context: ExecutionContext) -> bool:
    """Prepare a statement that asks for it; False leaves any other to SQLAlchemy."""
    if not context.execution_options.get("examhall_prepared"):
        return False
    cursor.execute(statement, parameters, prepare=True)
    return True


def _connect_to_postgresql(_dialect: Any, _record: Any, args: Any, options: dict[str, Any]) -> TimeoutConnection:
    connection = TimeoutConnection.connect(*args, **options)
    calls = ", ".join("set_config(%s, %s, false)" for _ in POSTGRESQL_SETTINGS)
    try:
        connection.execute(f"SELECT {calls}", [part for pair in POSTGRESQL_SETTINGS.items() for part in pair])
        connection.commit()
    except BaseException:
        connection.close()  # SQLAlchemy does not know it yet
        raise
    return connection


def _on_postgresql_begin(connection: Connection) -> None:
    if WRITE in connection.get_execution_options():
        connection.exec_driver_sql("BEGIN")  # through SQLAlchemy, which invalidates a lost connection


def _on_sqlite_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_on_sqlite_begin`, not by the driver
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
        connection.execute(f"PRAGMA {setting}")
    # its own `lower()` knows ASCII only
    connection.create_function("examhall_fold", 1, lambda text: fold_for_search(text or ""), deterministic=True)


def _require_writing(
    connection: Connection, _cursor: Any, statement: str, _parameters: Any, context: DefaultExecutionContext, _: bool
) -> None:
    """Refuse a write outside `writing()`.

    SQLite's own `query_only` would do, but each change of it makes SQLite compile every statement of the connection
    anew (decision record 26).
    """
    is_read = statement.lstrip().startswith(READING) and not (context.isinsert or context.isupdate or context.isdelete)
    if not is_read and WRITE not in connection.get_execution_options():
        raise RuntimeError(f"a write outside writing(): {statement}")


def _on_sqlite_begin(connection: Connection) -> None:
    """Begin to read, or take the write lock, waiting until the deadline. Raises `Unavailable`.

    It sleeps between tries, which lets other greenlets run; SQLite's own wait would stop them all.
    """
    driver: Any = connection.connection.driver_connection
    deadline = connection.get_execution_options().get(WRITE)
    # a reader waits only while the write-ahead log is recovered
    driver.execute(f"PRAGMA busy_timeout = {50 if deadline is None else 0}")
    while True:
        try:
            driver.execute("BEGIN" if deadline is None else "BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > (deadline or 0):
                raise Unavailable("the database is busy") from error
            time.sleep(0.02)
        else:
            return
