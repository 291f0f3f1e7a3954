"""How a stream is opened under gevent: a few at a time, and leaving little behind in its server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AT_ONCE = 12
"""Streams that are being opened, so many that they are asked for together (`asking_together.AskedTogether`)."""
PATIENCE_SECONDS = 20.0
"""How long one waits for its turn; a hall of 1,500 is through in a few seconds."""


class OwnStack:
    """WSGI middleware for servers with gevent: `/stream` is opened in a greenlet that ends as soon as it is open.

    CPython keeps the deepest frame stack that a greenlet ever had, 16 KB from a request through Flask and SQLAlchemy,
    until the greenlet ends. The server's own greenlet writes the stream for hours and needs a quarter of that
    (measured: a third less memory per open stream).

    A few at a time (`AT_ONCE`): of a hall that comes back within a second, nobody is there sooner if all begin at once,
    and whoever wants a page meanwhile would have to wait for the last of them.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        from gevent.lock import Semaphore  # noqa: PLC0415 only servers that have patched with gevent come here

        self._openings = Semaphore(AT_ONCE)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") != "/stream":
            return self._application(environ, start_response)
        from gevent import spawn  # noqa: PLC0415 only servers that have patched with gevent come here

        begun: list[tuple[Any, ...]] = []
        if not self._openings.acquire(timeout=PATIENCE_SECONDS):
            start_response("503 Service Unavailable", [("Retry-After", "5"), ("Content-Length", "0")])
            return []
        try:
            answer: Iterable[bytes] = spawn(self._application, environ, lambda *said: begun.append(said)).get()
        finally:
            self._openings.release()
        start_response(*begun[-1])  # from here: uWSGI refuses it in a greenlet that is not its own
        return answer
