"""An application that takes as long to load as Examhall, without the work: for tests of how workers end and begin."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

time.sleep(0.8)


def app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """What Examhall answers on `/healthz`."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"alive\n"]
