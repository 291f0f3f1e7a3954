"""Safe by default: every route is private unless it says otherwise, and every answer carries the strict headers."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit
from weakref import WeakKeyDictionary

from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadSignature, URLSafeTimedSerializer
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from webapp.exceptions import AnotherPerson
from webapp.extensions import login
from webapp.models import SessionClaims, parse_session_id
from webapp.web import browser_session
from webapp.web.browser_session import BrowserSession

NOT_ASCII = re.compile(rb"%[89A-Fa-f]|[\x80-\xff]")
"""In an address or a form: only then can it be no text."""
View = TypeVar("View", bound=Callable[..., object])
REMEMBERED_COOKIES = 10_000
"""As many as a process holds streams."""
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
    ("X-Examhall", "1"),  # `static/js/own-answers.js` takes no answer without it
]
"""On every answer; no view sets one of them."""


def public(view: View) -> View:
    """Mark a view as open to people who are not signed in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def checks_session_itself(view: View) -> View:
    """Mark a view that takes a session as the cookie has it (`session_claims`): it asks by itself whether that still
    counts, in a statement that it makes anyway, or does without (`/ping`)."""
    view.checks_session_itself = True  # type: ignore[attr-defined]
    return public(view)


def session_claims() -> SessionClaims | None:
    """Who the request's cookie says is signed in; None if it says nothing of the kind."""
    found = parse_session_id(session.get("_user_id"))
    return SessionClaims(*found, session.get("sid", "")) if found else None


class KnownCookies:
    """Flask's serializer of sessions, which remembers what it has read: a page sends the same cookie with every ping.

    A cookie that is forged, or too old, is never remembered; one that gets too old is known for an hour at the most.
    """

    def __init__(self, serializer: URLSafeTimedSerializer) -> None:
        self.dumps = serializer.dumps
        self._read = lru_cache(REMEMBERED_COOKIES)(
            lambda text, max_age, _hour: serializer.loads(text, max_age=max_age, return_timestamp=True)
        )

    def read(self, text: str, max_age: int) -> tuple[Any, datetime]:
        """The session that a cookie holds, for the request alone, and when it was signed; raises `BadSignature`."""
        values, signed_at = self._read(text, max_age, int(time.time()) // 3600)
        return deepcopy(values), signed_at

    def loads(self, text: str, max_age: int) -> Any:
        """The session that a cookie holds, for the request alone; raises `BadSignature`."""
        return self.read(text, max_age)[0]


def cookie_name(secret_key: str, database_url: str) -> str:
    """The session cookie's name unless a setting says another one.

    A browser keeps the cookies of all ports of a host together, so two installations on one host need two names. All
    processes of one installation have its key and database, whatever their ports.
    """
    database = urlsplit(database_url).path
    return f"examhall_session_{hmac.digest(secret_key.encode(), database.encode(), 'sha256').hex()[:8]}"


def device_cookie_name() -> str:
    """The name of the cookie that tells which accounts were used on a device."""
    return f"{'__Secure-' if request.is_secure else ''}{current_app.config['SESSION_COOKIE_NAME']}_device"


class SessionCookie(SecureCookieSessionInterface):
    """Flask's session in its signed cookie, kept to TLS by every browser that got it over TLS."""

    def __init__(self) -> None:
        super().__init__()
        self._serializers: WeakKeyDictionary[Flask, KnownCookies] = WeakKeyDictionary()

    def get_signing_serializer(self, app: Flask) -> KnownCookies | None:  # type: ignore[override] # all that Flask uses
        """Made once for an application: Flask would try a new one out on each request."""
        if app not in self._serializers:
            made = super().get_signing_serializer(app)
            if made is None:
                return None
            self._serializers[app] = KnownCookies(made)
        return self._serializers[app]

    session_class = BrowserSession

    def open_session(self, app: Flask, request: Request) -> BrowserSession | None:
        """As Flask does it, with the time at which the cookie was signed."""
        serializer, cookie = self.get_signing_serializer(app), request.cookies.get(self.get_cookie_name(app))
        if serializer is None:
            return None
        if not cookie:
            return BrowserSession()
        try:
            values, signed_at = serializer.read(cookie, int(app.permanent_session_lifetime.total_seconds()))
        except BadSignature:
            return BrowserSession()
        opened = BrowserSession(values)
        opened.signed_at = signed_at.timestamp()
        return opened

    def get_cookie_name(self, app: Flask) -> str:
        """Asked for each request. Over TLS a name for which no neighbour of this host can set a cookie."""
        return f"{'__Host-' if request.is_secure else ''}{app.config['SESSION_COOKIE_NAME']}"

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 Flask's signature
        """The same installation may be tried over plain HTTP on its own machine."""
        return request.is_secure


def init_app(app: Flask) -> None:
    """Close every route that is not marked, and set the headers."""
    app.session_interface = SessionCookie()
    public(app.view_functions["static"])
    app.before_request(_require_readable_text)
    app.before_request(_require_sign_in)
    app.before_request(_require_own_page)
    app.after_request(_set_headers)
    app.add_template_global(page_person)
    app.add_template_global(form_marks)


def _require_readable_text() -> None:
    """Refuse addresses and forms that are not UTF-8 (a lone surrogate): parsed, they would be another text."""
    texts = [request.query_string]
    if request.content_length != 0 and request.mimetype == "application/x-www-form-urlencoded":
        texts.append(_whole_body())
    for text in filter(NOT_ASCII.search, texts):
        try:
            unquote_to_bytes(text).decode()
        except UnicodeDecodeError as error:
            raise BadRequest("not UTF-8") from error


def _whole_body() -> bytes:
    """The request's body. A chunked one tells no length and is cut at the limit without a word: it is refused too."""
    body = request.get_data()
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body


def _require_sign_in() -> BaseResponse | None:
    if request.endpoint is None:
        return None  # no such address: the 404 tells nothing
    view = current_app.view_functions[request.endpoint]
    if getattr(view, "checks_session_itself", False):
        if "_user_id" in session and not browser_session.is_idle():
            browser_session.note_request()
            return None
        return None if current_user.is_authenticated else login.unauthorized()
    if getattr(view, "is_public", False):
        return None
    if not current_user.is_authenticated:
        return login.unauthorized()  # type: ignore[no-any-return]
    return None


def _require_own_page() -> None:
    """Refuse what comes from a page of another person than the one whose session this is by now.

    Pages say whose they are with each request: scripts by a header, forms by a field. Other clients need not.
    """
    whose = request.headers.get(PERSON_HEADER) or (request.form.get("person") if request.method == "POST" else None)
    kept = session_claims()
    if whose and kept and whose != str(kept.user_id):
        raise AnotherPerson


def page_person() -> str:
    """Whose page is being made, for its requests to say; empty if nobody is signed in."""
    kept = session_claims()
    return str(kept.user_id) if kept else ""


def form_marks() -> Markup:
    """What every form of a page carries: whose page it is, and its token."""
    fields = (("csrf_token", generate_csrf()), ("person", page_person()))
    return Markup("").join(Markup('<input type="hidden" name="{}" value="{}">').format(*field) for field in fields)


def _set_headers(response: Response) -> Response:
    headers = response.headers
    headers.extend(STRICT)
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == "static":
        if "v" not in request.args:  # imported by a module, not named by `asset()`: ask whether it is still the same
            headers["Cache-Control"] = "no-cache"
        return response
    headers.setdefault("Cache-Control", "no-store")
    headers.add("Vary", "HX-Request")
    return response
