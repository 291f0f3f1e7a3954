"""Creating a single account."""

from __future__ import annotations

import unicodedata

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.passwords import hash_password
from webapp.accounts.refusals import AccountRefused
from webapp.accounts.weak_passwords import problem_with
from webapp.db.transactions import writing
from webapp.models import User
from webapp.models.people import sign_in_name
from webapp.text.normalization import normalize


def create_user(session: Session, username: str, name: str, password: str, *, is_admin: bool = False) -> User:
    """Create a person with a password of their own choice.

    Raises `AccountRefused`, whose text says what to change: a name that is taken (case does not matter), empty, too
    long or holding control characters; a password that is too short, too long, no text, or guessed too easily.
    """
    username, name = _checked("username", username, 150), _checked("name", name, 200)
    if len(sign_in_name(username)) > 150:
        raise AccountRefused("The username is too long.")
    if problem := problem_with(password):
        raise AccountRefused(f"The password {problem}.")
    known_as, password_hash = sign_in_name(username), hash_password(password)
    with writing(session):
        if session.scalar(select(User.id).where(User.sign_in_name == known_as)) is not None:
            raise AccountRefused(f"The username {username} is taken.")
        user = User(username=username, sign_in_name=known_as, name=name, password_hash=password_hash, is_admin=is_admin)
        session.add(user)
    return user


def _checked(field: str, written: str, longest: int) -> str:
    text = normalize(written)
    if not text:
        raise AccountRefused(f"The {field} is empty.")
    if len(text) > longest:
        raise AccountRefused(f"The {field} has {len(text)} characters; at most {longest} fit.")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in written.strip()):
        raise AccountRefused(f"The {field} holds a control character or is no UTF-8 text.")
    return text
