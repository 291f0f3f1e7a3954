"""Quick texts over HTTP: the page on which staff keep them, and a message that begins with one."""

from dataclasses import replace

from babel import Locale
from flask import Blueprint, Flask, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter, Refusal
from webapp.extensions import db
from webapp.messaging.draft import Draft
from webapp.messaging.exceptions import BadText
from webapp.messaging.forms import parse_ids, parse_number
from webapp.messaging.quick_texts import (
    MOST_TEXTS,
    TooManyQuickTexts,
    TypedText,
    add_text,
    change_text,
    delete_text,
    find_changeable,
    find_usable,
    listed_texts,
    offered_texts,
)  # fmt: skip
from webapp.messaging.sent_messages import load_sent_message
from webapp.messaging.text import BODY_LIMIT, SUBJECT_LIMIT, unify_line_ends
from webapp.models import QuickText
from webapp.web.templating import available_locales, current_locale

blueprint = Blueprint("quick_texts", __name__)
ONE = f"/quick-texts/<int(max={MAX_ID}):text_id>"
UNDO = "undo"
"""As `quick_text`: what was typed before comes back."""
MOST_KEPT = 10
"""Typed texts that a form without a script carries along."""


@blueprint.get("/quick-texts")
def index() -> Response:
    """All that the person can use, and a form for another one, which `message=<id>` fills with a sent message."""
    message_id = parse_number("message", request.args)
    typed = TypedText("", "", current_locale())
    if message_id is not None:
        detail = load_sent_message(db.session(), current_user, message_id, utcnow()).detail
        typed = replace(typed, subject=detail["subject"], body=detail["body"])
    return _list_page(typed)


@blueprint.post("/quick-texts")
def add() -> Response:
    """Keep a new one."""
    typed = _parse_text()
    try:
        add_text(db.session(), current_user, typed, utcnow())
    except (BadText, TooManyQuickTexts) as refusal:
        return _list_page(typed, refusal)
    return redirect(url_for("quick_texts.index"), 303)


@blueprint.get(ONE)
def show(text_id: int) -> Response:
    """The form of one."""
    text = find_changeable(db.session(), current_user, text_id, utcnow())
    return _form_page(text_id, TypedText(text.subject, text.body, text.locale))


@blueprint.post(ONE)
def change(text_id: int) -> Response:
    """Write it anew."""
    typed = _parse_text()
    try:
        change_text(db.session(), current_user, text_id, typed, utcnow())
    except BadText as refusal:
        return _form_page(text_id, typed, refusal)
    return redirect(url_for("quick_texts.index"), 303)


@blueprint.post(f"{ONE}/delete")
def delete(text_id: int) -> Response:
    """Delete it."""
    delete_text(db.session(), current_user, text_id, utcnow())
    return redirect(url_for("quick_texts.index"), 303)


def begin_with(draft: Draft, chosen: str) -> Draft:
    """A draft that begins with the quick text of this id, or (`undo`) with what was typed before.

    What a text takes the place of is kept in the form, unless it is a quick text itself. Raises `BadParameter`.
    """
    if chosen == UNDO:
        if not draft.typed:
            raise BadParameter("quick_text", chosen)
        *earlier, (subject, body) = draft.typed
        return replace(draft, subject=subject, body=body, typed=tuple(earlier))
    (text_id,) = parse_ids("quick_text", [chosen])
    text = find_usable(db.session(), current_user, text_id, utcnow())
    if text is None:
        raise BadParameter("quick_text", chosen)
    typed = draft.typed
    if (draft.subject or draft.body) and not _is_quick_text(draft):
        typed = (*typed, (draft.subject, draft.body))[-MOST_KEPT:]
    return replace(draft, subject=text.subject, body=text.body, typed=typed)


def quick_texts_for(tests: list[tuple[int, str]]) -> list[QuickText]:
    """What the signed-in person can begin a message to these tests with; (id, title) are tests that they send to."""
    return offered_texts(db.session(), current_user, [test_id for test_id, _ in tests])


def language_of(locale: str) -> dict[str, str]:
    """The `name` of a language in itself, its `tag` for `lang`, and its direction for `dir`."""
    parsed = Locale.parse(locale)
    return {
        "name": parsed.get_display_name() or locale,
        "tag": locale.replace("_", "-"),
        "dir": parsed.text_direction,
    }


def _is_quick_text(draft: Draft) -> bool:
    scope = [each for group in listed_texts(db.session(), current_user, utcnow()) for each in group.texts]
    return any((text.subject, text.body) == (draft.subject, draft.body) for text in scope)


def _parse_text() -> TypedText:
    """Of the posted form. Raises `BadParameter` for what is no language or no test."""
    form = request.form
    locale = form.get("locale") or current_locale()
    if locale not in available_locales():
        raise BadParameter("locale", locale)
    test_ids = parse_ids("test", [form["test"]]) if form.get("test") else [None]
    return TypedText(form.get("subject", ""), unify_line_ends(form.get("body", "")), locale, test_ids[0])


def _list_page(typed: TypedText, refusal: Refusal | None = None) -> Response:
    lists = listed_texts(db.session(), current_user, utcnow())
    return _page("messaging/quick_texts.html", typed, refusal, lists=lists)


def _form_page(text_id: int, typed: TypedText, refusal: Refusal | None = None) -> Response:
    text = find_changeable(db.session(), current_user, text_id, utcnow())
    return _page("messaging/quick_text.html", typed, refusal, text=text)


def _page(template: str, typed: TypedText, refusal: Refusal | None, **values: object) -> Response:
    limits = {"subject_limit": SUBJECT_LIMIT, "body_limit": BODY_LIMIT, "most": MOST_TEXTS}
    page = render_template(template, typed=typed, refusal=refusal, locales=available_locales(), **limits, **values)
    return make_response(page, refusal.status if refusal else 200)


def init_app(app: Flask) -> None:
    """Register the addresses, and what the compose sheet shows of quick texts."""
    app.register_blueprint(blueprint)
    app.add_template_global(quick_texts_for)
    app.add_template_filter(language_of)
