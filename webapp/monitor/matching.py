"""The one query definition behind the count, the rows and the audience of "send to all" (R17)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from webapp.access import Reach
from webapp.database import EPOCH, Instant
from webapp.models import Attendance, Candidacy, Presence, Test
from webapp.models.derived import Moment, Progress, has_progress, has_warning, is_online, sitting
from webapp.models.derived import Warning as CandidateWarning
from webapp.monitor.filters import Filter
from webapp.monitor.periods import bounds
from webapp.monitor.phrases import contains
from webapp.planning.search_text import folded

MOMENTS: dict[str, InstrumentedAttribute[Any]] = {
    "seen": Presence.last_seen,
    "started": Candidacy.started_at,
    "saved": Candidacy.saved_at,
    "submitted": Candidacy.submitted_at,
    "test_start": Test.starts_at,
    "test_end": Test.ends_at,
}
EDGES = ("since", "until")
ABOUT_THE_TEST = frozenset({"warning", "test_start", "test_end"})
ABOUT_PRESENCE = frozenset({"warning", "status", "seen"})
"""Names whose conditions look at another table than the candidacy's own."""
FEW_TESTS = 4
"""Of so many, every candidacy is looked at sooner than an index over all tests is."""
ANSWERED = frozenset({Progress.SUBMITTED.value, Progress.BLANK.value})
PLAIN_COLUMNS: dict[str, InstrumentedAttribute[str]] = {
    "room": Candidacy.room,
    "group": Candidacy.group_name,
}


def matching(reach: Reach, filter: Filter, now: Moment) -> Select[int]:  # noqa: A002 the field's word
    """Ids of the candidacies within `reach` that `filter` matches at `now`, in no order.

    Drawn from `sitting()`, so that others add columns with `.with_only_columns(…)` and order them without
    touching which rows there are.
    """
    return _drawn_from(sitting(), reach, _conditions(filter, now, narrow=is_narrow(reach, filter)))


def matching_alone(reach: Reach, filter: Filter, now: Moment) -> Select[int]:  # noqa: A002
    """The same ids, from the tables only that the filter asks about: to count half a million, and to find a page.

    Each candidacy has its test and its person, and at most one presence: what is left out takes no row away, and adds
    none.
    """
    return _drawn_from(_asked(reach, filter), reach, _conditions(filter, now, narrow=is_narrow(reach, filter)))


def walking(reach: Reach, filter: Filter, now: Moment) -> Select[int]:  # noqa: A002
    """The same ids where they are known to be many, for whoever takes a page of them in the order of names.

    A database that looks for each of these conditions by an index finds them all and then has to sort them; one that
    walks along the names soon has met enough. It knows neither how many they are nor how they are spread, so what it
    could look up is wrapped for it. Not the test: names are in order within each. Nor whether somebody has answered:
    PostgreSQL would read all answers for what it may not join.
    """
    narrow = is_narrow(reach, filter)
    plain = replace(filter, q="", choices=tuple(one for one in filter.choices if _is_plain(one)), times=())
    wrapped = replace(filter, choices=tuple(one for one in filter.choices if not _is_plain(one)))
    conditions = [*_conditions(plain, now, narrow=narrow), *map(_wrapped, _conditions(wrapped, now, narrow=narrow))]
    return _drawn_from(_asked(None, filter), reach, conditions)


def _is_plain(choice: tuple[str, tuple[str, ...]]) -> bool:
    name, values = choice
    return name == "test" or bool(ANSWERED & set(values))


