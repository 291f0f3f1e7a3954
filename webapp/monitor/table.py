"""A page of the monitor: count and rows from the one query definition, in the terms in which they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.db.sql import PREPARED, id_in
from webapp.db.types import microseconds
from webapp.models import Candidacy
from webapp.models.status import NOW, sitting
from webapp.monitor.candidates import CandidateRow, as_rows, planner_names, shown
from webapp.monitor.filters import Filter
from webapp.monitor.finding import Sizes, find, pages_of
from webapp.monitor.presentation import Presentation


@dataclass(frozen=True)
class TablePage:
    """One page of a list."""

    count: int
    """Candidacies that match (R5, R17)."""
    page: int
    pages: int
    rows: tuple[CandidateRow, ...]
    by_words: bool = False
    """Nobody has the phrase of the filter in one column; these have all its words."""


def load_page(
    session: Session,
    scope: AccessScope,
    filter: Filter,  # noqa: A002 the field's word
    presentation: Presentation,
    now: datetime,
) -> TablePage:
    """The page asked for, or the nearest there is; six statements at the most, whatever the number of rows.

    Where nobody has the phrase of the filter, the same again for its words.

    Which candidacies stand on the page is found first, and what is shown of them read for these alone. Needs an
    application context: how many a view matched is remembered for the next time.
    """
    connection = session.connection()
    sizes: Sizes = current_app.extensions["examhall_sizes"]
    for asked in (filter, replace(filter, by_words=True)) if filter.has_several_words else (filter,):
        found = find(connection, scope, asked, presentation, now, last=sizes.of(scope, asked))
        sizes.remember(scope, asked, found.size)
        if found.count:
            break
    places = {number: place for place, number in enumerate(found.ids)}
    rows = connection.execute(_rows_of(), {"ids": found.ids, "now": microseconds(now)}).all() if places else []
    rows = sorted(rows, key=lambda row: places[row.id])
    planners = planner_names(session, {row.test_id for row in rows}, presentation)
    return TablePage(found.count, found.page, pages_of(found.count), tuple(as_rows(rows, planners)), asked.by_words)


@cache
def _rows_of() -> Select[Any]:
    """What is shown of the candidacies `ids` at `now`. Made and planned once: both take longer than running it."""
    page = select(Candidacy.id).select_from(sitting()).where(id_in(Candidacy.id, "ids"))
    return shown(page, NOW).execution_options(**PREPARED)
