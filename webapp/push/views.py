"""`GET /stream` and `POST /ping`, and what every request does for push."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Semaphore
from typing import Any

from flask import Flask, Response, g, request
from flask_sse import ServerSentEventsBlueprint
from werkzeug.exceptions import Unauthorized

from webapp.clock import utcnow
from webapp.extensions import login
from webapp.models import SessionClaims
from webapp.push.events import named_event, notice_event, numbers
from webapp.push.hub import NoStreamLeft
from webapp.push.pings import ADDRESS, PingEndpoint
from webapp.push.presence import OnReturn
from webapp.push.service import Push, current_push
from webapp.push.stream import Stream, direct_writer
from webapp.push.sweep import MessageSource
from webapp.web.errors import for_scripts
from webapp.web.security import checks_session_itself, session_claims
from webapp.web.templating import current_locale

OPENINGS_AT_ONCE = 12
"""Streams that open at the same time. When a hall of 1,500 reconnects, ordinary pages find their turn in between."""
OPENING_TIMEOUT = 20.0
"""Seconds that an opening waits for its turn."""
_openings = Semaphore(OPENINGS_AT_ONCE)


@dataclass(slots=True)
class StreamBody:
    """A stream as a response body. Servers call `close()` even if they never iterate: every stream leaves the hub."""

    push: Push
    stream: Stream
    opening: list[tuple[int, bytes]]

    def __iter__(self) -> Iterator[bytes]:
        return self.stream.events(self.opening)

    def close(self) -> None:
        """Leave the hub. Presence hears of it if this was the person's last stream."""
        if self.push.hub.leave(self.stream):
            self.push.presence.left(self.stream.user_id, utcnow())


class PushBlueprint(ServerSentEventsBlueprint):  # type: ignore[misc] # flask-sse has no types
    """flask-sse's blueprint with the hub behind it: its channel is the signed-in person, never a parameter (R13)."""

    @for_scripts
    @checks_session_itself
    def stream(self) -> Any:
        """Open the signed-in person's stream; 401 if the session has ended.

        `Last-Event-ID` is ignored: all open notices are sent, and the page replaces those that it shows (traps 3, 4).
        """
        claims = session_claims()
        if not _openings.acquire(timeout=OPENING_TIMEOUT):
            raise NoStreamLeft("too many streams are opening")
        try:
            body = _open(claims) if claims else None
        finally:
            _openings.release()
        if body is None:
            return login.unauthorized()
        # passed through directly: the server iterates over the body itself and lets go of the response
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"}
        return Response(body, mimetype="text/event-stream", direct_passthrough=True, headers=headers)


def _open(claims: SessionClaims) -> StreamBody | None:
    """Subscribe first, then read the open notices: no message falls in between (trap 1). None if the session ended."""
    push = current_push()
    stream = push.hub.open(claims.user_id, claims.session_id, direct_writer(request.environ), current_locale())
    with ExitStack() as without_stream:
        without_stream.callback(push.hub.leave, stream)
        open_now = push.messages.open_notices(claims)
        if open_now is None:
            return None
        without_stream.pop_all()
    push.presence.seen(claims, utcnow())
    push.hub.keep_newest(claims.user_id)
    # first, so that the page removes all other notices, which were closed while it was disconnected
    opening = [(0, named_event("still-open", numbers(message_id for message_id, _ in open_now.notices)))]
    if open_now.withdrawn:
        opening.append((0, named_event("withdrawn", numbers(open_now.withdrawn))))
    opening += [(message_id, notice_event(message_id, notice)) for message_id, notice in open_now.notices]
    return StreamBody(push, stream, opening)


@for_scripts
@checks_session_itself
def ping() -> Response:
    """Count the person as seen: 204, or 401 if this process knows that the session has ended. Asks no database.

    `push/pings.py` answers most pings before they get here.
    """
    push, claims = current_push(), session_claims()
    if claims is None or push.hub.has_ended(claims):
        raise Unauthorized
    push.presence.seen(claims, utcnow())
    return Response(status=204)


def init_app(app: Flask, messages: MessageSource, on_return: OnReturn) -> None:
    """Join push to an application. The callables run in an application context."""
    app.extensions["examhall_push"] = push = Push(app, messages, on_return)
    app.wsgi_app = PingEndpoint(app, push)  # type: ignore[method-assign]
    blueprint = PushBlueprint("push", __name__)
    blueprint.add_url_rule("/stream", view_func=blueprint.stream, methods=["GET"])
    blueprint.add_url_rule(ADDRESS, view_func=ping, methods=["POST"])
    app.register_blueprint(blueprint)
    app.before_request(_start_loops)
    app.after_request(_count_as_seen)


def _start_loops() -> None:
    """With the first request that needs the database: servers fork before it."""
    if request.blueprint != "operations" and request.endpoint not in {None, "static"}:
        current_push().start()


def _count_as_seen(response: Response) -> Response:
    user = g.get("_login_user")  # set if the request has loaded its user; pings, streams and saves count by themselves
    claims = session_claims() if user is not None and user.is_authenticated else None
    if claims:
        current_push().presence.seen(claims, utcnow())
    return response
