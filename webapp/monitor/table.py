"""A page of the monitor: count and rows from the one query definition, in the terms in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import compress
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from webapp.access import Reach
from webapp.among import among
from webapp.models import Candidacy, Presence, Test, User
from webapp.models.derived import NOW, Moment, has_warning, is_online, is_writing, own_end, progress, sitting
from webapp.models.derived import Warning as CandidateWarning
from webapp.monitor.columns import BY_KEY, Column
from webapp.monitor.filters import Filter
from webapp.monitor.matching import counted_at_once, is_narrow, matching, matching_alone, walking
from webapp.monitor.presentation import DEFAULT_SORT, Presentation
from webapp.planning.search_text import planners_of

ROWS_PER_PAGE = 50
FEW = 5_000
"""Matches over all tests that are sorted sooner than a walk meets them."""
FEW_OF_A_TEST = 250
"""The same within a few tests, for each page that is to be met."""
A_MINUTE = timedelta(minutes=1)
WARNINGS = tuple(one.value for one in CandidateWarning)


class CandidateRow(NamedTuple):
    """A candidacy as the monitor shows it. Moments and durations are whole minutes: what is equal looks equal."""

    id: int
    name: str
    number: str
    flagged: bool
    submitted_once: bool
    was_offline: bool
    online: bool
    progress: str
    last_seen: datetime | None
    """None while online and for people who never came."""
    warnings: tuple[str, ...]
    saved: datetime | None
    spent: int | None
    remaining: int | None
    room: str
    seat: str
    test: str
    test_start: datetime
    test_end: datetime
    started: datetime | None
    submitted: datetime | None
    group: str
    extra: int
    incident: int
    id_checked: bool
    attendance: str | None
    building: str
    question_set: str
    planner: str


@dataclass(frozen=True)
class TablePage:
    """One page of a list."""

    count: int
    """Candidacies that match (R5, R17)."""
    page: int
    pages: int
    rows: tuple[CandidateRow, ...]


def load_page(
    session: Session,
    reach: Reach,
    filter: Filter,  # noqa: A002 the field's word
    presentation: Presentation,
    now: datetime,
    *,
    sorted_up_to: int | None = None,
) -> TablePage:
    """The page asked for, or the nearest there is; five statements at the most, whatever the number of rows.

    Which candidacies stand on the page is found first, and what is shown of them read for these alone. Few matches
    (`sorted_up_to`) are found and then sorted; of more, a walk in the order of names soon meets a page.
    """
    limit = _few(reach, filter, presentation.page) if sorted_up_to is None else sorted_up_to
    matches = matching_alone(reach, filter, now)
    few = None if counted_at_once(reach, filter) else _if_at_most(limit, session, matches)
    count = len(few) if few is not None else _count(session, matches)
    pages = max(1, -(-count // ROWS_PER_PAGE))
    page = min(presentation.page, pages)
    if not count:
        return TablePage(count, page, pages, ())
    if count <= limit:
        query = _of(list(session.scalars(matches)) if few is None else few, BY_KEY[presentation.sort_column])
    elif presentation.sort_column == DEFAULT_SORT:
        query = walking(reach, filter, now)
    else:
        query = matching(reach, filter, now)
    query = ordered(query, presentation, now).limit(ROWS_PER_PAGE).offset((page - 1) * ROWS_PER_PAGE)
    places = {number: place for place, number in enumerate(session.scalars(query))}
    rows = session.connection().execute(_rows_of(), {"ids": list(places), "now": now})
    found = sorted(rows, key=lambda row: places[row.id])
    planners = planner_names(session, {row.test_id for row in found}, presentation)
    return TablePage(count, page, pages, tuple(as_rows(found, planners, now)))


def _few(reach: Reach, filter: Filter, page: int) -> int:  # noqa: A002
    """Up to how many matches are sorted sooner than a walk meets the page: a test's names are soon walked along."""
    return min(FEW, FEW_OF_A_TEST * page) if is_narrow(reach, filter) else FEW


def _if_at_most(most: int, session: Session, matches: Select[int]) -> list[int] | None:
    """The matches if there are no more than that, else None. For few, this is all the searching there is."""
    found = list(session.scalars(matches.limit(most + 1)))
    return found if len(found) <= most else None


