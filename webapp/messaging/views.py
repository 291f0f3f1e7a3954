"""Messaging over HTTP: compose and send, and the page of a sent message."""

from dataclasses import replace

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.exceptions import BadParameter, Refusal
from webapp.extensions import db
from webapp.messaging.again import Again, find_again
from webapp.messaging.audience import PostedForm, Tokens, next_audience, show_again
from webapp.messaging.corrections import find_corrected
from webapp.messaging.draft import Draft
from webapp.messaging.exceptions import (
    AudienceChanged,
    BadText,
    ContentChanged,
    MessageWithdrawn,
    NoRecipients,
    TooManyRecipients,
)  # fmt: skip
from webapp.messaging.forms import parse_draft, parse_ids, parse_unseen
from webapp.messaging.notices import announce
from webapp.messaging.preview import preview
from webapp.messaging.quick_text_views import begin_with
from webapp.messaging.receipt_views import narrowed_to_unseen
from webapp.messaging.schedule_views import forecast_of_form, installation, suggest_time
from webapp.messaging.schedules import make_schedule
from webapp.messaging.sending import send
from webapp.messaging.sent_messages import load_sent_message
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT
from webapp.messaging.withdrawing import actions_on
from webapp.models import Level, Schedule, Test
from webapp.web.errors import wants_fragment

MANY = 200
"""Persons; a sending to more of them, or to several rooms, wants a second press."""
blueprint = Blueprint("messaging", __name__)


@blueprint.route("/messages/new", methods=["GET", "POST"])
def compose() -> Response:
    """The compose dialog for candidates, or for everyone a filter shows; posted where there are many.

    An address narrows a posted form. One with a scope or with candidates counts alone, though a form brings the text
    (the links to the parts of an audience that is too large, R4). `again` names a message for whose people it is, and
    `corrects` one that it takes the place of; with `unseen` it is for those who have not had it on the screen.
    """
    is_whole = not {"scope", "candidate", "again", "corrects"}.isdisjoint(request.args)
    draft = parse_draft(request.values, request.args if is_whole else request.values)
    if request.method == "GET" and draft.corrects:
        draft = with_old_text(draft)
    if parse_unseen(request.values) and draft.selection.listed == ():
        draft = narrowed_to_unseen(draft)
    if insert := request.values.get("insert"):
        draft = replace(draft, subject=f"{_title(insert)}: {draft.subject}")
    if chosen := request.values.get("quick_text"):
        draft = begin_with(draft, chosen)
    return show_dialog(suggest_time(draft.with_new_key()))


@blueprint.post("/messages")
def send_message() -> BaseResponse:
    """Send: 201, or the dialog once more with what was typed."""
    draft = parse_draft(request.form, request.form)
    if parse_unseen(request.form) and draft.selection.listed == ():
        raise BadParameter("unseen", "1")  # the sheet names whom it is for: without them it would be for everybody (R6)
    limit, tokens = current_app.config["SETTINGS"].max_recipients, _tokens()
    try:
        if draft.when.is_later:
            return _scheduled(make_schedule(db.session(), current_user, draft, installation()))
        sent = send(db.session(), current_user, draft, now=utcnow(), limit=limit, tokens=tokens, announce=announce)
    except (BadText, NoRecipients, TooManyRecipients, AudienceChanged, ContentChanged, MessageWithdrawn) as refusal:
        return show_dialog(draft, refusal)
    address = url_for("messaging.show", message_id=sent.message.id)
    if not wants_fragment():
        return redirect(address, 303)
    return make_response(render_template("messaging/_sent.html", **sent._asdict()), 201, {"Location": address})


def _scheduled(schedule: Schedule) -> BaseResponse:
    address = url_for("schedules.show", schedule_id=schedule.id)
    if not wants_fragment():
        return redirect(address, 303)
    return make_response(render_template("messaging/_scheduled.html", schedule=schedule), 201, {"Location": address})


@blueprint.get("/messages/<int:message_id>")
def show(message_id: int) -> str:
    """A sent message with its recipients, for those who may read it (R14)."""
    sent = load_sent_message(db.session(), current_user, message_id, utcnow())
    actions = actions_on(db.session(), current_user, sent.message, utcnow()) if sent.message else ()
    return render_template("messaging/message.html", sent=sent, actions=actions)


def show_dialog(draft: Draft, refusal: Refusal | None = None) -> Response:
    """The dialog for a draft, after a refusal with the text kept and the audience as it is now."""
    limit, has_changed = current_app.config["SETTINGS"].max_recipients, isinstance(refusal, AudienceChanged)
    tokens = _tokens()
    again, draft = find_people(draft)
    selection = show_again(PostedForm(draft.selection, draft.audience, tokens), has_changed=has_changed)
    try:
        shown = preview(db.session(), current_user, selection, now=utcnow(), limit=limit, whole=draft.whole)
    except AudienceChanged as change:  # some of the picked candidates are out of reach
        return show_dialog(draft, change)
    if isinstance(refusal, ContentChanged):  # its key is another message's
        draft = draft.with_new_key()
    posted, token = next_audience(shown.audience, draft.selection, tokens, has_changed=has_changed)
    forecast, no_time = forecast_of_form(draft)
    values = {"draft": draft, "preview": shown, "refusal": refusal, "selection": posted}
    more = {"again": again, "audience": token, "forecast": forecast, "no_time": no_time}
    limits = {"limit": limit, "subject_limit": SUBJECT_LIMIT, "body_limit": BODY_LIMIT, "ask_again_above": MANY}
    template = "messaging/_compose.html" if wants_fragment() else "messaging/compose.html"
    page = render_template(template, fragment=wants_fragment(), **values, **more, **limits)
    return make_response(page, refusal.status if refusal else 200)


def with_old_text(draft: Draft) -> Draft:
    """A correction with the text that it takes the place of, and its level."""
    _, old = find_corrected(db.session(), current_user, draft.corrects or 0, utcnow())
    return replace(draft, subject=draft.subject or old.subject, body=draft.body or old.body, level=Level(old.level))


def find_people(draft: Draft) -> tuple[Again | None, Draft]:
    """The message whose people a form is for, if there is one; a draft that names nobody gets those within reach."""
    message_id = draft.corrects or draft.again
    if message_id is None:
        return None, draft
    again = find_again(db.session(), current_user, message_id, utcnow())
    return again, draft if draft.selection.listed != () else replace(draft, selection=again.selection)


def _tokens() -> Tokens:
    return Tokens(current_app.config["SECRET_KEY"], current_user.id)


def _title(value: str) -> str:
    """The title of a test that the sender may send to: other tests' titles may be confidential."""
    scope = access_scope(db.session(), current_user, Right.SEND, utcnow())
    (test_id,) = parse_ids("insert", [value])
    title = db.session.scalar(select(Test.title).where(Test.id == test_id, scope.test_condition()))
    if title is None:
        raise BadParameter("insert", value)
    return title
