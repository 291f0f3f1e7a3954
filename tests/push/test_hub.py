"""The hub: who gets what, once."""

from __future__ import annotations

import re
import threading

import pytest

from tests.push.reading import read
from webapp.metrics import REGISTRY
from webapp.models import SessionClaims
from webapp.push.events import BEAT, POLL, SIGNED_OUT, Announcement, Event, SignOut, closed_event, notice_event
from webapp.push.hub import BEAT_SECONDS, REMEMBERED_ENDS, Hub, NoStreamLeft
from webapp.push.stream import QUEUE_LIMIT


@pytest.fixture
def hub() -> Hub:
    return Hub(capacity=10)


def test_the_first_byte_comes_at_once(hub: Hub) -> None:
    assert read(hub.open(1, "s"), 1) == [BEAT]


def test_r13_an_event_reaches_its_people_only(hub: Hub) -> None:
    mine, other = hub.open(1, "s"), hub.open(2, "s")
    before = REGISTRY.get_sample_value("examhall_notices_handed_out_total") or 0
    hub.dispatch(Announcement(7, b"seven", [1]))
    assert read(mine, 2) == [BEAT, b"seven"]
    assert not other.waiting
    assert REGISTRY.get_sample_value("examhall_notices_handed_out_total") == before + 1


def test_r9_traps_3_and_13_a_message_is_written_once_to_a_stream(hub: Hub) -> None:
    stream = hub.open(1, "s")
    hub.dispatch(Announcement(7, b"seven", [1]))  # between subscription and the read of what is open
    hub.dispatch(Announcement(8, b"eight", [1]))
    assert read(stream, 2, opening=((7, b"seven"),)) == [BEAT + b"seven", b"eight"]


def test_r9_the_bus_and_the_sweep_hand_out_once(hub: Hub) -> None:
    stream = hub.open(1, "s")
    hub.dispatch(Announcement(7, b"seven", [1]))
    hub.dispatch(Announcement(7, b"seven", [1]))
    assert len(stream.waiting) == 1


def test_the_person_keeps_the_two_newest_streams(hub: Hub) -> None:
    first, second, third = (hub.open(1, "s") for _ in range(3))
    assert not first.closing  # until the third has proved to be theirs
    hub.keep_newest(1)
    assert read(first) == [BEAT, POLL]
    hub.dispatch(Announcement(7, b"seven", [1]))
    assert read(second, 2)[1] == read(third, 2)[1] == b"seven"
    assert not first.waiting


def test_a_stream_that_is_about_to_end_does_not_cost_another_one_its_place(hub: Hub) -> None:
    second, signed_out = hub.open(1, "s"), hub.open(1, "t")
    hub.dispatch(SignOut(1, "t"))
    hub.open(1, "s")
    hub.keep_newest(1)
    assert (second.closing, signed_out.closing) == (False, True)


def test_r9_an_announcement_that_comes_late_is_left_to_the_streams_that_open(hub: Hub) -> None:
    """They read what is still open; its reader may have closed it since."""
    hub.ignored_up_to = 7
    stream = hub.open(1, "s")
    for number in (6, 7, 8):
        hub.dispatch(Announcement(number, b"%d" % number, [1]))
    assert read(stream, 2) == [BEAT, b"8"]
    assert not stream.waiting


def test_what_a_hub_knows_of_ended_sessions_is_bounded(hub: Hub) -> None:
    first, last = SessionClaims(1, 0, "s"), SessionClaims(REMEMBERED_ENDS + 1, 0, "s")
    hub.dispatch(SignOut(first.user_id, "s"))
    assert hub.has_ended(first)
    for user_id in range(2, REMEMBERED_ENDS + 2):
        hub.dispatch(SignOut(user_id, "s"))
    assert (hub.has_ended(first), hub.has_ended(last)) == (False, True)


def test_leaving_twice_counts_once(hub: Hub) -> None:
    one, two = hub.open(1, "s"), hub.open(1, "s")
    assert hub.leave(one) is False
    assert hub.leave(one) is False
    assert hub.leave(two) is True
    assert len(hub) == 0
    assert not hub.is_open(1)