def _count(session: Session, matches: Select[int]) -> int:
    return session.scalar(matches.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def _of(ids: list[int], column: Column) -> Select[int]:
    """These candidacies, from the tables by which the column sorts them."""
    tables = sitting() if column.needs_sitting else Candidacy.__table__
    return select(Candidacy.id).select_from(tables).where(among(Candidacy.id, ids))


@cache
def _rows_of() -> Select[Any]:
    """What is shown of the candidacies `ids` at `now`: made once, because making it takes longer than running it."""
    return shown(select(Candidacy.id).select_from(sitting()).where(among(Candidacy.id, "ids")), NOW)


def shown(matches: Select[Any], now: Moment) -> Select[Any]:
    """The same candidacies with every column that a row needs."""
    columns: list[Any] = [
        *(column for column in Candidacy.__table__.columns if column.key not in {"search_text", "sort_name"}),
        User.name.label("person"),
        Test.title,
        Test.starts_at,
        Test.ends_at,
        Presence.last_seen,
        own_end().label("own_end"),
        progress().label("progress"),
        is_online(now).label("online"),
        is_writing().label("writing"),
        *(has_warning(one, now).label(f"warning_{one}") for one in CandidateWarning),  # last: see `_as_row`
    ]
    return matches.with_only_columns(*columns, maintain_column_froms=True)


def ordered(query: Select[Any], presentation: Presentation, now: datetime) -> Select[Any]:
    """Sorted as asked; what is missing comes last either way, and equals stay in one order."""
    by = BY_KEY[presentation.sort_column].order(now)
    return query.order_by(*(_directed(one, presentation.descending) for one in by), Candidacy.id)


def _directed(expression: ColumnElement[Any], descending: bool) -> ColumnElement[Any]:
    directed = expression.desc() if descending else expression.asc()
    # an index is in order without a word about what is missing, and where nothing can be missing none is needed
    can_miss = getattr(expression, "nullable", True)
    return directed.nulls_last() if can_miss else directed


def planner_names(session: Session, test_ids: set[int], presentation: Presentation) -> dict[int, str]:
    """Test id → its planners' names; asked for only where that column is shown."""
    if "planner" not in presentation.columns:
        return {}
    return {number: ", ".join(names) for number, names in planners_of(session, test_ids).items()}


def as_rows(found: Any, planners: dict[int, str], now: datetime) -> Iterator[CandidateRow]:
    """Rows of `shown()` in the terms of the page."""
    return (_as_row(row, planners, now) for row in found)


def _as_row(row: Row[Any], planners: dict[int, str], now: datetime) -> CandidateRow:
    warnings = tuple(compress(WARNINGS, row[-len(WARNINGS) :]))
    ended = row.submitted_at or row.withdrawn_at or now
    return CandidateRow(
        id=row.id,
        name=row.person,
        number=row.number,
        flagged=row.flagged,
        submitted_once=row.submitted_at is not None,
        was_offline=row.was_offline or CandidateWarning.WAS_OFFLINE in warnings,
        online=bool(row.online),
        progress=row.progress,
        last_seen=None if row.online else whole_minute(row.last_seen),
        warnings=warnings,
        saved=whole_minute(row.saved_at),
        spent=minutes_between(row.started_at, ended),
        remaining=max(0, -((whole(now) - row.own_end) // A_MINUTE)) if row.writing else None,
        room=row.room,
        seat=row.seat,
        test=row.title,
        test_start=row.starts_at,
        test_end=row.ends_at,
        started=whole_minute(row.started_at),
        submitted=whole_minute(row.submitted_at),
        group=row.group_name,
        extra=row.extra_minutes,
        incident=row.incident_minutes,
        id_checked=row.id_checked,
        attendance=row.attendance,
        building=row.building,
        question_set=row.question_set,
        planner=planners.get(row.test_id, ""),
    )


def whole(moment: datetime) -> datetime:
    """The minute that a moment lies in."""
    return moment.replace(second=0, microsecond=0)


def whole_minute(moment: datetime | None) -> datetime | None:
    """The minute that a moment lies in, if there is a moment."""
    return None if moment is None else whole(moment)


def minutes_between(since: datetime | None, until: datetime) -> int | None:
    """Minutes on a clock without seconds: all rows step at the same time, so a list stays equal for a minute."""
    return None if since is None else max(0, (whole(until) - whole(since)) // A_MINUTE)
