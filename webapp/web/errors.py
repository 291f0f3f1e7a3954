"""Every error becomes a readable page, or a fragment for scripts, with its status and what to do next."""

import structlog
from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask.globals import request_ctx
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.exceptions import ClientDisconnected, HTTPException, InternalServerError
from werkzeug.wrappers import Response as BaseResponse

from webapp.db.outages import is_outage, log_outage, outages_logged
from webapp.exceptions import Refusal, StaleForm, Unavailable
from webapp.extensions import db, login
from webapp.web.security import View, note_interrupted, page_person

log = structlog.get_logger(__name__)
LONGEST_NEXT = 3000
"""Characters of an address that the sign-in page leads back to; longer response headers are cut off by proxies."""
LONG_TEXTS = ("subject", "body", "text", "note", "reason")
"""Form fields that an error page shows again, to be copied."""


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.config["PROPAGATE_EXCEPTIONS"] = False  # in tests too
    app.log_exception = lambda exc_info: None  # type: ignore[method-assign] # noqa: ARG005 `_handle` logs
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


def _error_answer(status: int, refusal: Refusal | None = None) -> Response:
    """The page or fragment for an error, worded by `templates/errors/` from status and refusal."""
    fragment = wants_fragment()
    template = "errors/_fragment.html" if fragment else "errors/page.html"
    response = make_response(render_refusal(template, status=status, refusal=refusal, typed=_long_texts()), status)
    if refusal and refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    if refusal and refusal.code:
        response.headers["X-Examhall-Refusal"] = refusal.code
    if fragment and page_person():
        # for nobody it would begin a session, whose cookie would replace that of a sign-in page in another tab
        response.headers["X-CSRF-Token"] = generate_csrf()
    return response


def render_refusal(template: str, *, status: int, **context: object) -> str:
    """Render a template for the person who is signed in, or for nobody if the database cannot say who that is."""
    if status < 500:
        with outages_logged():
            _ = current_user.is_authenticated  # empties an ended session before the page says whose it is
            return render_template(template, status=status, **context)
    g._login_user = login.anonymous_user()
    return render_template(template, status=status, **context)


def not_signed_in() -> BaseResponse:
    """Send page requests to the sign-in page, which leads back; a 401 with what was typed for all others."""
    if request.method != "GET" or wants_fragment():
        return _error_answer(401)
    address = request.full_path.rstrip("?")
    if len(address) > LONGEST_NEXT:
        address = request.path
    note_interrupted(address)
    return redirect(url_for("accounts.sign_in", next=address))


def _long_texts() -> dict[str, str]:
    try:
        return {name: request.form[name] for name in LONG_TEXTS if request.form.get(name)}
    except HTTPException:
        return {}  # the body is too large, or did not arrive


def _handle(error: BaseException) -> BaseResponse:
    if isinstance(error, InternalServerError):
        error = error.original_exception or error
    if isinstance(error, CSRFError):
        error = StaleForm()
    if isinstance(error, HTTPException):
        return _http_answer(error)
    with outages_logged():  # a connection that does not answer is not used again
        db.session.rollback()
    if is_outage(error):
        log_outage(error)
        error = error if isinstance(error, Unavailable) else Unavailable(str(error), retry_after=5)
    if isinstance(error, Refusal):
        return _error_answer(error.status, error)
    log.error("unexpected error", path=request.path, exc_info=error)
    return _error_answer(500)


def _http_answer(error: HTTPException) -> BaseResponse:
    if error.code is None or request_ctx.url_adapter is None:
        return error.get_response()  # `Host` is no host name, so that no page with addresses can be made
    # servers raise TimeoutError to the reader of a body that does not arrive
    is_late = isinstance(error, ClientDisconnected) and isinstance(error.__context__, TimeoutError)
    response = _error_answer(408 if is_late else error.code)
    response.headers.extend((name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"})
    return response
