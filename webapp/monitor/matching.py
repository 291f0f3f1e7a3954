"""The one query definition behind the count, the rows and the audience of "send to all" (R17)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from webapp.access import Reach
from webapp.models import Attendance, Candidacy, Presence, Test
from webapp.models.derived import Progress, has_progress, has_warning, is_online, sitting
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
ABOUT_THE_TEST = frozenset({"warning", "test_start", "test_end"})
ABOUT_PRESENCE = frozenset({"warning", "status", "seen"})
"""Names whose conditions look at another table than the candidacy's own."""
ANSWERED = frozenset({Progress.SUBMITTED.value, Progress.BLANK.value})
PLAIN_COLUMNS: dict[str, InstrumentedAttribute[str]] = {
    "room": Candidacy.room,
    "group": Candidacy.group_name,
}


def matching(reach: Reach, filter: Filter, now: datetime) -> Select[int]:  # noqa: A002 the field's word
    """Ids of the candidacies within `reach` that `filter` matches at `now`, in no order.

    Drawn from `sitting()`, so that others add columns with `.with_only_columns(…)` and order them without
    touching which rows there are.
    """
    return _drawn_from(sitting(), reach, _conditions(filter, now))


def matching_alone(reach: Reach, filter: Filter, now: datetime) -> Select[int]:  # noqa: A002
    """The same ids, from the tables only that the filter asks about: to count half a million, and to find a page.

    Each candidacy has its test and its person, and at most one presence: what is left out takes no row away, and adds
    none.
    """
    return _drawn_from(_asked(filter), reach, _conditions(filter, now))


def walking(reach: Reach, filter: Filter, now: datetime) -> Select[int]:  # noqa: A002
    """The same ids where they are known to be many, for whoever takes a page of them in the order of names.

    A database that looks for each of these conditions by an index finds them all and then has to sort them; one that
    walks along the names soon has met enough. It knows neither how many they are nor how they are spread, so what it
    could look up is wrapped for it. Not the test: names are in order within each. Nor whether somebody has answered:
    PostgreSQL would read all answers for what it may not join.
    """
    plain = tuple(one for one in filter.choices if one[0] == "test" or ANSWERED & set(one[1]))
    wrapped = replace(filter, choices=tuple(one for one in filter.choices if one not in plain))
    conditions = [func.coalesce(one, false()) for one in _conditions(wrapped, now)]
    return _drawn_from(_asked(filter), reach, [*_conditions(Filter(choices=plain), now), *conditions])


def _asked(filter: Filter) -> FromClause:  # noqa: A002
    drawn_from: FromClause = Candidacy.__table__
    if _asks_about(filter, ABOUT_THE_TEST):
        drawn_from = drawn_from.join(Test, Test.id == Candidacy.test_id)
    if _asks_about(filter, ABOUT_PRESENCE):
        drawn_from = drawn_from.outerjoin(Presence, Presence.user_id == Candidacy.user_id)
    return drawn_from


def _drawn_from(tables: FromClause, reach: Reach, conditions: Iterable[ColumnElement[bool]]) -> Select[int]:
    return select(Candidacy.id).select_from(tables).where(reach.condition(), *conditions)


def _asks_about(filter: Filter, names: frozenset[str]) -> bool:  # noqa: A002
    return any(name.rpartition("_")[0] in names or name in names for name, _ in filter.choices + filter.times)


def _conditions(filter: Filter, now: datetime) -> Iterator[ColumnElement[bool]]:  # noqa: A002
    if filter.q:
        yield contains(Candidacy.search_text, folded(filter.q))
    for name, values in filter.choices:
        yield _any_of(name, values, now)
    for name, values in filter.times:
        yield or_(*(_in_time(filter, name, value, now) for value in values))


def _any_of(name: str, values: Sequence[str], now: datetime) -> ColumnElement[bool]:
    if name == "test":
        return Candidacy.test_id.in_([int(value) for value in values])
    if name in PLAIN_COLUMNS:
        return PLAIN_COLUMNS[name].in_(values)
    return or_(*(_one_of(name, value, now) for value in values))


def _one_of(name: str, value: str, now: datetime) -> ColumnElement[bool]:
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


def _in_time(filter: Filter, name: str, value: str, now: datetime) -> ColumnElement[bool]:  # noqa: A002
    column = MOMENTS[name.rpartition("_")[0]]
    since, until = bounds(name, value, now, filter.zone)
    return and_(
        column >= since if since is not None else true(),
        column < until if until is not None else true(),
    )
