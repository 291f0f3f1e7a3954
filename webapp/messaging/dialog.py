"""The compose dialog as a response: new, or after a refusal with everything that was typed."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from flask import Response, current_app, make_response, render_template, url_for
from flask_login import current_user

from webapp.clock import utcnow
from webapp.config import Settings
from webapp.exceptions import Refusal
from webapp.extensions import db
from webapp.messaging.audience import Selection
from webapp.messaging.exceptions import AudienceChanged, ContentChanged, Part
from webapp.messaging.forms import new_key
from webapp.messaging.preview import Preview, preview
from webapp.messaging.sending import Draft
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT
from webapp.messaging.tokens import Tokens
from webapp.monitor.filters import Filter
from webapp.web.errors import wants_fragment


@dataclass(frozen=True)
class Compose:
    """What `templates/messaging/_compose.html` gets."""

    draft: Draft
    preview: Preview
    refusal: Refusal | None
    fields: list[tuple[str, str]]
    """Hidden fields that say whom the form is for."""
    audience: str
    """The token of what is shown (R3)."""
    draft_key: str
    """Identifies the selection of this form, to which a draft in the browser belongs (R23)."""
    parts: list[tuple[Part, str]]
    """Above the limit: the parts of the audience and the addresses that open the same message for one of them."""
    subject_limit: int = SUBJECT_LIMIT
    body_limit: int = BODY_LIMIT

    @property
    def filtered(self) -> bool:
        """The form is for everyone a filter shows; else for picked candidates."""
        return self.draft.selection.listed is None


def sender_tokens() -> Tokens:
    """Signs and reads the audiences of the signed-in sender's forms."""
    return Tokens(current_app.config["SECRET_KEY"], current_user.id)


def recipient_limit() -> int:
    """How many persons one sending may reach."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.max_recipients


def new_dialog(selection: Selection, subject: str, body: str) -> Response:
    """The dialog for a selection, perhaps with a text that came along."""
    draft = Draft(subject, body, selection, audience="", idempotency_key=new_key())
    try:
        return _response(draft, None, 200)
    except AudienceChanged as refusal:
        return redisplay(draft, refusal)


def redisplay(draft: Draft, refusal: Refusal) -> Response:
    """The dialog after a refusal: the text kept, the audience as it is now, and a new key where the old one is used.

    After a change of the audience the form carries the present one, frozen: its next press cannot be refused for this
    again (R3).
    """
    shown = sender_tokens().read(draft.audience, draft.selection)
    if shown and shown.is_frozen:
        draft = replace(draft, selection=draft.selection.freeze(shown.ids, by_words=shown.by_words))
    elif isinstance(refusal, AudienceChanged):
        draft = replace(draft, selection=_freeze_audience(draft.selection))
    if isinstance(refusal, ContentChanged):
        draft = replace(draft, idempotency_key=new_key())
    return _response(draft, refusal, refusal.status)


def _freeze_audience(selection: Selection) -> Selection:
    if selection.listed is not None:
        return replace(selection, frozen=selection.listed)
    shown = _preview(selection)
    if shown.audience is None:
        return selection
    return selection.freeze(shown.audience.candidacies, by_words=shown.selection.filter.by_words)


def _preview(selection: Selection) -> Preview:
    return preview(db.session(), current_user, selection, now=utcnow(), limit=recipient_limit())


def _response(draft: Draft, refusal: Refusal | None, status: int) -> Response:
    shown = _preview(draft.selection)
    posted, token = draft.selection, ""
    if shown.audience and posted.listed is not None:
        posted = Selection(Filter(), listed=shown.audience.candidacies)  # those who can be reached
    elif shown.audience:
        token = sender_tokens().sign(shown.selection, shown.audience)
    compose = Compose(
        draft,
        shown,
        refusal,
        fields=_fields(posted),
        audience=token,
        draft_key=posted.key,
        parts=[(part, _part_address(draft.selection, part)) for part in shown.parts],
    )
    template = "messaging/_compose.html" if wants_fragment() else "messaging/compose.html"
    return make_response(render_template(template, compose=compose, fragment=wants_fragment()), status)


def _fields(posted: Selection) -> list[tuple[str, str]]:
    if posted.listed is None:
        return [("scope", "filtered"), *posted.filter.pairs()]
    return [("candidate", str(candidacy_id)) for candidacy_id in posted.listed] + posted.filter.pairs()


def _part_address(selection: Selection, part: Part) -> str:
    """The address of the same form for one part only; picked candidates come along in the form."""
    scope = [("scope", "filtered")] if selection.listed is None else []
    pairs = scope + selection.filter.narrowed(part.name, part.value).pairs()
    return f"{url_for('messaging.compose')}?{urlencode(pairs)}"
