"""Refusals: the typed exceptions with which use cases say no. `web/errors.py` turns them into error pages."""

from typing import ClassVar


class Refusal(Exception):
    """A request that is understood and not carried out; nothing was written.

    Templates word it for people. The exception's own text is for logs and commands.
    """

    status: ClassVar[int] = 400
    """The HTTP status of the response."""
    code: str = ""
    """Tells templates and scripts apart what has the same status."""
    retry_after: int | None = None
    """Seconds after which the same request may succeed; None if only another one can."""


class BadParameter(Refusal):
    """An unknown name or value in the address or form. It is never ignored, which would widen a list (R6)."""

    def __init__(self, name: str, value: str | None = None) -> None:
        super().__init__(f"unknown value {value!r} for {name!r}" if value is not None else f"unknown name {name!r}")
        self.name = _printable(name)
        self.value = None if value is None else _printable(value)


def _printable(text: str) -> str:
    """As an error page can repeat it: short, and without what no page can be encoded with."""
    return text[:100].encode("utf-8", "replace").decode()


class StaleForm(Refusal):
    """The CSRF token is not this session's, usually because the person has signed in again since.

    The response to a fragment's request has the new token, so that the same button works when pressed again.
    """

    code = "stale_form"


class AnotherPerson(Refusal):
    """Somebody else has signed in in this browser since the page was opened."""

    status = 409
    code = "another_person"


class SessionEnded(Refusal):
    """The session of the request does not count any longer: signed out, deactivated, or before a new password."""

    status = 401


class NotAllowed(Refusal):
    """The person's role does not carry this right."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or the person must not see it; the response does not tell which."""

    status = 404


class Unavailable(Refusal):
    """The database cannot answer now."""

    status = 503

    def __init__(self, text: str, retry_after: int = 2) -> None:
        super().__init__(text)
        self.retry_after = retry_after
