"""Connections of the database, handed on in turn.

SQLAlchemy's own queue tells the first who waits that a connection is back, and leaves it lying: whoever comes by takes
it, and the one who was told goes to the end of the queue. A request that gives one back and takes another at once was
always quicker; of forty sign-ins on twelve connections some waited for seconds, and on a busy machine for too long.
"""

from __future__ import annotations

import threading
from collections import deque

from sqlalchemy.pool import QueuePool
from sqlalchemy.pool.base import ConnectionPoolEntry
from sqlalchemy.util.queue import Empty, Queue


class _Turn:
    """Somebody who waits, and what they were given."""

    def __init__(self) -> None:
        self.come = threading.Event()
        self.given: ConnectionPoolEntry | None = None


class FairQueue(Queue[ConnectionPoolEntry]):
    """What is put back goes to whoever has waited longest; only without anybody waiting it is there for all."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.waiting: deque[_Turn] = deque()
        """Those who wait, longest first."""

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:
        """Give it to the first who waits, or keep it as the base class does (`Full`)."""
        with self.mutex:
            if self.waiting:
                turn = self.waiting.popleft()
                turn.given = item
                turn.come.set()
                return
        super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """The next that is free, after everybody who waits already. Raises `Empty` after `timeout` seconds."""
        with self.mutex:
            if not block or not self._empty():
                return super().get(block=False)
            turn = _Turn()
            self.waiting.append(turn)
        try:
            turn.come.wait(timeout)
        except BaseException:  # a greenlet that is ended while it waits
            self._leave(turn)
            if turn.given is not None:
                self.put(turn.given, block=False)
            raise
        self._leave(turn)
        if turn.given is None:
            raise Empty
        return turn.given

    def _leave(self, turn: _Turn) -> None:
        with self.mutex:
            if turn.given is None:
                self.waiting.remove(turn)


class FairPool(QueuePool):
    """A `QueuePool` that lets nobody wait longer than those who came later."""

    _queue_class = FairQueue
