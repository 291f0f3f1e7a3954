"""Compose and send over HTTP, and a sent message as the log has it."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.exceptions import BadParameter, NotFound
from webapp.extensions import db
from webapp.logbook.reading import MESSAGE_SENT, entry_details, log_scope
from webapp.messaging import dialog
from webapp.messaging.exceptions import AudienceChanged, BadText, ContentChanged, NoRecipients, TooManyRecipients
from webapp.messaging.forms import parse_draft, parse_ids, parse_opened
from webapp.messaging.notices import announce
from webapp.messaging.sending import send
from webapp.messaging.text import unify_line_ends
from webapp.models import Test
from webapp.web.errors import wants_fragment
from webapp.web.times import installation_zone

blueprint = Blueprint("messaging", __name__)


@blueprint.route("/messages/new", methods=["GET", "POST"])
def compose() -> Response:
    """The compose dialog for candidates, or for everyone a filter shows; posted where there are many."""
    selection = parse_opened(request.args, request.form, installation_zone())
    subject = request.values.get("subject", "")
    if insert := request.values.get("insert"):
        subject = f"{_title(insert)}: {subject}"
    return dialog.new_dialog(selection, subject, unify_line_ends(request.values.get("body", "")))


@blueprint.post("/messages")
def send_message() -> BaseResponse:
    """Send: 201, or the dialog once more with what was typed."""
    draft = parse_draft(request.form, installation_zone())
    tokens, limit = dialog.sender_tokens(), dialog.recipient_limit()
    try:
        message = send(db.session(), current_user, draft, now=utcnow(), limit=limit, tokens=tokens, announce=announce)
    except (BadText, NoRecipients, TooManyRecipients, AudienceChanged, ContentChanged) as refusal:
        return dialog.redisplay(draft, refusal)
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
    opened = entry_details(db.session(), scope, message_id)
    if opened.entry.action != MESSAGE_SENT:
        raise NotFound(f"log entry {message_id} is no message")
    return render_template("logbook/entry.html", opened=opened)


def _title(value: str) -> str:
    """The title of a test that the sender may send to: other tests' titles may be confidential."""
    scope = access_scope(db.session(), current_user, Right.SEND, utcnow())
    (test_id,) = parse_ids("insert", [value])
    title = db.session.scalar(select(Test.title).where(Test.id == test_id, scope.test_condition()))
    if title is None:
        raise BadParameter("insert", value)
    return title
