"""Which candidacies stand on a page of the monitor, and how many match: found in the way that is quickest for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, func, select

from webapp.access import AccessScope
from webapp.db.sql import PREPARED, id_in, ids_as_text
from webapp.db.types import MAX_ID
from webapp.models import Candidacy
from webapp.models.status import NOW, Moment, sitting
from webapp.monitor.columns import BY_KEY
from webapp.monitor.expecting import expected_count
from webapp.monitor.filters import Filter
from webapp.monitor.presentation import DEFAULT_SORT, Presentation
from webapp.monitor.query import in_general, is_narrow, matching_alone, parameters, select_candidacies, walking

ROWS_PER_PAGE = 50
FEW = 5_000
"""Matches over all tests that are sorted sooner than a walk meets them."""
FEW_OF_A_TEST = 1_000
"""The same within a few tests, for each page that is to be met."""
LOOKED_UP = 75_000
"""Up to so many who have a phrase, PostgreSQL's index over trigrams counts them sooner than a look at each text."""
COUNT_KEPT_FOR = timedelta(seconds=10)
"""For which more than `FEW` are not counted again: all who watch them ask each five seconds. A count takes a core."""
VIEWS = 4096
"""Views whose size is remembered."""
MOST = bindparam("most", type_=Integer)
KEPT = 64
"""Views whose statements are kept: those of a warning and a phrase take 175 KB."""


