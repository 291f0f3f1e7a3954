"""The application, in a process that dies between the commit of a sending and its push: once, if told by a file.

A test's own WSGI entry: the kill is real, and no code of the product knows of it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from webapp.push.bus import Bus
from webapp.push.events import Announcement, Item
from wsgi import app

TOLD_BY = Path(os.environ["KILL_BEFORE_PUSH"])
publish = Bus.publish


def die_before_push(bus: Bus, item: Item) -> None:
    """In the place of `Bus.publish`."""
    if isinstance(item, Announcement) and TOLD_BY.exists():
        TOLD_BY.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    publish(bus, item)


Bus.publish = die_before_push  # type: ignore[method-assign]
__all__ = ["app"]
