"""The stack on which a stream is opened: what the server must not notice of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gevent

from webapp.push.lean import OwnStack


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Says where it runs."""
    start_response("200 OK", [("X-Greenlet", str(id(gevent.getcurrent())))])
    return [b"body"]


def test_the_answer_begins_in_the_servers_greenlet_and_is_made_in_another() -> None:
    """uWSGI refuses `start_response` in a greenlet that is not its own."""
    begun: list[tuple[object, ...]] = []

    def start_response(*said: object) -> None:
        begun.append((gevent.getcurrent(), *said))

    assert OwnStack(application)({"PATH_INFO": "/stream"}, start_response) == [b"body"]  # type: ignore[arg-type]
    ((where, status, headers),) = begun
    assert where is gevent.getcurrent()
    assert (status, headers[0][0]) == ("200 OK", "X-Greenlet")
    assert headers[0][1] != str(id(where))
