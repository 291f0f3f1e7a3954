"""Why a sign-in, an account or the help for a candidate is refused."""

from datetime import datetime, timedelta
from math import ceil

from webapp.exceptions import Refusal


class WrongPassword(Refusal):
    """The username, the password or both are wrong: which one is not told."""

    status = 422
    code = "wrong_password"


class TooManyTries(Refusal):
    """The account takes no more tries from this client until `again_at`, a whole second."""

    status = 429
    code = "too_many_tries"

    def __init__(self, again_at: datetime, now: datetime) -> None:
        super().__init__(f"too many tries, next one at {again_at.isoformat()}")
        self.again_at = (again_at + timedelta(microseconds=999_999)).replace(microsecond=0)
        self.retry_after = ceil((again_at - now).total_seconds())


class AccountRefused(Refusal):
    """An account cannot be created or changed; the text says what to change."""

    status = 422


class CannotHelp(Refusal):
    """The helper must not open this candidate's account. The text is the candidate's name, the code tells why."""

    status = 403

    def __init__(self, code: str, name: str) -> None:
        super().__init__(name)
        self.code = code


class PasswordChanged(Refusal):
    """The candidate's password was set by somebody else since the form was opened. The text is their name."""

    status = 409
    code = "password_changed"
