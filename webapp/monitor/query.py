"""From a filter to SQL: the one definition behind count, page, export and audience (R17)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START, AccessScope
from webapp.db.sql import contains
from webapp.db.types import microseconds
from webapp.exceptions import BadParameter
from webapp.models import Candidacy, Contribution, Test, User
from webapp.monitor.filters import CHOICES, TIMES, Choice, Filter
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
    query = select(Candidacy.id).join(Test, Test.id == Candidacy.test_id)
    return query.where(*conditions(scope, filter, now)).params(now=microseconds(now))


def looks_at_few_tests(scope: AccessScope, filter: Filter) -> bool:
    """Whether the filter looks at a few tests only."""
    tests = filter.values("test") or (scope.tests or () if scope.everything else scope.roles)
    return 0 < len(tests) <= FEW_TESTS


def listed_scope(scope: AccessScope, filter: Filter) -> AccessScope:
    """Where a filter looks: in the tests that it names, else in those that are open now (R26)."""
    return scope if filter.values("test") else scope.open_now()


def resolve_phrase(session: Session, scope: AccessScope, filter: Filter, now: datetime) -> Filter:
    """The filter that searches for the words of its phrase, if no candidacy that matches it has the whole phrase."""
    if not filter.has_several_words or session.scalar(select_candidacies(scope, filter, now).limit(1)):
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
