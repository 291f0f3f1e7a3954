"""Why a sending is refused. Nothing was written when one of these is raised."""

from typing import NamedTuple

from webapp.exceptions import NotAllowed, Refusal


class Problem(NamedTuple):
    """Why a field cannot be sent: `empty`, `long`, `line` (more than one), or a character at a place (from 1)."""

    kind: str
    place: int = 0
    character: str = ""


class BadText(Refusal):
    """The subject or the body cannot be sent (R7)."""

    status = 422
    code = "bad_text"

    def __init__(self, problems: dict[str, Problem]) -> None:
        super().__init__(f"bad text: {problems}")
        self.problems = problems
        """By the name of the field."""


class NoOpenTest(NotAllowed):
    """The sender works in tests, all of which are closed or still ahead (R26)."""

    code = "no_open_test"


class NoRecipients(Refusal):
    """The audience is empty (R4)."""

    status = 422
    code = "no_recipients"


class TooManyRecipients(Refusal):
    """More persons than one sending may reach (R4)."""

    status = 422
    code = "too_many_recipients"

    def __init__(self, candidacies: int, persons: int) -> None:
        super().__init__(f"{persons} persons are too many")
        self.candidacies = candidacies
        self.persons = persons


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
