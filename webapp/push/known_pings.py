"""Pings that were answered before: the same request is answered the same way, without Flask.

Every page pings each half minute, and says the same each time. What `/ping` answers follows from what is said alone:
the signed cookie and its token, no database. So whoever says exactly what was good before is seen, and has the answer;
everything else goes the long way, and whatever is refused there is refused again the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from webapp import metrics
from webapp.clock import utcnow

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PINGED = "examhall.pinged"
"""Where the view leaves whose ping it has taken, for whoever serves it."""
REMEMBERED = 20_000
"""Twice as many as a process holds streams. Their answers are the same, and kept once."""
ALSO_SAID = frozenset({"REQUEST_METHOD", "SCRIPT_NAME", "QUERY_STRING", "CONTENT_TYPE", "wsgi.url_scheme"})
"""What a request says beside its headers."""


Answer = tuple[str, tuple[tuple[str, str], ...]]
"""Status and headers."""


class KnownPings:
    """WSGI middleware around an application. `seen` hears of each person whose ping it answers itself.

    All is forgotten once an hour: a cookie that gets too old is known for no longer, as `security.KnownCookies` has it.
    """

    def __init__(self, application: WSGIApplication, seen: Callable[[int, Any], None]) -> None:
        self._application = application
        self._seen = seen
        self._known: dict[bytes, tuple[int, Answer]] = {}
        self._answers: dict[Answer, Answer] = {}
        self._hour = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") != "/ping" or not _is_empty(environ):
            return self._application(environ, start_response)
        begun, said = time.perf_counter(), _digest(environ)
        self._forget_in_time()
        known = self._known.get(said)
        if known is None:
            return self._application(environ, self._remembering(environ, said, start_response))
        user_id, (status, headers) = known
        self._seen(user_id, utcnow())
        metrics.timer("push.ping", 204).observe(time.perf_counter() - begun)
        start_response(status, list(headers))
        return []

    def _forget_in_time(self) -> None:
        hour = int(time.time()) // 3600
        if hour != self._hour or len(self._known) >= REMEMBERED:
            self._known, self._answers, self._hour = {}, {}, hour

    def _remembering(self, environ: WSGIEnvironment, said: bytes, start_response: StartResponse) -> StartResponse:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            user_id = environ.get(PINGED)
            if user_id is not None and status.startswith("204 ") and not _sets_a_cookie(headers):
                answer = (status, tuple(headers))
                self._known[said] = (user_id, self._answers.setdefault(answer, answer))
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return start


def _is_empty(environ: WSGIEnvironment) -> bool:
    return environ.get("CONTENT_LENGTH", "") in {"", "0"} and "HTTP_TRANSFER_ENCODING" not in environ


def _digest(environ: WSGIEnvironment) -> bytes:
    """Of all that a request says, whatever an answer may rest on; sixteen bytes, because there are thousands."""
    said = sorted(f"{name}={value}" for name, value in environ.items() if name[:5] == "HTTP_" or name in ALSO_SAID)
    return blake2b("\0".join(said).encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _sets_a_cookie(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "set-cookie" for name, _ in headers)
