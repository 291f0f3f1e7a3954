"""The ways in which a sign-in is refused."""

from __future__ import annotations

from datetime import datetime

from webapp.exceptions import NotAllowed, Refusal


class WrongPassword(Refusal):
    """The username, the password or both are not right: which one is not told."""

    status = 422


class TooManyTries(Refusal):
    """The account takes no more tries for now; `again_at` is when the next one counts."""

    status = 429

    def __init__(self, again_at: datetime) -> None:
        super().__init__(f"too many tries, next one at {again_at.isoformat()}")
        self.again_at = again_at


class AccountRefused(Refusal):
    """An account that cannot be created; its text says what to change."""

    status = 422


class NotTheirs(NotAllowed):
    """An account that this helper cannot open. Its text is the person's name."""

    code = "not_theirs"


class NotInCharge(NotTheirs):
    """The helper only watches the candidate's test."""

    code = "not_in_charge"


class WorksInTests(NotTheirs):
    """The candidate is staff, or runs the installation: their password opens more than an exam."""

    code = "works_in_tests"


class SitsOtherTests(NotTheirs):
    """The candidate sits an open test besides that the helper is not in charge of."""

    code = "sits_other_tests"


class OutOfUse(NotTheirs):
    """The candidate's account was deactivated: no password signs in to it."""

    code = "out_of_use"


class PasswordChanged(Refusal):
    """The candidate's password was set by somebody else since the form was opened."""

    status = 409
    code = "password_changed"
