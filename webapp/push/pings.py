"""Pings before Flask: in a quiet exam they are most of what a process does (docs/decisions/0024-pings-before-flask.md).

A page's ping needs a signed session, which is not known to have ended and is not to be renewed, and its CSRF token. It
is answered here as Flask's own route answers it. Whatever else comes goes on to that route (`push/views.py: ping`).
"""

import hmac
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from itsdangerous import BadData, URLSafeTimedSerializer

from webapp import metrics
from webapp.clock import utcnow
from webapp.models import SessionClaims
from webapp.push.service import Push
from webapp.web.security import (
    CSRF_SECRET,
    PERSON_HEADER,
    SessionCookie,
    claims_of,
    is_renewal_due,
    session_cookie_name,
    strict_headers,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ADDRESS = "/ping"
ENDPOINT = "push.ping"
"""Flask's name of the route, under which `/metrics` counts."""
TOKEN_SALT = "wtf-csrf-token"  # noqa: S105
"""With which Flask-WTF signs its tokens. Were it another one, Flask would answer each ping."""
ALWAYS = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"), ("Vary", "HX-Request, Cookie")]


class PingEndpoint:
    """WSGI middleware around a Flask application."""

    def __init__(self, app: Flask, push: Push) -> None:
        self._app = app
        self._flask = app.wsgi_app
        self._push = push
        self._sessions: Any = SessionCookie().get_signing_serializer(app)
        self._longest = int(app.permanent_session_lifetime.total_seconds())
        self._tokens = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt=TOKEN_SALT)  # of any age, as configured

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a ping that is a page's own; hand everything else on."""
        if environ.get("PATH_INFO") != ADDRESS:
            return self._flask(environ, start_response)
        # not noted in `environ`: request and environment would hold each other until the next garbage collection
        begun, request = perf_counter(), self._app.request_class(environ, populate_request=False)
        claims = self._claims(request)
        if claims is None:
            return self._flask(environ, start_response)
        self._push.presence.seen(claims, utcnow())
        start_response("204 NO CONTENT", [*ALWAYS, *strict_headers(is_secure=request.is_secure)])
        metrics.REQUESTS.labels(ENDPOINT, 204).observe(perf_counter() - begun)
        return ()

    def _claims(self, request: Request) -> SessionClaims | None:
        """Whose ping it is; None for whatever Flask has to look at."""
        has_more = request.query_string or request.content_length != 0 or "Upgrade" in request.headers
        if request.method != "POST" or has_more or not self._push.is_started:
            return None
        cookie = request.cookies.get(session_cookie_name(self._app, is_secure=request.is_secure), "")
        try:
            session = self._sessions.loads(cookie, max_age=self._longest)
            secret = self._tokens.loads(request.headers.get("X-CSRFToken", ""))
        except BadData:
            return None
        claims = claims_of(session)
        if claims is None or is_renewal_due(session) or self._push.hub.has_ended(claims):
            return None
        if request.headers.get(PERSON_HEADER, "") not in {"", str(claims.user_id)}:
            return None
        return claims if hmac.compare_digest(str(secret), session.get(CSRF_SECRET, "")) else None
