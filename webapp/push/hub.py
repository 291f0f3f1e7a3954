"""The hub: which streams are open in this process, by person, and what is handed to them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from time import monotonic

from webapp import metrics
from webapp.push.events import BEAT, POLL, SIGNED_OUT
from webapp.refusals import Unavailable

STREAMS_PER_PERSON = 2
"""Browsers open at most six connections per host on HTTP/1.1; two streams leave room for pages (trap 9)."""
QUEUE_LIMIT = 200
"""Events that wait for one stream. A client that takes nothing is cut off and gets what is open on its return."""
BEAT_SECONDS = 15.0
REMEMBERED = 2000
"""How many handed-out messages the hub remembers, so that the sweep does not hand them out once more."""
END = b""


class NoStreamLeft(Unavailable):
    """This process serves no more streams: the page polls instead and tries again later."""


class Stream:
    """One open stream: a queue of events, and the ids that were already written to it (trap 13)."""

    __slots__ = ("_written", "closing", "queue", "session_id", "user_id")

    def __init__(self, user_id: int, session_id: str) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.queue: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
        self.closing = False
        self._written: set[int] = set()

    def put(self, message_id: int, event: bytes) -> None:
        """Queue an event; `message_id` is 0 for what is no message. A full queue ends the stream."""
        if self.queue.qsize() >= QUEUE_LIMIT:
            self.end()
        if not self.closing:
            self.queue.put((message_id, event))

    def end(self, *last: bytes) -> None:
        """Have the stream write `last` and end; a second time does nothing."""
        if self.closing:
            return
        self.closing = True
        for event in (*last, END):
            self.queue.put((0, event))

    def events(self, opening: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """What the client gets: a beat at once, the open notices, then what comes, and a beat every 15 seconds."""
        yield BEAT
        for message_id, event in opening:
            self._written.add(message_id)
            yield event
        next_beat = monotonic() + BEAT_SECONDS
        while True:
            try:
                message_id, event = self.queue.get(timeout=max(0.0, next_beat - monotonic()))
            except Empty:
                yield BEAT
                next_beat = monotonic() + BEAT_SECONDS
                continue
            if event == END:
                return
            if message_id in self._written:
                continue
            if message_id:
                self._written.add(message_id)
            yield event


class Hub:
    """All streams of this process. Safe under threads and under greenlets; nothing in it waits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._streams: dict[int, list[Stream]] = {}
        self._count = 0
        self._handed_out: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def open(self, user_id: int, session_id: str) -> Stream:
        """A new stream for this person, who keeps the two newest; an older one is told to poll.

        Raises `NoStreamLeft` beyond the process's capacity.
        """
        stream = Stream(user_id, session_id)
        with self._lock:
            if self._count >= self.capacity:
                raise NoStreamLeft("all streams of this process are taken", retry_after=60)
            streams = self._streams.setdefault(user_id, [])
            streams.append(stream)
            self._count += 1
            surplus = [one for one in streams if not one.closing][:-STREAMS_PER_PERSON]
        for older in surplus:
            older.end(POLL)
        metrics.OPEN_STREAMS.set(self._count)
        return stream

    def leave(self, stream: Stream) -> bool:
        """Forget a stream; True if it was the person's last one here. Twice does nothing."""
        with self._lock:
            streams = self._streams.get(stream.user_id, [])
            if stream not in streams:
                return False
            streams.remove(stream)
            self._count -= 1
            if not streams:
                del self._streams[stream.user_id]
        metrics.OPEN_STREAMS.set(self._count)
        return not streams

    def is_open(self, user_id: int) -> bool:
        """Whether this person has a stream in this process."""
        return user_id in self._streams

    def has_handed_out(self, message_id: int) -> bool:
        """Whether this process's streams have had the message."""
        return message_id in self._handed_out

    def hand_out(self, message_id: int, event: bytes, user_ids: Iterable[int]) -> None:
        """Give a message's event to every stream of these people; the same message a second time does nothing."""
        if self._seen_before(message_id):
            return
        reached = 0
        for user_id in user_ids:
            for stream in self._of(user_id):
                stream.put(message_id, event)
                reached += 1
        metrics.NOTICES_HANDED_OUT.inc(reached)

    def tell(self, user_id: int, event: bytes) -> None:
        """Give an event that is no message to every stream of a person."""
        for stream in self._of(user_id):
            stream.put(0, event)

    def sign_out(self, user_id: int, session_id: str) -> None:
        """End the streams that this session had opened."""
        for stream in self._of(user_id):
            if stream.session_id == session_id:
                stream.end(SIGNED_OUT)

    def _of(self, user_id: int) -> tuple[Stream, ...]:
        if user_id not in self._streams:
            return ()
        with self._lock:
            return tuple(self._streams.get(user_id, ()))

    def _seen_before(self, message_id: int) -> bool:
        with self._lock:
            if message_id in self._handed_out:
                return True
            self._handed_out[message_id] = None
            if len(self._handed_out) > REMEMBERED:
                self._handed_out.popitem(last=False)
            return False
