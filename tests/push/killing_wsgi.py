"""The application, in a process that dies between the commit of a sending and its push: once, if told by a file.

A test's own WSGI entry: the kill is real, and no code of the product knows of it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import webapp.push
from wsgi import app

TOLD_BY = Path(os.environ["KILL_BEFORE_PUSH"])
announce = webapp.push.announce


def die_before_push(announcement: webapp.push.Announcement) -> None:
    """In the place of `push.announce`."""
    if TOLD_BY.exists():
        TOLD_BY.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    announce(announcement)


webapp.push.announce = die_before_push
__all__ = ["app"]
