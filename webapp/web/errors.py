"""Every error becomes a readable page, or a fragment for scripts, with its status and what to do next."""

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
"""Characters of an address that the sign-in page leads back to; longer response headers are cut off by proxies."""
LONG_TEXTS = ("subject", "body", "text")
"""Form fields that an error page shows again, to be copied."""


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.config["PROPAGATE_EXCEPTIONS"] = False  # in tests too
    app.register_error_handler(Refusal, _handle_refusal)
    app.register_error_handler(CSRFError, lambda _error: error_answer(400, refusal=StaleForm()))
    app.register_error_handler(HTTPException, _handle_http_error)
    app.register_error_handler(InternalServerError, lambda error: _handle(error.original_exception or error))
    app.register_error_handler(Exception, _handle)
    login.unauthorized_handler(not_signed_in)


def for_scripts(view: View) -> View:
    """Mark a view that only scripts request: its errors are fragments."""
    view.is_for_scripts = True  # type: ignore[attr-defined]
    return view


def wants_fragment() -> bool:
    """Whether the response goes into a page that stays (HTMX, or a script's fetch) instead of replacing it."""
    view = current_app.view_functions.get(request.endpoint or "")
    return request.headers.get("HX-Request") == "true" or getattr(view, "is_for_scripts", False)


def error_answer(status: int, *, refusal: Refusal | None = None, retry_after: int | None = None) -> Response:
    """The page or fragment for an error, worded by `templates/errors/` from status and refusal."""
    template = "errors/_fragment.html" if wants_fragment() else "errors/page.html"
    page = render_refusal(template, status=status, refusal=refusal, typed=_long_texts())
    response = make_response(page, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if refusal is not None and refusal.code:
        response.headers["X-Examhall-Refusal"] = refusal.code
    if wants_fragment() and browser_session.USER_ID in session:
        # for nobody it would begin a session, whose cookie would replace that of a sign-in page in another tab
        response.headers["X-CSRF-Token"] = generate_csrf()
    return response


def render_refusal(template: str, *, status: int, **context: object) -> str:
    """Render a template for the person who is signed in, or for nobody if the database cannot say who that is."""
    if status < 500:
        try:
            _ = current_user.is_authenticated  # empties an ended session before the page says whose it is
            return render_template(template, status=status, **context)
        except Exception as error:
            if not is_outage(error):
                raise
            log_outage(error)
    g._login_user = login.anonymous_user()
    return render_template(template, status=status, **context)


def not_signed_in() -> BaseResponse:
    """Send page requests to the sign-in page, which leads back; a 401 with what was typed for all others."""
    if request.method != "GET" or wants_fragment():
        return error_answer(401)
    address = request.full_path.rstrip("?")
    if len(address) > LONGEST_NEXT:
        address = request.path
    browser_session.note_interrupted(address)
    return redirect(url_for("accounts.sign_in", next=address))


def _long_texts() -> dict[str, str]:
    try:
        return {name: request.form[name] for name in LONG_TEXTS if request.form.get(name)}
    except HTTPException:
        return {}  # the body is too large, or did not arrive


def _handle_refusal(refusal: Refusal) -> BaseResponse:
    if isinstance(refusal, Unavailable):
        return _handle(refusal)
    _roll_back()
    return error_answer(refusal.status, refusal=refusal, retry_after=refusal.retry_after)


def _handle_http_error(error: HTTPException) -> BaseResponse:
    if error.code is None or error.code < 400 or request_ctx.url_adapter is None:
        return error.get_response()  # no error; or `Host` is no host name, so that no page with addresses can be made
    # servers raise TimeoutError to the reader of a body that does not arrive
    is_late = isinstance(error, ClientDisconnected) and isinstance(error.__context__, TimeoutError)
    response = error_answer(408 if is_late else error.code)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _handle(error: BaseException) -> BaseResponse:
    _roll_back()
    if is_outage(error):
        log_outage(error)
        return error_answer(503, retry_after=getattr(error, "retry_after", 5))
    log.error("unexpected error", path=request.path, exc_info=error)
    return error_answer(500)


def _roll_back() -> None:
    """End the session's transaction. A connection that does not answer is not used again."""
    try:
        db.session.rollback()
    except Exception as error:
        if not is_outage(error):
            raise
        log_outage(error)
