"""Every error becomes a readable page, or a fragment for HTMX, with the right status and what to do next."""

from __future__ import annotations

import structlog
from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request, session, url_for
from flask.globals import request_ctx
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.exceptions import ClientDisconnected, HTTPException, InternalServerError
from werkzeug.wrappers import Response as BaseResponse

from webapp.db.outages import is_outage, log_outage
from webapp.exceptions import Refusal, StaleForm, Unavailable
from webapp.extensions import db, login
from webapp.web import browser_session
from webapp.web.security import View

log = structlog.get_logger(__name__)
LONGEST_NEXT = 3000
"""Letters of an address that the sign-in page leads back to; proxies take no longer ones in an answer's header."""
KEPT_FIELDS = ("subject", "body", "text")
"""What a person may have typed at length: an error page shows it again, to be copied."""


def for_scripts(view: View) -> View:
    """Mark a view that only scripts request, never a person: its errors are fragments."""
    view.is_for_scripts = True  # type: ignore[attr-defined]
    return view


def wants_fragment() -> bool:
    """Whether the response goes into a page that stays (HTMX, or a script's fetch) instead of replacing it."""
    view = current_app.view_functions.get(request.endpoint or "")
    return request.headers.get("HX-Request") == "true" or getattr(view, "is_for_scripts", False)


def error_answer(status: int, *, refusal: Refusal | None = None, retry_after: int | None = None) -> Response:
    """The page or fragment for an error; `templates/errors/` words it by status, and by refusal where it can."""
    template = "errors/_fragment.html" if wants_fragment() else "errors/page.html"
    words = render_refusal(template, status=status, refusal=refusal, typed=_typed())
    answer = make_response(words, status)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    if refusal is not None and refusal.code:
        answer.headers["X-Examhall-Refusal"] = refusal.code
    if wants_fragment() and browser_session.USER_ID in session:
        # for nobody it would begin a session, whose cookie would replace that of a sign-in page in another tab
        answer.headers["X-CSRF-Token"] = generate_csrf()
    return answer


def render_refusal(template: str, *, status: int, **context: object) -> str:
    """An error page for the person who is signed in, or for nobody if the database cannot say who that is."""
    if status < 500:
        try:
            _ = current_user.is_authenticated  # before the page says whose it is: an ended session is emptied by it
            return render_template(template, status=status, **context)
        except Exception as error:
            if not is_outage(error):
                raise
            log_outage(error)
    g._login_user = login.anonymous_user()
    return render_template(template, status=status, **context)


def _typed() -> dict[str, str]:
    try:
        return {name: request.form[name] for name in KEPT_FIELDS if request.form.get(name)}
    except HTTPException:
        return {}  # a body that is too large, or did not arrive, has no fields


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.config["PROPAGATE_EXCEPTIONS"] = False  # a handler that fails is answered by `_failed`, in tests too
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _bad_csrf)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _failed)
    app.register_error_handler(Exception, _unexpected)
    login.unauthorized_handler(not_signed_in)


def not_signed_in() -> BaseResponse:
    """Pages lead to the sign-in page and back; fragments, streams and posts get a 401 that keeps what was typed."""
    if request.method == "GET" and not wants_fragment():
        address = request.full_path.rstrip("?")
        if len(address) > LONGEST_NEXT:
            address = request.path
        browser_session.note_interrupted(address)
        return redirect(url_for("accounts.sign_in", next=address))
    return error_answer(401)


def _refused(refusal: Refusal) -> BaseResponse:
    if isinstance(refusal, Unavailable):
        return _unexpected(refusal)
    _roll_back()
    return error_answer(refusal.status, refusal=refusal, retry_after=refusal.retry_after)


def _bad_csrf(_error: CSRFError) -> BaseResponse:
    return error_answer(400, refusal=StaleForm())


def _http_error(error: HTTPException) -> BaseResponse:
    if error.code is None or error.code < 400:
        return error.get_response()
    if (
        request_ctx.url_adapter is None
    ):  # its `Host` can be no host's name: a page, which needs addresses, cannot be made
        return error.get_response()
    # a server that waited long enough for a body says so to whoever was reading it
    is_late = isinstance(error, ClientDisconnected) and isinstance(error.__context__, TimeoutError)
    answer = error_answer(408 if is_late else error.code)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            answer.headers[name] = value
    return answer


def _failed(error: InternalServerError) -> BaseResponse:
    """What Flask makes of an exception in a handler, or after a view."""
    return _unexpected(error.original_exception or error)


def _unexpected(error: BaseException) -> BaseResponse:
    _roll_back()
    if is_outage(error):
        log_outage(error)
        return error_answer(503, retry_after=getattr(error, "retry_after", 5))
    log.error("unexpected error", path=request.path, exc_info=error)
    return error_answer(500)


def _roll_back() -> None:
    """End the session's transaction. Without an answer there is nothing to end: the connection is not used again."""
    try:
        db.session.rollback()
    except Exception as error:
        if not is_outage(error):
            raise
        log_outage(error)
