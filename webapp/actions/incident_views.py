"""Incidents over HTTP: start one for a filter or for picked candidates, look at it, end it."""

import json
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from webapp.actions.exceptions import AlreadyEnded, BadValues, NobodyInProgress
from webapp.actions.incident_preview import look_at_incident
from webapp.actions.incidents import MINUTES, EndForm, StartForm, Words, end_incident, start_incident, tell
from webapp.actions.kinds import KINDS
from webapp.actions.preview import preview
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, Refusal
from webapp.extensions import db
from webapp.messaging.audience import PostedForm, Selection, Tokens, next_audience, show_again
from webapp.messaging.exceptions import AudienceChanged, BadText, ContentChanged, NoRecipients, TooManyRecipients
from webapp.messaging.forms import parse_selection
from webapp.messaging.notices import announce
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT, unify_line_ends
from webapp.models import CandidateAction
from webapp.monitor.filters import CHOICES
from webapp.web.errors import wants_fragment

blueprint = Blueprint("incidents", __name__)
INCIDENT = f"/incidents/<int(max={MAX_ID}):incident_id>"
OWN_FIELDS = frozenset({"reason", "tell"})
"""Of the form, beside those of a message."""


@blueprint.route("/incidents/new", methods=["GET", "POST"])
def new() -> Response:
    """The form that starts an incident for candidates, or for everyone a filter shows; posted where there are many."""
    words = Words(
        gettext("Please stop writing for a moment"),
        gettext(
            "There is an incident, and your exam is paused. Your answers are saved. Please stay in your place and wait."
            " You get the minutes back."
        ),
        is_sent=True,
    )
    is_whole = "scope" in request.args or "candidate" in request.args
    return _show_form(
        StartForm(
            request.values.get("reason", ""), _selection(request.args if is_whole else request.values), words=words
        )
    )


@blueprint.post("/incidents")
def start() -> BaseResponse:
    """Start: 201, or the form once more with what was typed."""
    selection = _selection(request.form)
    texts = {name: request.form.get(name, "") for name in ("reason", "audience", "idempotency_key")}
    form = StartForm(selection=selection, words=_words(), **texts)
    limit, tokens = _limit(), _tokens()
    try:
        action = start_incident(db.session(), current_user, form, now=utcnow(), limit=limit, tokens=tokens)
    except (
        BadText,
        BadValues,
        NobodyInProgress,
        NoRecipients,
        TooManyRecipients,
        AudienceChanged,
        ContentChanged,
    ) as no:
        return _show_form(form, no)
    return _done(action, form.words)


@blueprint.get(INCIDENT)
def show(incident_id: int) -> Response:
    """What happened to whom, and the form that ends it."""
    words = Words(
        gettext("You can go on writing"),
        gettext("The incident is over. Minutes added to your time: %(minutes)s", minutes=MINUTES),
        is_sent=True,
    )
    return _show_incident(EndForm(incident_id, words))


@blueprint.post(f"{INCIDENT}/end")
def end(incident_id: int) -> BaseResponse:
    """End: 201, or the form once more; 409 for the second of two who end it."""
    form = EndForm(incident_id, _words(), request.form.get("idempotency_key", ""))
    try:
        action = end_incident(db.session(), current_user, form, now=utcnow())
    except (BadText, AlreadyEnded, ContentChanged) as refusal:
        return _show_incident(form, refusal)
    return _done(action, form.words)


def _words() -> Words:
    """The message of a form."""
    choice = request.form.get("tell", "")
    if choice not in ("", "yes"):
        raise BadParameter("tell", choice)
    body = unify_line_ends(request.form.get("body", ""))
    return Words(request.form.get("subject", ""), body, is_sent=choice == "yes")


def _done(action: CandidateAction, words: Words) -> BaseResponse:
    """The incident as it is now, after those concerned were told."""
    what = json.loads(action.outcome)
    limit, tokens = _limit(), _tokens()
    refused = tell(
        db.session(), current_user, action, words, now=utcnow(), limit=limit, tokens=tokens, announce=announce
    )
    address = url_for("incidents.show", incident_id=what["incident"])
    if not wants_fragment() and refused is None:
        return redirect(address, 303)
    response = _show_incident(EndForm(what["incident"]), done=what, refused=refused)
    response.status_code = 201
    response.headers["Location"] = address
    return response


def _show_form(form: StartForm, refusal: Refusal | None = None) -> Response:
    """The form that starts an incident; after a refusal with what was typed and the audience as it is now (R3)."""
    has_changed = isinstance(refusal, AudienceChanged)
    tokens = _tokens()
    selection = show_again(PostedForm(form.selection, form.audience, tokens), has_changed=has_changed)
    try:
        shown = preview(db.session(), current_user, KINDS["pause"], selection, now=utcnow(), limit=_limit())
    except AudienceChanged as change:  # some of the picked candidates are out of reach
        return _show_form(form, change)
    if isinstance(refusal, ContentChanged):  # its key is another incident's
        form = StartForm(form.reason, form.selection, words=form.words)
    posted, token = next_audience(shown.audience, form.selection, tokens, has_changed=has_changed)
    return _render("incident_form", refusal, form=form, shown=shown, selection=posted, audience=token)


def _selection(fields: MultiDict[str, str]) -> Selection:
    own = [(name, value) for name, value in fields.items(multi=True) if name not in OWN_FIELDS]
    return parse_selection(MultiDict(own))


def _show_incident(
    form: EndForm, refusal: Refusal | None = None, *, done: dict[str, Any] | None = None, refused: Refusal | None = None
) -> Response:
    shown = look_at_incident(db.session(), current_user, form.incident_id, utcnow())
    states = CHOICES["state"].values
    return _render("incident", refusal, form=form, shown=shown, states=states, done=done, refused=refused)


def _render(name: str, refusal: Refusal | None, **values: Any) -> Response:
    limits = {"limit": _limit(), "subject_limit": SUBJECT_LIMIT, "body_limit": BODY_LIMIT}
    template = f"actions/_{name}.html" if wants_fragment() else f"actions/{name}.html"
    page = render_template(template, fragment=wants_fragment(), refusal=refusal, **values, **limits)
    return make_response(page, refusal.status if refusal else 200)


def _limit() -> int:
    return int(current_app.config["SETTINGS"].max_recipients)


def _tokens() -> Tokens:
    return Tokens(current_app.config["SECRET_KEY"], current_user.id, by_candidacy=True)
