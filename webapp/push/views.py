"""`GET /stream` and `POST /ping`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, request
from flask_sse import ServerSentEventsBlueprint
from werkzeug.exceptions import Unauthorized

from webapp.clock import utcnow
from webapp.extensions import login
from webapp.models import SessionClaims
from webapp.push import service
from webapp.push.bus import Announcement, UserEvent
from webapp.push.events import Event, notice_event, still_open_event
from webapp.push.hub import Hub
from webapp.push.known_pings import PINGED
from webapp.push.presence import PresenceRecorder
from webapp.push.stream import SendChunk, Stream
from webapp.web.errors import for_scripts
from webapp.web.security import checks_session_itself, session_claims


class PushBlueprint(ServerSentEventsBlueprint):  # type: ignore[misc] # flask-sse has no types
    """flask-sse's blueprint with the hub behind it.

    Instead of a channel named by the request and a Redis connection per stream: the channel is the signed-in person
    (R13), and all streams of a process share one listener.
    """

    def publish(
        self,
        data: str,
        type: str | None = None,  # noqa: A002 flask-sse's name
        id: str | None = None,  # noqa: A002 flask-sse's name
        retry: int | None = None,
        channel: list[int] | None = None,
    ) -> None:
        """flask-sse's way to publish; `channel` is the user ids it is for, `id` a message's number if it is one."""
        bus, event = service.current().bus, Event(data, type=type, id=id, retry=retry).encoded()
        if id is not None:
            bus.publish(Announcement(int(id), event, channel or []))
            return
        for user_id in channel or []:
            bus.publish(UserEvent(user_id, event))

    @for_scripts
    @checks_session_itself
    def stream(self) -> Any:
        """The signed-in person's stream.

        `Last-Event-ID` is not looked at: what is open is sent whole, and the page knows what it has (traps 3, 4).
        """
        kept = session_claims()
        body = self._opened(kept) if kept else None
        if body is None:
            return login.unauthorized()
        return Response(
            body,
            mimetype="text/event-stream",
            direct_passthrough=True,  # the server gets the body itself: the response is not kept for hours
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"},
        )

    def _opened(self, kept: SessionClaims) -> StreamBody | None:
        """Subscribes first, then reads what is open: nothing falls between (trap 1). None if the session has ended."""
        push = service.current()
        stream = push.hub.open(kept.user_id, kept.session_id, _lent_socket())
        try:
            notices = push.open_notices(kept)  # asks besides whether the session still counts
        except BaseException:
            push.hub.leave(stream)
            raise
        if notices is None:
            push.hub.leave(stream)
            return None
        service.seen(kept.user_id)
        push.hub.keep_newest(kept.user_id)
        opening = [(number, notice_event(number, notice)) for number, notice in notices]
        opening.insert(0, (0, still_open_event([number for number, _ in notices])))
        return StreamBody(push.hub, push.presence, stream, opening)


def _lent_socket() -> SendChunk | None:
    """The way past the server to its client, where `gunicorn.conf.py` runs it: one thread, and chunks by HTTP/1.1."""
    if request.environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return None
    way: SendChunk | None = getattr(request.environ.get("gunicorn.socket"), "send_chunk", None)
    return way


class StreamBody:
    """A stream as a response body. Servers call `close()` even if they never read from it, so that it always leaves."""

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
        """Leave the hub; a person whose last stream this was has five seconds to come back."""
        if self._hub.leave(self._stream):
            self._presence.left(self._stream.user_id, utcnow())


@for_scripts
@checks_session_itself
def ping() -> Response:
    """Seen, 204; 401 in a session that is known to have ended. No database in the request."""
    kept = session_claims()
    if kept is None:
        raise Unauthorized
    if not service.current().presence.pinged(kept, utcnow()):
        raise Unauthorized
    request.environ[PINGED] = kept
    return Response(status=204)


push = PushBlueprint("push", __name__)
push.add_url_rule("/stream", endpoint="stream", view_func=push.stream, methods=["GET"])
push.add_url_rule("/ping", endpoint="ping", view_func=ping, methods=["POST"])
