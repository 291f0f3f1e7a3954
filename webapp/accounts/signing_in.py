"""Sign-in with username and password, with budgets for wrong ones (R22, R32).

A try is counted before its password is checked, in a transaction of its own: a thousand tries at once cannot pass the
limit together. The steps and their time are the same whether the account exists or not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts import budgets
from webapp.accounts.budgets import ALL_ADDRESSES, Client, account_key
from webapp.accounts.exceptions import WrongPassword
from webapp.accounts.known_devices import device_mark
from webapp.accounts.passwords import is_possible_password, verify
from webapp.accounts.users import LONGEST_USERNAME
from webapp.db.transactions import writing
from webapp.logbook.append import Actor, append, lock_head
from webapp.models import LogEntry, User
from webapp.models.people import sign_in_name
from webapp.text.characters import is_storable

LOG_WINDOW = timedelta(minutes=5)
MAX_LOGGED = 500
"""Log entries of each kind per window: people who are not signed in must not fill the log."""


@dataclass(frozen=True)
class _Try:
    """A counted try; `user_id` is None if there is no such account."""

    account: str
    client: Client
    is_first: bool
    """The client had no open one at this account."""
    user_id: int | None = None
    name: str = ""
    username: str = ""
    password_hash: str | None = None


def sign_in(
    session: Session, username: str, password: str, *, address: str, device_cookie: str, secret_key: str, now: datetime
) -> User:
    """The person with this username and password.

    `address` is the client's, `device_cookie` is that of `known_devices`. Raises `WrongPassword`, or `TooManyTries`,
    also for the right password, once the client's tries are used up. Success gives them back.
    """
    if not _is_possible_username(username) or not is_possible_password(password):
        raise WrongPassword("not a username and a password")
    name = sign_in_name(username)
    account = account_key(name, secret_key)
    client = Client(address, device_mark(device_cookie, account, secret_key))
    counted = _count_try(session, name, account, client, now)
    session.rollback()  # no connection is held while the hash is computed
    if not verify(counted.password_hash, password):
        _log_failure(session, counted, now)
        raise WrongPassword("wrong username or password")
    return _succeed(session, counted)


def _is_possible_username(username: str) -> bool:
    if len(username) > LONGEST_USERNAME or not is_storable(username):
        return False
    return 0 < len(sign_in_name(username)) <= LONGEST_USERNAME


def _count_try(session: Session, name: str, account: str, client: Client, now: datetime) -> _Try:
    columns = User.id, User.name, User.username, User.password_hash
    with writing(session):
        is_first = budgets.take(session, account, client, now)
        query = select(*columns).where(User.sign_in_name == name, User.deactivated_at.is_(None))
        user = session.execute(query).first()
    return _Try(account, client, is_first, *(user or ()))


def _succeed(session: Session, counted: _Try) -> User:
    with writing(session, keep=True):
        budgets.give_back(session, counted.account, counted.client)
        user = session.get_one(User, counted.user_id)
        is_unchanged = user.password_hash == counted.password_hash and user.deactivated_at is None
    if not is_unchanged:
        raise WrongPassword("the password was replaced meanwhile")
    session.expunge(user)  # read again, it could have the epoch of a password that was set since
    return user


def _log_failure(session: Session, counted: _Try, now: datetime) -> None:
    """Log the client's first failure, and each budget that is used up."""
    with writing(session):
        locked = budgets.lock_spent(session, counted.account, counted.client, now)
        if counted.is_first:
            _append(session, "sign_in.failed", counted, {}, now)
        for name in locked:
            own = "a known device" if counted.client.device else "the address"
            _append(
                session, "sign_in.locked", counted, {"locked": "new devices" if name == ALL_ADDRESSES else own}, now
            )


def _append(session: Session, action: str, counted: _Try, detail: dict[str, Any], now: datetime) -> None:
    """Log nothing that was typed for a name without an account: it may have been a password in the wrong field."""
    head = lock_head(session)
    recent = select(func.count()).where(LogEntry.action == action, LogEntry.at > now - LOG_WINDOW)
    if session.scalars(recent).one() >= MAX_LOGGED:
        return
    if counted.user_id is not None:
        detail = {"username": counted.username, **detail}
    actor = Actor(counted.user_id, counted.name, "")
    append(session, head, at=now, actor=actor, action=action, detail={"address": counted.client.address, **detail})
