"""A connection pool that hands connections over in turn (decision record 11)."""

from collections import deque
from concurrent.futures import Future

from sqlalchemy.pool import QueuePool
from sqlalchemy.pool.base import ConnectionPoolEntry
from sqlalchemy.util.queue import Empty, Queue


class FairQueue(Queue[ConnectionPoolEntry]):
    """Hands a connection that comes back to the request that has waited longest."""

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
