"""What the rest of the application calls: announce, sign out, seen, drain. Joins the parts of push."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import Flask, current_app

from webapp.clock import utcnow
from webapp.config import Settings, runs_on_gevent
from webapp.db.outages import is_outage, outage_reason
from webapp.extensions import db
from webapp.models import SessionClaims
from webapp.push import sessions
from webapp.push.background import Background
from webapp.push.bus import Announcement, Bus, InProcessBus, SignOut, UserEvent
from webapp.push.events import closed_event
from webapp.push.hub import Hub, open_files_limit, streams_for_files
from webapp.push.presence import FLUSH_SECONDS, OnReconnect, PresenceRecorder
from webapp.push.redis_bus import RedisBus
from webapp.push.sweep import SWEEP_SECONDS, MessageSource, Sweep

STREAMS_UNDER_GEVENT = 10_000
OpenNotices = Callable[[SessionClaims], list[tuple[int, str]] | None]
"""Reads a person's open notices as (message id, notice), oldest first; None for a session that has ended."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Push:
    """The parts of one application's push."""

    hub: Hub
    bus: Bus
    sweep: Sweep
    presence: PresenceRecorder
    background: Background
    open_notices: OpenNotices


def build(app: Flask, messages: MessageSource, open_notices: OpenNotices, on_reconnect: OnReconnect) -> Push:
    """Join the parts; the loops start with the first request."""
    settings: Settings = app.config["SETTINGS"]
    hub = Hub(_capacity(settings))
    sweep = Sweep(hub, messages, lambda moment: sessions.ended_since(db.session(), moment))
    presence = PresenceRecorder(hub, on_reconnect)
    background = Background(app)
    background.every(1.0, hub.beat)
    background.every(SWEEP_SECONDS, sweep.step)
    background.every(FLUSH_SECONDS, lambda: presence.flush(db.session(), utcnow()))
    return Push(hub, _bus(hub, settings, background), sweep, presence, background, open_notices)


def _bus(hub: Hub, settings: Settings, background: Background) -> Bus:
    """The bus over Redis if there is one. Without it the sweep brings messages to the other processes."""
    if not settings.redis_url:
        return InProcessBus(hub)
    try:
        bus = RedisBus(hub, settings.redis_url, settings.secret_key)
    except ValueError:
        # the address is not logged: it may contain a password
        log.warning("EXAMHALL_REDIS_URL: not an address; going on without Redis, messages take up to 2 s")
        return InProcessBus(hub)
    background.every(0.0, bus.publish_next)
    background.every(0.0, bus.listen)
    background.at_end(bus.close)
    return bus


def _capacity(settings: Settings) -> int:
    """How many streams this process may hold. Without gevent 0 unless set: each would take one of the few threads."""
    wanted = settings.streams_per_process
    if wanted is None:
        wanted = STREAMS_UNDER_GEVENT if runs_on_gevent() else 0
    limit = open_files_limit()
    if limit is None or streams_for_files(limit) >= wanted:
        return wanted
    possible = streams_for_files(limit)
    log.warning("fewer streams than wanted: open files are limited (ulimit -n)", limit=limit, streams=possible)
    return possible


def current() -> Push:
    """The push of the current application."""
    push: Push = current_app.extensions["examhall_push"]
    return push


def announce(announcement: Announcement) -> None:
    """Send a message to all streams of its recipients, in every process, by one publish. Best effort (R8).

    Call it after the commit, never before.
    """
    current().bus.publish(announcement)


def announce_closed(user_id: int, message_ids: list[int]) -> None:
    """Have a person's other tabs remove closed notices."""
    current().bus.publish(UserEvent(user_id, closed_event(message_ids)))


def sign_out(user_id: int, session_id: str) -> None:
    """End a session and its streams in every process. Its person counts as gone unless another device is active."""
    sessions.write_end(db.session(), user_id, session_id)
    push = current()
    push.bus.publish(SignOut(user_id, session_id))
    push.presence.left(user_id, utcnow())


def is_listening(user_id: int) -> bool:
    """Whether this person has a stream in this process."""
    return current().hub.is_open(user_id)


def seen(user_id: int) -> None:
    """Count a person as seen now."""
    current().presence.seen(user_id, utcnow())


def drain(app: Flask) -> None:
    """End the streams of this process in order and write presence, because the process ends."""
    push: Push = app.extensions["examhall_push"]
    push.hub.drain()
    with app.app_context():
        try:
            push.presence.flush(db.session(), utcnow())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the last seconds of presence are not written", error=outage_reason(error))
