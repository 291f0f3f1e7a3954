"""The compose dialog as an answer: fresh, or once more after a refusal, with everything that was typed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from flask import Response, current_app, make_response, render_template, url_for
from flask_login import current_user

from webapp.clock import utcnow
from webapp.config import Settings
from webapp.exceptions import Refusal
from webapp.extensions import db
from webapp.messaging.audience import Kind, Selection, Tokens
from webapp.messaging.composing import Preview, preview
from webapp.messaging.form import new_key
from webapp.messaging.refusals import AudienceChanged, BadText, ContentChanged, Part
from webapp.messaging.sending import Draft
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT
from webapp.monitor.filters import Filter
from webapp.web.errors import wants_fragment


@dataclass(frozen=True)
class Compose:
    """What `templates/messaging/_compose.html` gets."""

    preview: Preview
    fields: list[tuple[str, str]]
    """Hidden fields that say whom the form is for."""
    audience: str
    """The token of what is shown (R3)."""
    idempotency_key: str
    draft_key: str
    """Names the selection of this form: what is typed belongs to it (R23)."""
    subject: str
    body: str
    problems: dict[str, str]
    refusal: Refusal | None
    filtered: bool
    """The form is for everyone a filter shows; else for picked candidates."""
    parts: list[tuple[Part, str]]
    """Above the limit: the parts of the audience and the addresses that open the same message for one of them."""
    subject_limit: int = SUBJECT_LIMIT
    body_limit: int = BODY_LIMIT


def tokens() -> Tokens:
    """Signs and reads the audiences of the signed-in sender's forms."""
    return Tokens(current_app.config["SECRET_KEY"], current_user.id)


def fresh(selection: Selection, subject: str, body: str) -> Response:
    """The dialog for a selection, opened for the first time or with a text that came along."""
    draft = Draft(subject, body, selection, audience="", idempotency_key=new_key())
    try:
        return _answer(draft, None, 200)
    except AudienceChanged as refusal:
        return again(draft, refusal)


def again(draft: Draft, refusal: Refusal) -> Response:
    """The dialog after a refusal: the text kept, the audience as it is now, and a new key where the old one is used.

    A form that was refused because people had moved carries those of now, frozen: its next press cannot be refused
    for this again (R3).
    """
    selection = draft.selection
    shown = tokens().read(draft.audience, selection)
    if shown and shown.kind is Kind.FROZEN:
        selection = selection.held_fast(shown.ids, by_words=shown.by_words)
    elif isinstance(refusal, AudienceChanged):
        selection = _held_fast(selection)
    if isinstance(refusal, ContentChanged):
        draft = replace(draft, idempotency_key=new_key())
    return _answer(replace(draft, selection=selection), refusal, refusal.status)


def _held_fast(selection: Selection) -> Selection:
    if selection.listed is not None:
        return replace(selection, frozen=selection.listed)
    shown = preview(db.session(), current_user, selection, now=utcnow(), limit=limit())
    if shown.audience is None:
        return selection
    return selection.held_fast(shown.audience.candidacies, by_words=shown.by_words)


def _answer(draft: Draft, refusal: Refusal | None, status: int) -> Response:
    shown = preview(db.session(), current_user, draft.selection, now=utcnow(), limit=limit())
    posted = _posted(draft.selection, shown)
    compose = Compose(
        preview=shown,
        fields=_fields(posted),
        audience=_token(draft.selection, shown),
        idempotency_key=draft.idempotency_key,
        draft_key=posted.key,
        subject=draft.subject,
        body=draft.body,
        problems=refusal.problems if isinstance(refusal, BadText) else {},
        refusal=refusal,
        filtered=draft.selection.listed is None,
        parts=[(part, _part_address(draft.selection, part)) for part in shown.parts],
    )
    template = "messaging/_compose.html" if wants_fragment() else "messaging/compose.html"
    return make_response(render_template(template, compose=compose, fragment=wants_fragment()), status)


def _posted(selection: Selection, shown: Preview) -> Selection:
    """What the form will say it is for: of picked candidates those who can be reached, without the filter."""
    if selection.listed is None or shown.audience is None:
        return selection
    return Selection(Filter(), listed=shown.audience.candidacies)


def _fields(posted: Selection) -> list[tuple[str, str]]:
    listed = [("candidate", str(candidacy_id)) for candidacy_id in posted.listed or ()]
    scope = [("scope", "filtered")] if posted.listed is None else listed
    return scope + posted.filter.pairs()


def _part_address(selection: Selection, part: Part) -> str:
    """Where the same form is for one part only; for picked candidates they come along in the form."""
    scope = [("scope", "filtered")] if selection.listed is None else []
    pairs = scope + selection.filter.narrowed(part.name, part.value).pairs()
    return f"{url_for('messaging.compose')}?{urlencode(pairs)}"


def _token(selection: Selection, shown: Preview) -> str:
    if selection.listed is not None or shown.audience is None:
        return ""
    sign = tokens().frozen if selection.frozen is not None else tokens().seen
    return sign(selection, shown.audience, by_words=shown.by_words)


def limit() -> int:
    """How many persons one sending may reach."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.max_recipients
