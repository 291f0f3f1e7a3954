"""Why a sending is refused. Nothing was written when one of these is raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from webapp.exceptions import NotAllowed, Refusal


class BadText(Refusal):
    """Subject or body will not do (R7)."""

    status = 422

    def __init__(self, problems: dict[str, str], places: dict[str, tuple[int, str]]) -> None:
        super().__init__(f"bad text: {problems}")
        self.places = places
        """Field name → which of its characters cannot be sent, counted from 1, and its code (U+0007)."""
        self.problems = problems
        """Field name → kind of problem: `empty`, `long`, `line` (more than one), `characters`."""


class NoOpenTest(NotAllowed):
    """The sender works in tests, all of which are closed or still ahead (R26)."""

    code = "no_open_test"


class NoRecipients(Refusal):
    """The audience is empty (R4)."""

    status = 422


@dataclass(frozen=True)
class Part:
    """A part of an audience that is too large: a room, group or test, and how many persons it has."""

    name: str
    value: str
    label: str
    persons: int


class TooManyRecipients(Refusal):
    """More persons than one sending may reach (R4)."""

    status = 422

    def __init__(self, candidacies: int, persons: int, limit: int, parts: list[Part]) -> None:
        super().__init__(f"{persons} persons, {limit} allowed")
        self.candidacies = candidacies
        self.persons = persons
        self.limit = limit
        self.parts = parts


class AudienceChanged(Refusal):
    """The filter, or the list, reaches other people than the dialog showed (R3)."""

    status = 409

    def __init__(self, joined: int | None, left: int | None) -> None:
        super().__init__(f"audience changed: {joined} joined, {left} left")
        self.joined = joined
        """None where the form did not say what it had shown."""
        self.left = left


class ContentChanged(Refusal):
    """The idempotency key was used for another message: this is a new one and needs a new key (R2)."""

    status: ClassVar[int] = 409

    def __init__(self, message_id: int) -> None:
        super().__init__(f"key already used by message {message_id}")
        self.message_id = message_id
