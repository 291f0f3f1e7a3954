"""The log as a CSV file and on paper: all entries of a filter, made piece by piece."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, render_template
from flask_babel import gettext
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.logbook import reading
from webapp.logbook.filters import LogFilter
from webapp.logbook.scope import LogScope
from webapp.logbook.words import action_label, filter_in_words, summary
from webapp.web.csv_download import Pieces, csv_text
from webapp.web.templating import role_label

MAX_PRINTED = 10_000
"""Entries that a browser can still print; a longer list says that it ends early."""
ROWS = "<!-- rows -->"


def csv_pieces(rows: Iterable[Any], zone: ZoneInfo) -> Pieces:
    """The rows of `reading.all_rows()` as pieces of CSV text; times are local to `zone`, with their offset."""
    yield csv_text([[
        gettext("Entry"), gettext("Time"), gettext("Who"), gettext("Role"), gettext("Action"), gettext("What"),
        gettext("Message"), gettext("Candidate ID"), gettext("Name"), gettext("Test"), gettext("Room"),
    ]])  # fmt: skip
    for number, group in groupby(rows, key=lambda row: row.id):
        subjects = list(group)
        entry = subjects[0]
        detail = json.loads(entry.detail)
        facts = (
            entry.at.astimezone(zone).isoformat(sep=" ", timespec="seconds"),
            entry.actor_name,
            role_label(entry.actor_role),
            action_label(entry.action),
            summary(entry.action, detail),
            detail.get("body", ""),
        )
        yield csv_text([number, *facts, row.number, row.name, row.test_title, row.room] for row in subjects)


def print_pieces(session: Session, scope: LogScope, log_filter: LogFilter) -> Pieces:
    """Pieces of the page for paper: its beginning, a page's worth of entries each, its end."""
    page = render_template(
        "logbook/print.html",
        count=reading.count(session, scope, log_filter),
        most=MAX_PRINTED,
        words=filter_in_words(log_filter.params) or [gettext("No filter")],
        params=log_filter.params,
        now=utcnow(),
    )
    begin, _, end = page.partition(ROWS)
    yield begin
    for lines in reading.all_lines(session, scope, log_filter, MAX_PRINTED):
        row: Any = current_app.jinja_env.get_template("logbook/_print_row.html").module
        yield "".join(row.printed(line) for line in lines)
    yield end
