"""What a candidate's pages are drawn with: open notices, own tests, the server's time, the frame of an error page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

from flask import Flask, g
from flask_login import current_user

from webapp.access import is_candidate
from webapp.clock import utcnow
from webapp.db.types import microseconds
from webapp.exams import sittings
from webapp.exams.sittings import Sitting
from webapp.extensions import db
from webapp.messaging import inbox
from webapp.models import Message


def open_notices() -> Sequence[Message]:
    """The signed-in person's open notices, newest first.

    Every candidate's page is sent with them in it, so that a reload, or a page without JavaScript, loses none
    (trap 8).
    """
    if "open_notices" not in g:
        signed_in = current_user.is_authenticated
        g.open_notices = inbox.open_notices(db.session(), current_user.id) if signed_in else ()
    found: Sequence[Message] = g.open_notices
    return found


def error_frame(status: int) -> str:
    """The template that an error page extends: candidates keep their notices on it (trap 16).

    Where the server itself is in trouble (5xx) nothing more is asked of the database.
    """
    at_home = status < 500 and current_user.is_authenticated and is_candidate(db.session(), current_user)
    return "candidate.html" if at_home else "base.html"


def own_sittings() -> list[Sitting]:
    """The signed-in person's tests; asked for once in a request."""
    if "own_sittings" not in g:
        signed_in = current_user.is_authenticated
        g.own_sittings = sittings.own_sittings(db.session(), current_user.id, utcnow()) if signed_in else []
    found: list[Sitting] = g.own_sittings
    return found


def sittings_version(own: Sequence[Sitting]) -> str:
    """Changes with everything that a page has to be told of these tests: a page that polls compares it."""
    return f"{crc32(repr([sitting.told for sitting in own]).encode()):x}"


def milliseconds(moment: datetime) -> int:
    """A moment as scripts count: milliseconds since 1970."""
    return microseconds(moment) // 1000


def init_app(app: Flask) -> None:
    """Give the templates their functions."""
    for function in (open_notices, own_sittings, sittings_version, milliseconds):
        app.add_template_global(function)
    app.add_template_global(error_frame)
