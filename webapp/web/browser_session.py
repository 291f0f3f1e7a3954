"""What a session cookie says beside who is signed in: when it was signed, and what the sign-in page has to know.

Of a session that ends stays only who it was (so that an address on which somebody's page stood is not opened for the
next person) and the secret of the sign-in pages that are still open in other tabs.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from time import time

from flask import session
from flask.sessions import SecureCookieSession

from webapp.csrf import FIELD, SIGN_IN_SECRET

IDLE_AFTER = timedelta(hours=12)
"""Without a request for so long, a session ends, unless its person sits a test that is still open (R22)."""
RENEWED_AFTER = timedelta(minutes=15)
"""A cookie is signed anew with a request when it is this old: its time is that of the last request, about."""
SIGNED_IN = "_user_id"
"""Flask-Login's."""
BEFORE = "before"
INTERRUPTED = "interrupted"
MOST_INTERRUPTED = 8


class BrowserSession(SecureCookieSession):
    """Flask's session; `signed_at` is when its cookie was signed, in seconds since 1970 (None: there was none)."""

    signed_at: float | None = None


def is_idle() -> bool:
    """Whether this session's last request was too long ago."""
    return _age() > IDLE_AFTER.total_seconds()


def note_request() -> None:
    """Have the cookie signed anew if it is some minutes old."""
    if _age() > RENEWED_AFTER.total_seconds():
        session.modified = True


def _age() -> float:
    signed_at = getattr(session, "signed_at", None)
    return 0 if signed_at is None else time() - signed_at


def empty() -> None:
    """Nobody is signed in any more in this browser."""
    user_id = person()
    secret = session.get(SIGN_IN_SECRET) if SIGNED_IN in session else session.get(FIELD)
    kept = {BEFORE: user_id, SIGN_IN_SECRET: secret, INTERRUPTED: session.get(INTERRUPTED)}
    session.clear()
    session.update({name: value for name, value in kept.items() if value})


def person() -> str:
    """The id of whoever is, or was last, signed in in this browser; empty if nobody was."""
    return str(session[SIGNED_IN]).partition(".")[0] if SIGNED_IN in session else session.get(BEFORE, "")


def interrupt(address: str) -> None:
    """Note that a page was asked for in a session that does not count (any more)."""
    if person():
        others = {mark: whose for mark, whose in session.get(INTERRUPTED, {}).items() if mark != _mark(address)}
        session[INTERRUPTED] = dict([*others.items(), (_mark(address), person())][-MOST_INTERRUPTED:])


def is_anothers(address: str, user_id: int) -> bool:
    """Whether it was another person, before, who asked for this page."""
    whose: str | None = session.get(INTERRUPTED, {}).get(_mark(address))
    return whose not in {None, str(user_id)}


def _mark(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:10]
