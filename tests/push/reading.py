"""Reading a stream in a test, which fails if the stream has less to give: its own wait has no end."""

from __future__ import annotations

from itertools import islice
from threading import Thread

from webapp.push.stream import Stream


def read(stream: Stream, count: int | None = None, opening: tuple[tuple[int, bytes], ...] = ()) -> list[bytes]:
    """The first events of a stream; all, until its end, if no count is given."""
    events: list[bytes] = []
    reader = Thread(target=lambda: events.extend(islice(stream.events(opening), count)), daemon=True)
    reader.start()
    reader.join(10)
    assert not reader.is_alive(), f"nothing comes after {events[-1:]}"
    return events
