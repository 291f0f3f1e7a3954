"""Sign-in: who a username and a password belong to, with budgets for wrong ones (`budgets`; R22, R32).

A try is counted before its password is looked at, and in a write transaction of its own, so that a thousand tries at
once cannot pass the limit together. What is done, and how long it takes, is the same whether the account exists or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts import budgets
from webapp.accounts.budgets import ALL_ADDRESSES, Client, account_key
from webapp.accounts.known_devices import KnownDevices
from webapp.accounts.passwords import is_typable, verify
from webapp.accounts.refusals import WrongPassword
from webapp.db.transactions import writing
from webapp.logbook.append import Actor, append, lock_head
from webapp.models import LogEntry, User
from webapp.models.people import sign_in_name

WINDOW = timedelta(minutes=5)
MOST_LOGGED = 500
"""Log entries per window of each kind: somebody who is not signed in must not fill the log."""
LONGEST_NAME = 150


@dataclass(frozen=True)
class _Try:
    """A counted try at an account, which may not exist (`user_id` is None then)."""

    account: str
    client: Client
    is_first: bool
    """The client had no open one at this account."""
    user_id: int | None = None
    name: str = ""
    username: str = ""
    password_hash: str | None = None


def sign_in(
    session: Session,
    username: str,
    password: str,
    *,
    address: str,
    device_cookie: str,
    secret_key: str,
    now: datetime,
) -> User:
    """The person whom `username` and `password` belong to.

    `address` is where the request came from, `device_cookie` what its device says of itself (`known_devices`). Raises
    `WrongPassword`, or `TooManyTries` once the client has used up its tries (for the right password too). Success gives
    them back.
    """
    if not _can_be_a_name(username) or not is_typable(password):
        raise WrongPassword("not a username and a password")
    name = sign_in_name(username)
    account = account_key(name, secret_key)
    client = Client(address, KnownDevices(secret_key).mark(device_cookie, account))
    counted = _count_try(session, name, account, client, now)
    session.rollback()  # no connection is held while the hash is computed
    if not verify(counted.password_hash, password):
        _record_failure(session, counted, now)
        raise WrongPassword("wrong username or password")
    return _succeed(session, counted)


def _can_be_a_name(username: str) -> bool:
    return (
        len(username) <= LONGEST_NAME
        and "\0" not in username
        and not any("\ud800" <= character <= "\udfff" for character in username)
        and 0 < len(sign_in_name(username)) <= LONGEST_NAME
    )


def _count_try(session: Session, name: str, account: str, client: Client, now: datetime) -> _Try:
    columns = User.id, User.name, User.username, User.password_hash
    with writing(session):
        is_first = budgets.take(session, account, client, now)
        person = select(*columns).where(User.sign_in_name == name, User.deactivated_at.is_(None))
        found = session.execute(person).first()
        return _Try(account, client, is_first, *(found or ()))


def _succeed(session: Session, counted: _Try) -> User:
    with writing(session, keep=True):
        budgets.give_back(session, counted.account, counted.client)
        user = session.get_one(User, counted.user_id)
        unchanged = user.password_hash == counted.password_hash and user.deactivated_at is None
    if not unchanged:
        raise WrongPassword("the password was replaced meanwhile")
    session.expunge(user)  # read once more, it could have the epoch of a password that was set since
    return user


def _record_failure(session: Session, counted: _Try, now: datetime) -> None:
    """Log the first of a client's failures, and each budget that is used up: not each try."""
    with writing(session):
        locked = budgets.lock(session, counted.account, counted.client, now)
        if counted.is_first:
            _append(session, "sign_in.failed", counted, {}, now)
        for place in locked:
            _append(session, "sign_in.locked", counted, _whom_it_locks(place, counted.client), now)


def _whom_it_locks(place: str, client: Client) -> dict[str, Any]:
    if place == ALL_ADDRESSES:
        return {"locked": "new devices"}
    return {"locked": "a known device" if client.device else "the address"}


def _append(session: Session, action: str, counted: _Try, detail: dict[str, Any], now: datetime) -> None:
    """Of a name without an account nothing that was typed: it may have been a password in the wrong field."""
    head = lock_head(session)
    lately = select(func.count()).where(LogEntry.action == action, LogEntry.at > now - WINDOW)
    if (session.scalar(lately) or 0) >= MOST_LOGGED:
        return
    actor = Actor(counted.user_id, counted.name, "")
    if counted.user_id is not None:
        detail = {"username": counted.username, **detail}
    append(session, head, at=now, actor=actor, action=action, detail={"address": counted.client.address, **detail})
