"""A save as an exam page posts nearly all of them, and what is said of it; without a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import current_app

from webapp import push
from webapp.clock import utcnow
from webapp.db.types import microseconds
from webapp.exams import answers
from webapp.extensions import db
from webapp.models import SessionClaims
from webapp.web.times import installation_locale, installation_zone


def save_at_once(
    kept: SessionClaims, test_id: int, question_id: int, form: Mapping[str, str]
) -> answers.SavedAnswer | None:
    """Store what was posted, by one statement; None if it is to be looked at step by step, and nothing was written.

    Whose save is stored is seen. Needs an application context, for the database.
    """
    base, person = form.get("base", ""), form.get("person")
    if "text" not in form or not is_version(base) or person not in {None, str(kept.user_id)}:
        return None
    saved = answers.save_known(db.engine, kept, test_id, question_id, typed=form["text"], now=utcnow(), base=int(base))
    if saved is not None:
        push.seen(kept.user_id)
    return saved


def is_version(text: str) -> bool:
    """Whether this can be the version of an answer."""
    return text.isascii() and text.isdecimal() and len(text) <= 18


def saved_words(saved: answers.SavedAnswer) -> str:
    """When it was saved, and its version: the rest is the same for all that a hall saves within a second."""
    if saved.saved_at is None:
        raise ValueError("a text that was stored has its time")
    second = saved.saved_at.replace(microsecond=0)
    words = _words_of(second, installation_zone(), installation_locale())
    return words.replace(f'"{microseconds(second)}"', f'"{saved.version}"')


@lru_cache(maxsize=64)
def _words_of(second: datetime, _zone: ZoneInfo, _locale: str) -> str:
    # without what Flask gives to every page, the person above all: it would be looked up for these two words
    answer = answers.SavedAnswer("", second)
    return current_app.jinja_env.get_template("exams/_saved.html").render(answer=answer)
