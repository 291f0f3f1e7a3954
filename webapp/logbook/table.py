"""The log as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext

from webapp.logbook.words import action_label, role_label, summary
from webapp.web.csv_download import Pieces, harmless

LINES_AT_ONCE = 200


def as_csv(rows: Iterable[Any], zone: ZoneInfo) -> Pieces:
    """The rows of `reading.all_rows()` as pieces of CSV text; times are local to `zone`, with their offset."""
    heading = (
        gettext("Entry"), gettext("Time"), gettext("Who"), gettext("Role"), gettext("Action"), gettext("What"),
        gettext("Message"), gettext("Candidate ID"), gettext("Name"), gettext("Test"), gettext("Room"),
    )  # fmt: skip
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(heading)
    number, told = None, ["", ""]
    for index, row in enumerate(rows, 1):
        if row.id != number:
            detail = json.loads(row.detail)
            number, told = row.id, [summary(row.action, detail), detail.get("body", "")]
        time = row.at.astimezone(zone).isoformat(sep=" ", timespec="seconds")
        who = [row.actor_name, role_label(row.actor_role), action_label(row.action), *told]
        writer.writerow([row.id, time, *map(harmless, [*who, *row[6:]])])
        if index % LINES_AT_ONCE == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