def pages_of(count: int) -> int:
    """How many pages a list has; an empty one has one."""
    return max(1, -(-count // ROWS_PER_PAGE))


@dataclass(frozen=True)
class Size:
    """How many a view matched when they were last counted."""

    count: int
    at: datetime

    def is_kept(self, now: datetime) -> bool:
        """Whether so many, over all tests, need not be counted again yet."""
        return self.count > FEW and timedelta() <= now - self.at < COUNT_KEPT_FOR


@dataclass(frozen=True)
class Found:
    """A page of a list, by numbers."""

    size: Size
    page: int
    ids: Sequence[int]
    """Of the candidacies on the page, in their order."""

    @property
    def count(self) -> int:
        """Candidacies that match (R5, R17)."""
        return self.size.count


class Sizes:
    """The last size of each view: the way to its next page rests on it, and for seconds the count of very many."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[AccessScope, Filter], Size] = {}

    def of(self, scope: AccessScope, filter: Filter) -> Size | None:  # noqa: A002 the field's word
        """The last one; None if it is not remembered."""
        return self._sizes.get((scope, filter))

    def remember(self, scope: AccessScope, filter: Filter, size: Size) -> None:  # noqa: A002
        """Keep it for the next time."""
        if len(self._sizes) >= VIEWS:
            self._sizes.clear()
        self._sizes[scope, filter] = size


class Statements:
    """By which a view's pages are found, at any moment: making one takes as long as asking it.

    Their parameters: `matching.parameters`, and `most`, `ids` or `skipped` where they speak of them.
    """

    def __init__(self, scope: AccessScope, filter: Filter, sort: str) -> None:  # noqa: A002
        self._view = scope, filter, Presentation(sort=sort)

    @cached_property
    def few(self) -> Select[int, str | None]:
        """How many match, and if they are not more than `most`, their ids in one text."""
        matches = matching_alone(*self._view[:2], NOW)
        [number] = matches.selected_columns
        return matches.with_only_columns(func.count(), ids_as_text(number, MOST), maintain_column_froms=True)

    @cached_property
    def few_at_most(self) -> Select[int, str | None]:
        """The same where more than `most` are not counted: of these it is told only that they are more."""
        met = matching_alone(*self._view[:2], NOW).limit(MOST + 1).subquery("met")
        return select(func.count(), ids_as_text(met.c[0], MOST)).select_from(met)

    def number(self, expected: int | None) -> Select[int]:
        """Of all matches. A phrase is looked up if not too many are expected to have it, or else in each text."""
        looked_up = not self._view[1].q or (expected is not None and expected <= LOOKED_UP)
        return self.number_looked_up if looked_up else self._number_read

    @cached_property
    def number_looked_up(self) -> Select[int]:
        """The same, by indexes wherever PostgreSQL sees one that helps."""
        return _number_of(matching_alone(*self._view[:2], NOW))

    @cached_property
    def _number_read(self) -> Select[int]:
        return _number_of(matching_alone(*self._view[:2], NOW, by_index=False))

    @property
    def page_of_few(self) -> Select[Any]:
        """Of those with these `ids`."""
        return _page_of_few(self._view[2])

    @cached_property
    def page_of_many(self) -> Select[Any]:
        """Met on a walk."""
        return _on_page(_many(*self._view, NOW), self._view[2], NOW)


@lru_cache(maxsize=KEPT)
def statements_of(scope: AccessScope, filter: Filter, sort: str) -> Statements:  # noqa: A002
    """Those of a view; everybody who looks at the same has the same."""
    return Statements(scope, filter, sort)


def find(
    connection: Connection,
    scope: AccessScope,
    filter: Filter,  # noqa: A002
    presentation: Presentation,
    now: datetime,
    *,
    sorted_up_to: int | None = None,
    last: Size | None = None,
) -> Found:
    """The page asked for, or the nearest there is: by two or three statements, or four where a guess was wrong.

    Few matches (`sorted_up_to`) are found and then sorted; of more, a walk in the order of names soon meets a page.
    Over all tests, whoever knows the `last` size asks for no more than is needed, and very many are not counted again
    for some seconds; where it is not known, PostgreSQL expects one.
    """
    page, narrow = presentation.page, is_narrow(scope, filter)
    limit = _few(page, narrow=narrow) if sorted_up_to is None else sorted_up_to
    ask = Asking(connection, statements_of(scope, in_general(filter), presentation.sort), parameters(filter, now), now)
    return _find_in_few_tests(ask, page, limit) if narrow else _find_over_all(ask, page, limit, last)


def _find_in_few_tests(ask: Asking, page: int, limit: int) -> Found:
    size, few = ask.few(limit)
    return ask.walk(size, page) if few is None else ask.sort(size, few, page)


def _find_over_all(ask: Asking, page: int, limit: int, last: Size | None) -> Found:
    if last is not None and last.is_kept(ask.now):
        found = ask.walk(last, page)
        if found.ids:
            return found
    expected = ask.expected() if last is None else last.count
    if expected is None or 0 < expected <= limit:
        size, few = ask.few_at_most(limit)
        if few is not None:
            return ask.sort(size, few, page)
    size = ask.count(expected)  # also where nobody matched: PostgreSQL counts on all cores, and finds on one
    if size.count == 0:
        return Found(size, 1, ())
    few = ask.few_at_most(limit)[1] if size.count <= limit else None
    return ask.walk(size, page) if few is None else ask.sort(size, few, page)


@dataclass(frozen=True)
class Asking:
    """The ways to a page of a view at a moment, each with a statement or two."""

    connection: Connection
    statements: Statements
    said: dict[str, Any]
    """Parameters: the moment's and the filter's."""
    now: datetime

    def few(self, limit: int) -> tuple[Size, str | None]:
        """Count all that match, with their ids in one text, or None if they are more than `limit`."""
        return self._few(self.statements.few, limit)

    def few_at_most(self, limit: int) -> tuple[Size, str | None]:
        """The same, but of more than `limit` it is told only that they are more."""
        return self._few(self.statements.few_at_most, limit)

    def _few(self, statement: Select[int, str | None], limit: int) -> tuple[Size, str | None]:
        count, ids = self.connection.execute(statement, self.said | {"most": limit}).one()
        return Size(count, self.now), None if count > limit else ids or ""

    def sort(self, size: Size, few: str, page: int) -> Found:
        """A page, or the last, of these few."""
        page = min(page, pages_of(size.count))
        return Found(size, page, self._ids(self.statements.page_of_few, page, ids=few) if few else [])

    def expected(self) -> int | None:
        """How many matches PostgreSQL expects."""
        return expected_count(self.connection, self.statements.number_looked_up, self.said)

    def count(self, expected: int | None) -> Size:
        """Count all that match."""
        return Size(self.connection.execute(self.statements.number(expected), self.said).scalar_one(), self.now)

    def walk(self, size: Size, page: int) -> Found:
        """Meet the page, or the last of so many, on a walk along the names."""
        page = min(page, pages_of(size.count))
        return Found(size, page, self._ids(self.statements.page_of_many, page))

    def _ids(self, statement: Select[Any], page: int, **said: Any) -> Sequence[int]:
        return self.connection.execute(statement, self.said | _place(page) | said).scalars().all()


def _place(page: int) -> dict[str, int]:
    return {"skipped": min((page - 1) * ROWS_PER_PAGE, MAX_ID)}


def _few(page: int, *, narrow: bool) -> int:
    """Up to how many matches are sorted sooner than a walk meets the page: a test's names are soon walked along."""
    return min(FEW, FEW_OF_A_TEST * page) if narrow else FEW


def _number_of(matches: Select[int]) -> Select[int]:
    return matches.with_only_columns(func.count(), maintain_column_froms=True)


@cache
def _page_of_few(presentation: Presentation) -> Select[Any]:
    """Of the candidacies `ids`, from the tables by which they are sorted; the same for every filter."""
    tables = sitting() if BY_KEY[presentation.sort_column].needs_sitting else Candidacy.__table__
    query = select(Candidacy.id).select_from(tables).where(id_in(Candidacy.id, "ids"))
    return _on_page(query, presentation, NOW).execution_options(**PREPARED)


def _many(scope: AccessScope, filter: Filter, presentation: Presentation, now: Moment) -> Select[Any]:  # noqa: A002
    way = walking if presentation.sort_column == DEFAULT_SORT else select_candidacies
    return way(scope, filter, now)


def _on_page(query: Select[Any], presentation: Presentation, now: Moment) -> Select[Any]:
    return ordered(query, presentation, now).limit(ROWS_PER_PAGE).offset(bindparam("skipped", type_=Integer))


def ordered(query: Select[Any], presentation: Presentation, now: Moment) -> Select[Any]:
    """Sorted as asked; what is missing comes last either way, and equals stay in one order."""
    by = BY_KEY[presentation.sort_column].order(now)
    return query.order_by(*(_directed(one, presentation.descending) for one in by), Candidacy.id)


def _directed(expression: ColumnElement[Any], descending: bool) -> ColumnElement[Any]:
    directed = expression.desc() if descending else expression.asc()
    # an index is in order without a word about what is missing, and where nothing can be missing none is needed
    can_miss = getattr(expression, "nullable", True)
    return directed.nulls_last() if can_miss else directed
