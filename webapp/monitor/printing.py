"""The monitor's list for paper: same filter, sorting and columns, all rows, no controls."""

from __future__ import annotations

from datetime import datetime

from flask import render_template
from flask_babel import gettext
from sqlalchemy import func
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.monitor.columns import BY_KEY
from webapp.monitor.export import all_rows
from webapp.monitor.filters import Filter
from webapp.monitor.presentation import Presentation, query_string
from webapp.monitor.query import select_candidacies
from webapp.monitor.rows import Look
from webapp.monitor.words import filter_in_words
from webapp.web.csv_download import Pieces

MOST = 10_000
"""Rows that a browser can still print; a longer list says that it ends early."""
ROWS = "<!-- rows -->"


def print_chunks(
    session: Session,
    scope: AccessScope,
    filter: Filter,  # noqa: A002 the field's word
    presentation: Presentation,
    now: datetime,
    look: Look,
) -> Pieces:
    """Pieces of the page: its beginning, some hundred rows each, its end. `session` must live until the last."""
    counted = select_candidacies(scope, filter, now).with_only_columns(func.count(), maintain_column_froms=True)
    page = render_template(
        "monitor/print.html",
        count=session.scalar(counted) or 0,
        most=MOST,
        words=filter_in_words(session, filter) or [gettext("No filter")],
        columns=[BY_KEY[key] for key in presentation.columns],
        back="/monitor" + query_string(filter, presentation),
        now=now,
    )
    begin, _, end = page.partition(ROWS)
    yield begin
    for rows in all_rows(session, scope, filter, presentation, now, MOST):
        yield "".join(look.printed(row) for row in rows)
    yield end
