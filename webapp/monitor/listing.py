"""The list: how many candidacies match, the rows of a page, and all rows for a file or for paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, SQLColumnExpression, func, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.db.sql import PREPARED, id_in
from webapp.db.types import microseconds
from webapp.models import Candidacy, Test, User
from webapp.monitor.columns import COLUMN_BY_KEY, Presentation
from webapp.monitor.filters import Filter
from webapp.monitor.query import conditions, looks_at_few_tests, resolve_phrase, select_candidacies

ROWS_PER_PAGE = 50
ROWS_PER_CHUNK = 500
MAX_COUNT = 10_000
"""Over many tests no more are counted, because counting half a million takes a core for a moment."""


@dataclass(frozen=True)
class View:
    """What a list is of: candidacies within a scope that match a filter at a moment, and how they are shown."""

    scope: AccessScope
    filter: Filter
    presentation: Presentation
    now: datetime

    @property
    def today(self) -> date:
        """The day in the zone of the filter: its times are shown without the date."""
        return self.now.astimezone(self.filter.zone).date()

    def select_candidacies(self) -> Select[int]:
        """The ids, in no order."""
        return select_candidacies(self.scope, self.filter, self.now)

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
    pages: int
    rows: Sequence[Row[Any]]
    """With `id`, `test_id`, `name`, `number`, `seat` and the values of the columns shown."""


def load_listing(session: Session, view: View) -> Listing:
    """The page of the list, or the last one if there are fewer. If nobody has the phrase, the list for its words."""
    count, is_capped = _count(session, view)
    if not count and view.filter.has_several_words:
        view = replace(view, filter=replace(view.filter, by_words=True))
        count, is_capped = _count(session, view)
    pages = max(1, -(-count // ROWS_PER_PAGE))
    view = replace(view, presentation=replace(view.presentation, page=min(view.presentation.page, pages)))
    return Listing(view, count, is_capped, pages, _page_rows(session, view) if count else [])


def _count(session: Session, view: View) -> tuple[int, bool]:
    """How many match, and whether there are more that were not counted."""
    limit = None if looks_at_few_tests(view.scope, view.filter) else MAX_COUNT
    matches = view.select_candidacies().limit(limit and limit + 1).subquery()
    count = session.connection().execute(select(func.count()).select_from(matches)).scalar_one()
    return (limit, True) if limit and count > limit else (count, False)


def _page_rows(session: Session, view: View) -> Sequence[Row[Any]]:
    """First which candidacies stand on the page, then what is shown of these."""
    connection, now = session.connection(), {"now": microseconds(view.now)}
    matches = view.select_candidacies().order_by(*view.presentation.order()).limit(ROWS_PER_PAGE)
    ids = connection.execute(matches.offset((view.presentation.page - 1) * ROWS_PER_PAGE), now).scalars().all()
    rows = connection.execute(_rows_of_ids(view.presentation.columns), {"ids": ids, **now}).all()
    return sorted(rows, key=lambda row: ids.index(row.id))


@lru_cache(maxsize=64)  # making the statement takes longer than running it, and each refresh needs it
def _rows_of_ids(columns: tuple[str, ...]) -> Select[Any]:
    return _select_rows(columns).where(id_in(Candidacy.id, "ids")).execution_options(**PREPARED)


def _select_rows(columns: tuple[str, ...]) -> Select[Any]:
    values: dict[str, SQLColumnExpression[Any]] = {
        name: value for key in columns for name, value in COLUMN_BY_KEY[key].values.items()
    }
    values |= {"name": User.name, "number": Candidacy.number, "seat": Candidacy.seat}
    labelled: list[Any] = [value.label(name) for name, value in values.items()]
    query = select(Candidacy.id, Candidacy.test_id, *labelled)
    return query.join(Test, Test.id == Candidacy.test_id).join(User, User.id == Candidacy.user_id)


def all_rows(session: Session, view: View, limit: int | None = None) -> Iterator[Sequence[Row[Any]]]:
    """All rows of a list in its order, some hundred at a time, at most `limit`."""
    rows = _select_rows(view.presentation.columns).where(*conditions(view.scope, view.filter, view.now))
    query = rows.order_by(*view.presentation.order()).limit(limit)
    result = session.connection().execute(
        query, {"now": microseconds(view.now)}, execution_options={"yield_per": ROWS_PER_CHUNK}
    )
    yield from result.partitions()
