"""Why something about a request for help is refused. Nothing was written when one of these is raised."""

from dataclasses import dataclass
from datetime import datetime

from webapp.exceptions import NotAllowed, Refusal
from webapp.models import HelpRequest


@dataclass(eq=False)
class BadRequestForHelp(Refusal):
    """The form cannot be taken; the problems stand by the names of the fields.

    Of `kind`: `unknown` (not, or no longer, one of the test's). Of `text`: `long`, or `characters`.
    """

    problems: dict[str, str]
    status = 422
    code = "bad_request_for_help"


@dataclass(eq=False)
class CannotAsk(Refusal):
    """The test does not take requests now: `early`, `submitted`, `closed`, `withdrawn`, or `too_many`."""

    code: str
    opens_at: datetime | None = None
    """When it does, for one that is early."""
    status = 409


@dataclass(eq=False)
class AlreadyAsked(Refusal):
    """Another request of this candidate is open."""

    request: HelpRequest
    status = 409
    code = "already_asked"


@dataclass(eq=False)
class AlreadyClaimed(Refusal):
    """A colleague is going."""

    name: str
    status = 409
    code = "already_claimed"


@dataclass(eq=False)
class AlreadyOver(Refusal):
    """The request has ended; `name` says who ended it, and is empty for the candidate and for what ends by itself."""

    name: str
    status = 409
    code = "already_over"


class NotTheirs(NotAllowed):
    """The actor sees the candidate, and has no role that carries this."""

    code = "not_in_charge"


@dataclass(eq=False)
class BadKinds(Refusal):
    """A list of kinds that cannot be taken: `none`, `many`, `long`, `characters`, or `double`."""

    problem: str
    kind: str = ""
    """The line that it is about."""
    status = 422
    code = "bad_kinds"
