"""`GET /stream` and `POST /ping`."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Semaphore
from typing import Any

from flask import Response, request
from flask_sse import ServerSentEventsBlueprint
from werkzeug.exceptions import Unauthorized

from webapp.clock import utcnow
from webapp.extensions import login
from webapp.models import SessionClaims
from webapp.push import service
from webapp.push.direct_writes import direct_writer
from webapp.push.events import notice_event, still_open_event
from webapp.push.hub import Hub, NoStreamLeft
from webapp.push.presence import PresenceRecorder
from webapp.push.stream import Stream
from webapp.web.errors import for_scripts
from webapp.web.languages import current_locale
from webapp.web.security import checks_session_itself, session_claims

OPENINGS_AT_ONCE = 12
"""Streams that open at the same time. When a hall of 1,500 reconnects, ordinary pages find their turn in between."""
OPENING_TIMEOUT = 20.0
"""Seconds that an opening waits for its turn."""
_openings = Semaphore(OPENINGS_AT_ONCE)


class PushBlueprint(ServerSentEventsBlueprint):  # type: ignore[misc] # flask-sse has no types
    """flask-sse's blueprint with the hub behind it.

    The channel is the signed-in person (R13) instead of a name in the request, and all streams of a process share one
    listener instead of one Redis connection each.
    """

    @for_scripts
    @checks_session_itself
    def stream(self) -> Any:
        """Open the signed-in person's stream; 401 if the session has ended.

        `Last-Event-ID` is ignored: all open notices are sent, and the page replaces those that it shows (traps 3, 4).
        """
        claims = session_claims()
        body = _open_in_turn(claims) if claims else None
        if body is None:
            return login.unauthorized()
        return Response(
            body,
            mimetype="text/event-stream",
            direct_passthrough=True,  # the server iterates over the body itself and lets go of the response
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"},
        )


def _open_in_turn(claims: SessionClaims) -> StreamBody | None:
    if not _openings.acquire(timeout=OPENING_TIMEOUT):
        raise NoStreamLeft("too many streams are opening")
    try:
        return _open(claims)
    finally:
        _openings.release()


def _open(claims: SessionClaims) -> StreamBody | None:
    """Subscribe first, then read the open notices: no message falls in between (trap 1). None if the session ended."""
    push = service.current()
    stream = push.hub.open(claims.user_id, claims.session_id, direct_writer(request.environ), current_locale())
    try:
        notices = push.open_notices(claims)
    except BaseException:
        push.hub.leave(stream)
        raise
    if notices is None:
        push.hub.leave(stream)
        return None
    service.seen(claims.user_id)
    push.hub.keep_newest(claims.user_id)
    opening = [(0, still_open_event([message_id for message_id, _ in notices]))]
    opening += [(message_id, notice_event(message_id, notice)) for message_id, notice in notices]
    return StreamBody(push.hub, push.presence, stream, opening)


class StreamBody:
    """A stream as a response body. Servers call `close()` even if they never iterate: every stream leaves the hub."""

    __slots__ = ("_hub", "_opening", "_presence", "_stream")

    def __init__(self, hub: Hub, presence: PresenceRecorder, stream: Stream, opening: list[tuple[int, bytes]]) -> None:
        self._hub = hub
        self._presence = presence
        self._stream = stream
        self._opening = opening

    def __iter__(self) -> Iterator[bytes]:
        opening, self._opening = self._opening, []
        return self._stream.events(opening)

    def close(self) -> None:
        """Leave the hub. Presence hears of it if this was the person's last stream."""
        if self._hub.leave(self._stream):
            self._presence.left(self._stream.user_id, utcnow())


@for_scripts
@checks_session_itself
def ping() -> Response:
    """Count the person as seen: 204, or 401 if this process knows that the session has ended. Asks no database."""
    claims = session_claims()
    if claims is None or not service.current().presence.pinged(claims, utcnow()):
        raise Unauthorized
    return Response(status=204)


push = PushBlueprint("push", __name__)
push.add_url_rule("/stream", endpoint="stream", view_func=push.stream, methods=["GET"])
push.add_url_rule("/ping", endpoint="ping", view_func=ping, methods=["POST"])
