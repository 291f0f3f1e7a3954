"""A person's own messages over HTTP: the message center, the open notices, closing them (R9, R12, R13)."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, redirect, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from webapp.extensions import db
from webapp.messaging import inbox
from webapp.messaging.forms import MAX_NUMBER, parse_ids
from webapp.messaging.receipts import note_shown
from webapp.push.events import closed_event
from webapp.push.service import current_push
from webapp.web.errors import for_scripts, wants_fragment
from webapp.web.security import safe_address

blueprint = Blueprint("inbox", __name__)


@blueprint.get("/inbox")
def message_center() -> str:
    """The signed-in person's own messages over all tests, newest first (R12, R13).

    Who opens the page has them on the screen. A fragment may be for a tab that nobody looks at.
    """
    if not wants_fragment():
        _note_shown()
    template = "messaging/_inbox_list.html" if wants_fragment() else "messaging/inbox.html"
    return render_template(template, items=inbox.all_messages(db.session(), current_user.id))


@blueprint.get("/inbox/new")
@for_scripts
def new_notices() -> str:
    """The notices not closed, for pages that poll."""
    return render_template("messaging/_open_notices.html")


@blueprint.post("/inbox/close")
def close_notices() -> BaseResponse:
    """Close notices; 204, or back to the page where a browser without JavaScript posted the form.

    Important ones stay (`read_notice`). The person's other tabs are told after the commit (R9).
    """
    numbers = parse_ids("message", request.form.getlist("message"), highest=MAX_NUMBER)
    return _close(numbers)


@blueprint.post("/inbox/read")
def read_notice() -> BaseResponse:
    """Close notices that their person has read, important ones too; answers as `close_notices` (R30)."""
    return _close(parse_ids("message", request.form.getlist("message"), highest=MAX_NUMBER), read=True)


def _close(numbers: list[int], *, read: bool = False) -> BaseResponse:
    closed = inbox.close(db.session(), current_user.id, numbers, read=read)
    if closed:
        current_push().bus.publish(closed_event(current_user.id, closed))
    if wants_fragment() or "text/html" not in request.headers.get("Accept", ""):
        return Response(status=204)
    if len(numbers) == 1:
        _note_shown(numbers)  # without JavaScript its text stood above the button
    page = urlsplit(request.referrer or "")
    return redirect(safe_address(page._replace(scheme="", netloc="").geturl()), 303)


def _note_shown(numbers: list[int] | None = None) -> None:
    if current_app.config["SETTINGS"].receipts:
        note_shown(db.session(), current_user.id, numbers)
