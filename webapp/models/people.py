"""People: everyone who can sign in, their ended sessions, and the wrong passwords of late."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import NamedTuple

from flask_login import UserMixin
from sqlalchemy import ColumnElement, ForeignKey, String, Text, and_, exists
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db.types import MAX_ID, UtcDateTime
from webapp.extensions import Model
from webapp.text.normalization import normalize


def sign_in_name(username: str) -> str:
    """The form of a username that is compared: case and compatibility forms do not matter at a keyboard."""
    return normalize(unicodedata.normalize("NFKC", normalize(username)).casefold())


class User(Model, UserMixin):  # type: ignore[misc] # Flask-Login has no types
    """A person. What somebody may do follows from contributions and candidacies, not from the kind of person."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(150))
    sign_in_name: Mapped[str] = mapped_column(String(150), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254), default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    is_admin: Mapped[bool] = mapped_column(default=False)
    epoch: Mapped[int] = mapped_column(default=0)
    """Counted up to end all of this person's sessions at once (new password)."""
    deactivated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when this person can no longer sign in; None for everybody else."""

    def get_id(self) -> str:
        """What the session cookie keeps: the id and the epoch in which the person signed in."""
        return f"{self.id}.{self.epoch}"


def parse_session_id(kept: object) -> tuple[int, int] | None:
    """The id and the epoch from what a session cookie keeps; None for anything that `User.get_id` does not give."""
    match = re.fullmatch(r"(\d{1,10})\.(\d{1,10})", kept, re.ASCII) if isinstance(kept, str) else None
    if match is None or max(int(match[1]), int(match[2])) > MAX_ID:
        return None
    return int(match[1]), int(match[2])


class SessionClaims(NamedTuple):
    """Who a session cookie says is signed in. Whether that still counts only the database knows (`still_counts`)."""

    user_id: int
    epoch: int
    session_id: str


class EndedSession(Model):
    """A session whose person has signed out: a copy of its cookie is refused, and every process ends its streams."""

    __tablename__ = "ended_session"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
    session_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Or `push.hub.ALL_SESSIONS`: all until then, whose cookies the epoch refuses."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class SignInBudget(Model):
    """How far the wrong passwords for an account have used up what it takes from one client (R22, R32).

    Rows are for names that were typed, whether such an account exists or not.
    """

    __tablename__ = "sign_in_budget"

    account: Mapped[str] = mapped_column(String(32), primary_key=True)
    """The name that was typed, as `accounts.budgets.account_key` hides it: it may have been a password."""
    client: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A network address, a device that the account has been used on, or all addresses together."""
    spent_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """The moment at which all tries are given back."""
    is_locked: Mapped[bool]
    """Whether the log has its entry about this budget being used up."""


def still_counts(
    user_id: ColumnElement[int], epoch: ColumnElement[int], session_id: ColumnElement[str]
) -> ColumnElement[bool]:
    """The condition on `User` to be the person of a session that has not ended."""
    ended = exists().where(EndedSession.user_id == User.id, EndedSession.session_id == session_id)
    return and_(User.id == user_id, User.epoch == epoch, ~ended)
