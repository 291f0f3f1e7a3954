"""The check that a form or a script comes from a page of ours, quick for pages that ask again and again."""

from __future__ import annotations

import hmac
from functools import lru_cache

from flask import current_app, g, request, session
from flask_wtf.csrf import CSRFProtect
from itsdangerous import BadData, URLSafeTimedSerializer

REMEMBERED = 10_000
"""As many as a process holds streams: each page sends the same token with every ping and every save."""
SALT = "wtf-csrf-token"
FIELD = "csrf_token"
SIGN_IN_SECRET = "sign_in_token"  # noqa: S105
"""Where a session keeps what the tokens of sign-in pages belong to that were opened before anybody had signed in."""
SIGN_IN = "accounts.take_sign_in"


class RememberingCSRFProtect(CSRFProtect):  # type: ignore[misc] # Flask-WTF has no types
    """Flask-WTF's check. A script's token that was verified before is compared with its session only."""

    def protect(self, apply_exemptions: bool = False) -> None:
        """Let the request pass, or refuse it with what Flask-WTF says."""
        if _belongs_to(session.get(FIELD), request.headers.get("X-CSRFToken", "")):
            g.csrf_valid = True
            return
        # the second of two sign-in tabs: it is as good as the first, which has begun a new session
        if request.endpoint == SIGN_IN and _belongs_to(session.get(SIGN_IN_SECRET), request.form.get(FIELD, "")):
            g.csrf_valid = True
            return
        super().protect(apply_exemptions)


def _belongs_to(own: object, token: str) -> bool:
    if not token or not isinstance(own, str):
        return False
    try:
        return hmac.compare_digest(_secret_in(token, str(current_app.secret_key)).encode(), own.encode())
    except BadData:
        return False  # Flask-WTF looks at it once more, and says why


@lru_cache(maxsize=REMEMBERED)
def _secret_in(token: str, key: str) -> str:
    """What Flask-WTF has signed, for as long as the session lasts (`WTF_CSRF_TIME_LIMIT` is None)."""
    return str(URLSafeTimedSerializer(key, salt=SALT).loads(token))
