"""Pings that were answered before: the same request is answered the same way, without Flask.

What `/ping` answers follows from what is said alone: the signed cookie and its token, no database. So whoever says
exactly what was good before is seen, and has the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from webapp import metrics
from webapp.clock import utcnow
from webapp.known import Known, digest
from webapp.models import SessionClaims

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PINGED = "examhall.pinged"
"""Where the view leaves of which session it has taken a ping."""


class KnownPings:
    """WSGI middleware around an application.

    `pinged` hears of each session whose ping it answers itself, and says if that is known to have ended.
    """

    def __init__(self, application: WSGIApplication, pinged: Callable[[SessionClaims, datetime], bool]) -> None:
        self._application = application
        self._pinged = pinged
        self._known: Known[SessionClaims] = Known(PINGED, "204 ")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") != "/ping" or not _is_empty(environ):
            return self._application(environ, start_response)
        begun, said = time.perf_counter(), digest(environ)
        known = self._known.of(said)
        if known is None or not self._pinged(known[0], utcnow()):
            return self._application(environ, self._known.remembering(environ, said, start_response))
        status, headers = known[1]
        metrics.timer("push.ping", 204).observe(time.perf_counter() - begun)
        start_response(status, list(headers))
        return []


def _is_empty(environ: WSGIEnvironment) -> bool:
    return environ.get("CONTENT_LENGTH", "") in {"", "0"} and "HTTP_TRANSFER_ENCODING" not in environ
