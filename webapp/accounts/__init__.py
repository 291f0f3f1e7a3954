"""Accounts: users, passwords, signing in and out, help with signing in."""

import structlog
from flask import Flask, Response, request
from sqlalchemy import select

from webapp.access import sits_an_open_test
from webapp.accounts.views import blueprint
from webapp.db.sql import PREPARED
from webapp.extensions import db, login
from webapp.models import SESSION_COUNTS, User
from webapp.web.security import clear_session, is_idle, note_request, session_claims

log = structlog.get_logger(__name__)
# the first statement of nearly every request
USER_OF_SESSION = select(User).where(SESSION_COUNTS).execution_options(**PREPARED)


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
    login.user_loader(load_user)
    app.after_request(_log_refusal)


def load_user(_session_user_id: str) -> User | None:
    """The person of the session; None, in an emptied session, if it has ended."""
    claims, session = session_claims(), db.session()
    user: User | None = session.scalar(USER_OF_SESSION, claims.parameters) if claims else None
    if user is None or (is_idle() and not sits_an_open_test(session, user)):
        clear_session()
        return None
    note_request()
    return user


def _log_refusal(response: Response) -> Response:
    """Log who requested what is not theirs: the path, without what was typed."""
    status = response.status_code
    if status in {403, 404} and request.endpoint not in {None, "static"} and (claims := session_claims()):
        log.warning("refused", status=status, method=request.method, path=request.path, user_id=claims.user_id)
    return response
