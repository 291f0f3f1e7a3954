"""What the filters offer: the tests, rooms and groups within somebody's reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.models import Candidacy, Test
from webapp.monitor.filters import FIXED_VALUES
from webapp.monitor.words import NONE_ASSIGNED, VALUES, test_in_words

Offer = tuple[str, str]
"""A filter's value and its words."""


@dataclass(frozen=True)
class Choices:
    """Filter name → what can be ticked there."""

    test: list[Offer]
    room: list[Offer]
    group: list[Offer]

    def offers(self, name: str) -> list[Offer]:
        """The values of one filter, in the order in which they are offered."""
        if name in FIXED_VALUES:
            return [(value, str(VALUES[name][value])) for value in FIXED_VALUES[name]]
        offered: list[Offer] = getattr(self, name)
        return offered


def choices(session: Session, scope: AccessScope) -> Choices:
    """Three statements; only rooms and groups that somebody within reach has. Tests that are open now come first."""
    tests = session.execute(
        select(Test.id, Test.title, Test.start_date, Test.closed_at)
        .where(scope.test_condition())
        .order_by(Test.starts_at.desc(), Test.title)
    ).all()
    titles = [test.title for test in tests]
    return Choices(
        test=[
            (str(test.id), _with_state(test_in_words(test.title, test.start_date, titles), test, scope))
            for test in sorted(tests, key=lambda test: test.id not in scope.open_tests)
        ],
        room=[(one, one or str(NONE_ASSIGNED["room"])) for one in _distinct(session, scope, Candidacy.room)],
        group=[(one, one or str(NONE_ASSIGNED["group"])) for one in _distinct(session, scope, Candidacy.group_name)],
    )


def _with_state(words: str, test: Any, scope: AccessScope) -> str:
    """What a test is called in the filter; one that is not open says so."""
    if test.id in scope.open_tests:
        return words
    if test.closed_at is None:
        return str(gettext("%(test)s (not open yet)", test=words))
    return str(gettext("%(test)s (closed)", test=words))


def _distinct(session: Session, scope: AccessScope, column: object) -> list[str]:
    query = select(column).where(scope.condition()).distinct().order_by(column)  # type: ignore[call-overload]
    return list(session.scalars(query))
