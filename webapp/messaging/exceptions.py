"""Why a sending is refused. Nothing was written when one of these is raised."""

from typing import NamedTuple

from webapp.exceptions import NotAllowed, Refusal


class BadText(Refusal):
    """The subject or the body cannot be sent (R7)."""

    status = 422
    code = "bad_text"

    def __init__(self, problems: dict[str, str], places: dict[str, tuple[int, str]]) -> None:
        super().__init__(f"bad text: {problems}")
        self.problems = problems
        """Field name → kind of problem: `empty`, `long`, `line` (more than one), `characters`."""
        self.places = places
        """Field name → position (from 1) and code (U+0007) of the first character that cannot be sent."""


class NoOpenTest(NotAllowed):
    """The sender works in tests, all of which are closed or still ahead (R26)."""

    code = "no_open_test"


class NoRecipients(Refusal):
    """The audience is empty (R4)."""

    status = 422
    code = "no_recipients"


class Part(NamedTuple):
    """A part of an audience that is too large: a room, group or test."""

    name: str
    """Of the filter: `room`, `group` or `test`."""
    value: str
    label: str
    persons: int


class TooManyRecipients(Refusal):
    """More persons than one sending may reach (R4)."""

    status = 422
    code = "too_many_recipients"

    def __init__(self, candidacies: int, persons: int, limit: int, parts: list[Part]) -> None:
        super().__init__(f"{persons} persons, {limit} allowed")
        self.candidacies = candidacies
        self.persons = persons
        self.parts = parts


class AudienceChanged(Refusal):
    """The filter, or the list, reaches other people than the dialog showed (R3)."""

    status = 409
    code = "audience_changed"

    def __init__(self, joined: int | None, left: int | None) -> None:
        super().__init__(f"audience changed: {joined} joined, {left} left")
        self.joined = joined
        """None where the form did not say whom it had shown."""
        self.left = left


class ContentChanged(Refusal):
    """The idempotency key was used for another message: this one is new and needs a new key (R2)."""

    status = 409
    code = "content_changed"

    def __init__(self, message_id: int) -> None:
        super().__init__(f"key already used by message {message_id}")
        self.message_id = message_id
