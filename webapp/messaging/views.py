"""Messaging over HTTP: compose and send, a sent message as the log has it, and the message center."""

import re
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from webapp.access import Right, access_scope
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, NotFound, Refusal
from webapp.extensions import db
from webapp.logbook.reading import MESSAGE_SENT, entry_details, log_scope
from webapp.messaging import inbox
from webapp.messaging.audience import PostedForm, Selection, Tokens, next_audience, show_again
from webapp.messaging.exceptions import AudienceChanged, BadText, ContentChanged, NoRecipients, TooManyRecipients
from webapp.messaging.notices import announce
from webapp.messaging.preview import preview
from webapp.messaging.sending import Draft, count_online, send
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT, unify_line_ends
from webapp.models import Test
from webapp.monitor.filters import CHOICES, Filter, parse_filter
from webapp.push.events import closed_event
from webapp.push.service import current_push
from webapp.web.errors import for_scripts, wants_fragment
from webapp.web.security import safe_address
from webapp.web.templating import installation_zone

OWN_FIELDS = frozenset({
    "subject", "body", "candidate", "scope", "list_state", "audience", "idempotency_key", "csrf_token", "person",
    "insert",
})  # fmt: skip
ANY_STATE = "any"
"""As `list_state`: the list has no filter by state."""
ID = re.compile(r"[0-9]{1,15}")
MAX_IDS = 10_000
"""Of candidacies or messages in one form."""
MANY = 200
"""Persons; a sending to more of them, or to several rooms, wants a second press."""
blueprint = Blueprint("messaging", __name__)


@blueprint.route("/messages/new", methods=["GET", "POST"])
def compose() -> Response:
    """The compose dialog for candidates, or for everyone a filter shows; posted where there are many.

    An address narrows a posted form. One with a scope or with candidates counts alone, though a form brings the text
    (the links to the parts of an audience that is too large, R4).
    """
    is_whole = "scope" in request.args or "candidate" in request.args
    fields = request.args if is_whole else request.values
    selection = parse_selection(fields)
    subject = request.values.get("subject", "")
    if insert := request.values.get("insert"):
        subject = f"{_title(insert)}: {subject}"
    body = unify_line_ends(request.values.get("body", ""))
    return show_dialog(Draft(subject, body, selection, whole=parse_whole(fields, selection.filter)))


@blueprint.post("/messages")
def send_message() -> BaseResponse:
    """Send: 201, or the dialog once more with what was typed."""
    texts = {name: request.form.get(name, "") for name in ("subject", "body", "audience", "idempotency_key")}
    selection = parse_selection(request.form)
    draft = Draft(selection=selection, whole=parse_whole(request.form, selection.filter), **texts)
    limit, tokens = current_app.config["SETTINGS"].max_recipients, _tokens()
    try:
        message = send(db.session(), current_user, draft, now=utcnow(), limit=limit, tokens=tokens, announce=announce)
    except (BadText, NoRecipients, TooManyRecipients, AudienceChanged, ContentChanged) as refusal:
        return show_dialog(draft, refusal)
    address = url_for("messaging.show", message_id=message.id)
    if not wants_fragment():
        return redirect(address, 303)
    online = count_online(db.session(), message, utcnow())
    response = make_response(render_template("messaging/_sent.html", message=message, online=online), 201)
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
    return render_template("messaging/_open_notices.html")


@blueprint.post("/inbox/close")
def close_notices() -> BaseResponse:
    """Close notices; 204, or back to the page where a browser without JavaScript posted the form.

    The person's other tabs are told after the commit (R9).
    """
    numbers = parse_ids("message", request.form.getlist("message"), highest=10**15)  # the log's are `bigint`
    closed = inbox.close(db.session(), current_user.id, numbers)
    if closed:
        current_push().bus.publish(closed_event(current_user.id, closed))
    if wants_fragment() or "text/html" not in request.headers.get("Accept", ""):
        return Response(status=204)
    page = urlsplit(request.referrer or "")
    return redirect(safe_address(page._replace(scheme="", netloc="").geturl()), 303)


def parse_selection(fields: MultiDict[str, str]) -> Selection:
    """Whom a form or address is for: `scope=filtered` with the monitor's parameters, or `candidate` ids.

    A filter beside `candidate` ids narrows them. Raises `BadParameter` for anything unknown: nothing is dropped, which
    would widen the audience (R6).
    """
    scopes = fields.getlist("scope")
    if scopes not in ([], ["filtered"], ["listed"]):
        raise BadParameter("scope", scopes[0])
    picked = fields.getlist("candidate")
    if picked and scopes == ["filtered"]:
        raise BadParameter("candidate", picked[0])
    rest = MultiDict((name, value) for name, value in fields.items(multi=True) if name not in OWN_FIELDS)
    listed = None if scopes == ["filtered"] else tuple(parse_ids("candidate", picked))
    return Selection(parse_filter(rest, installation_zone()), listed)


def parse_whole(fields: MultiDict[str, str], part: Filter) -> Filter | None:
    """The list that `part` was switched to from: the same filter with the states in `list_state`, if any are there."""
    states = fields.getlist("list_state")
    if not states:
        return None
    return part.with_values("state", CHOICES["state"].parse([each for each in states if each != ANY_STATE]))


def parse_ids(name: str, values: list[str], *, highest: int = MAX_ID) -> list[int]:
    """The ids in a field's values, sorted, each once. Raises `BadParameter` for too many and for what is no id."""
    if len(values) > MAX_IDS:
        raise BadParameter(name, f"more than {MAX_IDS}")
    for value in values:
        if not ID.fullmatch(value) or int(value) > highest:
            raise BadParameter(name, value)
    return sorted(set(map(int, values)))


def show_dialog(draft: Draft, refusal: Refusal | None = None) -> Response:
    """The dialog for a draft, after a refusal with the text kept and the audience as it is now."""
    limit, has_changed = current_app.config["SETTINGS"].max_recipients, isinstance(refusal, AudienceChanged)
    tokens = _tokens()
    selection = show_again(PostedForm(draft.selection, draft.audience, tokens), has_changed=has_changed)
    try:
        shown = preview(db.session(), current_user, selection, now=utcnow(), limit=limit, whole=draft.whole)
    except AudienceChanged as change:  # some of the picked candidates are out of reach
        return show_dialog(draft, change)
    if isinstance(refusal, ContentChanged):  # its key is another message's
        draft = Draft(draft.subject, draft.body, draft.selection, whole=draft.whole)
    posted, token = next_audience(shown.audience, draft.selection, tokens, has_changed=has_changed)
    values = {"draft": draft, "preview": shown, "refusal": refusal, "selection": posted, "audience": token}
    limits = {"limit": limit, "subject_limit": SUBJECT_LIMIT, "body_limit": BODY_LIMIT, "ask_again_above": MANY}
    template = "messaging/_compose.html" if wants_fragment() else "messaging/compose.html"
    page = render_template(template, fragment=wants_fragment(), **values, **limits)
    return make_response(page, refusal.status if refusal else 200)


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
