"""A sent message over HTTP: taken back (R30)."""

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from webapp.clock import utcnow
from webapp.extensions import db
from webapp.messaging.notices import announce_withdrawal
from webapp.messaging.withdrawing import withdraw
from webapp.web.errors import wants_fragment

blueprint = Blueprint("again", __name__)


@blueprint.post("/messages/<int:message_id>/withdraw")
def withdraw_message(message_id: int) -> str | BaseResponse:
    """Take a message back: what the bar says of it, or back to the message's page."""
    withdrawal = withdraw(db.session(), current_user, message_id, utcnow(), announce_withdrawal)
    if wants_fragment():
        return render_template("messaging/_withdrawn.html", withdrawal=withdrawal)
    return redirect(url_for("messaging.show", message_id=message_id), 303)
