"""Why an action is refused. Nothing was written when one of these is raised."""

from dataclasses import dataclass

from webapp.exceptions import NotAllowed, Refusal
from webapp.messaging.exceptions import Problem


class NotInCharge(NotAllowed):
    """The actor sees the candidates, but their role there does not carry this action, or the test is closed."""

    code = "not_in_charge"


class RoomLimit(NotAllowed):
    """Somebody who is limited to a room does not move a candidate out of it."""

    code = "room_limit"


@dataclass(eq=False)
class BadValues(Refusal):
    """Values that cannot be taken; the problems stand by the names of the fields.

    Beside those of a message's text: `range` (minutes), `unknown` (a room that the test has not), `several` (a seat for
    more than one candidate), `nothing` (neither a room nor a seat).
    """

    problems: dict[str, Problem]
    status = 422
    code = "bad_values"


class OneByOne(Refusal):
    """Help with signing in is for one candidate at a time."""

    status = 422
    code = "one_by_one"


class CannotUndo(Refusal):
    """An action that is not undone: `too_late`, or `not_undone` for those that never are."""

    status = 409

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NobodyInProgress(Refusal):
    """Nobody whom an incident would pause."""

    status = 422
    code = "nobody_in_progress"


@dataclass(eq=False)
class AlreadyEnded(Refusal):
    """A colleague has ended the incident."""

    incident_id: int
    status = 409
    code = "already_ended"
