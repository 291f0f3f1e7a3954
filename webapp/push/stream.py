"""One open stream: the events that wait for it, and what it writes."""

import threading
from collections.abc import Callable, Iterable, Iterator

from webapp.push.events import BEAT

QUEUE_LIMIT = 200
"""Events that wait for one stream. A longer queue ends the stream; its page gets the open notices when it is back."""
END = b""
DirectWriter = Callable[[bytes], bool]
"""Writes an event to the client at once, without waiting; False if it was not written."""


class Stream:
    """A queue of events, and the ids of messages already written (trap 13). Any thread may put, one writes.

    With a `DirectWriter`, `put` writes to the client itself while the writer waits for events.

    A list and a lock instead of `queue.Queue`, and no timeout of its own, because thousands of streams wait at the
    same time. Their beats come from the hub.
    """

    __slots__ = (
        "_direct_writer",
        "_idle",
        "_waiting",
        "_wake",
        "_written",
        "closing",
        "locale",
        "second",
        "session_id",
        "user_id",
    )

    def __init__(
        self, user_id: int, session_id: str, direct_writer: DirectWriter | None = None, locale: str = ""
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.locale = locale
        self.closing = False
        self.second = 0
        """The second of the hub's round in which this stream beats."""
        self._direct_writer = direct_writer
        self._idle = False
        """Whether the writer waits for events and nobody else writes to the client."""
        self._waiting: list[tuple[int, bytes]] = []
        self._wake = threading.Lock()
        self._written: set[int] | None = None

    @property
    def waiting(self) -> int:
        """How many events wait to be written."""
        return len(self._waiting)

    def put(self, message_id: int, event: bytes) -> None:
        """Write an event at once if the stream is idle, or queue it. `message_id` is 0 unless it is a message.

        A full queue ends the stream.
        """
        if self._idle and self._direct_writer and not self._waiting and not self.closing:
            if message_id and not self._is_new(message_id):
                return
            if self._direct_writer(event):
                return
            message_id = 0  # already noted as written
        if len(self._waiting) >= QUEUE_LIMIT:
            self.end()
        if not self.closing:
            self._waiting.append((message_id, event))
            self._rouse()

    def beat(self) -> None:
        """Put a beat, unless other events wait, which prove as well that the connection is alive."""
        if not self._waiting:
            self.put(0, BEAT)

    def end(self, *last: bytes) -> None:
        """Write these last events and end; a second time does nothing."""
        if self.closing:
            return
        self.closing = True
        self._waiting.extend((0, event) for event in (*last, END))
        self._rouse()

    def events(self, opening: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """The response body: a beat and the opening events (as for `put`) at once, then what is put, until the end."""
        yield BEAT + b"".join(event for message_id, event in opening if not message_id or self._is_new(message_id))
        while True:
            while self._waiting:
                message_id, event = self._waiting.pop(0)
                if event == END:
                    return
                if not message_id or self._is_new(message_id):
                    yield event
            self._idle = True
            self._wake.acquire()
            self._idle = False

    def _is_new(self, message_id: int) -> bool:
        if self._written is None:
            self._written = set()  # created late: most streams never write a message
        if message_id in self._written:
            return False
        self._written.add(message_id)
        return True

    def _rouse(self) -> None:
        """Release the lock that the writer waits for. If the writer is not waiting yet, it passes at once later."""
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:
                return  # another thread has released it: the writer is awake and sees both events
