"""The sweep hands out what a push has lost: messages, and every other event for streams (R8).

Message ids are given in commit order (the log's head is locked until the commit), so no late commit can have an id
below the cursor (trap 7).
"""

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
"""How far back each sweep looks for user events and sign-outs. They have a time and no number: commits take a while,
and clocks differ."""


@dataclass(frozen=True)
class MessageSource:
    """Where the sweep reads. Each call needs an application context."""

    newest: Callable[[], int]
    """The highest message id committed so far; 0 if there is none."""
    numbers_after: Callable[[int], Sequence[int]]
    """The message ids above one, in order."""
    load: Callable[[int], Announcement]
    """The announcement of a message."""
    user_events_since: Callable[[datetime], Iterable[UserEvent]]
    """Events for people's tabs since a moment: notices closed, sittings changed."""


class Sweep:
    """The cursor of one process over the messages."""

    def __init__(self, hub: Hub, messages: MessageSource, ended_since: Callable[[datetime], Iterable[SignOut]]) -> None:
        self._hub = hub
        self._messages = messages
        self._ended_since = ended_since
        self._cursor: int | None = None
        self._swept_at = utcnow()
        self._dispatched: set[UserEvent | SignOut] = set()

    def start(self) -> None:
        """Set the cursor to now, before the first stream opens: streams read older messages when they open."""
        self._swept_at = utcnow()
        self._cursor = self._messages.newest()
        self._hub.ignore_up_to(self._cursor)

    def step(self) -> None:
        """Hand out what was committed since the last step. An error leaves the cursor where it was."""
        if self._cursor is None:
            self.start()
        now = utcnow()
        # read before the messages: a notice must not follow the event that closes it
        events = self._events_since(self._swept_at - OVERLAP)
        for message_id in self._messages.numbers_after(self._cursor or 0):
            if not self._hub.has_handed_out(message_id):
                dispatch(self._hub, self._messages.load(message_id))
            self._cursor = message_id
        for event in events - self._dispatched:
            dispatch(self._hub, event)
        self._dispatched, self._swept_at = events, now
        metrics.SWEEP_AT.set(time())

    def _events_since(self, moment: datetime) -> set[UserEvent | SignOut]:
        return {*self._messages.user_events_since(moment), *self._ended_since(moment)}
