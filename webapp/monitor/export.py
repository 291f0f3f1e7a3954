"""The monitor's list as CSV: same filter, sorting and columns, all rows, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from flask_babel import gettext
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.monitor.candidates import MOMENTS, CandidateRow, as_rows, moment_of_minute, planner_names, shown
from webapp.monitor.columns import BY_KEY
from webapp.monitor.filters import Filter
from webapp.monitor.finding import ordered
from webapp.monitor.presentation import Presentation
from webapp.monitor.query import select_candidacies
from webapp.monitor.words import VALUES
from webapp.web.csv_download import Pieces, harmless

ROWS_PER_CHUNK = 500


def csv_chunks(
    session: Session,
    scope: AccessScope,
    filter: Filter,  # noqa: A002 the field's word
    presentation: Presentation,
    now: datetime,
) -> Pieces:
    """Pieces of the file, some hundred rows each: the whole list is never held at once.

    `session` must live until the end.
    """
    words, heads = _words(), _heads(presentation.columns)
    yield _lines([heads])
    for rows in all_rows(session, scope, filter, presentation, now):
        yield _lines(
            [list(chain(*(_cells(row, key, words, filter.zone) for key in presentation.columns))) for row in rows]
        )


def all_rows(
    session: Session,
    scope: AccessScope,
    filter: Filter,  # noqa: A002
    presentation: Presentation,
    now: datetime,
    most: int | None = None,
) -> Iterator[list[CandidateRow]]:
    """All rows of a list in its order, some hundred at a time; no more than `most`."""
    query = ordered(shown(select_candidacies(scope, filter, now), now), presentation, now).limit(most)
    found = session.connection().execute(query, execution_options={"yield_per": ROWS_PER_CHUNK})
    planners: dict[int, str] = {}
    for part in found.partitions():
        planners |= planner_names(session, {row.test_id for row in part} - set(planners), presentation)
        yield as_rows(part, planners)


def _heads(columns: Sequence[str]) -> list[str]:
    seen = str(gettext("Last seen"))
    return list(
        chain(*([str(BY_KEY[key].label), seen] if key == "progress" else [str(BY_KEY[key].label)] for key in columns))
    )


def _words() -> dict[str, dict[str, str]]:
    words = {name: {value: str(word) for value, word in values.items()} for name, values in VALUES.items()}
    own = {
        "submitted": str(gettext("Submitted")),
        "was_offline": str(gettext("Was offline")),
        "checked": str(gettext("Checked")),
    }
    return {**words, "export": own}


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def _cells(row: CandidateRow, key: str, words: dict[str, dict[str, str]], zone: ZoneInfo) -> list[str]:
    """A column's text; progress brings "last seen" along as a cell of its own."""
    in_words = _in_words(row, key, words)
    text = _text(row, key, zone) if in_words is None else in_words
    return [text, _text(row, "last_seen", zone)] if key == "progress" else [text]


def _in_words(row: CandidateRow, key: str, words: dict[str, dict[str, str]]) -> str | None:
    """Text of the columns that are shown in words; None for those that are shown as they are."""
    own = words["export"]
    held: dict[str, list[str]] = {
        "submission": [own["submitted"]] * row.submitted_once + [own["was_offline"]] * row.ever_offline,
        "status": [words["status"]["online" if row.online else "offline"]],
        "progress": [words["progress"][row.progress]],
        "warnings": [words["warning"][one] for one in row.warnings],
        "id_check": [own["checked"]] * row.id_checked,
        "attendance": [words["attendance"][row.attendance]] if row.attendance else [],
    }
    return "; ".join(held[key]) if key in held else None


def _text(row: CandidateRow, field: str, zone: ZoneInfo) -> str:
    value = getattr(row, field)
    if value is None:
        return ""
    if field in MOMENTS:
        return moment_of_minute(value).astimezone(zone).isoformat(timespec="minutes")
    return str(value)
