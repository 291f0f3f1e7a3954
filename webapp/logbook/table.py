"""The log as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext

from webapp.logbook.words import action_label, role_label, summary

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as something else."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
LINES_AT_ONCE = 200


def defused(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what could begin one."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def as_csv(rows: Iterable[Any], zone: ZoneInfo) -> Iterator[str]:
    """The rows of `reading.all_rows()` as pieces of CSV text; times are local to `zone`, with their offset."""
    heading = (
        gettext("Entry"), gettext("Time"), gettext("Who"), gettext("Role"), gettext("Action"), gettext("What"),
        gettext("Message"), gettext("Candidate ID"), gettext("Name"), gettext("Test"), gettext("Room"),
    )  # fmt: skip
    buffer = io.StringIO(BYTE_ORDER_MARK)
    buffer.seek(0, io.SEEK_END)
    writer = csv.writer(buffer)
    writer.writerow(heading)
    number, told = None, ["", ""]
    for index, row in enumerate(rows, 1):
        if row.id != number:
            detail = json.loads(row.detail)
            number, told = row.id, [summary(row.action, detail), detail.get("body", "")]
        time = row.at.astimezone(zone).isoformat(sep=" ", timespec="seconds")
        who = [row.actor_name, role_label(row.actor_role), action_label(row.action), *told]
        writer.writerow([row.id, time, *map(defused, [*who, *row[6:]])])
        if index % LINES_AT_ONCE == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
