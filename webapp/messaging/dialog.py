"""The compose dialog over HTTP: from a request's fields to a draft, and back to a form with all that was typed."""

import re
from dataclasses import replace
from zoneinfo import ZoneInfo

from flask import Response, current_app, make_response, render_template
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, Refusal
from webapp.extensions import db
from webapp.messaging.audience import Selection, Tokens
from webapp.messaging.exceptions import AudienceChanged, ContentChanged
from webapp.messaging.preview import preview
from webapp.messaging.sending import Draft
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT
from webapp.monitor.filters import Filter, parse_filter
from webapp.web.errors import wants_fragment

OWN_FIELDS = frozenset(
    {"subject", "body", "candidate", "scope", "audience", "idempotency_key", "csrf_token", "person", "insert"}
)
ID = re.compile(r"[0-9]{1,15}")
MAX_IDS = 10_000
"""Of candidacies or messages in one form."""


def parse_selection(fields: MultiDict[str, str], zone: ZoneInfo) -> Selection:
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
    return Selection(parse_filter(rest, zone), listed)


def parse_opened(address: MultiDict[str, str], form: MultiDict[str, str], zone: ZoneInfo) -> Selection:
    """Whom the dialog is opened for: by its address, or by a posted form that the address narrows.

    An address with a scope or with candidates counts alone, though a form brings the text (the links to the parts of an
    audience that is too large, R4).
    """
    if not form or "scope" in address or "candidate" in address:
        return parse_selection(address or form, zone)
    merged = MultiDict(form)
    merged.update(address)
    return parse_selection(merged, zone)


def parse_draft(fields: MultiDict[str, str], zone: ZoneInfo) -> Draft:
    """What a compose form posts. Raises `BadParameter`."""
    texts = {name: fields.get(name, "") for name in ("subject", "body", "audience", "idempotency_key")}
    return Draft(selection=parse_selection(fields, zone), **texts)


def parse_ids(name: str, values: list[str], *, highest: int = MAX_ID) -> list[int]:
    """The ids in a field's values, sorted, each once. Raises `BadParameter` for too many and for what is no id."""
    if len(values) > MAX_IDS:
        raise BadParameter(name, f"more than {MAX_IDS}")
    for value in values:
        if not ID.fullmatch(value) or int(value) > highest:
            raise BadParameter(name, value)
    return sorted(set(map(int, values)))


def sender_tokens() -> Tokens:
    """Signs and reads the audiences of the signed-in sender's forms."""
    return Tokens(current_app.config["SECRET_KEY"], current_user.id)


def show_dialog(draft: Draft, refusal: Refusal | None = None) -> Response:
    """The dialog for a draft, after a refusal with the text kept and the audience as it is now.

    After a change of the audience the form carries the present one, frozen: its next press cannot be refused for this
    again (R3). A key that another message has used is replaced.
    """
    limit = current_app.config["SETTINGS"].max_recipients
    has_changed = isinstance(refusal, AudienceChanged)
    selection = sender_tokens().read(draft.audience, draft.selection) or draft.selection
    if has_changed and selection.listed is not None:
        selection = replace(selection, frozen=selection.listed)
    try:
        now_reached = preview(db.session(), current_user, selection, now=utcnow(), limit=limit)
    except AudienceChanged as change:  # some of the picked candidates are out of reach
        return show_dialog(draft, change)
    if isinstance(refusal, ContentChanged):
        draft = Draft(draft.subject, draft.body, draft.selection)
    posted, token = draft.selection, ""
    if now_reached.user_ids and posted.listed is not None:
        posted = Selection(Filter(), listed=now_reached.candidacy_ids)  # those who can be reached
    elif now_reached.user_ids:
        signed = now_reached.selection
        if has_changed or signed.frozen is not None:
            signed = replace(signed, frozen=now_reached.candidacy_ids)
        token = sender_tokens().sign(signed, now_reached.user_ids)
    page = render_template(
        "messaging/_compose.html" if wants_fragment() else "messaging/compose.html",
        fragment=wants_fragment(),
        draft=draft,
        preview=now_reached,
        refusal=refusal,
        selection=posted,
        audience=token,
        limit=limit,
        subject_limit=SUBJECT_LIMIT,
        body_limit=BODY_LIMIT,
    )
    return make_response(page, refusal.status if refusal else 200)
