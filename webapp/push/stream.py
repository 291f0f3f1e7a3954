"""One open stream: what waits for it, and what it writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from webapp.push.events import BEAT

QUEUE_LIMIT = 200
"""Events that wait for one stream. A client that takes nothing is cut off and gets what is open on its return."""
END = b""
SendChunk = Callable[[bytes], bool]
"""Writes an event to the client at once, without a wait, or does not and says so."""


class Stream:
    """A queue of events, and the ids that were already written (trap 13). Any thread may put; one writes.

    Where the server lends its socket (`send_chunk`, which only one that runs on a single thread may), whoever puts
    writes as well while the writer has nothing to do: to wake it and let it write takes four times as long.

    Thousands of these wait at the same time: a list and a lock take 300 bytes, where a queue and a timeout of its own
    took 7,000. So a stream waits without a timeout; its beats come from the hub.
    """

    __slots__ = ("_idle", "_send_chunk", "_waiting", "_wake", "_written", "closing", "second", "session_id", "user_id")

    def __init__(self, user_id: int, session_id: str, send_chunk: SendChunk | None = None) -> None:
        self._send_chunk = send_chunk
        self._idle = False
        """Whether the writer waits with everything written: nobody else uses the line then."""
        self.user_id = user_id
        self.session_id = session_id
        self.closing = False
        self.second = 0
        """In which second of the hub's round its beat comes."""
        self._waiting: list[tuple[int, bytes]] = []
        self._wake = threading.Lock()
        self._written: set[int] | None = None

    @property
    def waiting(self) -> int:
        """How many events wait to be written."""
        return len(self._waiting)

    def put(self, message_id: int, event: bytes) -> None:
        """Write an event at once if nothing stands before it, or queue it; `message_id` is 0 for what is no message.

        A full queue ends the stream.
        """
        if self._idle and self._send_chunk and not self._waiting and not self.closing:
            if message_id and not self._is_new(message_id):
                return
            if self._send_chunk(event):
                return
            message_id = 0  # it is in the list of those written already
        if len(self._waiting) >= QUEUE_LIMIT:
            self.end()
        if not self.closing:
            self._waiting.append((message_id, event))
            self._rouse()

    def beat(self) -> None:
        """A beat, unless something else waits to be written: that says as well that the line is alive."""
        if not self._waiting:
            self.put(0, BEAT)

    def end(self, *last: bytes) -> None:
        """Have the stream write `last` and end; a second time does nothing."""
        if self.closing:
            return
        self.closing = True
        self._waiting.extend((0, event) for event in (*last, END))
        self._rouse()

    def events(self, opening: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """What the client gets: a beat and what is open, at once; then what is put, until the end.

        `opening` is as `put` takes it.
        """
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
        written = self._written
        if written is None:
            written = self._written = set()  # most streams never write a message
        if message_id in written:
            return False
        written.add(message_id)
        return True

    def _rouse(self) -> None:
        """Release the lock that the writer waits for; it is left open if the writer is not there yet."""
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:
                return  # another thread was faster: the writer is awake and will see both events
