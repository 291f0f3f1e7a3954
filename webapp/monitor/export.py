"""The list as a CSV file and as a page for paper: same filter, order and columns, all rows (R17)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import stream_template
from flask_babel import gettext, lazy_gettext
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from webapp.monitor.columns import COLUMN_BY_KEY, Column
from webapp.monitor.filters import CHOICES
from webapp.monitor.listing import all_rows
from webapp.monitor.page import row_macros
from webapp.monitor.query import View, select_candidacies
from webapp.monitor.words import filter_in_words
from webapp.web.csv_download import Pieces, csv_text

LAST_SEEN = Column("last_seen", lazy_gettext("Last seen"), "moment", {}, ())
"""A part of the progress on the page, a column of a file."""
MAX_PRINTED = 10_000
"""Rows that a browser can still print. A longer list says that it ends early."""


def csv_pieces(session: Session, view: View) -> Pieces:
    """Pieces of the file, some hundred rows each. `session` must live until the last."""
    columns = list(file_columns(view.presentation.columns))
    yield csv_text([[column.label for column in columns]])
    for rows in all_rows(session, view):
        yield csv_text([_cell(row, column, view.filter.zone) for column in columns] for row in rows)


def file_columns(keys: Sequence[str]) -> Iterator[Column]:
    """Of some columns of the page. What a cell says beside its value is a column of its own in a file."""
    beside = {"name": "number", "seat": "room"}
    for key in keys:
        yield COLUMN_BY_KEY[key]
        if key in beside and beside[key] not in keys:
            yield COLUMN_BY_KEY[beside[key]]
        if key == "progress":
            yield LAST_SEEN


def _cell(row: Row[Any], column: Column, zone: ZoneInfo) -> object:
    if column.kind in CELL_TEXTS:
        return CELL_TEXTS[column.kind](row)
    value = getattr(row, column.key)
    is_moment = column.kind in ("moment", "saved") and value
    return value.astimezone(zone).isoformat(timespec="minutes") if is_moment else value


def _words(name: str, *values: str) -> str:
    return "; ".join(str(CHOICES[name].values[value]) for value in values)


CELL_TEXTS: dict[str, Callable[[Row[Any]], str]] = {
    "submission": lambda row: "; ".join(
        [gettext("Submitted")] * row.is_submitted + [gettext("Was offline")] * row.was_ever_offline
    ),
    "state": lambda row: _words("state", row.state),
    "status": lambda row: _words("status", "online" if row.online else "offline"),
    "progress": lambda row: _words("progress", row.progress),
    "warnings": lambda row: _words(
        "warning", *(warning for warning in CHOICES["warning"].values if getattr(row, f"warning_{warning}"))
    ),
    "remaining": lambda row: "" if row.remaining is None else f"{row.remaining // 60}:{row.remaining % 60:02}",
    "marks": lambda row: "; ".join(
        [gettext("Flagged")] * row.flagged + [gettext("Was offline")] * row.was_offline + [row.note] * bool(row.note)
    ),
    "id_check": lambda row: gettext("Checked") if row.id_check else "",
    "attendance": lambda row: _words("attendance", row.attendance) if row.attendance else "",
}
"""Cells in words, by the kind of the column. Others are their value."""


def print_pieces(session: Session, view: View, back: str) -> Pieces:
    """Pieces of the page for paper, some hundred rows each. `back` leads to the list."""
    matches = select_candidacies(view.scope, view.filter, view.now)
    yield from stream_template(
        "monitor/print.html",
        count=session.scalar(select(func.count()).select_from(matches.subquery())),
        max_printed=MAX_PRINTED,
        words=filter_in_words(session, view.filter) or [gettext("No filter")],
        columns=view.presentation.shown_columns,
        chunks=all_rows(session, view, MAX_PRINTED),
        print_rows=row_macros(view).print_rows,
        back=back,
        now=view.now,
    )
