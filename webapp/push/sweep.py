"""The sweep hands out what a push has lost: messages, and every other event for streams (R8).

Message ids are given in commit order (the log's head is locked until the commit), so no late commit can have an id
below the cursor (trap 7).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from webapp import metrics
from webapp.clock import utcnow
from webapp.models import SessionClaims
from webapp.push.events import Announcement, GroupEvent, SignOut, UserEvent
from webapp.push.hub import Hub

SWEEP_SECONDS = 0.5
"""What is changed for a candidate is on the open page within a second (R25)."""
OVERLAP = timedelta(seconds=3)
"""How far back each sweep looks for user events and sign-outs. They have a time and no number: commits take a while,
and clocks differ."""


class OpenNotices(NamedTuple):
    """What a person's stream begins with."""

    notices: list[tuple[int, str]]
    """The open ones as (message id, notice), oldest first."""
    withdrawn: list[int]
    """The ids of messages that were taken back: no page shows them any more, however late they come (R30)."""


@dataclass(frozen=True)
class MessageSource:
    """Where streams and the sweep read. Each call needs an application context."""

    open_notices: Callable[[SessionClaims], OpenNotices | None]
    """What a person's stream begins with; None for a session that has ended."""
    newest: Callable[[], int]
    """The highest message id committed so far; 0 if there is none."""
    numbers_after: Callable[[int], Sequence[int]]
    """The message ids above one, in order."""
    load: Callable[[int], Announcement]
    """The announcement of a message."""
    user_events_since: Callable[[datetime], Iterable[UserEvent | GroupEvent]]
    """Events for people's tabs since a moment: notices closed, messages withdrawn, sittings changed."""


class Sweep:
    """The cursor of one process over the messages."""

    def __init__(self, hub: Hub, messages: MessageSource, ended_since: Callable[[datetime], Iterable[SignOut]]) -> None:
        self._hub = hub
        self._messages = messages
        self._ended_since = ended_since
        self._dispatched: set[UserEvent | GroupEvent | SignOut] = set()

    def start(self) -> None:
        """Set the cursor to now, before the first stream opens: streams read older messages when they open."""
        self._swept_at = utcnow()
        self._cursor = self._hub.ignored_up_to = self._messages.newest()

    def step(self) -> None:
        """Hand out what was committed since the last step. An error leaves the cursor where it was."""
        now, moment = utcnow(), self._swept_at - OVERLAP
        # read before the messages: a notice must not follow the event that closes it
        events: set[UserEvent | GroupEvent | SignOut] = {
            *self._messages.user_events_since(moment),
            *self._ended_since(moment),
        }
        for message_id in self._messages.numbers_after(self._cursor):
            if not self._hub.has_handed_out(message_id):
                self._hub.dispatch(self._messages.load(message_id))
            self._cursor = message_id
        for event in events - self._dispatched:
            self._hub.dispatch(event)
        self._dispatched, self._swept_at = events, now
        metrics.SWEEP_AT.set_to_current_time()
