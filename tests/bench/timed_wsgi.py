"""The application, saying in the answer to each sending when its transaction was committed (for the bench only).

`X-Committed-At` is `time.perf_counter()`, which every process of a Linux machine reads from the same clock.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Response, g, has_request_context
from sqlalchemy import event
from sqlalchemy.orm import Session

from wsgi import app

__all__ = ["app"]


@event.listens_for(Session, "after_commit")
def _note(_session: Any) -> None:
    if has_request_context():
        g.committed_at = time.perf_counter()


@app.after_request
def _tell(response: Response) -> Response:
    if response.status_code == 201:
        response.headers["X-Committed-At"] = repr(g.committed_at)
    return response
