"""The hub: the open streams of this process by person, and what is written to them."""

import random
import resource
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from itertools import cycle

import structlog

from webapp import metrics
from webapp.exceptions import Refusal
from webapp.logging import RateLimitedLog
from webapp.models import SessionClaims
from webapp.push.events import POLL, SIGNED_OUT, restart_event
from webapp.push.stream import DirectWriter, Stream

log = structlog.get_logger(__name__)
STREAMS_PER_PERSON = 2
"""Browsers open at most six connections per host on HTTP/1.1; two streams leave room for pages (trap 9)."""
ALL_SESSIONS = "*"
"""Stands for all sessions of a person where a session's id is expected."""
BEAT_SECONDS = 15
"""How often each stream gets a beat, in whole seconds."""
RETURNS_PER_SECOND = 500
"""How fast pages reconnect to another process when this one ends, so that it can answer requests meanwhile."""
REMEMBERED_MESSAGES = 2000
"""How many messages the hub remembers as handed out, so that the sweep does not hand them out again."""
REMEMBERED_ENDS = 20_000
"""How many ended sessions the hub remembers. Then it forgets all, and presence finds those still in use again."""
RESERVED_FILES = 96
"""Open files for the database, Redis, templates, and requests that are answered with 503."""


class NoStreamLeft(Refusal):
    """This process cannot open another stream now: the page polls and tries again later."""

    status = 503
    retry_after = 60


class Hub:
    """All streams of this process. Safe under threads and under greenlets; no method waits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._streams: dict[int, list[Stream]] = {}
        self._count = 0
        self._draining = False
        # each stream beats in one of these seconds, so that thousands do not beat at the same moment
        self._seconds: list[set[Stream]] = [set() for _ in range(BEAT_SECONDS)]
        self._next_second = cycle(range(BEAT_SECONDS))
        self._clock = cycle(range(BEAT_SECONDS))
        self._ignored_up_to = 0
        self._handed_out: OrderedDict[int, None] = OrderedDict()
        self._ended: set[tuple[int, str]] = set()
        self._full_log = RateLimitedLog(60)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def open(
        self, user_id: int, session_id: str, direct_writer: DirectWriter | None = None, locale: str = ""
    ) -> Stream:
        """Add a stream for this person, whose page is in `locale`.

        Call `keep_newest` when the session is known to count.
        While the process is ending, the stream ends at once and its page reconnects elsewhere. Raises `NoStreamLeft`.
        """
        stream = Stream(user_id, session_id, direct_writer, locale)
        with self._lock:
            if self._count >= self.capacity:
                self._log_full()
                raise NoStreamLeft("all streams of this process are taken")
            self._streams.setdefault(user_id, []).append(stream)
            stream.second = next(self._next_second)
            self._seconds[stream.second].add(stream)
            self._count += 1
        if self._draining:
            stream.end(restart_event(_random_delay(1)))
        metrics.OPEN_STREAMS.set(self._count)
        return stream

    def keep_newest(self, user_id: int) -> None:
        """End all but the person's two newest streams; the pages of the others poll."""
        open_streams = [stream for stream in self._of(user_id) if not stream.closing]
        for older in open_streams[:-STREAMS_PER_PERSON]:
            older.end(POLL)

    def leave(self, stream: Stream) -> bool:
        """Remove a stream. True if it was the person's last one and the process is not ending."""
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
        """Beat the streams of the current second; called every second."""
        for stream in tuple(self._seconds[next(self._clock)]):
            stream.beat()

    def drain(self) -> None:
        """End all streams because this process ends: what waits is written first, and each page reconnects at its own
        moment. The people do not count as gone.
        """
        with self._lock:
            self._draining = True
            streams = [stream for streams in self._streams.values() for stream in streams]
        seconds = max(1.0, len(streams) / RETURNS_PER_SECOND)
        for stream in streams:
            stream.end(restart_event(_random_delay(seconds)))

    def ignore_up_to(self, message_id: int) -> None:
        """Ignore announcements with an id ≤ `message_id`: streams opened from now on read those messages from the
        database. A late announcement could otherwise show a message that its reader has already closed.
        """
        self._ignored_up_to = message_id

    def is_open(self, user_id: int) -> bool:
        """Whether this person has a stream in this process."""
        return user_id in self._streams

    def has_handed_out(self, message_id: int) -> bool:
        """Whether this process's streams have got the message."""
        return message_id in self._handed_out

    def hand_out(
        self, message_id: int, event: bytes, user_ids: Iterable[int], translations: Mapping[str, str] | None = None
    ) -> None:
        """Put a message's event into all streams of these people, unless it is old or was handed out.

        `translations` has the event for streams with other locales.
        """
        if message_id <= self._ignored_up_to or not self._remember(message_id):
            return
        reached = 0
        events = {locale: text.encode() for locale, text in (translations or {}).items()}
        for user_id in user_ids:
            for stream in self._of(user_id):
                stream.put(message_id, events.get(stream.locale, event))
                reached += 1
        metrics.NOTICES_HANDED_OUT.inc(reached)

    def send_to_user(self, user_id: int, event: bytes) -> None:
        """Put an event that is not a message into all streams of a person."""
        for stream in self._of(user_id):
            stream.put(0, event)

    def sign_out(self, user_id: int, session_id: str) -> None:
        """End the streams of a session, or all of the person's for `ALL_SESSIONS`."""
        self.remember_end(user_id, session_id)
        for stream in self._of(user_id):
            if session_id in (ALL_SESSIONS, stream.session_id):
                stream.end(SIGNED_OUT)

    def remember_end(self, user_id: int, session_id: str) -> None:
        """Have `has_ended` know that a session has ended."""
        if len(self._ended) >= REMEMBERED_ENDS:
            self._ended.clear()
        self._ended.add((user_id, session_id))

    def has_ended(self, claims: SessionClaims) -> bool:
        """Whether this process knows that a session has ended, without asking the database."""
        return (claims.user_id, claims.session_id) in self._ended

    def _log_full(self) -> None:
        if self.capacity:  # 0 is set on purpose: all pages poll
            self._full_log.write(
                log.warning,
                "all streams of this process are taken: further pages poll",
                streams=self.capacity,
                open_files_limit=open_files_limit(),
            )

    def _of(self, user_id: int) -> tuple[Stream, ...]:
        if user_id not in self._streams:
            return ()
        with self._lock:
            return tuple(self._streams.get(user_id, ()))

    def _remember(self, message_id: int) -> bool:
        """Note that a message is handed out; False if it was before."""
        with self._lock:
            if message_id in self._handed_out:
                return False
            self._handed_out[message_id] = None
            if len(self._handed_out) > REMEMBERED_MESSAGES:
                self._handed_out.popitem(last=False)
            return True


def open_files_limit() -> int | None:
    """How many files this process may have open; None for no limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def streams_for_files(files: int) -> int:
    """How many streams fit into a limit of open files, when each page may have a second connection."""
    return max(0, (files - RESERVED_FILES) // 2)


def _random_delay(seconds: float) -> int:
    """A random moment within so many seconds, in milliseconds from now."""
    return random.randrange(100, int(seconds * 1000) + 100)  # noqa: S311 not a secret
