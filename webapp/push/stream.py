"""One open stream: the events that wait for it, and what it writes."""

import os
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from socket import SHUT_RDWR, socket
from typing import Any

from webapp.config import runs_on_gevent
from webapp.push.events import BEAT

QUEUE_LIMIT = 200
"""Events that wait for one stream. A longer queue ends the stream; its page gets the open notices when it is back."""
END = b""
DirectWriter = Callable[[bytes], bool]
"""Writes an event to the client at once, without waiting; False if it was not written."""


@dataclass(slots=True, eq=False)
class Stream:
    """A queue of events, and the ids of messages already written (trap 13). Any thread may put, one writes.

    A list and a lock, and no timeout of its own, take little memory: thousands of streams wait at the same time.
    """

    user_id: int
    session_id: str
    direct_writer: DirectWriter | None = None
    """`put` writes to the client with it while the stream's own writer waits for events."""
    locale: str = ""
    second: int = 0
    """The second of the hub's round in which this stream beats."""
    closing: bool = False
    waiting: list[tuple[int, bytes]] = field(default_factory=list)
    _idle: bool = False
    """Whether the writer waits for events and nobody else writes to the client."""
    _wake: threading.Lock = field(default_factory=threading.Lock)
    _written: set[int] = field(default_factory=set)

    def put(self, message_id: int, event: bytes) -> None:
        """Write an event at once if the stream is idle, or queue it. `message_id` is 0 unless it is a message.

        A full queue ends the stream.
        """
        if self._idle and self.direct_writer and not self.waiting:  # ends wait too
            if not self._is_new(message_id) or self.direct_writer(event):
                return
            message_id = 0  # already noted as written
        if len(self.waiting) >= QUEUE_LIMIT:
            self.end()
        if not self.closing:
            self.waiting.append((message_id, event))
            self._rouse()

    def end(self, *last: bytes) -> None:
        """Write these last events and end; a second time does nothing."""
        if self.closing:
            return
        self.closing = True
        self.waiting.extend((0, event) for event in (*last, END))
        self._rouse()

    def events(self, opening: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """The response body: a beat and the opening events (as for `put`) at once, then what is put, until the end."""
        yield BEAT + b"".join(event for message_id, event in opening if self._is_new(message_id))
        while True:
            while self.waiting:
                message_id, event = self.waiting.pop(0)
                if event == END:
                    return
                if self._is_new(message_id):
                    yield event
            self._idle = True
            self._wake.acquire()
            self._idle = False

    def _is_new(self, message_id: int) -> bool:
        """Note that a message is written; False if it was before."""
        if message_id in self._written:
            return False
        if message_id:
            self._written.add(message_id)
        return True

    def _rouse(self) -> None:
        """Release the lock that the writer waits for. If the writer is not waiting yet, it passes at once later."""
        with suppress(RuntimeError):  # it is released already: the writer is awake and sees this event too
            self._wake.release()


def direct_writer(environ: dict[str, Any]) -> DirectWriter | None:
    """A writer to this request's client, or None where only the server may write.

    gunicorn with gevent allows it: everything runs in one thread, the environment holds the client's socket, and a
    response without length goes out in chunks. See `docs/decisions/0007-direct-writes-to-idle-streams.md`.
    """
    client = environ.get("gunicorn.socket")
    if client is None or not runs_on_gevent() or environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return None
    return None if isinstance(client, ssl.SSLSocket) else partial(_write_chunk, client)


def _write_chunk(client: socket, event: bytes) -> bool:
    """Write an HTTP chunk without waiting. False: nothing or only a part of it was written."""
    chunk = b"%X\r\n%b\r\n" % (len(event), event)
    try:
        written = os.write(client.fileno(), chunk)  # gevent's sockets never block
        if written < len(chunk):
            client.shutdown(SHUT_RDWR)  # nothing may follow a part of a chunk; the page reconnects
    except OSError:  # its buffer is full, or the client has gone: the stream's own greenlet finds out
        return False
    return written == len(chunk)
