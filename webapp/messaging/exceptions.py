"""Why a sending is refused. Nothing was written when one of these is raised."""

from dataclasses import dataclass
from typing import NamedTuple

from webapp.exceptions import NotAllowed, Refusal
from webapp.models import Message


class Problem(NamedTuple):
    """Why a field cannot be sent: `empty`, `long`, `line` (more than one), or a character at a place (from 1)."""

    kind: str
    place: int = 0
    character: str = ""


@dataclass(eq=False)
class BadText(Refusal):
    """The subject or the body cannot be sent (R7). The problems stand by the names of the fields."""

    problems: dict[str, Problem]
    status = 422
    code = "bad_text"


class BadTime(BadText):
    """A later message cannot go out at this time. The problem stands by the name of the field, `at` or `minutes`:
    `empty`, `format`, `skipped` (a clock change leaves that minute out), `past`, `ended` (its tests have ended by
    then), `number`, `range`, or `nobody` (everybody has less time left)."""


class NoOpenTest(NotAllowed):
    """The sender works in tests, all of which are closed or still ahead (R26)."""

    code = "no_open_test"


class NoRecipients(Refusal):
    """The audience is empty (R4)."""

    status = 422
    code = "no_recipients"


class AllHaveSeen(NoRecipients):
    """Of the people whom the sender may still reach, everybody has had the message on the screen (R16)."""

    code = "all_have_seen"


@dataclass(eq=False)
class TooManyRecipients(Refusal):
    """More persons than one sending may reach (R4)."""

    candidacies: int
    persons: int
    status = 422
    code = "too_many_recipients"


@dataclass(eq=False)
class AudienceChanged(Refusal):
    """The filter, or the list, reaches other people than the dialog showed (R3)."""

    joined: int | None
    """None where the form did not say whom it had shown."""
    left: int | None
    status = 409
    code = "audience_changed"


@dataclass(eq=False)
class ContentChanged(Refusal):
    """The idempotency key was used for another message: this one is new and needs a new key (R2)."""

    message_id: int | None = None
    schedule_id: int | None = None
    """Of a message that was to go out later."""
    status = 409
    code = "content_changed"


class ScheduleChanged(Refusal):
    """Somebody else has changed the schedule since the form was shown."""

    status = 409
    code = "schedule_changed"


@dataclass(eq=False)
class ScheduleEnded(Refusal):
    """The schedule is not waiting any more: sent, missed or cancelled."""

    state: str
    status = 409
    code = "schedule_ended"


@dataclass(eq=False)
class MessageWithdrawn(Refusal):
    """The message that was to be corrected has been withdrawn (R30)."""

    message: Message
    status = 409
    code = "message_withdrawn"


@dataclass(eq=False)
class MessageCorrected(Refusal):
    """The message that was to be withdrawn has been corrected: the newest correction is what stands (R30)."""

    newest: int
    """Its number."""
    status = 409
    code = "message_corrected"
