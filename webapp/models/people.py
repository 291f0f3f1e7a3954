"""People who can sign in, their ended sessions, and the budgets for wrong passwords."""

import re
import unicodedata
from datetime import datetime
from typing import NamedTuple

from flask_login import UserMixin
from sqlalchemy import ColumnElement, ForeignKey, String, Text, and_, bindparam, exists
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db.types import MAX_ID
from webapp.extensions import Model
from webapp.text.normalization import normalize

LONGEST_USERNAME = 150


def sign_in_name(username: str) -> str:
    """The form of a username that is compared: case and compatibility forms do not matter at a keyboard."""
    return normalize(unicodedata.normalize("NFKC", normalize(username)).casefold())


class User(Model, UserMixin):  # type: ignore[misc] # Flask-Login has no types
    """A person. Their rights follow from contributions and candidacies, not from a kind of person."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(LONGEST_USERNAME))
    sign_in_name: Mapped[str] = mapped_column(String(LONGEST_USERNAME), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254), default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    is_admin: Mapped[bool] = mapped_column(default=False)
    epoch: Mapped[int] = mapped_column(default=0)
    """Counted up to end all sessions of this person, after a new password."""
    deactivated_at: Mapped[datetime | None]
    """Since when this person can no longer sign in."""
    monitor_settings: Mapped[str] = mapped_column(Text, default="")
    """How this person's monitor is shown until they choose otherwise: order, columns, density, and the saved view that
    it opens with, as in an address (`monitor/settings.py`)."""

    def get_id(self) -> str:
        """What Flask-Login stores in the session cookie: the id and the epoch in which the person signed in."""
        return f"{self.id}.{self.epoch}"


def parse_session_id(session_id: object) -> tuple[int, int] | None:
    """The user id and the epoch of `User.get_id()`; None for anything else."""
    match = re.fullmatch(r"(\d{1,10})\.(\d{1,10})", session_id, re.ASCII) if isinstance(session_id, str) else None
    if match is None or max(int(match[1]), int(match[2])) > MAX_ID:
        return None
    return int(match[1]), int(match[2])


class SessionClaims(NamedTuple):
    """Who is signed in, according to a session cookie. The database decides whether it still counts."""

    user_id: int
    epoch: int
    session_id: str

    @property
    def parameters(self) -> dict[str, int | str]:
        """Those of `SESSION_COUNTS`; none is called like a column of a table that such a statement writes."""
        return {"person": self.user_id, "epoch": self.epoch, "session_id": self.session_id}


class EndedSession(Model):
    """A session that was signed out. Copies of its cookie are refused, and every process ends its streams."""

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
    session_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Or `push.events.ALL_SESSIONS`, for the streams of all sessions until then; their cookies have an old epoch."""
    at: Mapped[datetime] = mapped_column(index=True)


class SignInBudget(Model):
    """How much one client has used up of the wrong passwords that are allowed for an account (R22, R32).

    There are rows for every username that was typed, also for those of nobody.
    """

    account: Mapped[str] = mapped_column(String(32), primary_key=True)
    """A keyed hash of the username that was typed (`accounts.signing_in.account_key`): it may have been a password."""
    client: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A network address, a device on which the account has been used, or all addresses together."""
    spent_until: Mapped[datetime] = mapped_column(index=True)
    """When all tries are given back."""
    is_locked: Mapped[bool]
    """Whether the log has an entry about this budget being used up."""


SESSION_COUNTS: ColumnElement[bool] = and_(
    User.id == bindparam("person"),
    User.epoch == bindparam("epoch"),
    ~exists().where(EndedSession.user_id == User.id, EndedSession.session_id == bindparam("session_id")),
)
"""The condition on `User` that a session has not ended; `SessionClaims.parameters` are the statement's."""
