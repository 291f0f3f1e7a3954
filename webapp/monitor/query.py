"""From a filter to SQL: the one definition behind count, page, file, paper and audience (R17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, false, func, select
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START, AccessScope
from webapp.clock import undated
from webapp.db.sql import PREPARED, contains, id_in
from webapp.db.types import microseconds
from webapp.exceptions import BadParameter
from webapp.models import Candidacy, Contribution, Test, User
from webapp.models.status import NEEDS_ATTENTION, NOW, State, state
from webapp.monitor.columns import COLUMN_BY_KEY, DEFAULT_COLUMNS, DEFAULT_SORT, NEED, Defaults, Presentation
from webapp.monitor.expressions import WAITS_SINCE
from webapp.monitor.filters import CHOICES, Choice, Filter
from webapp.monitor.last_message import last_messages
from webapp.monitor.times import TIMES
from webapp.text.normalization import fold_for_search

FEW_TESTS = 4
"""In so few tests, looking at each search text is faster than an index over all tests."""
ROWS_PER_PAGE = 50
ROWS_PER_CHUNK = 500
MAX_COUNT = 10_000
"""Over many tests no more are counted, because counting half a million takes a core for a moment."""


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
    query = select(Candidacy.id).join(Candidacy.test)
    return query.where(*conditions(scope, filter, now)).params(now=microseconds(now))


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


@dataclass(frozen=True)
class Listing:
    """One page of a list."""

    view: View
    """With the page that the list has, and with the phrase resolved."""
    count: int
    """Candidacies that match (R5, R17)."""
    is_capped: bool
    """More than `count` match; they were not counted."""
    states: dict[State, int] | None
    """How many there are of each state with the rest of the filter, or None if they were not counted."""
    pages: int
    rows: Sequence[Row[Any]]
    """With `id`, `test_id`, `name`, `number`, `seat`, what is noted (flag, attendance, ID check) and the values of the
    columns shown."""
    messaged: dict[int, datetime] = field(default_factory=dict)
    """Candidacy id → when the last message went to it; where marks are shown."""


def load_listing(session: Session, view: View) -> Listing:
    """The page of the list, or the last one if there are fewer. If nobody has the phrase, the list for its words."""
    states = _count_states(session, view)
    if states is not None and not sum(states.values()) and view.filter.has_several_words:
        view = replace(view, filter=replace(view.filter, by_words=True))
        states = _count_states(session, view)
    count, is_capped = _count(session, view, states)
    pages = max(1, -(-count // ROWS_PER_PAGE))
    view = replace(view, presentation=replace(view.presentation, page=min(view.presentation.page, pages)))
    rows = _page_rows(session, view, states) if count else []
    shows_marks = rows and "marks" in view.presentation.columns
    messaged = last_messages(session, [row.id for row in rows]) if shows_marks else {}
    return Listing(view, count, is_capped, states, pages, rows, messaged)


def _count_states(session: Session, view: View) -> dict[State, int] | None:
    """How many match with any state, by state; None if there are more than a list counts."""
    limit = _limit(view)
    rows = session.connection().execute(select_state_counts(view.scope, view.filter, view.now, limit)).all()
    states = dict.fromkeys(State, 0) | {State(name): number for name, number in rows}
    return None if limit and sum(states.values()) > limit else states


def select_state_counts(scope: AccessScope, filter: Filter, now: datetime, limit: int | None) -> Select[str, int]:
    """(state, number) of what matches the filter with any state, of slightly more than `limit` at most."""
    matches = select_candidacies(scope, filter.without("state"), now).add_columns(state(NOW).label("state"))
    found = matches.limit(limit and limit + 1).subquery()
    return select(found.c.state, func.count()).group_by(found.c.state)


def _count(session: Session, view: View, states: dict[State, int] | None) -> tuple[int, bool]:
    """How many match, and whether there are more that were not counted."""
    wanted = view.filter.values("state")
    if states is not None:
        return sum(number for each, number in states.items() if not wanted or each in wanted), False
    if not wanted:
        return MAX_COUNT, True
    matches = select_candidacies(view.scope, view.filter, view.now).limit(MAX_COUNT + 1).subquery()
    count = session.connection().execute(select(func.count()).select_from(matches)).scalar_one()
    return min(count, MAX_COUNT), count > MAX_COUNT


def _limit(view: View) -> int | None:
    return None if looks_at_few_tests(view.scope, view.filter) else MAX_COUNT


def _page_ids(session: Session, view: View, states: dict[State, int] | None) -> list[int]:
    """Which candidacies stand on the page.

    In order of need, the counts tell in which states they are. Each of these is looked for by itself: to sort all that
    match, the state of each would be worked out a second time.
    """
    connection, shown = session.connection(), view.presentation
    first, ids = (shown.page - 1) * ROWS_PER_PAGE, list[int]()
    if not view.is_grouped or states is None:
        matches = select_candidacies(view.scope, view.filter, view.now).order_by(*shown.order())
        return list(connection.scalars(matches.limit(ROWS_PER_PAGE).offset(first)))
    wanted, rest = view.filter.values("state"), view.filter.without("state")
    for each in State:
        number = states[each] if not wanted or each in wanted else 0
        if first < number and len(ids) < ROWS_PER_PAGE:
            matches = select_candidacies(view.scope, rest.narrowed("state", each), view.now)
            waits = [WAITS_SINCE.asc().nulls_last()] if each in NEEDS_ATTENTION else []
            ordered = matches.order_by(*waits, Candidacy.sort_name, Candidacy.id)
            ids += connection.scalars(ordered.limit(ROWS_PER_PAGE - len(ids)).offset(first))
        first = max(0, first - number)
    return ids


def _page_rows(session: Session, view: View, states: dict[State, int] | None) -> Sequence[Row[Any]]:
    """First which candidacies stand on the page, then what is shown of these."""
    connection, shown, now = session.connection(), view.presentation, {"now": microseconds(view.now)}
    ids = _page_ids(session, view, states)
    columns = shown.columns if "state" in shown.columns or not view.is_grouped else (*shown.columns, "state")
    rows = connection.execute(_rows_of_ids(columns), {"ids": ids, **now}).all()
    return sorted(rows, key=lambda row: ids.index(row.id))


@lru_cache(maxsize=64)  # making the statement takes longer than running it, and each refresh needs it
def _rows_of_ids(columns: tuple[str, ...]) -> Select[Any]:
    return _select_rows(columns).where(id_in(Candidacy.id, "ids")).execution_options(**PREPARED)


def _select_rows(columns: tuple[str, ...]) -> Select[Any]:
    values: dict[str, Any] = {name: value for key in columns for name, value in COLUMN_BY_KEY[key].values.items()}
    values |= {"name": User.name, "number": Candidacy.number, "seat": Candidacy.seat}
    values |= {"flagged": Candidacy.flagged, "attendance": Candidacy.attendance, "id_check": Candidacy.id_checked}
    labelled = [value.label(name) for name, value in values.items()]
    return select(Candidacy.id, Candidacy.test_id, *labelled).join(Candidacy.test).join(Candidacy.user)


def all_rows(session: Session, view: View, limit: int | None = None) -> Iterator[Sequence[Row[Any]]]:
    """All rows of a list in its order, some hundred at a time, at most `limit`."""
    rows = _select_rows(view.presentation.columns).where(*conditions(view.scope, view.filter, view.now))
    query = rows.order_by(*view.presentation.order()).limit(limit)
    result = session.connection().execute(
        query, {"now": microseconds(view.now)}, execution_options={"yield_per": ROWS_PER_CHUNK}
    )
    yield from result.partitions()
