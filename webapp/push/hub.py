"""The hub: the open streams of this process by person, and what is written to them."""

import random
import resource
import threading
from collections import deque
from itertools import chain, cycle

import structlog

from webapp import metrics
from webapp.config import runs_on_gevent
from webapp.exceptions import Refusal
from webapp.logging import RateLimitedLog
from webapp.models import SessionClaims
from webapp.push.events import (
    ALL_SESSIONS,
    BEAT,
    POLL,
    SIGNED_OUT,
    Announcement,
    GroupEvent,
    Item,
    SignOut,
    UserEvent,
    named_event,
)  # fmt: skip
from webapp.push.stream import DirectWriter, Stream

log = structlog.get_logger(__name__)
STREAMS_UNDER_GEVENT = 10_000
STREAMS_PER_PERSON = 2
"""Browsers open at most six connections per host on HTTP/1.1; two streams leave room for pages (trap 9)."""
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
        self._by_person: dict[int, list[Stream]] = {}
        # each stream beats in one of these seconds, so that thousands do not beat at the same moment
        self._by_second: list[set[Stream]] = [set() for _ in range(BEAT_SECONDS)]
        self._next_second = cycle(range(BEAT_SECONDS))
        self._beats = cycle(self._by_second)
        self._draining = False
        self.ignored_up_to = 0
        """Announcements up to this id are ignored: streams read those messages when they open. A late announcement
        could otherwise show a message that its reader has already closed.
        """
        self._handed_out: deque[int] = deque(maxlen=REMEMBERED_MESSAGES)
        self._ended: set[SignOut] = set()
        self._full_log = RateLimitedLog(60)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(map(len, self._by_second))

    def open(self, user_id: int, session_id: str, writer: DirectWriter | None = None, locale: str = "") -> Stream:
        """Add a stream for this person, whose page is in `locale`. Raises `NoStreamLeft`.

        Call `keep_newest` when the session is known to count. While the process is ending, the stream ends at once and
        its page reconnects elsewhere.
        """
        stream = Stream(user_id, session_id, writer, locale, next(self._next_second))
        with self._lock:
            if len(self) >= self.capacity:
                if self.capacity:  # 0 is set on purpose: all pages poll
                    text = "all streams of this process are taken: further pages poll"
                    limit = _open_files_limit()
                    self._full_log.write(log.warning, text, streams=self.capacity, open_files_limit=limit)
                raise NoStreamLeft("all streams of this process are taken")
            self._by_person.setdefault(user_id, []).append(stream)
            self._by_second[stream.second].add(stream)
        if self._draining:
            stream.end(_restart_event(1))
        metrics.OPEN_STREAMS.set(len(self))
        return stream

    def keep_newest(self, user_id: int) -> None:
        """End all but the person's two newest streams; the pages of the others poll."""
        open_streams = [stream for stream in self._of(user_id) if not stream.closing]
        for older in open_streams[:-STREAMS_PER_PERSON]:
            older.end(POLL)

    def leave(self, stream: Stream) -> bool:
        """Remove a stream. True if it was the person's last one and the process is not ending."""
        with self._lock:
            if stream not in self._by_second[stream.second]:
                return False
            self._by_second[stream.second].remove(stream)
            streams = self._by_person[stream.user_id]
            streams.remove(stream)
            if not streams:
                del self._by_person[stream.user_id]
        metrics.OPEN_STREAMS.set(len(self))
        return not streams and not self._draining

    def beat(self) -> None:
        """Beat the streams of the current second, unless events wait, which prove as well that the connection lives."""
        for stream in tuple(next(self._beats)):
            if not stream.waiting:
                stream.put(0, BEAT)

    def drain(self) -> None:
        """End all streams with the process: what waits is written first, and pages reconnect one after the other."""
        with self._lock:
            self._draining = True
            streams = list(chain(*self._by_second))
        for stream in streams:
            stream.end(_restart_event(max(1, len(streams) / RETURNS_PER_SECOND)))

    def is_open(self, user_id: int) -> bool:
        """Whether this person has a stream in this process."""
        return user_id in self._by_person

    def has_handed_out(self, message_id: int) -> bool:
        """Whether this process's streams have got the message."""
        with self._lock:
            return message_id in self._handed_out

    def has_ended(self, claims: SessionClaims) -> bool:
        """Whether this process knows that a session has ended, without asking the database."""
        return SignOut(claims.user_id, claims.session_id) in self._ended

    def dispatch(self, item: Item) -> None:
        """Bring an item to the streams that it is for."""
        match item:
            case Announcement():
                self._hand_out(item)
            case UserEvent() | GroupEvent():
                for user_id in item.user_ids:
                    for stream in self._of(user_id):
                        stream.put(0, item.event)
            case SignOut():
                if len(self._ended) >= REMEMBERED_ENDS:
                    self._ended.clear()
                self._ended.add(item)
                for stream in self._of(item.user_id):
                    if item.session_id in (ALL_SESSIONS, stream.session_id):
                        stream.end(SIGNED_OUT)

    def _hand_out(self, announcement: Announcement) -> None:
        message_id = announcement.message_id
        with self._lock:
            if message_id <= self.ignored_up_to or message_id in self._handed_out:
                return
            self._handed_out.append(message_id)
        events = {locale: text.encode() for locale, text in announcement.translations.items()}
        streams = [stream for user_id in announcement.user_ids for stream in self._of(user_id)]
        for stream in streams:
            stream.put(message_id, events.get(stream.locale, announcement.event))
        metrics.NOTICES_HANDED_OUT.inc(len(streams))

    def _of(self, user_id: int) -> tuple[Stream, ...]:
        with self._lock:
            return tuple(self._by_person.get(user_id, ()))


def stream_capacity(wanted: int | None) -> int:
    """How many streams this process may hold. Without gevent 0 unless set: each would take one of the few threads."""
    if wanted is None:
        wanted = STREAMS_UNDER_GEVENT if runs_on_gevent() else 0
    limit = _open_files_limit()
    possible = wanted if limit is None else max(0, (limit - RESERVED_FILES) // 2)  # a page may have two connections
    if possible < wanted:
        log.warning("fewer streams than wanted: open files are limited (ulimit -n)", limit=limit, streams=possible)
    return min(possible, wanted)


def _open_files_limit() -> int | None:
    """How many files this process may have open; None for no limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _restart_event(seconds: float) -> bytes:
    """This process ends: the page reconnects at a random moment within so many seconds."""
    milliseconds = random.randrange(100, int(seconds * 1000) + 100)  # noqa: S311 not a secret
    return named_event("restart", str(milliseconds))
