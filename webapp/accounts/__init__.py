"""Accounts: passwords, signing in and out."""

from __future__ import annotations

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
# made and planned once: every request asks this first, and either takes longer than the answer
PERSON_OF_A_SESSION = (
    select(User)
    .where(still_counts(bindparam("user_id"), bindparam("epoch"), bindparam("session_id")))
    .execution_options(**PREPARED)
)


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
    login.user_loader(load_user)
    app.after_request(_log_refusal)


def _log_refusal(response: Response) -> Response:
    """Note who tried to get at what is not theirs: the address alone, without what was typed."""
    person = g.get("_login_user")
    if response.status_code in {403, 404} and request.endpoint not in {None, "static"} and person is not None:
        user_id = inspect(person).identity[0] if person.is_authenticated else None
        log.warning("refused", status=response.status_code, method=request.method, path=request.path, user_id=user_id)
    return response


def load_user(kept: str) -> User | None:
    """The person of a session, from what `User.get_id()` had put there; None once it has ended."""
    person = _person_of(kept)
    if person is None:
        browser_session.clear()
    else:
        browser_session.note_request()
    return person


def _person_of(kept: str) -> User | None:
    found = parse_session_id(kept)
    if found is None:
        return None
    user_id, epoch = found
    said = {"user_id": user_id, "epoch": epoch, "session_id": session.get("sid", "")}
    person = db.session().scalar(PERSON_OF_A_SESSION, said)
    if person is not None and browser_session.is_idle() and not sits_an_open_test(db.session(), person):
        return None
    return person
