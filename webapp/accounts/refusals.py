"""The ways in which a sign-in is refused."""

from __future__ import annotations

from datetime import datetime

from webapp.refusals import Refusal


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
