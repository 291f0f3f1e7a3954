"""The log for paper: same filter, all entries, no controls."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template
from flask_babel import gettext
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.logbook import reading
from webapp.logbook.filters import LogFilter
from webapp.logbook.sight import Sight
from webapp.logbook.words import action_label
from webapp.web.csv_download import Pieces

MOST = 10_000
"""Entries that a browser can still print; a longer list says that it ends early."""
ROWS = "<!-- rows -->"


def print_chunks(session: Session, sight: Sight, wanted: LogFilter, back: str) -> Pieces:
    """Pieces of the page: its beginning, a page's worth of entries each, its end. `session` must live until the last.

    `back` is the address of the list on the screen.
    """
    page = render_template(
        "logbook/print.html",
        count=reading.count_of(session, sight, wanted),
        most=MOST,
        words=filter_in_words(wanted) or [gettext("No filter")],
        back=back,
        now=utcnow(),
    )
    begin, _, end = page.partition(ROWS)
    yield begin
    for lines in reading.all_lines(session, sight, wanted, MOST):
        row: Any = current_app.jinja_env.get_template("logbook/_print_row.html").module
        yield "".join(row.printed(line) for line in lines)
    yield end


def filter_in_words(wanted: LogFilter) -> list[str]:
    """One short phrase per condition ("Person: Ada"); none without one."""
    labels = {
        "from": gettext("From"),
        "to": gettext("To"),
        "person": gettext("Person"),
        "action": gettext("Action"),
        "text": gettext("Text"),
    }
    return [f"{labels[name]}: {_in_words(name, value)}" for name, value in wanted.pairs]


def _in_words(name: str, value: str) -> str:
    if name == "action":
        return action_label(value)
    return value.replace("T", " ") if name in {"from", "to"} else value
