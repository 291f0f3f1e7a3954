"""Server-sent events as bytes. Format: WHATWG HTML, section 9.2, "Server-sent events"."""

import re
from functools import lru_cache

from flask_sse import Message

LINE_END = re.compile(r"\r\n|\r|\n")


class Event(Message):  # type: ignore[misc] # flask-sse has no types
    """A flask-sse message that splits its data at the three line ends of the format only.

    flask-sse splits at every Unicode line end (U+2028, form feed …), which would alter people's text.
    """

    def __str__(self) -> str:
        lines = [f"data: {line}" for line in LINE_END.split(self.data)]
        if self.type:
            lines.insert(0, f"event: {self.type}")
        if self.id:
            lines.append(f"id: {self.id}")
        if self.retry:
            lines.append(f"retry: {self.retry}")
        return "\n".join(lines) + "\n\n"


@lru_cache(maxsize=256)
def notice_event(message_id: int, notice: str) -> bytes:
    """A notice as an unnamed event, which the page swaps in. Cached, because many recipients get the same."""
    return str(Event(notice, id=str(message_id))).encode()


def named_event(name: str, data: str = "") -> bytes:
    """An event that pages know by its name; the data may be HTML of several lines."""
    return str(Event(data, type=name)).encode()


def closed_event(message_ids: list[int]) -> bytes:
    """Tells a person's other tabs which notices were closed."""
    return named_event("closed", ",".join(map(str, message_ids)))


def still_open_event(message_ids: list[int]) -> bytes:
    """The first event of a stream: the page removes all other notices, which were closed while it was disconnected."""
    return named_event("still-open", ",".join(map(str, message_ids)))


def restart_event(milliseconds: int) -> bytes:
    """This process ends: the page reconnects after so long."""
    return named_event("restart", str(milliseconds))


BEAT = named_event("beat")
"""Named, because pages do not see comments, and without id (trap 6)."""
POLL = named_event("poll")
"""This tab polls from now on: the person has newer streams."""
SIGNED_OUT = named_event("signed-out")
"""The session that opened this stream has ended."""
