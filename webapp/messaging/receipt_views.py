"""Receipts over HTTP. Where the installation has them off, none of these addresses is there (R16)."""

from dataclasses import replace

from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask_login import current_user

from webapp.clock import utcnow
from webapp.exceptions import BadParameter, NotFound
from webapp.extensions import db
from webapp.messaging.again import find_again
from webapp.messaging.draft import Draft
from webapp.messaging.forms import MAX_NUMBER, parse_ids
from webapp.messaging.receipts import Receipts, load_receipts, note_shown, unseen_of_again
from webapp.web.errors import for_scripts

MOST_NAMED = 60
"""People on the page of a message; the walk list has all."""
blueprint = Blueprint("receipts", __name__)


@blueprint.before_request
def _only_where_they_are_on() -> None:
    if not receipts_are_on():
        raise NotFound("receipts are off")


@blueprint.post("/inbox/shown")
@for_scripts
def note_messages_shown() -> Response:
    """Note that messages have been on this person's screen; 204."""
    numbers = parse_ids("message", request.form.getlist("message"), highest=MAX_NUMBER)
    note_shown(db.session(), current_user.id, numbers)
    return Response(status=204)


@blueprint.get("/messages/<int:message_id>/receipts")
@for_scripts
def refreshed(message_id: int) -> str:
    """What the page of a message says of its receipts, for the page itself."""
    return render_template("messaging/_receipts.html", receipts=_receipts(message_id))


@blueprint.get("/messages/<int:message_id>/walk-list")
def walk_list(message_id: int) -> str:
    """Who has not had a message on the screen, by room and seat, for paper and to tick."""
    return render_template("messaging/walk_list.html", receipts=_receipts(message_id))


def receipts_are_on() -> bool:
    """Whether this installation has receipts."""
    return bool(current_app.config["SETTINGS"].receipts)


def receipts_of(message_id: int) -> Receipts | None:
    """For the page of a message. None where receipts are off, and for a message to people out of reach."""
    try:
        return _receipts(message_id) if receipts_are_on() else None
    except NotFound:
        return None


def narrowed_to_unseen(draft: Draft) -> Draft:
    """A form for the people of a message, for those of them who have not seen it. Raises as `find_again`."""
    if not receipts_are_on():
        raise BadParameter("unseen")
    again = find_again(db.session(), current_user, draft.again or 0, utcnow())
    return replace(draft, selection=unseen_of_again(db.session(), again))


def _receipts(message_id: int) -> Receipts:
    if message_id > MAX_NUMBER:
        raise NotFound(f"message {message_id}")
    return load_receipts(db.session(), current_user, message_id, utcnow())


def init_app(app: Flask) -> None:
    """Register the addresses, and what templates ask."""
    app.register_blueprint(blueprint)
    app.add_template_global(receipts_are_on)
    app.add_template_global(receipts_of)
    app.jinja_env.globals["MOST_NAMED"] = MOST_NAMED
