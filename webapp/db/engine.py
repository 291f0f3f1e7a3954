"""How the database is opened and written: one write transaction at a time on SQLite, plain ones on PostgreSQL."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine.interfaces import ExecutionContext

from webapp.db.casefold import register_sqlite_functions
from webapp.db.connection import TimeoutConnection, connection_class
from webapp.db.pool import FairPool
from webapp.db.startup_check import create_private_file
from webapp.db.transactions import WRITE, WRITE_TIMEOUT_SECONDS
from webapp.exceptions import Unavailable

NOT_AWAITED = "examhall_not_awaited"
"""Option of a statement without rows, in a transaction: PostgreSQL works on it while this process goes on. What comes
next on the connection waits for its end, and raises its error. It is planned once."""


def exists_on(dialect: str) -> Callable[..., bool]:
    """For Alembic's comparison: whether something of the models exists on this database (`info={"only_on": …}`)."""

    def include(item: Any, _name: str | None, _type: str, _reflected: bool, _compare_to: Any) -> bool:
        return bool(item.info.get("only_on", dialect) == dialect)

    return include


def engine_options(url: str) -> dict[str, Any]:
    """What an engine for this database is made with. Streams hold no connection, so a pool is for requests only."""
    common = {
        "poolclass": FairPool,
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
            # nothing is prepared because it comes often (`PREPARED` is): the monitor's statements depend on the
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


def configure_engine(engine: Engine) -> None:
    """Give every connection of this engine its settings.

    On SQLite a plain transaction may only read: a write outside `writing()` fails at once instead of deadlocking one
    day. On PostgreSQL there is none outside it.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", lambda _dialect, _record, given, _options: create_private_file(given[0]))
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
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
    elif context.execution_options.get("examhall_prepared"):
        cursor.execute(statement, parameters, prepare=True)
    else:
        return False
    return True


def _connect_to_postgresql(_dialect: Dialect, _record: Any, arguments: Any, options: Any) -> TimeoutConnection:
    return connection_class().connect(*arguments, **options)


def _on_postgresql_connect(connection: Any, _record: Any) -> None:
    settings = {
        # as long as a writer on SQLite waits
        "lock_timeout": f"{WRITE_TIMEOUT_SECONDS:.0f}s",
        # a process that stands still within a sending must not hold the log's head for ever
        "idle_in_transaction_session_timeout": "60s",
        # compiling a statement took longer than running it
        "jit": "off",
        # who is online id_in half a million, and a phrase that many match: with the default of 4 MB in several passes
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


def _on_sqlite_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 50")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()
    register_sqlite_functions(connection)


def _on_sqlite_begin(connection: Connection) -> None:
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
