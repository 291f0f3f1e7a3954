"""The application with an address that makes what stays, as streams do, and counts collections: for `test_garbage`."""

from __future__ import annotations

import gc
from typing import Any

from webapp.web.security import public
from wsgi import app

OBJECTS = 400_000
"""About what 6,000 open streams consist of."""

_stay: list[list[Any]] = []


@app.get("/objects")
@public
def make_objects() -> str:
    """How many full collections there were meanwhile, and how many objects they leave out."""
    before = gc.get_stats()[2]["collections"]
    _stay.extend([_stay] for _ in range(OBJECTS))
    return f"{gc.get_stats()[2]['collections'] - before} {gc.get_freeze_count()}"
