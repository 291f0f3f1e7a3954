"""The values of one filter, and how many candidates have each among those of the other filters (R17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.db.types import microseconds
from webapp.models import Candidacy
from webapp.monitor.filters import CHOICES, LABELS, Choice
from webapp.monitor.query import View, conditions, listed_scope, looks_at_few_tests, resolve_phrase
from webapp.monitor.times import ROLLING, TIMES, span_of
from webapp.monitor.words import offers_of, span_in_words
from webapp.text.normalization import natural_sort_key

ALL_TIMES = "times"
"""In the menu, all of `TIME_FIELDS`."""
IN_MENU = (
    *(choice.name for choice in sorted(CHOICES.values(), key=lambda choice: choice.position)), *ROLLING, ALL_TIMES,
)  # fmt: skip
"""The fields of the menu in its order."""


@dataclass(frozen=True)
class Offer:
    """A value to tick."""

    value: str
    words: str
    count: int | None
    """Candidates who have it; None over many tests, where counting takes too long."""


@dataclass(frozen=True)
class MenuField:
    """One field of the filter menu, opened."""

    name: str
    view: View
    offers: list[Offer]
    all_are_open: bool
    """Whether all tests that the person may watch are open."""

    @property
    def label(self) -> str:
        """What people read."""
        return label_of(self.name)

    @property
    def set_to(self) -> tuple[str, ...]:
        """The values that are set."""
        return self.view.filter.values(self.name)

    @property
    def is_choice(self) -> bool:
        """Whether several values can be set; a span is one."""
        return self.name in CHOICES

    @property
    def is_text(self) -> bool:
        """Whether the values are texts of the roster, which no browser should translate."""
        return self.is_choice and CHOICES[self.name].text_column is not None

    @property
    def carried(self) -> list[tuple[str, str]]:
        """(name, value) of what the address has besides this field."""
        own = TIMES.keys() - ROLLING if self.name == ALL_TIMES else {self.name}
        pairs = self.view.filter.pairs() + self.view.presentation.pairs()
        return [pair for pair in pairs if pair[0] not in own and pair[0] != "page"]


def label_of(name: str) -> str:
    """What people read for a field of the menu."""
    return gettext("Dates and times") if name == ALL_TIMES else str(LABELS[name])


def load_field(session: Session, scope: AccessScope, view: View, name: str) -> MenuField:
    """A field with its values, counted by one statement within the other filters; texts that nobody has are left out.

    `scope` is all that the person may watch. A value that is set is always among them.
    """
    offers = _offers(session, scope, view, name) if name != ALL_TIMES else []
    return MenuField(name, view, offers, scope.all_are_open)


def _offers(session: Session, scope: AccessScope, view: View, name: str) -> list[Offer]:
    others, ticked = view.filter.without(name), view.filter.values(name)
    within = scope if name == "test" else listed_scope(scope, others)
    others = resolve_phrase(session, within, others, view.now)
    counted = replace(view, scope=within, filter=others) if looks_at_few_tests(within, others) else None
    if name in ROLLING:
        return _spans(session, counted, view, name, ticked)
    choice = CHOICES[name]
    if choice.values:
        return _fixed(session, counted, choice)
    if choice.text_column is None:
        return _tests(session, scope, counted)
    return _texts(session, scope, counted, choice, ticked)


def _spans(session: Session, counted: View | None, view: View, name: str, ticked: Sequence[str]) -> list[Offer]:
    field = ROLLING[name]
    values = sorted({*field.offers, *ticked}, key=span_of)
    counts = _sums(session, counted, [field.matches(name, [value], view.now, view.filter.zone) for value in values])
    return [Offer(value, span_in_words(value), count) for value, count in zip(values, counts, strict=True)]


def _fixed(session: Session, counted: View | None, choice: Choice) -> list[Offer]:
    counts = _sums(session, counted, [choice.matches([value]) for value in choice.values])
    return [Offer(value, str(words), n) for (value, words), n in zip(choice.values.items(), counts, strict=True)]


def _sums(session: Session, counted: View | None, holds: Sequence[ColumnElement[bool]]) -> Sequence[int | None]:
    """How many each condition holds for, in one look at those of the other filters."""
    if counted is None:
        return [None] * len(holds)
    return tuple(_select(session, counted, [func.count(case((each, 1))) for each in holds]).one())


def _tests(session: Session, scope: AccessScope, counted: View | None) -> list[Offer]:
    """Also those in which nobody matches: a test that is not open is chosen here to be seen at all (R26)."""
    counts = _by_value(session, counted, Candidacy.test_id)
    return [
        Offer(value, words, counts.get(int(value), 0) if counted else None)
        for value, words in offers_of(session, scope, CHOICES["test"])
    ]


def _texts(
    session: Session, scope: AccessScope, counted: View | None, choice: Choice, ticked: Sequence[str]
) -> list[Offer]:
    if counted is None:
        return [Offer(value, words, None) for value, words in offers_of(session, scope, choice)]
    counts = _by_value(session, counted, choice.text_column)
    texts = sorted({*counts, *ticked}, key=natural_sort_key)
    return [Offer(text, text or str(choice.blank), counts.get(text, 0)) for text in texts]


def _by_value(session: Session, counted: View | None, column: Any) -> dict[Any, int]:
    if counted is None:
        return {}
    return {row[0]: row[1] for row in _select(session, counted, [column, func.count()], column)}


def _select(session: Session, counted: View, columns: Sequence[Any], *groups: Any) -> Any:
    query = select(*columns).select_from(Candidacy).join(Candidacy.test)
    query = query.where(*conditions(counted.scope, counted.filter, counted.now)).group_by(*groups)
    return session.connection().execute(query, {"now": microseconds(counted.now)})
