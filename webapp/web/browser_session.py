"""What the session cookie holds besides who is signed in.

After a session has ended, two things stay: who it belonged to, so that the next person is not led to that person's
page, and the CSRF secret of sign-in pages that are still open in other tabs.
"""

import hashlib
import secrets
from datetime import timedelta

from flask import session
from flask_login import login_user
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from webapp.clock import utcnow
from webapp.models import User

IDLE_AFTER = timedelta(hours=12)
"""A session without a request for this long has ended, unless its person sits a test that is not closed (R22)."""
RENEWED_AFTER = timedelta(minutes=15)
"""How exactly the cookie knows the time of the last request."""
MAX_INTERRUPTED_PAGES = 8

USER_ID = "_user_id"
"""Flask-Login's."""
SESSION_ID = "sid"
CSRF_SECRET = "csrf_token"  # noqa: S105 Flask-WTF's name
SIGN_IN_SECRET = "sign_in_token"  # noqa: S105
LAST_REQUEST = "last_request"
PREVIOUS_USER_ID = "before"
INTERRUPTED = "interrupted"


def begin(user: User) -> None:
    """Sign somebody in, in a new session."""
    session.update({SESSION_ID: secrets.token_urlsafe(16), LAST_REQUEST: _now()})
    login_user(user)


def clear() -> None:
    """Sign out whoever is signed in."""
    sign_in_secret = session.get(SIGN_IN_SECRET) if USER_ID in session else session.get(CSRF_SECRET)
    rest = {PREVIOUS_USER_ID: _user_id(), SIGN_IN_SECRET: sign_in_secret, INTERRUPTED: session.get(INTERRUPTED)}
    session.clear()
    session.update({name: value for name, value in rest.items() if value})


def is_idle() -> bool:
    """Whether the last request was too long ago."""
    return _age() > IDLE_AFTER.total_seconds()


def note_request() -> None:
    """Note the time, if the noted one is some minutes old."""
    if _age() > RENEWED_AFTER.total_seconds():
        session[LAST_REQUEST] = _now()


def accepts_sign_in_token(token: str) -> bool:
    """Whether a sign-in form's CSRF token belongs to this browser.

    The form may be older than the present session, where somebody has signed in in another tab since.
    """
    for secret in (CSRF_SECRET, SIGN_IN_SECRET):
        try:
            validate_csrf(token, token_key=secret)
        except ValidationError:
            continue
        return True
    return False


def note_interrupted(address: str) -> None:
    """Note that a page was requested in a session that has ended."""
    if user_id := _user_id():
        pages = {page: owner for page, owner in session.get(INTERRUPTED, {}).items() if page != _digest(address)}
        session[INTERRUPTED] = dict([*pages.items(), (_digest(address), user_id)][-MAX_INTERRUPTED_PAGES:])


def was_interrupted_for_another(address: str, user_id: int) -> bool:
    """Whether another person than this one had requested the page."""
    owner: str | None = session.get(INTERRUPTED, {}).get(_digest(address))
    return owner not in {None, str(user_id)}


def _user_id() -> str:
    """Of the person who is, or was last, signed in; empty if nobody was."""
    return str(session[USER_ID]).partition(".")[0] if USER_ID in session else session.get(PREVIOUS_USER_ID, "")


def _age() -> int:
    last: int = session.get(LAST_REQUEST, 0)
    return _now() - last


def _now() -> int:
    return int(utcnow().timestamp())


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:10]
