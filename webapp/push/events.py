"""Server-sent events as bytes on the wire. Format: WHATWG HTML, section 9.2, "Server-sent events"."""

from __future__ import annotations

import re
from functools import lru_cache

from flask_sse import Message

LINE_END = re.compile(r"\r\n|\r|\n")


class Event(Message):  # type: ignore[misc] # flask-sse has no types
    """A flask-sse message that splits its data at the three line ends of the format, and nowhere else.

    The parent splits at everything Unicode calls a line (U+2028, form feed …), which would alter people's text.
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

    def encoded(self) -> bytes:
        """The event as it goes over the wire."""
        return str(self).encode()


BEAT = Event("", type="beat").encoded()
"""A named event, so that the page sees it (comments are invisible to it), and without id (trap 6)."""
POLL = Event("", type="poll").encoded()
"""This tab has to poll: the person has newer streams."""
SIGNED_OUT = Event("", type="signed-out").encoded()
"""The session that opened this stream has ended."""


@lru_cache(maxsize=256)
def notice_event(message_id: int, notice: str) -> bytes:
    """A notice as an unnamed event: the page swaps it in. Kept, because it is the same for all its recipients."""
    return Event(notice, id=str(message_id)).encoded()


def closed_event(message_ids: list[int]) -> bytes:
    """Tells a person's other tabs which notices were closed."""
    return Event(",".join(map(str, message_ids)), type="closed").encoded()


def still_open_event(message_ids: list[int]) -> bytes:
    """What a stream begins with: a page whose line was cut may show notices that were closed elsewhere meanwhile."""
    return Event(",".join(map(str, message_ids)), type="still-open").encoded()


def named_event(name: str, data: str) -> bytes:
    """An event that pages know by its name; the data may be HTML of several lines."""
    return Event(data, type=name).encoded()


def restart_event(milliseconds: int) -> bytes:
    """This process ends: the page opens its next stream after so long."""
    return Event(str(milliseconds), type="restart").encoded()
