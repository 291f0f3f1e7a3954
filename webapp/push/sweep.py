"""The outbox sweep: every second, messages numbered above the last one handed to the hub go to the hub (R8).

And so does what else every process's streams have to hear: notices that were closed, sittings that have changed,
sessions that have ended.

Numbers are given in commit order (the log's head is locked until the commit), so no late commit can hide below the
cursor (trap 7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import time

from webapp import metrics
from webapp.clock import utcnow
from webapp.push.bus import Announcement, SignOut, UserEvent, dispatch
from webapp.push.hub import Hub

SWEEP_SECONDS = 1.0
OVERLAP = timedelta(seconds=3)
"""How far back each sweep looks for words. They have a time and no number: a commit may take a while, clocks differ."""


@dataclass(frozen=True)
class MessageSource:
    """Where the sweep reads. Each call needs an application context."""

    newest: Callable[[], int]
    """The highest message number committed so far (0: none)."""
    numbers_after: Callable[[int], Sequence[int]]
    """The message numbers above one, in order."""
    load: Callable[[int], Announcement]
    """A message as it is announced."""
    user_events_since: Callable[[datetime], Iterable[UserEvent]]
    """What people's tabs have to hear of the time after a moment: notices closed, sittings changed."""


class Sweep:
    """The cursor of one process over the outbox."""

    def __init__(self, hub: Hub, messages: MessageSource, ended_since: Callable[[datetime], Iterable[SignOut]]) -> None:
        self._hub = hub
        self._messages = messages
        self._ended_since = ended_since
        self._cursor: int | None = None
        self._swept_at = utcnow()
        self._told: set[UserEvent | SignOut] = set()

    def start(self) -> None:
        """Set the cursor to now, before the first stream opens: what is older, a stream reads when it opens."""
        self._swept_at = utcnow()
        self._cursor = self._messages.newest()
        self._hub.begin_after(self._cursor)

    def step(self) -> None:
        """Hand out what was committed since the last step; an error leaves the cursor where it was."""
        if self._cursor is None:
            self.start()
        now = utcnow()
        # read before the messages: a notice must not come after the word that it was closed
        words = self._words()
        for number in self._messages.numbers_after(self._cursor or 0):
            if not self._hub.has_handed_out(number):
                dispatch(self._hub, self._messages.load(number))
            self._cursor = number
        for word in words - self._told:
            dispatch(self._hub, word)
        self._told, self._swept_at = words, now
        metrics.SWEEP_AT.set(time())

    def _words(self) -> set[UserEvent | SignOut]:
        since = self._swept_at - OVERLAP
        return {*self._messages.user_events_since(since), *self._ended_since(since)}
