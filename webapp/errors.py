"""Every error becomes a readable page, or a fragment for HTMX, with the right status and what to do next."""

from __future__ import annotations

import structlog
from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError, generate_csrf
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from webapp.extensions import db, login
from webapp.logs import Seldom
from webapp.refusals import Refusal, StaleForm, Unavailable

log = structlog.get_logger(__name__)
away = Seldom(5)
KEPT_FIELDS = ("subject", "body", "text")
"""What a person may have typed at length: an error page shows it again, to be copied."""


def wants_fragment() -> bool:
    """Whether the answer goes into a page that stays (HTMX, or a script's fetch) instead of replacing it."""
    return request.headers.get("HX-Request") == "true" or request.path in {"/stream", "/ping", "/inbox/new"}


def error_answer(status: int, *, refusal: Refusal | None = None, retry_after: int | None = None) -> Response:
    """The page or fragment for an error; `templates/errors/` words it by status, and by refusal where it can."""
    if status >= 500:
        # such a page asks the database nothing, or it would fail like the page before it: not even who is signed in
        g._login_user = login.anonymous_user()
    template = "errors/_fragment.html" if wants_fragment() else "errors/page.html"
    typed = {} if status == 413 else {name: request.form[name] for name in KEPT_FIELDS if request.form.get(name)}
    answer = make_response(render_template(template, status=status, refusal=refusal, typed=typed), status)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    if wants_fragment():
        answer.headers["X-CSRF-Token"] = generate_csrf()
    return answer


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _bad_csrf)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(NoConnectionLeft, _database_away)
    app.register_error_handler(Exception, _unexpected)
    login.unauthorized_handler(not_signed_in)


def not_signed_in() -> BaseResponse:
    """Pages lead to the sign-in page and back; fragments, streams and posts get a 401 that keeps what was typed."""
    if request.method == "GET" and not wants_fragment():
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    return error_answer(401)


def _refused(refusal: Refusal) -> BaseResponse:
    db.session.rollback()
    retry_after = refusal.retry_after if isinstance(refusal, Unavailable) else None
    return error_answer(refusal.status, refusal=refusal, retry_after=retry_after)


def _bad_csrf(_error: CSRFError) -> BaseResponse:
    return error_answer(400, refusal=StaleForm())


def _http_error(error: HTTPException) -> BaseResponse:
    if error.code is None or error.code < 400:
        return error.get_response()
    answer = error_answer(error.code)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            answer.headers[name] = value
    return answer


def _database_error(error: DBAPIError) -> BaseResponse:
    return _database_away(error) if error.connection_invalidated else _unexpected(error)


def _database_away(error: DBAPIError | NoConnectionLeft) -> BaseResponse:
    db.session.rollback()
    # of a driver's error only its own words: SQLAlchemy's carry the parameters
    away.write(log.error, "database did not answer", error=str(getattr(error, "orig", error)))
    return error_answer(503, retry_after=5)


def _unexpected(error: Exception) -> BaseResponse:
    db.session.rollback()
    log.exception("unexpected error", path=request.path, exc_info=error)
    return error_answer(500)
