"""What the filters offer, and when the monitor opens for somebody who has no test open."""

from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START, AccessScope
from webapp.models import Contribution, Test, User
from webapp.monitor.filters import CHOICES, Choice
from webapp.monitor.words import test_in_words
from webapp.text.normalization import natural_sort_key

Offer = tuple[str, str]
"""A filter's value and its words."""


def choices(session: Session, scope: AccessScope) -> dict[str, list[Offer]]:
    """Filter → what can be ticked there, as the page offers them: only what somebody within `scope` has."""
    in_order = sorted(CHOICES.values(), key=lambda choice: choice.position)
    return {choice.name: _offers(session, scope, choice) for choice in in_order}


def _offers(session: Session, scope: AccessScope, choice: Choice) -> list[Offer]:
    if choice.values:
        return [(value, str(words)) for value, words in choice.values.items()]
    if choice.text_column is None:
        return _tests(session, scope)
    texts = session.scalars(select(choice.text_column).where(scope.condition()).distinct().order_by(choice.text_column))
    return [(text, text or str(choice.blank)) for text in sorted(texts, key=natural_sort_key)]


def _tests(session: Session, scope: AccessScope) -> list[Offer]:
    """Those that are open now come first."""
    tests = session.execute(
        select(Test.id, Test.title, Test.start_date, Test.closed_at)
        .where(scope.test_condition())
        .order_by(Test.starts_at.desc(), Test.title)
    ).all()
    titles = [test.title for test in tests]
    return [
        (str(test.id), _with_state(test_in_words(test.title, test.start_date, titles), test, scope))
        for test in sorted(tests, key=lambda test: test.id not in scope.open_tests)
    ]


def _with_state(words: str, test: Any, scope: AccessScope) -> str:
    if test.id in scope.open_tests:
        return words
    if test.closed_at is None:
        return str(gettext("%(test)s (not open yet)", test=words))
    return str(gettext("%(test)s (closed)", test=words))


def next_opening(session: Session, actor: User, now: datetime) -> tuple[str, datetime] | None:
    """The title of the test that opens next to this contributor, and when; None if no test is ahead."""
    test = session.execute(
        select(Test.title, Test.starts_at)
        .join(Contribution, Contribution.test_id == Test.id)
        .where(Contribution.user_id == actor.id, Test.closed_at.is_(None), Test.starts_at > now + ENTRY_BEFORE_START)
        .order_by(Test.starts_at, Test.title)
        .limit(1)
    ).first()
    return None if test is None else (test.title, test.starts_at - ENTRY_BEFORE_START)
