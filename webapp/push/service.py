"""What the rest of the application calls: announce, sign out, seen; and what `/stream` and `/ping` stand on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import Flask, current_app

from webapp.clock import utcnow
from webapp.config import Settings
from webapp.db.outages import is_outage, outage_reason
from webapp.extensions import db
from webapp.models import SessionClaims
from webapp.push import files, sessions
from webapp.push.background import Background
from webapp.push.bus import Announcement, Bus, InProcessBus, SignOut, UserEvent
from webapp.push.events import closed_event, notice_event
from webapp.push.hub import Hub
from webapp.push.presence import FLUSH_SECONDS, OnReconnect, PresenceRecorder
from webapp.push.redis_bus import RedisBus
from webapp.push.sweep import SWEEP_SECONDS, MessageSource, Sweep

STREAMS_UNDER_GEVENT = 10_000
NoticesOf = Callable[[SessionClaims], list[tuple[int, str]] | None]
"""Gives a person's open notices as (number, notice), oldest first, or None for a session that has ended."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Push:
    """The parts of one application's push, joined."""

    hub: Hub
    bus: Bus
    sweep: Sweep
    presence: PresenceRecorder
    background: Background
    open_notices: NoticesOf


def build(app: Flask, messages: MessageSource, open_notices: NoticesOf, on_reconnect: OnReconnect) -> Push:
    """Join the parts; the loops start with the first request."""
    settings: Settings = app.config["SETTINGS"]
    hub = Hub(_capacity(settings))
    sweep = Sweep(hub, messages, lambda moment: sessions.ended_since(db.session(), moment))
    presence = PresenceRecorder(hub.is_open, on_reconnect, hub.ends)
    background = Background(app)
    background.every(1.0, hub.beat)
    background.every(SWEEP_SECONDS, sweep.step)
    background.every(FLUSH_SECONDS, lambda: presence.flush(db.session(), utcnow()))
    return Push(hub, _bus(hub, settings, background), sweep, presence, background, open_notices)


def _bus(hub: Hub, settings: Settings, background: Background) -> Bus:
    """Over Redis where there is one. Without it, processes learn of each other's messages by the sweep."""
    if not settings.redis_url:
        return InProcessBus(hub)
    try:
        bus = RedisBus(hub, settings.redis_url, settings.secret_key)
    except ValueError:
        # not repeated here: it may hold a password
        log.warning("EXAMHALL_REDIS_URL: not an address; going on without Redis, messages take up to 2 s")
        return InProcessBus(hub)
    background.every(0.0, bus.publish_next)
    background.every(0.0, bus.listen)
    background.at_end(bus.close)
    return bus


def _capacity(settings: Settings) -> int:
    """How many streams a process may hold: the application cannot see how many threads its server has."""
    wanted = settings.streams_per_process
    if wanted is None:
        wanted = STREAMS_UNDER_GEVENT if under_gevent() else 0
    limit = files.limit()
    if limit is None or files.most_streams(limit) >= wanted:
        return wanted
    possible = files.most_streams(limit)
    log.warning("fewer streams than wanted: open files are limited (ulimit -n)", limit=limit, streams=possible)
    return possible


def under_gevent() -> bool:
    """Whether this process's threads are greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    return bool(monkey and monkey.is_module_patched("threading"))


def current() -> Push:
    """The push of the current application."""
    push: Push = current_app.extensions["examhall_push"]
    return push


def announce(message_id: int, notice: str, user_ids: list[int]) -> None:
    """Tell every process that a message is committed: one publish for all recipients. Best effort (R8).

    `notice` is the rendered notice. Call it after the commit, never before. Under gevent it goes to the streams as soon
    as the caller waits for something, or has answered: who sends does not wait for 1,500 writes.
    """
    announcement = Announcement(message_id, notice_event(message_id, notice), user_ids)
    if under_gevent():
        from gevent import spawn  # noqa: PLC0415 only servers that have patched with gevent come here

        spawn(current().bus.publish, announcement)
    else:
        current().bus.publish(announcement)


def announce_closed(user_id: int, message_ids: list[int]) -> None:
    """Have a person's other tabs take closed notices away."""
    current().bus.publish(UserEvent(user_id, closed_event(message_ids)))


def sign_out(user_id: int, session_id: str) -> None:
    """End a session in every process, with its streams; its person counts as gone unless another device is heard of."""
    sessions.write_end(db.session(), user_id, session_id)
    push = current()
    push.bus.publish(SignOut(user_id, session_id))
    push.presence.left(user_id, utcnow())


def is_listening(user_id: int) -> bool:
    """Whether this person has a stream in this process."""
    return current().hub.is_open(user_id)


def seen(user_id: int) -> None:
    """Somebody was heard of now."""
    current().presence.seen(user_id, utcnow())


def drain(app: Flask) -> None:
    """The process that serves this application ends: its streams end in order, and what it has heard is written."""
    push: Push = app.extensions["examhall_push"]
    push.hub.drain()
    with app.app_context():
        try:
            push.presence.flush(db.session(), utcnow())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the last seconds of presence are not written", error=outage_reason(error))