def test_beyond_the_capacity_nobody_gets_a_stream() -> None:
    hub = Hub(capacity=1)
    stream = hub.open(1, "s")
    with pytest.raises(NoStreamLeft) as refused:
        hub.open(2, "s")
    assert refused.value.retry_after == 60
    hub.leave(stream)
    assert hub.open(2, "s")


def test_a_stream_that_takes_nothing_is_closed_and_its_queue_stays_bounded(hub: Hub) -> None:
    stream = hub.open(1, "s")
    for number in range(1, QUEUE_LIMIT + 500):
        hub.dispatch(Announcement(number, b"x", [1]))
    assert len(stream.waiting) <= QUEUE_LIMIT + 2
    assert len(read(stream)) == QUEUE_LIMIT + 1


def test_a_session_that_ends_takes_its_own_streams_along(hub: Hub) -> None:
    here, elsewhere = hub.open(1, "here"), hub.open(1, "elsewhere")
    hub.dispatch(SignOut(1, "here"))
    assert read(here) == [BEAT, SIGNED_OUT]
    assert not elsewhere.waiting


def test_trap_6_each_stream_has_a_beat_in_every_round_and_not_all_at_once(hub: Hub) -> None:
    streams = [hub.open(person, "s") for person in range(1, 6)]
    for _ in range(BEAT_SECONDS):
        before = sum(len(stream.waiting) for stream in streams)
        hub.beat()
        assert sum(len(stream.waiting) for stream in streams) <= before + 1
    assert [read(stream, 2) for stream in streams] == [[BEAT, BEAT]] * 5


def test_a_stream_that_has_something_to_write_needs_no_beat(hub: Hub) -> None:
    stream = hub.open(1, "s")
    hub.dispatch(Announcement(7, b"seven", [1]))
    for _ in range(BEAT_SECONDS):
        hub.beat()
    assert len(stream.waiting) == 1


def test_who_left_gets_no_beat(hub: Hub) -> None:
    stream = hub.open(1, "s")
    hub.leave(stream)
    for _ in range(BEAT_SECONDS):
        hub.beat()
    assert not stream.waiting


def returns(events: list[bytes]) -> int:
    """The milliseconds that a stream that ended with its process gave its page."""
    match = re.fullmatch(rb"event: restart\ndata: (\d+)\n\n", events[-1])
    assert match, events
    return int(match[1])


def test_a_process_that_ends_writes_what_waits_and_spreads_the_return() -> None:
    hub = Hub(capacity=2000)
    streams = [hub.open(person, "s") for person in range(1, 1001)]
    hub.dispatch(Announcement(7, b"seven", [1]))
    hub.drain()
    written = [read(stream) for stream in streams]
    assert written[0][:2] == [BEAT, b"seven"]
    moments = [returns(events) for events in written]
    assert max(moments) <= 2100
    assert all(sum(begin <= one < begin + 1000 for one in moments) < 700 for begin in (100, 1100))


def test_a_stream_that_opens_in_a_process_that_ends_comes_back_soon(hub: Hub) -> None:
    hub.drain()
    assert returns(read(hub.open(1, "s"))) <= 1100


def test_r21_nobody_leaves_by_the_end_of_a_process(hub: Hub) -> None:
    stream = hub.open(1, "s")
    hub.drain()
    assert hub.leave(stream) is False


def test_many_threads_open_and_leave_without_a_trace(hub: Hub) -> None:
    hub.capacity = 100

    def come_and_go(user_id: int) -> None:
        for number in range(200):
            stream = hub.open(user_id, "s")
            hub.dispatch(Announcement(user_id * 1000 + number, b"x", [1, 2, 3, 4]))
            hub.leave(stream)

    threads = [threading.Thread(target=come_and_go, args=(user_id,)) for user_id in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hub) == 0


def test_events_split_at_the_line_ends_of_the_format_only() -> None:
    assert notice_event(7, "a\nb\u2028c\x85d") == "data: a\ndata: b\u2028c\x85d\nid: 7\n\n".encode()
    assert str(Event("a\r\nb\rc", type="t")) == "event: t\ndata: a\ndata: b\ndata: c\n\n"
    assert closed_event(1, [3, 4]).event == b"event: closed\ndata: 3,4\n\n"


def test_a_beat_has_a_name_and_no_id() -> None:
    assert BEAT == b"event: beat\ndata: \n\n"
