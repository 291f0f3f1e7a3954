"""Push: streams, the hub they hang on, the bus, the outbox sweep, presence. Knows user ids and bytes, no exams."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, g, request
from sqlalchemy import inspect

from webapp.clock import utcnow
from webapp.extensions import db
from webapp.push import service
from webapp.push.bus import Announcement, UserEvent
from webapp.push.events import closed_event, named_event, notice_event
from webapp.push.known_pings import KnownPings
from webapp.push.lean import OwnStack
from webapp.push.presence import OnReconnect
from webapp.push.service import NoticesOf, announce, announce_closed, drain, is_listening, seen, sign_out
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


def init_app(app: Flask, *, messages: MessageSource, open_notices: NoticesOf, on_reconnect: OnReconnect) -> None:
    """Join push to an application.

    `messages` and `open_notices` read messages, `on_reconnect` hears of people who had been offline; each is called in
    an application context.
    """
    built = app.extensions["examhall_push"] = service.build(app, messages, open_notices, on_reconnect)
    if service.under_gevent():
        app.wsgi_app = OwnStack(app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = KnownPings(app.wsgi_app, built.presence.pinged)  # type: ignore[method-assign]
    app.register_blueprint(push)
    app.before_request(_start_loops)
    app.after_request(_count_as_seen)


def every(app: Flask, seconds: float, step: Callable[[], None]) -> None:
    """Have each process of an application call `step` every so many seconds, in an application context."""
    built: service.Push = app.extensions["examhall_push"]
    built.background.every(seconds, step)


def _start_loops() -> None:
    if request.blueprint == "operations" or request.endpoint in {None, "static"}:
        return  # these answer while the database does not
    running = service.current()
    running.background.ensure_started(_begin)


def _begin() -> None:
    running = service.current()
    running.sweep.start()
    running.presence.start(db.session(), utcnow())


def _count_as_seen(response: Response) -> Response:
    person = g.get("_login_user")  # set only where the request has looked: `/ping` has not
    if person is not None and person.is_authenticated:
        # not `person.id`: what a transaction has ended is asked for once more
        service.seen(inspect(person).identity[0])
    return response
