"""The sweep makes good what the push lost (R8)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from webapp.push.bus import Announcement
from webapp.push.hub import Hub
from webapp.push.outbox import Outbox, Sweep
from webapp.push.stream import Stream


def waiting(stream: Stream) -> list[bytes]:
    """What waits to be written."""
    stream.end()
    return list(stream.events([]))[1:]


@dataclass
class Committed:
    """What an outbox would read from the database."""

    messages: dict[int, list[int]] = field(default_factory=dict)
    loaded: list[int] = field(default_factory=list)

    def load(self, number: int) -> Announcement:
        self.loaded.append(number)
        return Announcement(number, f"event {number}".encode(), self.messages[number])

    def outbox(self) -> Outbox:
        return Outbox(
            newest=lambda: max(self.messages, default=0),
            numbers_after=lambda after: sorted(number for number in self.messages if number > after),
            load=self.load,
        )


def test_r8_what_was_never_announced_is_handed_out() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.outbox())
    sweep.start()
    stream = hub.open(1, "s")
    committed.messages[4] = [1, 2]
    sweep.step()
    sweep.step()
    assert waiting(stream) == [b"event 4"]


def test_what_was_announced_is_not_even_loaded() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.outbox())
    sweep.start()
    hub.hand_out(4, b"event 4", [1])
    committed.messages[4] = [1]
    sweep.step()
    assert committed.loaded == []


def test_what_is_older_than_the_process_is_left_to_the_streams_that_open() -> None:
    hub, committed = Hub(10), Committed({3: [1]})
    sweep = Sweep(hub, committed.outbox())
    sweep.start()
    sweep.step()
    assert committed.loaded == []


def test_an_error_leaves_the_cursor_where_it_was() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.outbox())
    sweep.start()
    stream = hub.open(1, "s")
    committed.messages.update({4: [1], 5: [1]})
    recipients = committed.messages[5]
    committed.messages[5] = None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        sweep.step()
    committed.messages[5] = recipients
    hub._handed_out.pop(5, None)
    sweep.step()
    assert waiting(stream) == [b"event 4", b"event 5"]
