"""Sign-in: who a username and a password belong to, with a limit on tries per account (R22).

Nothing is limited by address, because a whole hall sits behind one. A try is counted before its password is
looked at, and in a write transaction of its own, so that a thousand tries at once cannot pass the limit together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp.accounts.passwords import is_typable, verify
from webapp.accounts.refusals import TooManyTries, WrongPassword
from webapp.database import writing
from webapp.logbook.append import Actor, append, lock_head
from webapp.models import LogEntry, SignInAttempt, User
from webapp.models.people import sign_in_name

TRIES = 10
WINDOW = timedelta(minutes=5)
STRANGERS_LOGGED = 50
"""Entries per window for usernames that do not exist: somebody who is not signed in must not fill the log."""
LONGEST_NAME = 150


@dataclass(frozen=True)
class _Try:
    """A counted try at an account."""

    user_id: int
    name: str
    username: str
    password_hash: str | None
    is_last: bool
    """The one that fills the account's window."""


def sign_in(session: Session, username: str, password: str, *, address: str, now: datetime) -> User:
    """The person whom `username` and `password` belong to.

    `address` is where the request came from; it is logged with a failure. Raises `WrongPassword`, or
    `TooManyTries` once an account has had `TRIES` open tries within `WINDOW` (for the right password too). Success
    forgets the account's tries.
    """
    if not _can_be_a_name(username) or not is_typable(password):
        raise WrongPassword("not a username and a password")
    counted = _count_try(session, sign_in_name(username), now)
    session.rollback()  # no connection is held while the hash is computed
    if not verify(counted.password_hash if counted else None, password):
        _record_failure(session, counted, address, now)
        raise WrongPassword("wrong username or password")
    if counted is None:
        raise WrongPassword("no such account")
    return _succeed(session, counted)


def _can_be_a_name(username: str) -> bool:
    return (
        len(username) <= LONGEST_NAME
        and "\0" not in username
        and not any("\ud800" <= character <= "\udfff" for character in username)
        and 0 < len(sign_in_name(username)) <= LONGEST_NAME
    )


def _count_try(session: Session, name: str, now: datetime) -> _Try | None:
    with writing(session):
        # locked on PostgreSQL, so that tries at one account wait for each other; SQLite has one writer anyway
        user = session.scalar(select(User).where(User.sign_in_name == name).with_for_update())
        if user is None:
            return None
        mine = SignInAttempt.user_id == user.id
        session.execute(delete(SignInAttempt).where(mine, SignInAttempt.at <= now - WINDOW))
        tries, first = session.execute(select(func.count(), func.min(SignInAttempt.at)).where(mine)).one()
        if tries >= TRIES:
            raise TooManyTries(first + WINDOW)
        session.add(SignInAttempt(user_id=user.id, at=now))
        return _Try(user.id, user.name, user.username, user.password_hash, is_last=tries + 1 == TRIES)


def _succeed(session: Session, counted: _Try) -> User:
    with writing(session):
        session.execute(delete(SignInAttempt).where(SignInAttempt.user_id == counted.user_id))
        user = session.get_one(User, counted.user_id)
        unchanged = user.password_hash == counted.password_hash
    if not unchanged:
        raise WrongPassword("the password was replaced meanwhile")
    session.refresh(user)
    return user


def _record_failure(session: Session, counted: _Try | None, address: str, now: datetime) -> None:
    with writing(session):
        if counted is None:
            _log_stranger(session, address, now)
            return
        actor = Actor(counted.user_id, counted.name, "")
        detail = {"username": counted.username, "address": address}
        append(session, lock_head(session), at=now, actor=actor, action="sign_in.failed", detail=detail)
        if counted.is_last:
            append(session, lock_head(session), at=now, actor=actor, action="sign_in.locked", detail=detail)


def _log_stranger(session: Session, address: str, now: datetime) -> None:
    """Without what was typed: it may have been a password in the wrong field."""
    head = lock_head(session)
    logged = session.scalar(
        select(func.count()).where(
            LogEntry.action == "sign_in.failed", LogEntry.actor_id.is_(None), LogEntry.at > now - WINDOW
        )
    )
    if (logged or 0) < STRANGERS_LOGGED:
        actor = Actor(None, "", "")
        append(session, head, at=now, actor=actor, action="sign_in.failed", detail={"address": address})
