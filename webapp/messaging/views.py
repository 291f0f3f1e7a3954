"""Messaging over HTTP: compose and send, a sent message as the log has it, and the message center."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import Right, access_scope
from webapp.accounts.redirects import safe_address
from webapp.clock import utcnow
from webapp.exceptions import BadParameter, NotFound
from webapp.extensions import db
from webapp.logbook.reading import MESSAGE_SENT, entry_details, log_scope
from webapp.messaging import inbox
from webapp.messaging.dialog import parse_draft, parse_ids, parse_opened, sender_tokens, show_dialog
from webapp.messaging.exceptions import AudienceChanged, BadText, ContentChanged, NoRecipients, TooManyRecipients
from webapp.messaging.notices import announce
from webapp.messaging.sending import Draft, send
from webapp.messaging.text import unify_line_ends
from webapp.models import Test
from webapp.push.events import closed_event
from webapp.push.service import current_push
from webapp.web.errors import for_scripts, wants_fragment
from webapp.web.templating import installation_zone

MAX_MESSAGE_ID = 10**15 - 1
"""Messages have the numbers of the log, which are PostgreSQL's `bigint`."""
blueprint = Blueprint("messaging", __name__)


@blueprint.route("/messages/new", methods=["GET", "POST"])
def compose() -> Response:
    """The compose dialog for candidates, or for everyone a filter shows; posted where there are many."""
    selection = parse_opened(request.args, request.form, installation_zone())
    subject = request.values.get("subject", "")
    if insert := request.values.get("insert"):
        subject = f"{_title(insert)}: {subject}"
    return show_dialog(Draft(subject, unify_line_ends(request.values.get("body", "")), selection))


@blueprint.post("/messages")
def send_message() -> BaseResponse:
    """Send: 201, or the dialog once more with what was typed."""
    draft = parse_draft(request.form, installation_zone())
    limit, tokens = current_app.config["SETTINGS"].max_recipients, sender_tokens()
    try:
        message = send(db.session(), current_user, draft, now=utcnow(), limit=limit, tokens=tokens, announce=announce)
    except (BadText, NoRecipients, TooManyRecipients, AudienceChanged, ContentChanged) as refusal:
        return show_dialog(draft, refusal)
    address = url_for("messaging.show", message_id=message.id)
    if not wants_fragment():
        return redirect(address, 303)
    response = make_response(render_template("messaging/_sent.html", message=message), 201)
    response.headers["Location"] = address
    return response


@blueprint.get("/messages/<int:message_id>")
def show(message_id: int) -> str:
    """A sent message as the log has it, with all its recipients, for those who may see that entry (R14)."""
    scope = log_scope(db.session(), current_user, utcnow())
    entry, subjects, hidden = entry_details(db.session(), scope, message_id)
    if entry.action != MESSAGE_SENT:
        raise NotFound(f"log entry {message_id} is no message")
    return render_template("logbook/entry.html", entry=entry, subjects=subjects, hidden=hidden)


@blueprint.get("/inbox")
def message_center() -> str:
    """The signed-in person's own messages over all tests, newest first (R12, R13)."""
    template = "messaging/_inbox_list.html" if wants_fragment() else "messaging/inbox.html"
    return render_template(template, messages=inbox.all_messages(db.session(), current_user.id))


@blueprint.get("/inbox/new")
@for_scripts
def new_notices() -> str:
    """The notices not closed, for pages that poll."""
    notices = inbox.open_notices(db.session(), current_user.id)
    return render_template("messaging/_open_notices.html", notices=notices)


@blueprint.post("/inbox/close")
def close_notices() -> BaseResponse:
    """Close notices; 204, or back to the page where a browser without JavaScript posted the form.

    The person's other tabs are told after the commit (R9).
    """
    numbers = parse_ids("message", request.form.getlist("message"), highest=MAX_MESSAGE_ID)
    closed = inbox.close(db.session(), current_user.id, numbers)
    if closed:
        current_push().bus.publish(closed_event(current_user.id, closed))
    if wants_fragment() or "text/html" not in request.headers.get("Accept", ""):
        return Response(status=204)
    page = urlsplit(request.referrer or "")
    return redirect(safe_address(page._replace(scheme="", netloc="").geturl()), 303)


def _title(value: str) -> str:
    """The title of a test that the sender may send to: other tests' titles may be confidential."""
    scope = access_scope(db.session(), current_user, Right.SEND, utcnow())
    (test_id,) = parse_ids("insert", [value])
    title = db.session.scalar(select(Test.title).where(Test.id == test_id, scope.test_condition()))
    if title is None:
        raise BadParameter("insert", value)
    return title