def _wrapped(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same, so that no database looks it up in an index."""
    return func.coalesce(condition, false())


def is_narrow(reach: Reach, filter: Filter) -> bool:  # noqa: A002
    """Whether only a few tests are looked at, which their own indexes find at once."""
    return 0 < len(_tests_of(reach, filter)) <= FEW_TESTS


def _tests_of(reach: Reach, filter: Filter) -> list[int]:  # noqa: A002
    """The only tests that are looked at; none if it is all there are."""
    return sorted(map(int, filter.values("test") or (() if reach.everything else reach.roles)))


def counted_at_once(reach: Reach, filter: Filter) -> bool:  # noqa: A002
    """Whether the first of the matches are not found sooner than all: the presence of a test's people is read first."""
    return is_narrow(reach, filter) and _asks_about(filter, ABOUT_PRESENCE)


def _asked(reach: Reach | None, filter: Filter) -> FromClause:  # noqa: A002
    """The tables that a filter asks about; with `reach`, presence of the people of its few tests only.

    They are found by their numbers, which lie close together: a roster brings a test's people at once. One by one,
    12,500 of them took twice the time.
    """
    drawn_from: FromClause = Candidacy.__table__
    if _asks_about(filter, ABOUT_THE_TEST):
        drawn_from = drawn_from.join(Test, Test.id == Candidacy.test_id)
    if _asks_about(filter, ABOUT_PRESENCE):
        own = Presence.user_id == Candidacy.user_id
        if reach and is_narrow(reach, filter):
            first, last = (_edge_of_persons(edge, _tests_of(reach, filter)) for edge in (func.min, func.max))
            own = and_(own, Presence.user_id.between(first, last))
        drawn_from = drawn_from.outerjoin(Presence, own)
    return drawn_from


def _edge_of_persons(edge: Any, tests: Sequence[int]) -> ScalarSelect[int]:
    """The lowest or highest number of a person in these tests, each found at an end of an index."""
    edges = [select(edge(Candidacy.user_id).label("edge")).where(Candidacy.test_id == number) for number in tests]
    return select(edge(union_all(*edges).subquery().c.edge)).scalar_subquery()


def _drawn_from(tables: FromClause, reach: Reach, conditions: Iterable[ColumnElement[bool]]) -> Select[int]:
    return select(Candidacy.id).select_from(tables).where(reach.condition(), *conditions)


def _asks_about(filter: Filter, names: frozenset[str]) -> bool:  # noqa: A002
    return any(name.rpartition("_")[0] in names or name in names for name, _ in filter.choices + filter.times)


def _conditions(filter: Filter, now: Moment, *, narrow: bool) -> Iterator[ColumnElement[bool]]:  # noqa: A002
    """Each condition of a filter. If it is `narrow`, nothing is looked up but room and group, within these tests.

    Everybody with a flag, or with these letters in the name, in the whole country takes longer to find than to look
    at the candidacies of a few tests one by one.
    """
    if filter.q:
        yield contains(Candidacy.search_text, folded(filter.q), by_index=not narrow)
    for name, values in filter.choices:
        condition = _any_of(name, values, now)
        by_index = not narrow or name in PLAIN_COLUMNS or _is_plain((name, values))
        yield condition if by_index else _wrapped(condition)
    for name, values in filter.times:
        condition = or_(*(_in_time(filter, name, place, now) for place in range(len(values))))
        yield _wrapped(condition) if narrow else condition


def _in_tests(values: Sequence[str]) -> ColumnElement[bool]:
    return Candidacy.test_id.in_([int(value) for value in values])


def _any_of(name: str, values: Sequence[str], now: Moment) -> ColumnElement[bool]:
    if name == "test":
        return _in_tests(values)
    if name in PLAIN_COLUMNS:
        return PLAIN_COLUMNS[name].in_(values)
    return or_(*(_one_of(name, value, now) for value in values))


def _one_of(name: str, value: str, now: Moment) -> ColumnElement[bool]:
    match name:
        case "progress":
            return has_progress(Progress(value))
        case "status":
            return is_online(now) if value == "online" else ~is_online(now)
        case "warning":
            return has_warning(CandidateWarning(value), now)
        case "flag":
            return Candidacy.flagged.is_(value == "yes")
    if (name, value) == ("attendance", "unset"):
        return Candidacy.attendance.is_(None)
    return Candidacy.attendance == Attendance(value)


def _in_time(filter: Filter, name: str, place: int, now: Moment) -> ColumnElement[bool]:  # noqa: A002
    column, value = MOMENTS[name.rpartition("_")[0]], filter.values(name)[place]
    at = now if isinstance(now, datetime) else EPOCH  # whether an edge is open does not depend on it
    since, until = (
        moment if moment is None or at is now else bindparam(f"{name}_{place}_{edge}", type_=Instant)
        for edge, moment in zip(EDGES, bounds(name, value, at, filter.zone), strict=True)
    )
    return and_(
        column >= since if since is not None else true(),
        column < until if until is not None else true(),
    )


def moments(filter: Filter, now: datetime) -> dict[str, datetime | None]:  # noqa: A002
    """What a statement that was made for any moment (`NOW`) takes at this one, by the names of its parameters."""
    edges = {
        f"{name}_{place}_{edge}": moment
        for name, values in filter.times
        for place, value in enumerate(values)
        for edge, moment in zip(EDGES, bounds(name, value, now, filter.zone), strict=True)
    }
    return {"now": now, **edges}
