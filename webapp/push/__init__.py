"""Push: streams, hub, bus, sweep and presence. Knows user ids and bytes, nothing of exams."""

from collections.abc import Callable

from flask import Flask, Response, g, request
from sqlalchemy import inspect

from webapp.clock import utcnow
from webapp.extensions import db
from webapp.push import service
from webapp.push.bus import Announcement, UserEvent
from webapp.push.events import closed_event, named_event, notice_event
from webapp.push.presence import OnReconnect
from webapp.push.service import OpenNotices, announce, announce_closed, drain, is_listening, seen, sign_out
from webapp.push.sessions import write_end_of_all
from webapp.push.sweep import MessageSource
from webapp.push.views import push

__all__ = [
    "Announcement",
    "MessageSource",
    "UserEvent",
    "announce",
    "announce_closed",
    "closed_event",
    "drain",
    "every",
    "init_app",
    "is_listening",
    "named_event",
    "notice_event",
    "seen",
    "sign_out",
    "write_end_of_all",
]


def init_app(app: Flask, *, messages: MessageSource, open_notices: OpenNotices, on_reconnect: OnReconnect) -> None:
    """Join push to an application.

    Each callable runs in an application context: `messages` and `open_notices` read messages, `on_reconnect` is told
    who was offline for long and is back.
    """
    app.extensions["examhall_push"] = service.build(app, messages, open_notices, on_reconnect)
    app.register_blueprint(push)
    app.before_request(_start_loops)
    app.after_request(_count_as_seen)


def every(app: Flask, seconds: float, step: Callable[[], None]) -> None:
    """Have each process of an application call `step` at this interval, in an application context."""
    app.extensions["examhall_push"].background.every(seconds, step)


def _start_loops() -> None:
    if request.blueprint == "operations" or request.endpoint in {None, "static"}:
        return  # these answer while the database is away
    service.current().background.ensure_started(_prepare)


def _prepare() -> None:
    push = service.current()
    push.sweep.start()
    push.presence.start(db.session(), utcnow())


def _count_as_seen(response: Response) -> Response:
    user = g.get("_login_user")  # set if the request has loaded its user; `/ping` and streams count by themselves
    if user is not None and user.is_authenticated:
        # not `user.id`: after a transaction SQLAlchemy would ask the database for it again
        service.seen(inspect(user).identity[0])
    return response
