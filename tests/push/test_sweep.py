"""The sweep makes good what the push lost (R8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from time_machine import TimeMachineFixture

from tests.push.reading import read
from webapp.clock import utcnow
from webapp.push.events import ALL_SESSIONS, SIGNED_OUT, Announcement, SignOut, UserEvent
from webapp.push.hub import Hub
from webapp.push.stream import Stream
from webapp.push.sweep import OVERLAP, MessageSource, OpenNotices, Sweep


def waiting(stream: Stream) -> list[bytes]:
    """What waits to be written."""
    stream.end()
    return read(stream)[1:]


@dataclass
class Committed:
    """What the sweep would read from the database."""

    messages: dict[int, list[int]] = field(default_factory=dict)
    loaded: list[int] = field(default_factory=list)
    cursors: list[int] = field(default_factory=list)
    closed: dict[UserEvent, datetime] = field(default_factory=dict)
    ended: dict[SignOut, datetime] = field(default_factory=dict)

    def load(self, number: int) -> Announcement:
        self.loaded.append(number)
        return Announcement(number, f"event {number}".encode(), self.messages[number])

    def numbers_after(self, cursor: int) -> list[int]:
        self.cursors.append(cursor)
        return sorted(number for number in self.messages if number > cursor)

    def source(self) -> MessageSource:
        return MessageSource(
            open_notices=lambda _claims: OpenNotices([], []),
            newest=lambda: max(self.messages, default=0),
            numbers_after=self.numbers_after,
            load=self.load,
            user_events_since=lambda moment: [event for event, at in self.closed.items() if at > moment],
        )

    def ended_since(self, moment: datetime) -> list[SignOut]:
        return [sign_out for sign_out, at in self.ended.items() if at > moment]


def test_r8_what_was_never_announced_is_handed_out() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.source(), committed.ended_since)
    sweep.start()
    stream = hub.open(1, "s")
    committed.messages[4] = [1, 2]
    sweep.step()
    sweep.step()
    assert waiting(stream) == [b"event 4"]
    assert committed.cursors == [0, 4]


def test_what_was_announced_is_not_even_loaded() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.source(), committed.ended_since)
    sweep.start()
    hub.dispatch(Announcement(4, b"event 4", [1]))
    committed.messages[4] = [1]
    sweep.step()
    assert committed.loaded == []


def test_what_is_older_than_the_process_is_left_to_the_streams_that_open() -> None:
    hub, committed = Hub(10), Committed({3: [1]})
    sweep = Sweep(hub, committed.source(), committed.ended_since)
    sweep.start()
    stream = hub.open(1, "s")
    sweep.step()
    hub.dispatch(Announcement(3, b"event 3", [1]))  # by a bus that was slow
    assert committed.loaded == waiting(stream) == []


def test_an_error_leaves_the_cursor_where_it_was() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.source(), committed.ended_since)
    sweep.start()
    stream = hub.open(1, "s")
    committed.messages.update({4: [1], 5: [1]})
    recipients = committed.messages[5]
    committed.messages[5] = None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        sweep.step()
    committed.messages[5] = recipients
    hub._handed_out.clear()
    sweep.step()
    assert waiting(stream) == [b"event 4", b"event 5"]


def test_notices_closed_in_another_process_are_taken_away_once() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.source(), committed.ended_since)
    sweep.start()
    stream, other = hub.open(1, "s"), hub.open(2, "s")
    # by a clock that is a little behind ours, and long before
    committed.closed = {
        UserEvent(1, b"closed 4"): utcnow() - OVERLAP / 2,
        UserEvent(1, b"long ago"): utcnow() - OVERLAP * 2,
    }
    sweep.step()
    sweep.step()
    assert waiting(stream) == [b"closed 4"]
    assert waiting(other) == []


def test_a_session_ended_in_another_process_loses_its_streams() -> None:
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.source(), committed.ended_since)
    sweep.start()
    signed_out, device, everywhere = hub.open(1, "s"), hub.open(1, "t"), hub.open(2, "u")
    committed.ended = {SignOut(1, "s"): utcnow(), SignOut(2, ALL_SESSIONS): utcnow()}
    sweep.step()
    assert [stream.closing for stream in (signed_out, device, everywhere)] == [True, False, True]
    assert waiting(signed_out) == waiting(everywhere) == [SIGNED_OUT]


def test_events_during_an_outage_are_sent_when_the_database_is_back(time_machine: TimeMachineFixture) -> None:
    now = utcnow()
    time_machine.move_to(now, tick=False)
    hub, committed = Hub(10), Committed()
    sweep = Sweep(hub, committed.source(), committed.ended_since)
    sweep.start()
    stream = hub.open(1, "s")
    time_machine.move_to(now + timedelta(minutes=1), tick=False)
    committed.closed = {UserEvent(1, b"closed 4"): now + timedelta(seconds=1)}
    sweep.step()
    assert waiting(stream) == [b"closed 4"]
