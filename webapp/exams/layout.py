"""What every page of a candidate is drawn with: the open notices, and the frame of an error page."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask
from flask_login import current_user

from webapp.access import is_candidate
from webapp.extensions import db
from webapp.messaging import inbox
from webapp.models import Message


def open_notices() -> Sequence[Message]:
    """The signed-in person's open notices, newest first.

    Every candidate's page is sent with them in it, so that a reload, or a page without JavaScript, loses none
    (trap 8).
    """
    return inbox.open_notices(db.session(), current_user.id) if current_user.is_authenticated else ()


def error_frame(status: int) -> str:
    """The template that an error page extends: candidates keep their notices on it (trap 16).

    Where the server itself is in trouble (5xx) nothing more is asked of the database.
    """
    at_home = status < 500 and current_user.is_authenticated and is_candidate(db.session(), current_user)
    return "candidate.html" if at_home else "base.html"


def init_app(app: Flask) -> None:
    """Give the templates their functions."""
    app.add_template_global(open_notices)
    app.add_template_global(error_frame)
