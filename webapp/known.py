"""Requests that say exactly what was good before: who made one is known, and how it was answered.

Every page pings each half minute and saves every few seconds, with the same cookie and token each time. What Flask
makes of these follows from them alone. So what differs is all that has to be looked at the next time; whatever is not
known goes the long way, and what is refused there is refused again.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REMEMBERED = 20_000
"""Twice as many as a process holds streams. Their answers are the same, and kept once."""
ALSO_SAID = frozenset({"REQUEST_METHOD", "SCRIPT_NAME", "QUERY_STRING", "CONTENT_TYPE", "wsgi.url_scheme"})
"""What a request says beside its headers."""

Answer = tuple[str, tuple[tuple[str, str], ...]]
"""Status and headers."""
Who = TypeVar("Who")


class Known(Generic[Who]):
    """What was said before: by whom, and the answer.

    All is forgotten once an hour: a cookie that gets too old is known for no longer, as `security.KnownCookies` has it.
    """

    def __init__(self, noted: str, status: str) -> None:
        """`noted`: where in the environment a view leaves whom it has found; `status`: of an answer that is kept."""
        self._noted, self._status = noted, status
        self._known: dict[bytes, tuple[Who, Answer]] = {}
        self._answers: dict[Answer, Answer] = {}
        self._hour = 0

    def of(self, said: bytes) -> tuple[Who, Answer] | None:
        """Who says this, and how it was answered; None if it is not known."""
        hour = int(time.time()) // 3600
        if hour != self._hour or len(self._known) >= REMEMBERED:
            self._known, self._answers, self._hour = {}, {}, hour
        return self._known.get(said)

    def remembering(self, environ: WSGIEnvironment, said: bytes, start_response: StartResponse) -> StartResponse:
        """What the long way starts its answer with: a good one is kept, unless it sets a cookie."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            who = environ.get(self._noted)
            if who is not None and status.startswith(self._status) and not _sets_a_cookie(headers):
                answer = (status, tuple(headers))
                self._known[said] = (who, self._answers.setdefault(answer, answer))
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return start


def digest(environ: WSGIEnvironment) -> bytes:
    """Of what a request says beside its path and body, whatever an answer may rest on; sixteen bytes, as there are
    thousands."""
    said = sorted(f"{name}={value}" for name, value in environ.items() if name[:5] == "HTTP_" or name in ALSO_SAID)
    return blake2b("\0".join(said).encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _sets_a_cookie(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "set-cookie" for name, _ in headers)
