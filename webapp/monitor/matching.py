"""The one query definition behind the count, the rows and the audience of "send to all" (R17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from webapp.access import Reach
from webapp.models import Attendance, Candidacy, Presence, Test
from webapp.models.derived import Warning as CandidateWarning
from webapp.models.derived import has_warning, is_online, progress, sitting
from webapp.monitor.filters import Filter
from webapp.monitor.periods import bounds
from webapp.planning.search_text import folded

MOMENTS: dict[str, InstrumentedAttribute[Any]] = {
    "seen": Presence.last_seen,
    "started": Candidacy.started_at,
    "saved": Candidacy.saved_at,
    "submitted": Candidacy.submitted_at,
    "test_start": Test.starts_at,
    "test_end": Test.ends_at,
}
PLAIN_COLUMNS: dict[str, InstrumentedAttribute[str]] = {
    "room": Candidacy.room,
    "group": Candidacy.group_name,
}


def matching(reach: Reach, filter: Filter, now: datetime) -> Select[int]:  # noqa: A002 the field's word
    """Ids of the candidacies within `reach` that `filter` matches at `now`, in no order.

    Drawn from `sitting()`, so that others add columns with `.with_only_columns(…)` and order them without
    touching which rows there are.
    """
    return select(Candidacy.id).select_from(sitting()).where(reach.condition(), *_conditions(filter, now))


def _conditions(filter: Filter, now: datetime) -> Iterator[ColumnElement[bool]]:  # noqa: A002
    if filter.q:
        yield Candidacy.search_text.contains(folded(filter.q), autoescape=True)
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
            return progress() == value
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
