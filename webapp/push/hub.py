"""The hub: which streams are open in this process, by person, and what is handed to them."""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Iterable
from itertools import cycle

import structlog

from webapp import metrics
from webapp.exceptions import Refusal
from webapp.logging import RateLimitedLog
from webapp.push import files
from webapp.push.events import POLL, SIGNED_OUT, restart_event
from webapp.push.known_ends import KnownEnds
from webapp.push.stream import SendChunk, Stream

log = structlog.get_logger(__name__)
STREAMS_PER_PERSON = 2
"""Browsers open at most six connections per host on HTTP/1.1; two streams leave room for pages (trap 9)."""
ALL_SESSIONS = "*"
"""Instead of a session's id: all that a person has."""
BEAT_SECONDS = 15
"""How often each stream gets a beat, in whole seconds."""
RETURNS_PER_SECOND = 500
"""How fast pages come back to a process's successor: opening a stream takes it 1.5 ms, and pages want answers too."""
REMEMBERED = 2000
"""How many handed-out messages the hub remembers, so that the sweep does not hand them out once more."""


class NoStreamLeft(Refusal):
    """This process serves no more streams: the page polls instead and tries again later."""

    status = 503
    retry_after = 60


class Hub:
    """All streams of this process. Safe under threads and under greenlets; nothing in it waits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.ends = KnownEnds()
        self._streams: dict[int, list[Stream]] = {}
        self._count = 0
        self._draining = False
        # a stream has its beat in one of these seconds: thousands that open together would else beat together
        self._seconds: list[set[Stream]] = [set() for _ in range(BEAT_SECONDS)]
        self._next_second = cycle(range(BEAT_SECONDS))
        self._clock = cycle(range(BEAT_SECONDS))
        self._begins_after = 0
        self._handed_out: OrderedDict[int, None] = OrderedDict()
        self._full = RateLimitedLog(60)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def open(self, user_id: int, session_id: str, send_chunk: SendChunk | None = None) -> Stream:
        """A new stream for this person; `keep_newest` follows when it has proved to be theirs.

        In a process that is ending it ends at once, and its page comes back to another. Raises `NoStreamLeft` beyond
        the process's capacity.
        """
        stream = Stream(user_id, session_id, send_chunk)
        with self._lock:
            if self._count >= self.capacity:
                self._say_that_it_is_full()
                raise NoStreamLeft("all streams of this process are taken")
            self._streams.setdefault(user_id, []).append(stream)
            stream.second = next(self._next_second)
            self._seconds[stream.second].add(stream)
            self._count += 1
        if self._draining:
            stream.end(restart_event(_spread(1)))
        metrics.OPEN_STREAMS.set(self._count)
        return stream

    def keep_newest(self, user_id: int) -> None:
        """Leave a person the two newest streams; an older one is told to poll."""
        with self._lock:
            streams = [one for one in self._streams.get(user_id, ()) if not one.closing]
        for older in streams[:-STREAMS_PER_PERSON]:
            older.end(POLL)

    def leave(self, stream: Stream) -> bool:
        """Forget a stream; True if its person was here by no other and left by themselves. Twice does nothing."""
        with self._lock:
            streams = self._streams.get(stream.user_id, [])
            if stream not in streams:
                return False
            streams.remove(stream)
            self._seconds[stream.second].discard(stream)
            self._count -= 1
            if not streams:
                del self._streams[stream.user_id]
        metrics.OPEN_STREAMS.set(self._count)
        return not streams and not self._draining

    def beat(self) -> None:
        """Called every second: a beat for the streams whose second it is."""
        for stream in tuple(self._seconds[next(self._clock)]):
            stream.beat()

    def drain(self) -> None:
        """This process ends: each stream is told when its page is to come back, spread out, and ends.

        What nobody has read yet is written before that. Presence is not touched: nobody has left.
        """
        with self._lock:
            self._draining = True
            streams = [stream for one in self._streams.values() for stream in one]
        seconds = max(1.0, len(streams) / RETURNS_PER_SECOND)
        for stream in streams:
            stream.end(restart_event(_spread(seconds)))

    def begin_after(self, message_id: int) -> None:
        """Messages up to this one are old: every stream that will open here reads them when it opens, if they are
        still open then. An announcement that comes late would show them to whoever has closed them."""
        self._begins_after = message_id

    def is_open(self, user_id: int) -> bool:
        """Whether this person has a stream in this process."""
        return user_id in self._streams

    def has_handed_out(self, message_id: int) -> bool:
        """Whether this process's streams have had the message."""
        return message_id in self._handed_out

    def hand_out(self, message_id: int, event: bytes, user_ids: Iterable[int]) -> None:
        """Give a message's event to every stream of these people; an old one, or the same again, does nothing."""
        if message_id <= self._begins_after or self._seen_before(message_id):
            return
        reached = 0
        for user_id in user_ids:
            for stream in self._of(user_id):
                stream.put(message_id, event)
                reached += 1
        metrics.NOTICES_HANDED_OUT.inc(reached)

    def send_to_user(self, user_id: int, event: bytes) -> None:
        """Give an event that is no message to every stream of a person."""
        for stream in self._of(user_id):
            stream.put(0, event)

    def sign_out(self, user_id: int, session_id: str) -> None:
        """End the streams that this session had opened; all of the person's for `ALL_SESSIONS`."""
        self.ends.tell(user_id, session_id)
        for stream in self._of(user_id):
            if session_id in (ALL_SESSIONS, stream.session_id):
                stream.end(SIGNED_OUT)

    def _say_that_it_is_full(self) -> None:
        if self.capacity:  # 0: everybody polls here, as it was set
            self._full.write(
                log.warning,
                "all streams of this process are taken: further pages poll",
                streams=self.capacity,
                open_files_limit=files.limit(),
            )

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


def _spread(seconds: float) -> int:
    """A moment within so many seconds, in milliseconds from now."""
    return random.randrange(100, int(seconds * 1000) + 100)  # noqa: S311 nobody gains by guessing it
