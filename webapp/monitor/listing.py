"""A page of the list: how many match, of each state, and the rows of the page (R17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, Row, Select, bindparam, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.db.sql import PREPARED, id_in
from webapp.db.types import EPOCH, microseconds
from webapp.help_requests.queue import open_requests
from webapp.models import Candidacy, User
from webapp.models.status import NOW, State, state
from webapp.monitor.columns import COLUMN_BY_KEY, Presentation
from webapp.monitor.expressions import WAITS_SINCE, place_in_need
from webapp.monitor.filters import Filter
from webapp.monitor.last_message import last_messages
from webapp.monitor.query import View, conditions, looks_at_few_tests, select_matches
from webapp.monitor.times import TIMES

ROWS_PER_PAGE = 50
ROWS_PER_CHUNK = 500
MAX_COUNT = 10_000
"""Over many tests no more are counted, because counting half a million takes a core for a moment."""
MAX_PAGES = 1_000_000
"""More than any list has, and no more than a database can count."""


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
    asking: dict[int, bool] = field(default_factory=dict)
    """Candidacy id → whether somebody is going, of all that ask for help, in the list or not."""


def load_listing(session: Session, view: View, *, with_rows: bool = True) -> Listing:
    """The page of the list, or the last one if there are fewer. If nobody has the phrase, the list for its words.

    Without rows it is only counted, for what shows the list in another way.
    """
    states, ids = _count_states(session, view, with_rows)
    if states is not None and not sum(states.values()) and view.filter.has_several_words:
        view = replace(view, filter=replace(view.filter, by_words=True))
        states, ids = _count_states(session, view, with_rows)
    count, is_capped = _count(session, view, states)
    pages = max(1, -(-count // ROWS_PER_PAGE))
    view = replace(view, presentation=replace(view.presentation, page=min(view.presentation.page, pages)))
    if with_rows and count and not ids:
        ids = _page_ids(session, view)
    rows = _page_rows(session, view, ids) if ids else []
    shows_marks = rows and "marks" in view.presentation.columns
    messaged = last_messages(session, [row.id for row in rows]) if shows_marks else {}
    return Listing(view, count, is_capped, states, pages, rows, messaged, open_requests(session))


def _statement(make: Callable[..., Any], scope: AccessScope, filter: Filter, now: datetime, *of: Any) -> Any:
    """The statement that `make` makes; a filter by times has the moment in it, any other statement is made once."""
    if filter.conditions.keys() & TIMES.keys():
        return make(scope, filter, now, *of)
    return made_once(make, scope, filter, *of)


@lru_cache(maxsize=512)  # making it takes longer than running it, and each refresh of sixty rooms needs several
def made_once(make: Callable[..., Any], scope: AccessScope, filter: Filter, *of: Any) -> Any:
    return make(scope, filter, EPOCH, *of)


def _count_states(session: Session, view: View, with_page: bool) -> tuple[dict[State, int] | None, list[int]]:
    """How many match with any state, by state; None if there are more than a list counts.

    In few tests and in order of need, the ids of the page too: to find out the states takes most of the time.
    """
    scope, rest, limit = view.scope, view.filter.without("state"), _limit(view)
    parameters = {"now": microseconds(view.now), **_part_of(view)}
    if with_page and view.is_grouped and limit is None:
        statement = _statement(_select_states_and_page, scope, rest, view.now, view.filter.values("state"))
    else:
        statement = _statement(_select_states, scope, rest, view.now, limit)
    rows = session.connection().execute(statement, parameters).all()
    states = dict.fromkeys(State, 0) | {State(row.state): row.number for row in rows if row.state is not None}
    ids = [row.number for row in rows if row.state is None]
    return (None if limit and sum(states.values()) > limit else states), ids


def _select_states(scope: AccessScope, filter: Filter, now: datetime, limit: int | None) -> Select[str, int]:
    """(state, number) of what matches the filter, of slightly more than `limit` at most."""
    matches = select_matches(scope, filter, now).add_columns(state(NOW).label("state"))
    found = matches.limit(limit and limit + 1).subquery()
    return select(found.c.state, func.count().label("number")).group_by(found.c.state)


def _select_states_and_page(
    scope: AccessScope, filter: Filter, now: datetime, wanted: tuple[str, ...]
) -> Select[str | None, int]:
    """(state, number) of what matches the filter, then (None, id) of a page in order of need: with any state, or one of
    those that are `wanted`."""
    columns = [state(NOW).label("state"), WAITS_SINCE.label("waits"), Candidacy.sort_name]
    found = select_matches(scope, filter, now).add_columns(*columns).cte("found")
    no_order = literal(-1).label("need"), null().label("waits"), null().label("sort_name")
    counts = select(found.c.state, func.count().label("number"), *no_order).group_by(found.c.state)
    need = place_in_need(found.c.state).label("need")
    page = select(null().label("state"), found.c.id.label("number"), need, found.c.waits, found.c.sort_name)
    page = page.where(found.c.state.in_(wanted)) if wanted else page
    page = _part(page.order_by(*_in_need(page.selected_columns)))
    rows = union_all(counts, select(page.subquery())).subquery()
    return select(rows.c.state, rows.c.number).order_by(*_in_need(rows.c))


def _in_need(columns: Any) -> list[Any]:
    """The order of need, as `columns.COLUMNS` has it for the state; of equals the lower id comes first."""
    return [columns.need, columns.waits.asc().nulls_last(), columns.sort_name, columns.number]


def _count(session: Session, view: View, states: dict[State, int] | None) -> tuple[int, bool]:
    """How many match, and whether there are more that were not counted."""
    wanted = view.filter.values("state")
    if states is not None:
        return sum(number for each, number in states.items() if not wanted or each in wanted), False
    if not wanted:
        return MAX_COUNT, True
    statement = _statement(_select_count, view.scope, view.filter, view.now, MAX_COUNT + 1)
    count = session.connection().execute(statement, {"now": microseconds(view.now)}).scalar_one()
    return min(count, MAX_COUNT), count > MAX_COUNT


def _select_count(scope: AccessScope, filter: Filter, now: datetime, limit: int) -> Select[int]:
    return select(func.count()).select_from(select_matches(scope, filter, now).limit(limit).subquery())


def _limit(view: View) -> int | None:
    return None if looks_at_few_tests(view.scope, view.filter) else MAX_COUNT


def _page_ids(session: Session, view: View) -> list[int]:
    """Which candidacies stand on the page."""
    page = _statement(_select_page, view.scope, view.filter, view.now, view.presentation.sort)
    return list(session.connection().scalars(page, {"now": microseconds(view.now), **_part_of(view)}))


def _select_page(scope: AccessScope, filter: Filter, now: datetime, sort: str) -> Select[int]:
    return _part(select_matches(scope, filter, now).order_by(*Presentation(sort).order()))


def _part_of(view: View) -> dict[str, int]:
    """The parameters of `_part` for the page of a view, which may be one that no list has."""
    return {"most": ROWS_PER_PAGE, "first": min(view.presentation.page - 1, MAX_PAGES) * ROWS_PER_PAGE}


def _part(ordered: Select[int]) -> Select[int]:
    """At most `:most`, from the row after `:first`."""
    return ordered.limit(bindparam("most", type_=Integer)).offset(bindparam("first", type_=Integer))


def _page_rows(session: Session, view: View, ids: list[int]) -> list[Row[Any]]:
    """What is shown of the candidacies on a page, in the order of their ids."""
    shown = view.presentation
    columns = shown.columns if "state" in shown.columns or not view.is_grouped else (*shown.columns, "state")
    parameters = {"ids": ids, "now": microseconds(view.now)}
    rows = session.connection().execute(_rows_of_ids(columns), parameters).all()
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
