"""Server-sent events as bytes (WHATWG HTML, section 9.2), and the items that bring them to streams."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flask_sse import Message

ALL_SESSIONS = "*"
"""Stands for all sessions of a person where a session's id is expected."""
LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Announcement:
    """A committed message, its event, and its recipients."""

    message_id: int
    event: bytes
    user_ids: list[int]
    translations: Mapping[str, str] = field(default_factory=dict)
    """The event in other languages than the installation's, by locale."""


@dataclass(frozen=True)
class UserEvent:
    """An event for one person's streams that is not a message."""

    user_id: int
    event: bytes

    @property
    def user_ids(self) -> tuple[int, ...]:
        """The person, as the people of a `GroupEvent`."""
        return (self.user_id,)


@dataclass(frozen=True)
class GroupEvent:
    """An event for the streams of many people that is not a message."""

    user_ids: tuple[int, ...]
    event: bytes


@dataclass(frozen=True)
class SignOut:
    """The end of a session, or of `ALL_SESSIONS` of a person, and so of its streams."""

    user_id: int
    session_id: str


Item = Announcement | UserEvent | GroupEvent | SignOut


class Event(Message):  # type: ignore[misc] # flask-sse has no types
    """flask-sse's message splits its data at every Unicode line end (U+2028 …), which would alter people's text."""

    def __str__(self) -> str:
        lines = [f"data: {line}" for line in LINE_END.split(self.data)]
        if self.type:
            lines.insert(0, f"event: {self.type}")
        if self.id:
            lines.append(f"id: {self.id}")
        return "\n".join(lines) + "\n\n"


def notice_event(message_id: int, notice: str) -> bytes:
    """A notice as an unnamed event, which the page swaps in."""
    return str(Event(notice, id=str(message_id))).encode()


def named_event(name: str, data: str = "") -> bytes:
    """An event that pages know by its name; the data may be HTML of several lines."""
    return str(Event(data, type=name)).encode()


def closed_event(user_id: int, message_ids: list[int]) -> UserEvent:
    """Tells a person's other tabs which notices were closed."""
    return UserEvent(user_id, named_event("closed", numbers(message_ids)))


def replaced_event(user_ids: Iterable[int], message_ids: list[int]) -> GroupEvent:
    """Tells the recipients of a correction which notices it has closed."""
    return GroupEvent(tuple(user_ids), named_event("closed", numbers(message_ids)))


def withdrawn_event(user_ids: Iterable[int], message_ids: list[int]) -> GroupEvent:
    """Tells the recipients of messages that these were taken back."""
    return GroupEvent(tuple(user_ids), named_event("withdrawn", numbers(message_ids)))


def numbers(message_ids: Iterable[int]) -> str:
    """Numbers of messages as pages and events have them."""
    return ",".join(map(str, message_ids))


BEAT = named_event("beat")
"""Named, because pages do not see comments, and without id (trap 6)."""
POLL = named_event("poll")
"""This tab polls from now on: the person has newer streams."""
SIGNED_OUT = named_event("signed-out")
"""The session that opened this stream has ended."""
