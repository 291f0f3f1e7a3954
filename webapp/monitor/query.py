"""From a filter to SQL: the one definition behind count, page, file, paper and audience (R17)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START, AccessScope
from webapp.clock import undated
from webapp.db.sql import contains
from webapp.db.types import microseconds
from webapp.exceptions import BadParameter
from webapp.models import Candidacy, Contribution, Test, User
from webapp.monitor.columns import DEFAULT_COLUMNS, DEFAULT_SORT, NEED, Defaults, Presentation
from webapp.monitor.filters import CHOICES, Choice, Filter
from webapp.monitor.times import TIMES
from webapp.text.normalization import fold_for_search

FEW_TESTS = 4
"""In so few tests, looking at each search text is faster than an index over all tests."""


def conditions(scope: AccessScope, filter: Filter, now: datetime) -> Iterator[ColumnElement[bool]]:
    """What a candidacy within `scope` must satisfy to match `filter`, over candidacy and test.

    `now` decides what periods mean. The statement takes it as its parameter `:now` too, in microseconds.
    """
    yield scope.condition()
    is_narrow = looks_at_few_tests(scope, filter)
    phrase = fold_for_search(filter.q)
    for text in phrase.split(" ") if filter.by_words else [phrase]:
        if text:
            yield contains(Candidacy.search_text, text, by_index=not is_narrow)
    for name, values in filter.without("q").conditions.items():
        choice = CHOICES.get(name)
        condition = choice.matches(values) if choice else TIMES[name].matches(name, values, now, filter.zone)
        # an index over all tests is slower than a look at each candidacy of a few, and a wrapped condition uses none;
        # tests, rooms and groups have indexes that begin with the test
        may_use_index = not is_narrow or (choice is not None and not choice.values)
        yield condition if may_use_index else func.coalesce(condition, false())


def select_candidacies(scope: AccessScope, filter: Filter, now: datetime) -> Select[int]:
    """The ids of the candidacies within `scope` that match `filter` at `now`, in no order.

    From candidacy and test, so that others add columns and an order without changing which rows there are.
    """
    return select_matches(scope, filter, now).params(now=microseconds(now))


def select_matches(scope: AccessScope, filter: Filter, now: datetime) -> Select[int]:
    """The same, without the value of `:now`."""
    return select(Candidacy.id).join(Candidacy.test).where(*conditions(scope, filter, now))


def looks_at_few_tests(scope: AccessScope, filter: Filter) -> bool:
    """Whether the filter looks at a few tests only."""
    return 0 < _number_of_tests(scope, filter) <= FEW_TESTS


def _number_of_tests(scope: AccessScope, filter: Filter) -> int:
    """0 for all that there are."""
    return len(filter.values("test") or (scope.tests or () if scope.everything else scope.roles))


def defaults_for(scope: AccessScope, filter: Filter) -> Defaults:
    """How a list is shown unless its address says otherwise: in few tests in order of need, for which the state of each
    candidacy is worked out; with the test where there is more than one."""
    columns = list(DEFAULT_COLUMNS)
    if _number_of_tests(scope, filter) != 1:
        columns.insert(columns.index("seat") + 1, "test")
    return Defaults(NEED if looks_at_few_tests(scope, filter) else DEFAULT_SORT, tuple(columns))


def listed_scope(scope: AccessScope, filter: Filter) -> AccessScope:
    """Where a filter looks: in the tests that it names, else in those that are open now (R26)."""
    return scope if filter.values("test") else scope.open_now()


def resolve_phrase(session: Session, scope: AccessScope, filter: Filter, now: datetime) -> Filter:
    """The filter that searches for the words of its phrase, if no candidacy that matches it has the whole phrase.

    Whatever the states: otherwise a state's count would be of other people than those that its link lists.
    """
    whole = select_candidacies(scope, filter.without("state"), now).limit(1)
    if not filter.has_several_words or session.scalar(whole):
        return filter
    return replace(filter, by_words=True)


def check_values(session: Session, scope: AccessScope, filter: Filter) -> None:
    """Refuse tests and texts (rooms, groups) that no candidacy within `scope` has (R6). Raises `BadParameter`.

    Blank values and the room that a person is limited to are always accepted: whether anybody is in them changes while
    people look.
    """
    for name, choice in CHOICES.items():
        wanted = set(filter.values(name))
        if wanted and not choice.values:
            for value in sorted(wanted - _existing(session, scope, choice, wanted)):
                raise BadParameter(name, value)


def _existing(session: Session, scope: AccessScope, choice: Choice, wanted: set[str]) -> set[str]:
    if choice.text_column is not None:
        rooms = scope.rooms.values() if choice.name == "room" else ()
        found = select(choice.text_column).where(scope.condition(), choice.text_column.in_(wanted)).distinct()
        return {"", *rooms, *session.scalars(found)}
    if not scope.everything:
        return {str(test_id) for test_id in scope.roles}
    tests = select(Test.id).where(Test.id.in_([int(value) for value in wanted]))
    return {str(test_id) for test_id in session.scalars(tests)}


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


@dataclass(frozen=True)
class View:
    """What a list is of: candidacies within a scope that match a filter at a moment, and how they are shown."""

    scope: AccessScope
    filter: Filter
    presentation: Presentation
    now: datetime

    @property
    def is_grouped(self) -> bool:
        """Whether the rows stand in groups, in order of need."""
        return self.presentation.sort == NEED

    @property
    def shows_rooms(self) -> bool:
        """Whether a seat needs its room, because more than one room may be in sight."""
        rooms = self.filter.values("room") or set(self.scope.rooms.values())
        is_limited = bool(self.filter.values("room")) or self.scope.rooms.keys() == self.scope.roles.keys()
        return not (is_limited and len(rooms) == 1)

    @property
    def undated(self) -> tuple[datetime, datetime]:
        """The moments that are shown without the date, from the first and before the second."""
        return undated(self.now, self.filter.zone)

    def with_phrase_resolved(self, session: Session) -> View:
        """The same for a file, for which it is decided once whether the phrase is searched or its words."""
        return replace(self, filter=resolve_phrase(session, self.scope, self.filter, self.now))
