"""One step after the other: requests and sweeps that stop before each statement, so that a test says who goes on.

Nothing is simulated below the requests: real applications on a real database, their hubs, sweeps and streams. An
operation runs in a greenlet of its own, and hands over where another process or request could come between: after a
statement, unless it holds a lock, and between the commit and the announcement. The same choices give the same run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from greenlet import GreenletExit, getcurrent, greenlet
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Connection, Engine, create_engine, event, text
from werkzeug.test import TestResponse

from tests.conftest import Browser
from tests.databases import Database, settings_for
from webapp import create_app
from webapp.db.transactions import WRITE
from webapp.extensions import db
from webapp.push.events import Announcement, Item
from webapp.push.stream import Stream

STREAMS = 100
LOCKING = "FOR UPDATE"


class Operation:
    """A request or a sweep under way. `step` runs it to its next stop; `result` is what it gave in the end."""

    def __init__(self, process: Process, run: Callable[[], Any]) -> None:
        self.process = process
        self.result: Any = None
        self._greenlet = greenlet(self._run)
        self._what = run

    @property
    def is_over(self) -> bool:
        """Whether it has ended, by itself or with its process."""
        return self._greenlet.dead

    def step(self) -> None:
        """Let it go on to its next stop. An exception in it comes out here."""
        self._greenlet.switch()

    def finish(self) -> Any:
        """Let it go on to its end; gives its result."""
        while not self.is_over:
            self.step()
        return self.result

    def die(self) -> None:
        """Its process has died: whatever it was about to do is not done."""
        while not self._greenlet.dead:
            self._greenlet.throw(GreenletExit)

    def _run(self) -> None:
        self.result = self._what()


def stop() -> None:
    """Hand over to whoever let this operation go on; nothing outside of one."""
    if getcurrent().parent is not None:
        getcurrent().parent.switch()


class Network:
    """What lies between the processes, as Redis does: best effort, and as late as the test wants."""

    def __init__(self, database: Database) -> None:
        self.processes: list[Process] = []
        self.waiting: deque[tuple[Process, Item]] = deque()
        self.templates = FileSystemBytecodeCache(str(database.folder))
        self.outside = create_engine(database.url)
        """A connection that sees what is committed, and nothing else."""

    def carry(self) -> None:
        """Bring the oldest item to the other processes, as they are now."""
        sender, item = self.waiting.popleft()
        for process in self.processes:
            if process is not sender:
                process.hub.dispatch(item)

    def lose(self) -> None:
        """The oldest item never arrives."""
        self.waiting.popleft()

    def close(self) -> None:
        """End all processes, also where one of them cannot be ended."""
        with ExitStack() as ending:
            ending.callback(self.outside.dispose)
            for process in self.processes:
                ending.callback(process.die)


class Line:
    """A process's end of the network: its bus."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network = network
        self._process = process

    def publish(self, item: Item) -> None:
        """Stop, because a process may die here; then this hub, and the others when the network carries it."""
        if isinstance(item, Announcement):
            with self._network.outside.connect() as connection:
                committed = connection.scalar(text("SELECT id FROM message WHERE id = :id"), {"id": item.message_id})
            assert committed, "announced before its commit"
        stop()
        self._process.hub.dispatch(item)
        self._network.waiting.append((self._process, item))


class Process:
    """A server process: an application with a hub and a sweep of its own. It can die, and is then another."""

    def __init__(self, database: Database, network: Network) -> None:
        self._database = database
        self._network = network
        self._began = False
        self.operations: list[Operation] = []
        self.start()

    def start(self) -> None:
        """A new application, which has had its first request; its loops are the test's."""
        self.app: Flask = create_app(settings_for(self._database, streams_per_process=STREAMS))
        self.app.testing = True
        self.app.test_client_class = Browser
        self.app.jinja_env.bytecode_cache = self._network.templates  # what takes a start most of its time
        push = self.app.extensions["examhall_push"]
        push.stop()
        push.bus = Line(self._network, self)
        self.hub = push.hub
        self.sweep = push.sweep
        assert self.app.test_client().get("/login").status_code == 200
        with self.app.app_context():
            self._engine: Engine = db.engine
        event.listen(self._engine, "after_cursor_execute", self._after_statement)
        for ending in ("commit", "rollback"):
            event.listen(self._engine, ending, _locks_are_released)

    def die(self) -> None:
        """The end without warning: nothing under way goes on, no stream is told."""
        try:
            for operation in self.operations:
                operation.die()
        finally:
            self.operations.clear()
            self._engine.dispose()

    def begin(self, run: Callable[[], Any]) -> Operation:
        """Begin an operation here; it runs when the test steps it."""
        self.operations = [one for one in self.operations if not one.is_over]
        operation = Operation(self, run)
        self.operations.append(operation)
        return operation

    def sweep_once(self) -> None:
        """A step of the sweep's loop."""
        with self.app.app_context():
            self.sweep.step()

    def browser(self, cookie: str) -> FlaskClient:
        """A browser with this session's cookie."""
        client = self.app.test_client()
        client.set_cookie(self.app.config["SESSION_COOKIE_NAME"], cookie)
        return client

    def open_stream(self, cookie: str, user_id: int, session_id: str) -> tuple[TestResponse, Stream]:
        """`GET /stream` in a session that has one stream at a time: the answer, and the stream behind it."""
        answer = self.browser(cookie).get("/stream", buffered=False)
        assert answer.status_code == 200
        found = [stream for stream in self.hub._by_person[user_id] if stream.session_id == session_id]
        assert len(found) == 1
        return answer, found[0]

    def _after_statement(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        """Stop, unless this transaction holds a lock that others would wait for: they could not go on."""
        if WRITE in connection.get_execution_options():
            return
        if LOCKING in statement or not statement.startswith(("SELECT", "BEGIN", "PRAGMA")):
            connection.info[LOCKING] = True
        if statement.startswith("SELECT") and LOCKING not in connection.info:
            stop()


def _locks_are_released(connection: Connection) -> None:
    if not connection.invalidated:  # as that of an operation that died
        connection.info.pop(LOCKING, None)
