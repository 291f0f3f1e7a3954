"""Exports the answers of a test: one archive for those who grade it.

It holds `candidates/<candidate ID>.txt` (one for each candidacy), `answers.csv`, `log.jsonl` (the log entries about the
test) and `manifest.json`. Everything is read from one snapshot and written while it is read: memory does not grow with
the number of candidates.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.exams.archive import new_archive
from webapp.logbook.reading import ROW_COLUMNS
from webapp.models import Answer, Candidacy, LogEntry, LogSubject, Question, Test, User
from webapp.models.status import own_end, progress, sitting
from webapp.text.normalization import BYTE_ORDER_MARK
from webapp.web.csv_download import csv_text

ROWS_AT_ONCE = 50
"""Answers may have 100,000 characters each."""
RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that no file can have on Windows."""
CANDIDACY_COLUMNS: tuple[Any, ...] = (
    Candidacy.number.label("candidate_id"),
    User.name,
    Candidacy.group_name.label("group"),
    Candidacy.room,
    Candidacy.building,
    Candidacy.seat,
    Candidacy.question_set,
    progress().label("state"),
    Candidacy.started_at.label("started"),
    Candidacy.submitted_at.label("submitted"),
    own_end().label("own_end"),
)
ANSWER_COLUMNS: tuple[Any, ...] = (
    Question.position.label("question"),
    Question.prompt,
    Answer.text.label("answer"),
    Answer.saved_at.label("saved"),
    func.length(Answer.text).label("characters"),
)
COLUMNS = [column.key for column in (*CANDIDACY_COLUMNS, *ANSWER_COLUMNS)]


def export_test(session: Session, test_id: int, path: Path, *, now: datetime, zone: ZoneInfo) -> dict[str, int]:
    """Write the archive of a test to `path`, and count what is in it; times are local to `zone`, with their offset.

    Raises `ExportNotWritten`. Then no file is left, and one that was there is unchanged.
    """
    read_snapshot(session)
    test = session.get_one(Test, test_id)
    counts = {"candidacies": 0, "candidacies_with_answers": 0}
    with new_archive(path, now.astimezone(zone)) as archive:
        names: set[str] = set()
        for _, group in groupby(_answers(session, test_id), key=lambda row: row.id):
            rows = list(group)
            name = file_name(rows[0].candidate_id, rows[0].id, names)
            archive.write(f"candidates/{name}.txt", _answer_sheet(test, rows, zone))
            counts["candidacies"] += 1
            counts["candidacies_with_answers"] += any(row.answer is not None for row in rows)
        archive.write("answers.csv", _csv_lines(_answers(session, test_id), zone))
        counts["log_entries"] = archive.write("log.jsonl", _log_lines(session, test_id))
        archive.write_manifest(
            {
                "form": "examhall-export-1",
                "test": test.title,
                "date": f"{test.start_date}",
                "starts_at": _cell(test.starts_at, zone),
                "ends_at": _cell(test.ends_at, zone),
                "closed_at": _cell(test.closed_at, zone),
                "exported_at": _cell(now, zone),
                **counts,
            }
        )
    session.rollback()
    return counts


def _answers(session: Session, test_id: int) -> Iterator[Any]:
    """A row per candidacy and question, in the order of candidate IDs; without questions one per candidacy."""
    query = (
        select(Candidacy.id, *CANDIDACY_COLUMNS, *ANSWER_COLUMNS)
        .select_from(sitting())
        .outerjoin(Question, Question.test_id == Candidacy.test_id)
        .outerjoin(Answer, and_(Answer.candidacy_id == Candidacy.id, Answer.question_id == Question.id))
        .where(Candidacy.test_id == test_id)
        .order_by(Candidacy.sort_number, Candidacy.number, Candidacy.id, Question.position)
    )
    yield from session.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})


def file_name(number: str, candidacy_id: int, names: set[str]) -> str:
    """A file name for a candidate that every system can store: the candidate ID where possible.

    `names` are the names in use, case-folded; the new one is added.
    """
    name = re.sub(r"[^\w.-]", "_", unicodedata.normalize("NFC", number)).strip(".") or "_"
    if name != number or RESERVED_NAMES.fullmatch(name):
        name = f"{name}-{candidacy_id}"
    while name.casefold() in names:
        name = f"{name}-{candidacy_id}"
    names.add(name.casefold())
    return name


def _answer_sheet(test: Test, rows: Sequence[Any], zone: ZoneInfo) -> Iterator[str]:
    """The text file of one candidate: who they are, then each question with its answer."""
    yield f"Test: {test.title} ({test.start_date})\n"
    for column in CANDIDACY_COLUMNS:
        if value := _cell(getattr(rows[0], column.key), zone):
            yield f"{column.key.replace('_', ' ').capitalize().replace(' id', ' ID')}: {value}\n"
    for row in rows:
        if row.question is None:
            continue
        yield f"\n--- Question {row.question} ---\n"
        if row.prompt:
            yield f"{row.prompt}\n"
        if row.answer is None:
            yield "--- No answer ---\n"
        else:
            # the length tells where an answer ends that looks like one of these lines
            yield f"--- Answer, {row.characters} characters, saved {_cell(row.saved, zone)} ---\n{row.answer}\n"


def _csv_lines(rows: Iterable[Any], zone: ZoneInfo) -> Iterator[str]:
    yield BYTE_ORDER_MARK + csv_text([COLUMNS])
    for row in rows:
        yield csv_text([[_cell(value, zone) for value in row[1:]]])


def _log_lines(session: Session, test_id: int) -> Iterator[str]:
    """One JSON object per log entry, oldest first, with those of its candidates who sit this test."""
    query = (
        select(*ROW_COLUMNS, LogEntry.hash)
        .join(LogSubject, LogSubject.entry_id == LogEntry.id)
        .where(LogSubject.test_id == test_id)
        .order_by(LogEntry.id, LogSubject.candidacy_id)
    )
    rows = session.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    for _, group in groupby(rows, key=lambda row: row.id):
        subjects = list(group)
        first = subjects[0]
        entry = {
            "entry": first.id,
            "at": first.at.isoformat(),
            "who": first.actor_name,
            "role": first.actor_role,
            "action": first.action,
            "detail": json.loads(first.detail),
            "hash": first.hash,
            "candidates": [{"candidate_id": row.number, "name": row.name, "room": row.room} for row in subjects],
        }
        yield json.dumps(entry, ensure_ascii=False) + "\n"


def _cell(value: Any, zone: ZoneInfo) -> Any:
    """A value as files show it: moments in local time with their offset, nothing for None."""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    return "" if value is None else value
