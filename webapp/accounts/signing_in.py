"""Sign-in with username and password, with budgets for wrong ones (R22, R32).

A try is counted before its password is checked, in a transaction of its own: a thousand tries at once cannot pass the
limit together. The steps and their time are the same whether the account exists or not.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.budgets import account_key, device_marks, give_back, limits_of, lock_spent, take
from webapp.accounts.passwords import is_possible_password, verify
from webapp.accounts.users import LONGEST_USERNAME
from webapp.db.transactions import writing
from webapp.exceptions import Refusal
from webapp.logbook.append import Actor, append, lock_head
from webapp.models import LogEntry, User
from webapp.models.people import sign_in_name
from webapp.text.characters import is_storable

LOG_WINDOW = timedelta(minutes=5)
MAX_LOGGED = 500
"""Log entries of each kind per window: people who are not signed in must not fill the log."""


class WrongPassword(Refusal):
    """The username, the password or both are wrong: which one is not told."""

    status = 422
    code = "wrong_password"


def sign_in(
    session: Session, username: str, password: str, *, address: str, device_cookie: str, secret_key: str, now: datetime
) -> User:
    """The person with this username and password.

    `address` is the client's, `device_cookie` tells the accounts used there. Raises `WrongPassword`, or `TooManyTries`,
    also for the right password, once the client's tries are used up. Success gives them back.
    """
    name = sign_in_name(username) if len(username) <= LONGEST_USERNAME and is_storable(username) else ""
    if not 0 < len(name) <= LONGEST_USERNAME or not is_possible_password(password):
        raise WrongPassword("not a username and a password")
    account = account_key(name, secret_key)
    limits = limits_of(address, device_marks(device_cookie, secret_key).get(account))
    can_sign_in = User.sign_in_name == name, User.deactivated_at.is_(None)
    with writing(session):
        is_first = take(session, account, limits, now)
        query = select(User.id, User.name, User.username, User.password_hash).where(*can_sign_in)
        person = session.execute(query).first()
    password_hash = person.password_hash if person else None
    if not verify(password_hash, password):  # no connection is held while the hash is computed
        with writing(session):
            spent = lock_spent(session, account, limits, now)  # before the log, as every sign-in: no deadlock
            if is_first:
                _log_failure(session, "sign_in.failed", person, now, address=address)
            for client_kind in spent:
                _log_failure(session, "sign_in.locked", person, now, address=address, locked=client_kind)
        raise WrongPassword("wrong username or password")
    with writing(session, keep=True):
        give_back(session, account, limits)
        user: User | None = session.scalar(select(User).where(*can_sign_in, User.password_hash == password_hash))
        if user is None:
            raise WrongPassword("the password was replaced meanwhile")
    session.expunge(user)  # read again, it could have the epoch of a password that was set since
    return user


def _log_failure(session: Session, action: str, person: Any, now: datetime, **detail: str) -> None:
    """Log nothing that was typed for a name without an account: it may have been a password in the wrong field."""
    head = lock_head(session)
    recent = select(func.count()).where(LogEntry.action == action, LogEntry.at > now - LOG_WINDOW)
    if session.scalars(recent).one() >= MAX_LOGGED:
        return
    actor = Actor(person.id, person.name, "") if person else Actor(None, "", "")
    if person:
        detail["username"] = person.username
    append(session, head, at=now, actor=actor, action=action, detail=detail)
