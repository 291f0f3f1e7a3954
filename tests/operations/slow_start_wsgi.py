"""An application that takes as long to load as Examhall, without the work: for tests of how workers end and begin."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from gevent import monkey

HOLD = "hold"
"""Query of a request that holds the whole worker for a moment."""
time.sleep(0.8)


class Push:
    """Has no streams to end."""

    def drain(self) -> None:
        """As that of Examhall, which the worker calls."""


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """What Examhall answers on `/healthz`."""
    if environ["QUERY_STRING"] == HOLD:
        monkey.get_original("time", "sleep")(0.015)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"alive\n"]


app.extensions = {"examhall_push": Push()}  # type: ignore[attr-defined]
