"""Refusals: the typed exceptions by which a use case says no. One handler (`errors.py`) turns them into pages."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A request that is understood and not carried out; nothing was written.

    `status` is the HTTP status of the answer. What a person reads is worded by `templates/errors/` or by the view
    that knows better; the exception's own text is for logs and commands.
    """

    status: ClassVar[int] = 400
    code: str = ""
    """What templates know it by, where a status has several meanings."""
    retry_after: int | None = None
    """Seconds after which the same request may succeed; None where only another one can."""


class BadParameter(Refusal):
    """An unknown name or value in the address or form (R6: never dropped, which would widen a list)."""

    status = 400

    def __init__(self, name: str, value: str | None = None) -> None:
        super().__init__(f"unknown value {value!r} for {name!r}" if value is not None else f"unknown name {name!r}")
        self.name = name
        self.value = value


class StaleForm(Refusal):
    """The form's CSRF token is not this session's: mostly, its person has signed in again since. The answer to a
    fragment's request brings the new token, so that pressing the same button once more works."""

    status = 400


class AnotherPerson(Refusal):
    """The page was opened by another person than the one who is signed in by now, in another tab of the browser."""

    status = 409
    code = "another_person"


class NotAllowed(Refusal):
    """The person's role does not carry this right."""

    status = 403


class NotFound(Refusal):
    """Not there, or not this person's: which of the two is not told."""

    status = 404


class Unavailable(Refusal):
    """The database cannot answer now."""

    status = 503

    def __init__(self, text: str, retry_after: int = 2) -> None:
        super().__init__(text)
        self.retry_after = retry_after
