"""A server whose clock is fast: beats, limits and back-offs of minutes pass in seconds, in their proportions.

gevent makes its loop of this module (`GEVENT_LOOP`), and gunicorn loads its `app`. Nothing of the application knows:
its timers and its clocks are fast alike. Where it stands still for a database or a client, real time passes.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, tzinfo
from importlib import import_module
from typing import Any

from gevent.libev.corecext import loop

FACTOR = float(os.environ["CLOCK_FACTOR"])


class QuickLoop(loop):  # type: ignore[misc]
    """gevent's loop, whose timers end early."""

    def timer(self, after: float, repeat: float = 0.0, *args: Any, **options: Any) -> Any:
        """A timer of so many seconds of the fast clock."""
        return super().timer(after / FACTOR, repeat / FACTOR, *args, **options)


class QuickDatetime(datetime):
    """`datetime` as `webapp.clock` uses it."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The moment by the fast clock."""
        return datetime.fromtimestamp(time.time(), tz)


def _make_fast(name: str) -> None:
    clock = getattr(time, name)
    begin = clock()
    setattr(time, name, lambda: begin + (clock() - begin) * FACTOR)


for _name in ("time", "monotonic"):
    _make_fast(_name)


def __getattr__(name: str) -> Any:
    """`app`, which is loaded when gunicorn asks: after gevent has patched what it imports."""
    if name != "app":
        raise AttributeError(name)
    app = import_module("wsgi").app
    import_module("webapp.clock").datetime = QuickDatetime  # type: ignore[attr-defined]
    return app
