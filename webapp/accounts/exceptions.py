"""Why a sign-in, an account or the help for a candidate is refused."""

from datetime import datetime

from webapp.exceptions import NotAllowed, Refusal


class WrongPassword(Refusal):
    """The username, the password or both are wrong: which one is not told."""

    status = 422
    code = "wrong_password"


class TooManyTries(Refusal):
    """The account takes no more tries from this client until `again_at`."""

    status = 429
    code = "too_many_tries"

    def __init__(self, again_at: datetime) -> None:
        super().__init__(f"too many tries, next one at {again_at.isoformat()}")
        self.again_at = again_at


class AccountRefused(Refusal):
    """An account cannot be created or changed; the text says what to change."""

    status = 422


class CannotHelp(NotAllowed):
    """The helper must not open this candidate's account. The text is the candidate's name."""

    code = "cannot_help"


class NotInCharge(CannotHelp):
    """The helper only watches the candidate's test."""

    code = "not_in_charge"


class WorksInTests(CannotHelp):
    """The candidate is staff or an administrator: their password opens more than an exam."""

    code = "works_in_tests"


class SitsOtherTests(CannotHelp):
    """The candidate also sits an open test that the helper is not in charge of."""

    code = "sits_other_tests"


class Deactivated(CannotHelp):
    """The candidate's account is deactivated: no password signs in to it."""

    code = "deactivated"


class PasswordChanged(Refusal):
    """The candidate's password was set by somebody else since the form was opened."""

    status = 409
    code = "password_changed"
