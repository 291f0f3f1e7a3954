"""Safe by default: every route is private unless it is marked, and every response carries strict headers.

After a session has ended, two things stay in its cookie: who it belonged to, so that the next person is not led to that
person's page, and the CSRF secret of sign-in pages that are still open in other tabs.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

from flask import Flask, Response, current_app, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user, login_user
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse
from wtforms import ValidationError

from webapp.clock import utcnow
from webapp.exceptions import AnotherPerson, Refusal
from webapp.extensions import login
from webapp.models import SessionClaims, User, parse_session_id
from webapp.text.characters import has_control_characters

View = TypeVar("View", bound=Callable[..., object])
PERSON_HEADER = "X-Examhall-Person"
NOT_ASCII = re.compile(rb"%[89A-Fa-f]|[\x80-\xff]")
IDLE_SECONDS = 12 * 3600
"""A session without a request for this long has ended, unless its person sits a test that is not closed (R22)."""
RENEWAL_SECONDS = 15 * 60
"""How exactly the cookie knows the time of the last request."""
START = "/"
MAX_INTERRUPTED_PAGES = 8

# names in the session's cookie; the first is Flask-Login's, the second Flask-WTF's
USER_ID = "_user_id"
CSRF_SECRET = "csrf_token"  # noqa: S105
SIGN_IN_SECRET = "sign_in_token"  # noqa: S105
SESSION_ID = "sid"
LAST_REQUEST = "last_request"
PREVIOUS_USER_ID = "before"
INTERRUPTED = "interrupted_pages"

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
        return session_cookie_name(app, is_secure=request.is_secure)

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
    app.after_request(_renew_session)
    app.after_request(_set_headers)
    app.add_template_global(page_person)


def strict_headers(*, is_secure: bool) -> list[tuple[str, str]]:
    """What every response has; over TLS also that there is no other way."""
    return [*STRICT, ("Strict-Transport-Security", "max-age=31536000")] if is_secure else [*STRICT]


def public(view: View) -> View:
    """Mark a view as open to people who are not signed in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def checks_session_itself(view: View) -> View:
    """Mark a view that trusts the cookie's `session_claims()`, or checks them in a statement of its own."""
    view.checks_session_itself = True  # type: ignore[attr-defined]
    return public(view)


def checks_session_when_writing(view: View) -> View:
    """Mark a view whose writing statement checks the cookie's `session_claims()`: what it returns is not checked again.

    Before it refuses something the person is loaded, as before every other view: an ended session comes first.
    """

    @wraps(view)
    def checked(**place: Any) -> object:
        try:
            return view(**place)
        except (Refusal, HTTPException):
            if current_user.is_authenticated:
                raise
            return login.unauthorized()

    return checks_session_itself(checked)  # type: ignore[return-value]


def cookie_name(secret_key: str, database_url: str) -> str:
    """The default name of the session cookie.

    Browsers share cookies between all ports of a host, so two installations on one host need different names. All
    processes of one installation have the same key and database.
    """
    database = urlsplit(database_url).path
    return f"examhall_session_{hmac.digest(secret_key.encode(), database.encode(), 'sha256').hex()[:8]}"


def session_cookie_name(app: Flask, *, is_secure: bool) -> str:
    """The name of the session cookie in requests of one scheme."""
    return f"{'__Host-' if is_secure else ''}{app.config['SESSION_COOKIE_NAME']}"


def device_cookie_name() -> str:
    """The name of the cookie that tells which accounts were used on a device."""
    return f"{'__Secure-' if request.is_secure else ''}{current_app.config['SESSION_COOKIE_NAME']}_device"


def begin_session(user: User) -> None:
    """Sign somebody in, in a new session."""
    session[SESSION_ID] = secrets.token_urlsafe(16)
    note_request()
    login_user(user)


def clear_session() -> None:
    """Sign out whoever is signed in."""
    sign_in_secret = session.get(SIGN_IN_SECRET if USER_ID in session else CSRF_SECRET)
    rest = {PREVIOUS_USER_ID: _last_user_id(), SIGN_IN_SECRET: sign_in_secret, INTERRUPTED: session.get(INTERRUPTED)}
    session.clear()
    session.update({name: value for name, value in rest.items() if value})


