"""Safe by default: every route is private unless it is marked, and every response carries strict headers."""

import hmac
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

from flask import Flask, Response, current_app, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from webapp.exceptions import AnotherPerson
from webapp.extensions import login
from webapp.models import SessionClaims, parse_session_id
from webapp.web import browser_session

View = TypeVar("View", bound=Callable[..., object])
NOT_ASCII = re.compile(rb"%[89A-Fa-f]|[\x80-\xff]")
PERSON_HEADER = "X-Examhall-Person"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
STRICT = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("X-Examhall", "1"),  # `static/js/own-answers.js` ignores responses without it
]
"""On every response; no view sets one of them."""


class SessionCookie(SecureCookieSessionInterface):
    """Flask's signed session cookie; over TLS it is secure, and no other host can set it."""

    def get_cookie_name(self, app: Flask) -> str:
        """The configured name, with `__Host-` over TLS."""
        return f"{'__Host-' if request.is_secure else ''}{app.config['SESSION_COOKIE_NAME']}"

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 Flask's signature
        """Depends on the request: an installation may also be used over plain HTTP on its own machine."""
        return request.is_secure


def init_app(app: Flask) -> None:
    """Close every route that is not marked, and set the headers."""
    app.session_interface = SessionCookie()
    public(app.view_functions["static"])
    app.before_request(_require_utf8)
    app.before_request(_require_sign_in)
    app.before_request(_require_own_page)
    app.after_request(_set_headers)
    app.add_template_global(page_person)


def public(view: View) -> View:
    """Mark a view as open to people who are not signed in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def checks_session_itself(view: View) -> View:
    """Mark a view that trusts the cookie's `session_claims()`, or checks them in a statement of its own."""
    view.checks_session_itself = True  # type: ignore[attr-defined]
    return public(view)


def session_claims() -> SessionClaims | None:
    """Who the request's cookie says is signed in; None if it names nobody."""
    ids = parse_session_id(session.get(browser_session.USER_ID))
    return SessionClaims(*ids, session.get(browser_session.SESSION_ID, "")) if ids else None


def cookie_name(secret_key: str, database_url: str) -> str:
    """The default name of the session cookie.

    Browsers share cookies between all ports of a host, so two installations on one host need different names. All
    processes of one installation have the same key and database.
    """
    database = urlsplit(database_url).path
    return f"examhall_session_{hmac.digest(secret_key.encode(), database.encode(), 'sha256').hex()[:8]}"


def device_cookie_name() -> str:
    """The name of the cookie that tells which accounts were used on a device."""
    return f"{'__Secure-' if request.is_secure else ''}{current_app.config['SESSION_COOKIE_NAME']}_device"


def page_person() -> str:
    """The user id that the page's requests have to repeat; empty if nobody is signed in."""
    claims = session_claims()
    return str(claims.user_id) if claims else ""


def _require_utf8() -> None:
    """Refuse addresses and forms that are not UTF-8, which would be decoded to another text."""
    texts = [request.query_string]
    if request.content_length != 0 and request.mimetype == "application/x-www-form-urlencoded":
        texts.append(request.get_data())
        if request.content_length is None and len(texts[1]) >= current_app.config["MAX_CONTENT_LENGTH"]:
            raise RequestEntityTooLarge  # a body without a length is silently cut at the limit
    for text in filter(NOT_ASCII.search, texts):
        try:
            unquote_to_bytes(text).decode()
        except UnicodeDecodeError as error:
            raise BadRequest("not UTF-8") from error


def _require_sign_in() -> BaseResponse | None:
    if request.endpoint is None:
        return None  # no such address: a 404 for everybody
    view = current_app.view_functions[request.endpoint]
    if getattr(view, "checks_session_itself", False):
        if browser_session.USER_ID in session and not browser_session.is_idle():
            browser_session.note_request()
            return None
    elif getattr(view, "is_public", False):
        return None
    return None if current_user.is_authenticated else login.unauthorized()


def _require_own_page() -> None:
    """Refuse requests from a page of another person than the one who is signed in by now.

    Scripts name the page's person in a header, forms in a field. Other clients need not.
    """
    person = request.headers.get(PERSON_HEADER) or (request.form.get("person") if request.method == "POST" else None)
    if person and page_person() not in {"", person}:
        raise AnotherPerson


def _set_headers(response: Response) -> Response:
    headers = response.headers
    headers.extend(STRICT)
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == "static":
        if "v" not in request.args:  # imported by a module, not named by `asset()`
            headers["Cache-Control"] = "no-cache"
        return response
    headers.setdefault("Cache-Control", "no-store")
    headers.add("Vary", "HX-Request")
    return response
