"""The outbox sweep: every second, messages numbered above the last one handed to the hub go to the hub (R8).

Numbers are given in commit order (the log's head is locked until the commit), so no late commit can hide below the
cursor (trap 7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time

from webapp import metrics
from webapp.push.bus import Announcement, deliver
from webapp.push.hub import Hub

SWEEP_SECONDS = 1.0


@dataclass(frozen=True)
class Outbox:
    """Where the sweep reads. Each call needs an application context."""

    newest: Callable[[], int]
    """The highest message number committed so far (0: none)."""
    numbers_after: Callable[[int], Sequence[int]]
    """The message numbers above one, in order."""
    load: Callable[[int], Announcement]
    """A message as it is announced."""


class Sweep:
    """The cursor of one process over the outbox."""

    def __init__(self, hub: Hub, outbox: Outbox) -> None:
        self._hub = hub
        self._outbox = outbox
        self._cursor: int | None = None

    def start(self) -> None:
        """Set the cursor to now, before the first stream opens: what is older, a stream reads when it opens."""
        self._cursor = self._outbox.newest()

    def step(self) -> None:
        """Hand out what was committed since the last step; an error leaves the cursor where it was."""
        if self._cursor is None:
            self.start()
        for number in self._outbox.numbers_after(self._cursor or 0):
            if not self._hub.has_handed_out(number):
                deliver(self._hub, self._outbox.load(number))
            self._cursor = number
        metrics.SWEEP_AT.set(time())
