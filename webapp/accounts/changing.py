"""An account is changed by whoever runs the server: another password, out of use, in use again. All is logged (R15)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts import budgets, entries
from webapp.accounts.passwords import hash_password
from webapp.accounts.refusals import AccountRefused
from webapp.accounts.weak_passwords import problem_with
from webapp.db.transactions import writing
from webapp.logbook.append import Actor
from webapp.models import User
from webapp.models.people import sign_in_name
from webapp.push import write_end_of_all


def set_password(
    session: Session, username: str, password: str, *, actor: Actor, secret_key: str, now: datetime
) -> User:
    """Give somebody another password; ends their sessions, and a lock of their sign-in. Raises `AccountRefused`."""
    if problem := problem_with(password):
        raise AccountRefused(f"The password {problem}.")
    password_hash = hash_password(password)
    with writing(session, keep=True):
        user = find_user(session, username)
        replace_password(session, user, password_hash, secret_key, now)
        entries.note(session, user, actor, entries.PASSWORD_SET, now)
    return user


def deactivate(session: Session, username: str, *, actor: Actor, now: datetime) -> bool:
    """Take somebody's account out of use: sessions end at once, what they did stays. False if it is so already."""
    with writing(session):
        user = find_user(session, username)
        if user.deactivated_at is not None:
            return False
        user.deactivated_at = now
        _end_sessions(session, user, now)
        entries.note(session, user, actor, entries.DEACTIVATED, now)
    return True


def reactivate(session: Session, username: str, *, actor: Actor, now: datetime) -> bool:
    """Let somebody sign in again, with the password that they had. False if they can already."""
    with writing(session):
        user = find_user(session, username)
        if user.deactivated_at is None:
            return False
        user.deactivated_at = None
        session.flush()
        entries.note(session, user, actor, entries.REACTIVATED, now)
    return True


def set_administrator(session: Session, username: str, *, is_admin: bool, actor: Actor, now: datetime) -> bool:
    """Give or take the right to see everything in this installation. False if it is so already."""
    with writing(session):
        user = find_user(session, username)
        if user.is_admin is is_admin:
            return False
        user.is_admin = is_admin
        session.flush()
        roles = ("administrator", "none") if not is_admin else ("none", "administrator")
        entries.note(session, user, actor, entries.ROLE_CHANGED, now, before=roles[0], after=roles[1])
    return True


def find_user(session: Session, username: str) -> User:
    """The person with this username, locked until the transaction ends. Raises `AccountRefused`."""
    name = sign_in_name(username)
    user: User | None = session.scalar(select(User).where(User.sign_in_name == name).with_for_update(key_share=True))
    if user is None:
        raise AccountRefused(f"Nobody has the username {username}.")
    return user


def replace_password(session: Session, user: User, password_hash: str, secret_key: str, now: datetime) -> None:
    """Store a password; ends the person's sessions, and a lock of their sign-in. Within `writing()`."""
    budgets.forget(session, budgets.account_key(user.sign_in_name, secret_key))
    user.password_hash = password_hash
    _end_sessions(session, user, now)


def _end_sessions(session: Session, user: User, now: datetime) -> None:
    user.epoch += 1
    session.flush()
    write_end_of_all(session, [user.id], now)
