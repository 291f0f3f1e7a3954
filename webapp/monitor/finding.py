"""Which candidacies stand on a page of the monitor, and how many match: found in the way that is quickest for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, func, select

from webapp.access import Reach
from webapp.among import among
from webapp.models import RosterEntry
from webapp.models.derived import NOW, Moment, sitting
from webapp.monitor.columns import BY_KEY, Column
from webapp.monitor.filters import Filter
from webapp.monitor.matching import is_narrow, matching, matching_alone, moments, walking
from webapp.monitor.presentation import DEFAULT_SORT, Presentation

ROWS_PER_PAGE = 50
FEW = 5_000
"""Matches over all tests that are sorted sooner than a walk meets them."""
FEW_OF_A_TEST = 1_000
"""The same within a few tests, for each page that is to be met."""
VIEWS = 4096
"""Views whose size is remembered."""
KEPT = 64
"""Views whose statements are kept: those of a warning and a phrase take 175 KB."""


@dataclass(frozen=True)
class Found:
    """A page of a list, by numbers."""

    count: int
    """Candidacies that match (R5, R17)."""
    page: int
    ids: Sequence[int]
    """Of the candidacies on the page, in their order."""


def pages_of(count: int) -> int:
    """How many pages a list has; an empty one has one."""
    return max(1, -(-count // ROWS_PER_PAGE))


class Sizes:
    """How many a view matched when it was last looked at: no answer rests on it, only the way to the next one."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Reach, Filter], int] = {}

    def of(self, reach: Reach, filter: Filter) -> int | None:  # noqa: A002 the field's word
        """The last count; None if it is not remembered."""
        return self._counts.get((reach, filter))

    def remember(self, reach: Reach, filter: Filter, count: int) -> None:  # noqa: A002
        """Keep a count for the next time."""
        if len(self._counts) >= VIEWS:
            self._counts.clear()
        self._counts[reach, filter] = count


sizes = Sizes()


class Statements:
    """By which a view's pages are found, at any moment: making one takes as long as asking it.

    Their parameters: `matching.moments`, and `most`, `ids` or `skipped` where they speak of them.
    """

    def __init__(self, reach: Reach, filter: Filter, sort: str) -> None:  # noqa: A002
        self._view = reach, filter, Presentation(sort=sort)

    @cached_property
    def _matches(self) -> Select[int]:
        return matching_alone(*self._view[:2], NOW)

    @cached_property
    def first(self) -> Select[int]:
        """Of the matches, `most`, in no order."""
        return self._matches.limit(bindparam("most", type_=Integer))

    @cached_property
    def number(self) -> Select[int]:
        """Of all matches, where these are many."""
        return _number_of(matching_alone(*self._view[:2], NOW, by_index=False))

    @cached_property
    def page_of_few(self) -> Select[Any]:
        """Of those with these `ids`."""
        return _on_page(_of(BY_KEY[self._view[2].sort_column]), self._view[2], NOW)

    @cached_property
    def page_of_many(self) -> Select[Any]:
        """Met on a walk."""
        return _on_page(_many(*self._view, NOW), self._view[2], NOW)

    @cached_property
    def counted_page(self) -> Select[Any]:
        """The same, each with the number of all."""
        return counted_page(*self._view, NOW)


@lru_cache(maxsize=KEPT)
def statements_of(reach: Reach, filter: Filter, sort: str) -> Statements:  # noqa: A002
    """Those of a view; everybody who looks at the same has the same."""
    return Statements(reach, filter, sort)


def find(
    connection: Connection,
    reach: Reach,
    filter: Filter,  # noqa: A002
    presentation: Presentation,
    now: datetime,
    *,
    sorted_up_to: int | None = None,
    expected: int | None = None,
) -> Found:
    """The page asked for, or the nearest there is; three statements, or four where many were expected in vain.

    Few matches (`sorted_up_to`) are found and then sorted; of more, a walk in the order of names soon meets a page.
    Whoever knows how many to expect asks for no more than is needed: their number comes with the page.
    """
    limit = _few(reach, filter, presentation.page) if sorted_up_to is None else sorted_up_to
    ask, at = statements_of(reach, filter, presentation.sort), moments(filter, now)
    many = expected is not None and expected > limit and presentation.page <= pages_of(expected)
    if many and is_narrow(reach, filter):
        met = connection.execute(ask.counted_page, at | _place(presentation.page)).all()
        if met:
            return Found(met[0][1], presentation.page, [number for number, _ in met])
    first = expected is None or expected <= limit
    few = connection.execute(ask.first, at | {"most": limit + 1}).scalars().all() if first else None
    # for few, this was all the searching there is
    at_once = few is not None and len(few) <= limit
    count = len(few or ()) if at_once else connection.execute(ask.number, at).scalar_one()
    page = min(presentation.page, pages_of(count))
    if not count:
        return Found(count, page, [])
    if count > limit:
        ids = connection.execute(ask.page_of_many, at | _place(page))
    else:
        if not at_once:
            few = connection.execute(ask.first, at | {"most": limit + 1}).scalars().all()
        ids = connection.execute(ask.page_of_few, at | _place(page) | {"ids": few})
    return Found(count, page, ids.scalars().all())


def _place(page: int) -> dict[str, int]:
    return {"skipped": (page - 1) * ROWS_PER_PAGE}


def counted_page(reach: Reach, filter: Filter, presentation: Presentation, now: Moment) -> Select[Any]:  # noqa: A002
    """The page asked for (`skipped`) of many, each with the number of all."""
    number = _number_of(matching_alone(reach, filter, now)).scalar_subquery()
    return _on_page(_many(reach, filter, presentation, now).add_columns(number), presentation, now)


def _few(reach: Reach, filter: Filter, page: int) -> int:  # noqa: A002
    """Up to how many matches are sorted sooner than a walk meets the page: a test's names are soon walked along."""
    return min(FEW, FEW_OF_A_TEST * page) if is_narrow(reach, filter) else FEW


def _number_of(matches: Select[int]) -> Select[int]:
    return matches.with_only_columns(func.count(), maintain_column_froms=True).correlate(None)


def _of(column: Column) -> Select[Any]:
    """The candidacies `ids`, from the tables by which the column sorts them."""
    tables = sitting() if column.needs_sitting else RosterEntry.__table__
    return select(RosterEntry.id).select_from(tables).where(among(RosterEntry.id, "ids"))


def _many(reach: Reach, filter: Filter, presentation: Presentation, now: Moment) -> Select[Any]:  # noqa: A002
    way = walking if presentation.sort_column == DEFAULT_SORT else matching
    return way(reach, filter, now)


def _on_page(query: Select[Any], presentation: Presentation, now: Moment) -> Select[Any]:
    return ordered(query, presentation, now).limit(ROWS_PER_PAGE).offset(bindparam("skipped", type_=Integer))


def ordered(query: Select[Any], presentation: Presentation, now: Moment) -> Select[Any]:
    """Sorted as asked; what is missing comes last either way, and equals stay in one order."""
    by = BY_KEY[presentation.sort_column].order(now)
    return query.order_by(*(_directed(one, presentation.descending) for one in by), RosterEntry.id)


def _directed(expression: ColumnElement[Any], descending: bool) -> ColumnElement[Any]:
    directed = expression.desc() if descending else expression.asc()
    # an index is in order without a word about what is missing, and where nothing can be missing none is needed
    can_miss = getattr(expression, "nullable", True)
    return directed.nulls_last() if can_miss else directed
