"""Accounts: users, passwords, signing in and out, help with signing in."""

import structlog
from flask import Flask, Response, g, request, session
from sqlalchemy import bindparam, inspect, select

from webapp.access import sits_an_open_test
from webapp.accounts import help_views  # noqa: F401 adds its routes to the blueprint
from webapp.accounts.views import blueprint
from webapp.db.sql import PREPARED
from webapp.extensions import db, login
from webapp.models import User, parse_session_id, still_counts
from webapp.web import browser_session

log = structlog.get_logger(__name__)
USER_OF_SESSION = (  # the first statement of every request
    select(User)
    .where(still_counts(bindparam("user_id"), bindparam("epoch"), bindparam("session_id")))
    .execution_options(**PREPARED)
)


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
    login.user_loader(load_user)
    app.after_request(_log_refusal)


def load_user(session_user_id: str) -> User | None:
    """The person of the session; None, in an emptied session, if it has ended."""
    user = _user_of_session(session_user_id)
    if user is None:
        browser_session.clear()
    else:
        browser_session.note_request()
    return user


def _user_of_session(session_user_id: str) -> User | None:
    ids = parse_session_id(session_user_id)
    if ids is None:
        return None
    parameters = {"user_id": ids[0], "epoch": ids[1], "session_id": session.get(browser_session.SESSION_ID, "")}
    user = db.session().scalar(USER_OF_SESSION, parameters)
    if user is not None and browser_session.is_idle() and not sits_an_open_test(db.session(), user):
        return None
    return user


def _log_refusal(response: Response) -> Response:
    """Log who requested what is not theirs: the path, without what was typed."""
    user = g.get("_login_user")
    if response.status_code in {403, 404} and request.endpoint not in {None, "static"} and user is not None:
        user_id = inspect(user).identity[0] if user.is_authenticated else None
        log.warning("refused", status=response.status_code, method=request.method, path=request.path, user_id=user_id)
    return response