def session_claims() -> SessionClaims | None:
    """Who the request's cookie says is signed in; None if it names nobody."""
    return claims_of(session)


def claims_of(signed: Mapping[str, Any]) -> SessionClaims | None:
    """Who a session says is signed in; None if it names nobody."""
    ids = parse_session_id(signed.get(USER_ID))
    return SessionClaims(*ids, signed.get(SESSION_ID, "")) if ids else None


def page_person() -> str:
    """The user id that the page's requests have to repeat; empty if nobody is signed in."""
    claims = session_claims()
    return str(claims.user_id) if claims else ""


def is_idle() -> bool:
    """Whether the session's last request was too long ago."""
    return _seconds_since_request(session) > IDLE_SECONDS


def note_request() -> None:
    """Note the time in the session, if the noted one is some minutes old."""
    if is_renewal_due(session):
        session[LAST_REQUEST] = int(utcnow().timestamp())


def is_renewal_due(signed: Mapping[str, Any]) -> bool:
    """Whether the time noted in a session is some minutes old."""
    return _seconds_since_request(signed) > RENEWAL_SECONDS


def _seconds_since_request(signed: Mapping[str, Any]) -> float:
    last: int = signed.get(LAST_REQUEST, 0)
    return utcnow().timestamp() - last


def accepts_sign_in_token(token: str) -> bool:
    """Whether a sign-in form's CSRF token belongs to this browser.

    The form may be older than the present session, where somebody has signed in in another tab since.
    """
    for secret in (CSRF_SECRET, SIGN_IN_SECRET):
        with suppress(ValidationError):
            validate_csrf(token, token_key=secret)
            return True
    return False


def safe_address(address: str | None) -> str:
    """The address to continue at: `address` if it is a path on this site, else the start page.

    Browsers read `//host` and `/\\host` as another host, and remove tabs and line ends first.
    """
    if not address or len(address) > 4000 or not address.startswith("/") or address.startswith("//"):
        return START
    if "\\" in address or " " in address or has_control_characters(address):
        return START
    return START if urlsplit(address).path in {"/login", "/logout"} else address


def note_interrupted(address: str) -> None:
    """Note that a page was requested in a session that has ended."""
    if user_id := _last_user_id():
        digest = _digest(address)
        pages = [page for page in session.get(INTERRUPTED, []) if page[0] != digest]
        session[INTERRUPTED] = [*pages, (digest, user_id)][-MAX_INTERRUPTED_PAGES:]


def own_address(address: str, user_id: int) -> str:
    """`address`, or the start page instead of a page that another person had open in this browser."""
    owner = dict(session.get(INTERRUPTED, [])).get(_digest(address))
    return address if owner in {None, str(user_id)} else START


def _last_user_id() -> str:
    """Of the person who is, or was last, signed in; empty if nobody was."""
    return page_person() or session.get(PREVIOUS_USER_ID, "")


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:10]


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
        # Flask answers OPTIONS itself, without the view
        if USER_ID in session and not is_idle() and request.method != "OPTIONS":
            return None
    elif getattr(view, "is_public", False):
        return None
    return None if current_user.is_authenticated else login.unauthorized()


def _renew_session(response: Response) -> Response:
    """Where the view checks the session: no cookie is signed anew before, or a copy could outlive `ended_session`."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "checks_session_itself", False) and response.status_code < 400:
        note_request()
    return response


def _require_own_page() -> None:
    """Refuse requests from a page of another person than the one who is signed in by now.

    Scripts name the page's person in a header, forms in a field. Other clients need not.
    """
    person = request.headers.get(PERSON_HEADER) or (request.form.get("person") if request.method == "POST" else None)
    if person and page_person() not in {"", person}:
        raise AnotherPerson


def _set_headers(response: Response) -> Response:
    headers = response.headers
    headers.extend(strict_headers(is_secure=request.is_secure))
    if request.endpoint == "static":
        if "v" not in request.args:  # imported by a module, not named by `asset()`
            headers["Cache-Control"] = "no-cache"
        return response
    headers.setdefault("Cache-Control", "no-store")
    headers.add("Vary", "HX-Request")
    return response
